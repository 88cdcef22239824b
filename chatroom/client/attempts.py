"""Gets a link and gets it again: one attempt after the other until the session is over.

An attempt connects, learns the server's key, compares it with the one that is known, and only then says
anything of its user's. Where it fails, or its link is cut, the next one follows after a wait that grows.
"""

import asyncio
from dataclasses import replace
from typing import Final, Protocol

from chatroom import __version__
from chatroom.client.address import Address
from chatroom.client.disk import Disk
from chatroom.client.errors import (
    CannotConnect,
    ClientError,
    LocalServerError,
    LoginRefused,
    NoChatroom,
    NotTakenIn,
    NotTheServer,
    ServerKeyChanged,
    Silent,
    UnknownServer,
)
from chatroom.client.events import Connecting, Ended, NickRefused, Offline, SessionEvent
from chatroom.client.link import Link, LinkCut, open_link
from chatroom.client.login import NICK_CODES, Greeting, Identity, greet, log_in
from chatroom.client.options import Options
from chatroom.client.profile import Profile
from chatroom.client.tasks import Tasks
from chatroom.client.timing import Timing
from chatroom.client.trust import Vouching, check_key
from chatroom.common.texts import Texts
from chatroom.protocol import ErrorCode, auth
from chatroom.protocol.frames import Welcome
from chatroom.protocol.ids import DeviceId

_AGENT: Final = f"chatroom {__version__}"
_LIVED_S: Final = 10.0
"""A link that lived so long makes the next wait short again."""
_ANSWER_S: Final = 5.0
KEY_CHANGED: Final = "server-key-changed"
UNREACHABLE: Final = "unreachable"
CLOSED: Final = "closed"
UNKNOWN_SERVER: Final = "unknown-server"


class Host(Protocol):
    """What attempts need of their session."""

    @property
    def server_key(self) -> bytes | None:
        """The key of the server that the session belongs to, once it is known."""
        ...

    async def meet(self, server_key: bytes) -> None:
        """The server's key is known: everything of the session belongs to it from here on."""
        ...

    async def devices(self) -> list[DeviceId]:
        """The devices to log in with."""
        ...

    async def live(self, link: Link, welcome: Welcome, server_key: bytes) -> None:
        """Be online until the link is cut, which raises."""
        ...

    def tell(self, event: SessionEvent) -> None:
        """Tell the reader of the session's events."""
        ...

    @property
    def waiting(self) -> int:
        """How many messages wait in the outbox."""
        ...


class _Again(Exception):  # noqa: N818  # no error: what to do next
    """The next attempt follows at once."""


