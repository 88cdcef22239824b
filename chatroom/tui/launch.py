"""How the full screen is started: what to give it, and what it says on leaving."""

from dataclasses import dataclass
from pathlib import Path

from chatroom.client.address import Address
from chatroom.client.profile import Profile
from chatroom.common.texts import Texts
from chatroom.config import Settings
from chatroom.home import Home


@dataclass(frozen=True, slots=True)
class Launch:
    """All that the full screen has to know.

    Attributes:
        address: Where the server is; None for this user's server on this machine, started if need be.
        secret, pin: From an invitation; may be empty.
        nick: Asked for on the command line; empty for the one the server knows, or a question.
        room: To open first; empty for the last one, or a question.
        may_start: The address was not named but is the last one used: where it is on this machine and nobody
            answers, this user's server is started.
        reconnect: False: quit when the server goes away.
        log_folders: Where client.log may be, the first that can be written; empty for no log.
    """

    settings: Settings
    texts: Texts
    home: Home
    profile: Profile
    address: Address | None = None
    secret: str = ""
    pin: str = ""
    nick: str = ""
    room: str = ""
    may_start: bool = False
    reconnect: bool = True
    log_folders: tuple[Path, ...] = ()
