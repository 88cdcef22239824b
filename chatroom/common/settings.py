"""Settings from options, environment, file and defaults, each knowing where it came from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from chatroom.common.inert import one_line
from chatroom.common.keyvalue import Entry, SettingsError
from chatroom.common.names import is_host
from chatroom.common.texts import Sentence, SentenceError, Tellable

Reader = Callable[[str], object]

DEFAULT_ORIGIN = "default"
_OPTION = Sentence("option")
_DEFAULT = Sentence(DEFAULT_ORIGIN)
_SHOWN_MAX = 60
_YES = ("yes", "on", "true", "1")
_NO = ("no", "off", "false", "0")


class ValueProblem(SentenceError, ValueError):  # noqa: N818  # what it says, not what went wrong in the program
    """A value cannot be used; the sentence says what is allowed."""


@dataclass(frozen=True, slots=True)
class Key:
    """One row of a table of settings.

    Attributes:
        default: As it would be written in the file.
        read: Makes the value of its text; raises a ValueError that can be told: what is allowed.
        meaning: One sentence.
        reloads: A program that runs can take another value over.
        option: How the command line calls it, where that is not its name: `--address`.
    """

    name: str
    default: str
    read: Reader
    meaning: str
    reloads: bool = False
    option: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value.

    Attributes:
        text: As it was written.
        origin: `option`, `CHATROOM_PORT`, `server.conf, line 3` or `default`.
        written: How sentences name it: `--port 1`, `server.conf, line 3: PORT=1`.
    """

    value: object
    text: str
    origin: str
    written: Sentence = field(default=_DEFAULT, compare=False, repr=False)


def gather(
    keys: Iterable[Key],
    *,
    options: Mapping[str, str],
    environ: Mapping[str, str],
    entries: Iterable[Entry],
) -> dict[str, Value]:
    """Let options beat the environment, that the file, and that the defaults.

    Raises:
        SettingsError: Values cannot be read.
    """
    in_file = {entry.key: entry for entry in entries}
    found: dict[str, Value] = {}
    problems: list[Tellable] = []
    for key in keys:
        variable = f"CHATROOM_{key.name}"
        if key.name in options:
            text, origin = options[key.name], _OPTION
        elif variable in environ:
            text, origin = environ[variable], Sentence(variable)
        elif key.name in in_file:
            text, origin = in_file[key.name].value, in_file[key.name].origin
        else:
            text, origin = key.default, _DEFAULT
        try:
            found[key.name] = _read(key, text, origin)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(*problems)
    return found


def _read(key: Key, text: str, origin: Sentence) -> Value:
    written = _written(key, one_line(text)[:_SHOWN_MAX], origin)
    try:
        return Value(key.read(text.strip()), text.strip(), str(origin), written)
    except ValueError as error:
        raise SettingsError(told_of(written, error)) from error


def _written(key: Key, shown: str, origin: Sentence) -> Sentence:
    if origin is _OPTION:
        option = key.option or f"--{key.name.lower().replace('_', '-')}"
        return Sentence("{option} {value}", option=option, value=shown or "''")
    return Sentence("{place}: {key}={value}", place=origin, key=key.name, value=shown)


def told_of(written: Sentence, problem: object) -> Sentence:
    """What is wrong with a setting: where it stands, how it is written, and what is allowed."""
    return Sentence("{written}: {problem}", written=written, problem=problem)


def check_lines(values: Mapping[str, Value]) -> list[str]:
    """Each value, and where it came from: `PORT=9999  (server.conf, line 3)`."""
    width = max(len(f"{name}={value.text}") for name, value in values.items())
    return [f"{f'{name}={value.text}':<{width}}  ({value.origin})" for name, value in values.items()]


def table(keys: Iterable[Key], *, tells_reload: bool = False) -> str:
    """The keys as a table in Markdown; `tells_reload` adds a column with those that a reload changes."""
    rows = [_row(key, tells_reload=tells_reload) for key in keys]
    if tells_reload:
        return "\n".join(["| key | default | reload | |", "|---|---|---|---|", *rows])
    return "\n".join(["| key | default | |", "|---|---|---|", *rows])


def _row(key: Key, *, tells_reload: bool) -> str:
    default = f"`{key.default}`" if key.default else ""
    reloads = [("yes" if key.reloads else "")] if tells_reload else []
    return f"| {' | '.join([f'`{key.name}`', default, *reloads, key.meaning])} |"


# --- readers ---------------------------------------------------------------------------------
def text(value: str) -> str:
    """Any text."""
    return value


def host_name(value: str) -> str:
    """A host's name or address."""
    if not is_host(value):
        raise ValueProblem(Sentence("a name or an address is wanted, such as 127.0.0.1"))
    return value


def unless_empty(read: Callable[[str], str]) -> Callable[[str], str]:
    """What another reader takes, or nothing."""
    return lambda value: read(value) if value else ""


def optional(read: Reader) -> Reader:
    """What another reader takes, or None for nothing."""
    return lambda value: read(value) if value else None


def yes_no(value: str) -> bool:
    """`yes` or `no`."""
    word = value.lower()
    if word not in _YES + _NO:
        raise ValueProblem(Sentence("write yes or no"))
    return word in _YES


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and len(value) <= 20) or not low <= int(value) <= high:
            raise ValueProblem(Sentence("a number from {low} to {high} is wanted", low=low, high=high))
        return int(value)

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Seconds within bounds; parts are allowed."""

    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not low <= number <= high:
            raise ValueProblem(
                Sentence("seconds from {low} to {high} are wanted", low=f"{low:g}", high=f"{high:g}")
            )
        return number

    return read


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks, separated by commas; empty for none."""
    try:
        return tuple(ip_network(word.strip()) for word in value.split(",") if word.strip())
    except ValueError as error:
        raise ValueProblem(
            Sentence("networks such as 127.0.0.0/8,::1 are wanted ({reason})", reason=error)
        ) from error


def words(value: str) -> tuple[str, ...]:
    """Words, separated by commas; empty for none."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


def host_ports(value: str) -> tuple[tuple[str, int], ...]:
    """Pairs of host and port, separated by commas."""
    return tuple(_host_port(word) for word in words(value))


def _host_port(word: str) -> tuple[str, int]:
    host, _separator, port = word.rpartition(":")
    try:
        return host_name(host.strip("[]")), whole(1, 65535)(port)
    except ValueError as error:
        raise ValueProblem(Sentence("host:port is wanted, such as chat.example.org:9999")) from error


def choice(*allowed: str) -> Callable[[str], str]:
    """One of a few words."""

    def read(value: str) -> str:
        if value not in allowed:
            words = ", ".join(filter(None, allowed))
            if "" in allowed:
                raise ValueProblem(Sentence("one of these is wanted, or nothing: {words}", words=words))
            raise ValueProblem(Sentence("one of these is wanted: {words}", words=words))
        return value

    return read
