"""Whether a server may be spoken to: by its pin, by what is known, or by asking."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from chatroom.client.address import Address
from chatroom.client.errors import ServerKeyChanged, UnknownServer
from chatroom.common.texts import Texts
from chatroom.protocol import auth

Question = Callable[[Address, str], Awaitable[bool]]
"""Asks a person whether the server at an address, with this fingerprint, is the one that is meant."""

Own = Callable[[bytes], Awaitable[bool]]
"""Tells whether the server with this key is the user's own, on this machine."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What to do about a server that nobody has vouched for.

    `Trust.ASK(question)` asks a person, but not about a server of this machine that is `own`.
    `Trust.PIN_IF_LOCAL` takes a loopback address that was given for consent (scripts), `Trust.NEVER` lets
    none pass.
    """

    local: bool = False
    question: Question | None = None
    own: Own | None = None

    NEVER: ClassVar["Trust"]
    PIN_IF_LOCAL: ClassVar["Trust"]

    @staticmethod
    def ASK(question: Question, own: Own | None = None) -> "Trust":  # noqa: N802  # reads like its siblings
        """Ask a person."""
        return Trust(question=question, own=own)


Trust.NEVER = Trust()
Trust.PIN_IF_LOCAL = Trust(local=True)


def own_server(runtime: Path) -> Own:
    """What knows the servers that this user runs on this machine by their keys."""

    async def is_own(server_key: bytes) -> bool:
        from chatroom.client.local_server import runs_with_key

        return await asyncio.to_thread(runs_with_key, runtime, server_key)

    return is_own


@dataclass(frozen=True, slots=True)
class Vouching:
    """Who vouches for the server at an address.

    Attributes:
        pin: From an invitation, or from the file of a server on this machine; may be empty.
        known: The key that answered there before.
    """

    address: Address
    trust: Trust
    pin: str = ""
    known: bytes | None = None


async def check_key(vouching: Vouching, shown: bytes, texts: Texts) -> None:
    """Return when the server with this key may be spoken to.

    Raises:
        ServerKeyChanged: Another one is known.
        UnknownServer: Nobody knows it.
    """
    if vouching.pin:
        if not hmac.compare_digest(vouching.pin.encode(), auth.pin(shown).encode()):
            raise _changed(vouching.pin, auth.pin(shown), texts)
    elif vouching.known is not None:
        if vouching.known != shown:
            raise _changed(auth.fingerprint(vouching.known), auth.fingerprint(shown), texts)
    elif not await _is_accepted(vouching, shown):
        raise _unknown(vouching.address, shown, texts)


async def _is_accepted(vouching: Vouching, shown: bytes) -> bool:
    trust, address = vouching.trust, vouching.address
    if address.is_loopback and (trust.local or (trust.own is not None and await trust.own(shown))):
        return True
    return trust.question is not None and await trust.question(address, auth.fingerprint(shown))


def _changed(known: str, shown: str, texts: Texts) -> ServerKeyChanged:
    sentence = texts._(
        "Another server answers there than before; nothing was sent. Known key: {known}. Key shown: {shown}."
    ).format(known=known, shown=shown)
    mend = texts._(
        "If its owner confirms the new key, open it with an invitation that holds it: chatroom INVITATION"
    )
    return ServerKeyChanged(sentence, known, shown, mend)


def _unknown(address: Address, shown: bytes, texts: Texts) -> UnknownServer:
    sentence = texts._("Nobody has vouched for the server at {address} yet (key {key}).").format(
        address=address, key=auth.fingerprint(shown)
    )
    mend = texts._("If its owner confirms the key: chatroom 'chatroom://{address}/?pin={pin}'").format(
        address=address, pin=auth.pin(shown)
    )
    return UnknownServer(sentence, mend)
