"""The client's settings: one table of keys, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from chatroom.common import settings as read
from chatroom.common.keyvalue import Entry, SettingsError, parse
from chatroom.common.names import check_nick
from chatroom.common.places import COURSE_LOGS
from chatroom.common.texts import Sentence

KEYS: Final = (
    read.Key("HOST", "127.0.0.1", read.host_name, "The server's name or address.", option="--address"),
    read.Key("PORT", "9999", read.whole(1, 65535), "The server's TCP port."),
    read.Key("SERVER", "", read.text, "host:port or an invitation; goes before HOST and PORT."),
    read.Key("NICK", "", read.unless_empty(check_nick), "The name others see; empty: asked for the first time."),
    read.Key("LANG", "", read.choice("", "en", "fr"), "en or fr; empty: the locale's."),
    read.Key("BELL", "yes", read.yes_no, "Ring the terminal's bell when one is meant, or written to alone."),
    read.Key("THEME", "", read.text, "A theme of the full screen; Ctrl+P lists them."),
    read.Key("LOG_DIR", "", read.text, f"Folder of client.log; empty: {COURSE_LOGS} where that can be written, else the user's log folder."),
    read.Key("LOG_CONVERSATION", "yes", read.yes_no, "no keeps what people say out of client.log."),
)  # fmt: skip
_NAMES: Final = tuple(key.name for key in KEYS)


class ConfigError(SettingsError):
    """The settings cannot be used; the text says which, where, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The client's settings; see `KEYS` for their meaning.

    Attributes:
        values: Each with its origin.
    """

    host: str
    port: int
    server: str
    nick: str
    lang: str
    bell: bool
    theme: str
    log_dir: Path | None
    log_conversation: bool
    values: Mapping[str, read.Value]

    def is_given(self, key: str) -> bool:
        """Whether somebody said it: it is not the default."""
        return self.values[key].origin != read.DEFAULT_ORIGIN


def load_settings(
    options: Mapping[str, str], environ: Mapping[str, str], config: Path | None, usual: Path
) -> Settings:
    """Read the settings.

    Args:
        options: What the command line said, by key.
        config: The file named by `--config`, which must be there.
        usual: The file that is read where none is named, and may be missing.

    Raises:
        ConfigError: They cannot be used.
    """
    try:
        entries = _read_file(config or usual, is_needed=config is not None)
        values = read.gather(KEYS, options=options, environ=environ, entries=entries)
    except ConfigError:
        raise
    except SettingsError as error:
        raise ConfigError(*error.problems) from error
    fields = {name.lower(): value.value for name, value in values.items()}
    log_dir = cast("str", fields.pop("log_dir"))
    return Settings(
        log_dir=Path(log_dir).expanduser() if log_dir else None,
        values=values,
        **fields,  # type: ignore[arg-type]  # the table of keys gives each field its type
    )


def _read_file(path: Path, *, is_needed: bool) -> list[Entry]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not is_needed:
            return []
        raise ConfigError(Sentence("{path} does not exist", path=path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Sentence("{path}: this is no text in UTF-8", path=path)) from error
    except OSError as error:
        raise ConfigError(
            Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror)
        ) from error
    return parse(text, path.name, _NAMES)
