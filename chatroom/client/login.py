"""From the first frame to the welcome: learns who the server is, and only then says who we are."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from chatroom.client.errors import CannotConnect, LoginRefused, NotTakenIn, NotTheServer, Silent
from chatroom.client.link import Link, LinkCut
from chatroom.client.profile import Profile
from chatroom.client.sentences import explain
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode, auth
from chatroom.protocol.frames import AnyFrame, Failed, Goodbye, Hello, Login, ServerHello, Welcome
from chatroom.protocol.ids import DeviceId
from chatroom.protocol.limits import HANDSHAKE_TIMEOUT_S, VERSION_MAX, VERSION_MIN

T = TypeVar("T", ServerHello, Welcome)

NICK_CODES: Final = frozenset({ErrorCode.NICK_TAKEN, ErrorCode.NICK_INVALID, ErrorCode.NICK_NEEDED})
"""Refusals that another nick mends."""
_FINAL_CODES: Final = NICK_CODES | {
    ErrorCode.VERSION,
    ErrorCode.TLS_REQUIRED,
    ErrorCode.BAD_SIGNATURE,
    ErrorCode.INVITATION_NEEDED,
    ErrorCode.INVITATION_WRONG,
    ErrorCode.NO_GUESTS,
    ErrorCode.TOO_MANY_DEVICES,
}
"""Refusals that trying again does not mend."""
_REASON_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Greeting:
    """What both ends have said before the login.

    Attributes:
        nonce: The client's.
        server_key: The server's key, as the client sees it: under TLS the one in the certificate.
    """

    nonce: bytes
    hello: ServerHello
    server_key: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Who comes in.

    Attributes:
        profile: None for a guest.
        token: Makes a guest the same guest again.
        secret: An invitation's, or empty.
    """

    profile: Profile | None
    nick: str
    secret: str = ""
    token: bytes = b""
    quiet: bool = False


async def greet(link: Link, texts: Texts, *, agent: str) -> Greeting:
    """Exchange hellos; the server has then shown that it holds its key.

    Raises:
        NotTheServer: It could not show that.
        LoginRefused: It does not speak to us at all.
        Silent: Nothing is said; that is no proof of what it is.
        NoChatroom, LinkCut: What answers is of no use.
    """
    nonce = secrets.token_bytes(32)
    link.send(Hello(versions=(VERSION_MIN, VERSION_MAX), nonce=nonce, agent=agent))
    silent = Silent(texts._("the server does not answer"))
    hello = await _answer(link, ServerHello, silent, texts)
    if not VERSION_MIN <= hello.version <= VERSION_MAX:
        raise LinkCut(texts._("the server sent what cannot be read"))
    transcript = auth.server_transcript(hello.version, nonce, hello.nonce)
    is_same = link.tls_key in (None, hello.key)
    if not is_same or not auth.is_signed(hello.key, hello.signature, transcript):
        raise NotTheServer(
            texts._("What answers there cannot prove that it holds the server's key; nothing was sent to it.")
        )
    return Greeting(nonce, hello, hello.key)


async def log_in(
    link: Link, greeting: Greeting, identity: Identity, devices: Sequence[DeviceId], texts: Texts
) -> Welcome:
    """Say who we are.

    Raises:
        LoginRefused: The server does not let us in.
        CannotConnect: It does not answer.
        LinkCut: The link ended before it answered.
    """
    link.send(_login(greeting, identity, devices))
    silent = CannotConnect(texts._("the server no longer answers"))
    return await _answer(link, Welcome, silent, texts)


def _login(greeting: Greeting, identity: Identity, devices: Sequence[DeviceId]) -> Login:
    hello, profile = greeting.hello, identity.profile
    if profile is None:
        return Login(nick=identity.nick, devices=list(devices), quiet=identity.quiet, token=identity.token)
    transcript = auth.login_transcript(
        hello.version, greeting.nonce, hello.nonce, greeting.server_key, identity.nick, devices
    )
    proof = b""
    if identity.secret:
        secret = identity.secret.encode()
        proof = auth.invitation_proof(secret, greeting.nonce, hello.nonce, profile.public_key)
    return Login(
        nick=identity.nick,
        key=profile.public_key,
        signature=profile.sign(transcript),
        proof=proof,
        devices=list(devices),
        quiet=identity.quiet,
    )


async def _answer(link: Link, wanted: type[T], silent: CannotConnect, texts: Texts) -> T:
    """The frame that has to come now; `silent` is raised where none does."""
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            frame = (await link.receive_one()).frame
    except TimeoutError as error:
        raise silent from error
    if isinstance(frame, wanted):
        return frame
    raise _refusal(frame, texts)


def _refusal(frame: AnyFrame, texts: Texts) -> LoginRefused | LinkCut:
    if isinstance(frame, Failed) and frame.code == ErrorCode.NOT_STORED:
        sentence = texts._("the server cannot take in anybody new at present ({reason})")
        reason = one_line(str(frame.args.get("reason", frame.code)))[:_REASON_MAX]
        return NotTakenIn(frame.code, sentence.format(reason=reason))
    if isinstance(frame, Goodbye):
        return goodbye(frame, texts)
    if not isinstance(frame, Failed):
        return LinkCut(texts._("the server sent what cannot be read"))
    sentence = explain(texts, frame.code, frame.text, frame.args)
    return LoginRefused(frame.code, sentence) if frame.code in _FINAL_CODES else LinkCut(sentence)


def goodbye(frame: Goodbye, texts: Texts) -> LinkCut:
    """The end of a link that the server announced."""
    sentence = explain(texts, frame.code, frame.text, {})
    return LinkCut(sentence, back_in_s=frame.back_in_s, restarting=frame.code == ErrorCode.RESTARTING)
