"""The server's settings: one table of keys, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, cast

from chatroom.common import settings as read
from chatroom.common.keyvalue import Entry, SettingsError, parse_all
from chatroom.common.names import check_room
from chatroom.common.places import COURSE_LOGS, own_home
from chatroom.common.texts import Sentence, Tellable

RESTART_S_MAX: Final = 3600.0
KEYS: Final = (
    read.Key("HOST", "127.0.0.1", read.host_name, "Address to listen on; 0.0.0.0 or :: serves the network.", option="--address"),
    read.Key("PORT", "9999", read.whole(0, 65535), "TCP port; 0 takes a free one."),
    read.Key("DATA", "", read.text, "Folder of the journal, the rooms and the server's key; empty: the user's data folder."),
    read.Key("DEFAULT_ROOM", "general", check_room, "The room that exists from the start."),
    read.Key("HISTORY_FLUSH_S", "5", read.seconds(0.05, 3600), "Seconds between two writes of the rooms' files.", reloads=True),
    read.Key("FSYNC", "yes", read.yes_no, "no leaves it to the system when messages reach the disk: a power cut can lose some."),
    read.Key("GUESTS", "no", read.yes_no, "Admit users without a key: a class, a kiosk, a benchmark.", reloads=True),
    read.Key("OPEN", "no", read.yes_no, "Let newcomers from other machines in without an invitation.", reloads=True),
    read.Key("PUBLIC", "", read.host_ports, "host:port under which others reach this server; named in invitations. Several with commas.", reloads=True),
    read.Key("LOCAL_PEERS", "127.0.0.0/8,::1", read.networks, "Peers that count as this machine: no TLS, no invitation needed."),
    read.Key("BURST", "1000", read.whole(0, 10**9), "Messages that a user may send at once; 0: no limit.", reloads=True),
    read.Key("RATE", "100", read.whole(0, 10**9), "Messages a second that a user may send after that; 0: no limit.", reloads=True),
    read.Key("MAX_LINKS", "10000", read.whole(1, 10**6), "Links at the same time.", reloads=True),
    read.Key("MAX_LINKS_PER_ADDRESS", "256", read.whole(1, 10**6), "Links from one address that is not local.", reloads=True),
    read.Key("MAX_ROOMS", "10000", read.whole(1, 10**6), "Rooms, direct conversations not counted.", reloads=True),
    read.Key("MAX_USERS", "100000", read.whole(1, 10**7), "Users that the server keeps.", reloads=True),
    read.Key("TEXT_PORT", "", read.optional(read.whole(0, 65535)), "TCP port of the plain-text door, for netcat, telnet and own clients; 0 takes a free one, empty: there is none."),
    read.Key("TEXT_HOST", "127.0.0.1", read.host_name, "Address of the plain-text door. It is neither encrypted nor authenticated.", option="--text-address"),
    read.Key("TEXT_HISTORY", "20", read.whole(0, 512), "Messages that who comes in by the plain-text door is shown.", reloads=True),
    read.Key("RESTART_S", "5", read.seconds(0, RESTART_S_MAX), "After SIGTERM clients are told that the server is back in so many seconds; 0: that it stops.", reloads=True),
    read.Key("LOG_DIR", "", read.text, f"Folder of server.log; empty: {COURSE_LOGS} where that can be written, else the user's log folder."),
    read.Key("LOG_CONVERSATION", "yes", read.yes_no, "no keeps what people say out of server.log.", reloads=True),
    read.Key("LANG", "", read.choice("", "en", "fr"), "Language of the server's sentences; empty: the locale's."),
)  # fmt: skip
_NAMES: Final = tuple(key.name for key in KEYS)


class ConfigError(SettingsError):
    """The settings cannot be used; for each a line of the text says which, where, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The server's settings; see `KEYS` for their meaning.

    Attributes:
        values: Each with its origin, for `--check`.
        data_given: The data folder was named, and draws the logs to itself.
    """

    host: str
    port: int
    data: Path
    default_room: str
    history_flush_s: float
    fsync: bool
    guests: bool
    open: bool
    public: tuple[tuple[str, int], ...]
    local_peers: tuple[IPv4Network | IPv6Network, ...]
    burst: int
    rate: int
    max_links: int
    max_links_per_address: int
    max_rooms: int
    max_users: int
    text_port: int | None
    text_host: str
    text_history: int
    restart_s: float
    log_dir: Path | None
    log_conversation: bool
    lang: str
    data_given: bool
    values: Mapping[str, read.Value]


def load_settings(
    options: Mapping[str, str], environ: Mapping[str, str], config: Path | None = None
) -> Settings:
    """Read the settings.

    Args:
        options: What the command line said, by key.
        config: The file named by `--config`.

    Raises:
        ConfigError: They cannot be used.
    """
    entries, problems = _read_file(config) if config is not None else ([], [])
    try:
        values = read.gather(KEYS, options=options, environ=environ, entries=entries)
    except SettingsError as error:
        raise ConfigError(*problems, *error.problems) from error
    if problems:
        raise ConfigError(*problems)
    return _settings(values, environ)


def _read_file(path: Path) -> tuple[list[Entry], list[Tellable]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(Sentence("{path}: this is no text in UTF-8", path=path)) from error
    except OSError as error:
        raise ConfigError(
            Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror)
        ) from error
    return parse_all(text, path.name, _NAMES)


def _settings(values: dict[str, read.Value], environ: Mapping[str, str]) -> Settings:
    fields = {name.lower(): value.value for name, value in values.items()}
    data, log_dir = cast("str", fields.pop("data")), cast("str", fields.pop("log_dir"))
    folder = Path(data).expanduser() if data else _data_folder(environ)
    values["DATA"] = replace(values["DATA"], value=folder, text=str(folder))
    _check_text_door(values)
    return Settings(
        data=folder,
        log_dir=Path(log_dir).expanduser() if log_dir else None,
        data_given=bool(data),
        values=values,
        **fields,  # type: ignore[arg-type]  # the table of keys gives each field its type
    )


def _check_text_door(values: Mapping[str, read.Value]) -> None:
    port, text_port, text_host = (values[name] for name in ("PORT", "TEXT_PORT", "TEXT_HOST"))
    if text_port.value is None and text_host.origin == "option":
        raise ConfigError(Sentence("--text-address opens nothing by itself; give --text-port, too"))
    if text_port.value and text_port.value == port.value:
        clash = Sentence("this is PORT, too; choose another")
        raise ConfigError(read.told_of(text_port.written, clash))


def _data_folder(environ: Mapping[str, str]) -> Path:
    if home := own_home(environ):
        return Path(home).expanduser() / "server"
    from platformdirs import user_data_path

    return user_data_path("chatroom", appauthor=False) / "server"


def log_folders(settings: Settings, environ: Mapping[str, str]) -> list[Path]:
    """The folders in which server.log may be, the first that can be written wins.

    `--data` and `CHATROOM_HOME` draw the log to themselves, so that two servers never share it.
    """
    if settings.log_dir is not None:
        return [settings.log_dir]
    if settings.data_given or own_home(environ):
        return [settings.data / "log"]
    from platformdirs import user_log_path

    return [Path(COURSE_LOGS), user_log_path("chatroom", appauthor=False)]


def reloaded(settings: Settings, read_again: Settings) -> tuple[Settings, list[str], list[str]]:
    """What a server that runs makes of its settings, read again.

    Returns:
        Those that are in force then; the keys that changed; and those that differ, but need a restart.
    """
    differing = [key for key in KEYS if settings.values[key.name].value != read_again.values[key.name].value]
    changed = [key.name for key in differing if key.reloads]
    values = dict(settings.values) | {name: read_again.values[name] for name in changed}
    fields = {name.lower(): values[name].value for name in changed}
    in_force = replace(settings, values=values, **fields)  # type: ignore[arg-type]  # as in `_settings`
    return in_force, changed, [key.name for key in differing if not key.reloads]


def check_lines(settings: Settings) -> list[str]:
    """What `--check` prints."""
    return read.check_lines(settings.values)
