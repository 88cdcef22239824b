"""What a session is asked to be."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from chatroom.client.address import Address
from chatroom.client.trust import Trust

FindAgain = Callable[[bytes], Awaitable[Address | None]]
"""Finds where the server with a key is by now; None where that cannot be told. Raises LocalServerError."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a session connects.

    Attributes:
        nick: Taken at the login, even where the server knows another; empty for the one it knows.
        fallback_nick: Taken where the server knows none; before anybody is asked.
        secret, pin: From an invitation; may be empty.
        quiet: A script: nothing is announced, and no room is opened by itself.
        sends: Whether it may say something; else it claims no slot.
        reconnect: Whether it comes back after a cut.
        as_guest: Without a key, where the server admits that.
        create: The name of a room to make where there is none, before anything is sent; may be empty.
        wording: Sentences in place of the usual ones, by error code: a script has no slash commands.
        find_again: Asked where nobody answers any more.
        tls: None for TLS unless the address is this machine's.
    """

    trust: Trust
    nick: str = ""
    fallback_nick: str = ""
    secret: str = ""
    pin: str = ""
    quiet: bool = False
    sends: bool = True
    reconnect: bool = True
    as_guest: bool = False
    tls: bool | None = None
    create: str = ""
    wording: Mapping[str, str] | None = None
    find_again: FindAgain | None = None
