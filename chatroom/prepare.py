"""What every front end starts from: settings, language, profile, and which server."""

import argparse
import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatroom.client.address import Address, AddressError, invited_to, parse_address
from chatroom.client.errors import ClientError
from chatroom.client.profile import Profile
from chatroom.common.inert import one_line
from chatroom.common.names import NameProblem, check_nick, check_room
from chatroom.common.texts import Texts
from chatroom.config import ConfigError, Settings, load_settings
from chatroom.home import Home, HomeError, find_home
from chatroom.languages import load_texts
from chatroom.protocol.invitation import SCHEME, Invitation, InvitationError, parse_invitation


class LaunchError(Exception):
    """Nothing can be started; the text says why.

    Attributes:
        code: The exit code.
    """

    def __init__(self, sentence: str, code: int = 2) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """Which server, and what opens its door.

    Attributes:
        address: None for this user's server on this machine.
        pin, secret, room: From an invitation; may be empty.
        is_given: Somebody named the address just now.
    """

    address: Address | None
    pin: str = ""
    secret: str = ""
    room: str = ""
    is_given: bool = False


@dataclass(frozen=True, slots=True)
class Launching:
    """Everything that a front end starts from."""

    options: argparse.Namespace
    settings: Settings
    texts: Texts
    home: Home
    profile: Profile
    target: Target
    nick: str
    room: str


def prepare(options: argparse.Namespace, environ: Mapping[str, str]) -> Launching:
    """Read settings, open the profile, and choose the server.

    Raises:
        LaunchError: Something of it cannot be used.
    """
    home = find_home(environ)
    texts = load_texts(options.lang or environ.get("CHATROOM_LANG"), environ)
    try:
        settings = _settings(options, environ, home)
        texts = load_texts(settings.lang or None, environ)
        target = _target(options, settings)
        nick = check_nick(options.nick or settings.nick) if options.nick is not None or settings.nick else ""
        wanted = getattr(options, "room", "") or target.room
        room = check_room(wanted) if wanted and not wanted.startswith("=") else wanted
        folder = home.profile(options.profile or "")
    except (ConfigError, AddressError, NameProblem, HomeError) as error:
        raise LaunchError(error.told(texts)) from error
    except InvitationError as error:
        raise LaunchError(texts._(error.sentence).format(**error.args_by_name)) from error
    try:
        profile = Profile.open(folder)
        if target.address is None and not options.local:
            target = Target(profile.servers.last_address(), room=target.room)
    except ClientError as error:
        raise LaunchError(error.told(texts), 1) from error
    return Launching(options, settings, texts, home, profile, target, nick, room)


def _settings(options: argparse.Namespace, environ: Mapping[str, str], home: Home) -> Settings:
    given = {"HOST": options.address, "PORT": options.port, "LANG": options.lang}
    said = {key: str(value) for key, value in given.items() if value is not None}
    config = Path(options.config) if options.config else None
    return load_settings(said, environ, config, home.config / "client.conf")


def _target(options: argparse.Namespace, settings: Settings) -> Target:
    """An invitation goes before an address, that before settings; none of them leaves it open."""
    invitation = options.invitation or _invitation_for_room(options)
    if invitation:
        return _invited(parse_invitation(invitation))
    if options.local:
        return Target(None)
    by_option = options.address is not None or options.port is not None
    if settings.server and not by_option:
        if settings.server.startswith(f"{SCHEME}://"):
            return _invited(parse_invitation(settings.server))
        return Target(parse_address(settings.server), is_given=True)
    if by_option or settings.is_given("HOST") or settings.is_given("PORT"):
        return Target(Address(settings.host, settings.port), is_given=True)
    return Target(None)


def _invitation_for_room(options: argparse.Namespace) -> str:
    """Scripts take an invitation where they want a room."""
    room: str = getattr(options, "room", "") or ""
    if not room.startswith(f"{SCHEME}://"):
        return ""
    options.room = ""
    return room


def _invited(invitation: Invitation) -> Target:
    return Target(invited_to(invitation), invitation.pin, invitation.secret, invitation.room, is_given=True)


def log_folders(settings: Settings, home: Home) -> tuple[Path, ...]:
    """Where client.log may be; nowhere when nothing of the conversation is to be kept."""
    if not settings.log_conversation:
        return ()
    return (settings.log_dir,) if settings.log_dir is not None else home.logs


def fallback_nick(prepared: Launching) -> str:
    """The nick of somebody who said none: what `--as` names, else the login name."""
    try:
        return check_nick(prepared.options.profile or "")
    except NameProblem:
        return login_name()


def login_name() -> str:
    """What this machine calls its user, as a nick."""
    try:
        return check_nick(one_line(getpass.getuser()))
    except (KeyError, OSError, NameProblem):
        return "me"