class Attempts:
    """The attempts of one session."""

    def __init__(
        self, address: Address, profile: Profile, options: Options, host: Host, texts: Texts, timing: Timing
    ) -> None:
        self._address = address
        self._profile = profile
        self._options = options
        self._host = host
        self._texts = texts
        self._timing = timing
        self._disk = Disk()
        self._tls = not address.is_loopback if options.tls is None else options.tls
        self._nick = options.nick
        self._number = 0
        self._online_since: float | None = None
        self._was_online = False
        self._hurry = asyncio.Event()
        self._nick_given = asyncio.Event()
        self._link: Link | None = None
        self._is_relogin = False

    async def run(self) -> ClientError:
        """Connect, again and again, until that makes no sense any more; returns why."""
        await self._meet_known()
        while True:
            self._number += 1
            self._host.tell(Connecting(self._number))
            try:
                await self._attempt()
            except _Again:
                continue
            except (LinkCut, CannotConnect) as error:
                if self._is_relogin:
                    continue
                if not self._options.reconnect:
                    return self._ended(error, UNREACHABLE if self._online_since is None else CLOSED)
                await self._wait_after(error)
            except NotTakenIn as error:
                if not self._options.reconnect or (self._options.quiet and not self._was_online):
                    return self._ended(error, error.code)
                await self._wait_after(error)
            except LoginRefused as error:
                if not await self._mend(error):
                    return self._ended(error, error.code)
            except ServerKeyChanged as error:
                return self._ended(error, KEY_CHANGED)
            except NotTheServer as error:
                return self._ended(error, ErrorCode.BAD_SIGNATURE)
            except UnknownServer as error:
                return self._ended(error, UNKNOWN_SERVER)
            except ClientError as error:
                return self._ended(error, ErrorCode.INTERNAL)

    def hurry(self) -> None:
        """Make the next attempt now, where one is waited for."""
        self._hurry.set()

    async def relogin(self) -> None:
        """Drop the link and log in again at once."""
        if self._link is not None:
            self._is_relogin = True
            await self._link.close()

    def login_again(self, nick: str) -> None:
        """Go on, with another nick, after `NickRefused`."""
        self._nick = nick
        self._nick_given.set()

    async def leave(self) -> None:
        """End the link that is up, politely."""
        if self._link is not None:
            await self._link.close(politely=True)

    async def close(self) -> None:
        """End for good; `run` must be over."""
        await self._disk.close()

    async def _meet_known(self) -> None:
        """What is kept for a server that is known can be read, and said, before it answers."""
        known = await self._disk.run(self._profile.servers.key_of, self._address)
        if known is not None and (not self._options.pin or self._options.pin == auth.pin(known)):
            await self._host.meet(known)

    async def _attempt(self) -> None:
        self._online_since = None
        self._is_relogin = False
        self._link = link = await self._open()
        try:
            greeting, welcome = await self._enter(link)
            self._online_since = self._timing.now()
            self._was_online = True
            self._nick = ""
            await self._host.live(link, welcome, greeting.server_key)
        finally:
            self._link = None
            await link.close()

    async def _open(self) -> Link:
        """Open a link to where the server is, or to where it is by now."""
        try:
            return await self._open_at(self._address)
        except CannotConnect as error:
            address = await self._found_again(error)
            if address is None:
                raise
            link = await self._open_at(address)
            self._address = address
            return link

    async def _open_at(self, address: Address) -> Link:
        return await open_link(address, tls=self._tls, timing=self._timing, texts=self._texts)

    async def _found_again(self, failed: CannotConnect) -> Address | None:
        key = self._host.server_key
        if self._options.find_again is None or key is None:
            return None
        try:
            return await self._options.find_again(key)
        except LocalServerError as error:
            raise CannotConnect(error.told(self._texts)) from failed

    async def _enter(self, link: Link) -> tuple[Greeting, Welcome]:
        greeting = await greet(link, self._texts, agent=_AGENT)
        key = greeting.server_key
        known = self._host.server_key
        if known is None:
            await self._get_to_know(key)
        else:
            await check_key(Vouching(self._address, self._options.trust, known=known), key, self._texts)
        identity = await self._identity(key)
        welcome = await log_in(link, greeting, identity, await self._host.devices(), self._texts)
        await self._remember(key, welcome)
        return greeting, welcome

    async def _get_to_know(self, key: bytes) -> None:
        began = self._timing.now()
        await check_key(Vouching(self._address, self._options.trust, self._options.pin), key, self._texts)
        await self._disk.run(self._profile.servers.trust, self._address, key)
        await self._host.meet(key)
        if self._timing.now() - began > _ANSWER_S:
            raise _Again  # somebody was asked; the server waits for no login that long

    async def _identity(self, key: bytes) -> Identity:
        options = self._options
        identity = Identity(self._profile, self._nick, options.secret, quiet=options.quiet)
        if not options.as_guest:
            return identity
        token = await self._disk.run(self._profile.servers.guest_token, key)
        nick = self._nick or await self._disk.run(self._profile.servers.nick_at, key)
        return replace(identity, profile=None, token=token, nick=nick or options.fallback_nick)

    async def _remember(self, key: bytes, welcome: Welcome) -> None:
        await self._disk.run(
            self._profile.servers.remember,
            key,
            address=None if self._options.quiet else self._address,
            nick=welcome.nick,
            guest_token=welcome.token or None,
        )

    async def _mend(self, refused: LoginRefused) -> bool:
        """Do what lets the next attempt in; False when there is nothing."""
        if refused.code == ErrorCode.TLS_REQUIRED and not self._tls:
            self._tls = True
            return True
        if refused.code not in NICK_CODES:
            return False
        if refused.code == ErrorCode.NICK_NEEDED and not self._nick and (nick := await self._other_nick()):
            self._nick = nick
            return True
        if self._options.quiet:
            return False
        self._nick_given.clear()
        self._host.tell(NickRefused(refused.code, str(refused), self._nick))
        await self._nick_given.wait()
        return True

    async def _other_nick(self) -> str:
        key = self._host.server_key
        known = await self._disk.run(self._profile.servers.nick_at, key) if key else ""
        return known or self._options.fallback_nick

    async def _wait_after(self, error: LinkCut | CannotConnect | NotTakenIn) -> None:
        if self._online_since is not None and self._timing.now() - self._online_since > _LIVED_S:
            self._number = 0
        back_in_s = error.back_in_s if isinstance(error, LinkCut) else 0.0
        restarting = isinstance(error, LinkCut) and error.restarting
        wait_s = self._timing.backoff_s(max(1, self._number))
        if back_in_s > 0:
            wait_s = self._timing.return_s(back_in_s)
        is_no_chatroom = isinstance(error, NoChatroom)
        is_refused = isinstance(error, NotTakenIn) and not self._was_online
        self._host.tell(
            Offline(
                str(error),
                wait_s,
                self._number + 1,
                self._host.waiting,
                restarting,
                is_no_chatroom,
                is_refused,
                isinstance(error, Silent),
            )
        )
        await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        """Wait, unless somebody is in a hurry."""
        self._hurry.clear()
        async with Tasks("pause") as tasks:
            tasks.start(self._hurry_after(wait_s), name="sleep")
            await self._hurry.wait()

    async def _hurry_after(self, wait_s: float) -> None:
        await self._timing.sleep(wait_s)
        self._hurry.set()

    def _ended(self, error: ClientError, code: str) -> ClientError:
        self._host.tell(Ended(code, error.reason(self._texts), error.mend))
        return error
