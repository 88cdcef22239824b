"""The line that lets somebody in: `chatroom://host:port/room?pin=…&key=…`."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

SCHEME = "chatroom"
DEFAULT_PORT = 9999


class InvitationError(ValueError):
    """The text is no invitation.

    Attributes:
        sentence: What is wrong with it, in English; `{…}` are `args_by_name`.
    """

    def __init__(self, sentence: str, **args: object) -> None:
        super().__init__(sentence.format(**args))
        self.sentence = sentence
        self.args_by_name = args


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where a server is, how it is known, and what opens its door.

    Attributes:
        host: Name or address, without brackets.
        port: TCP port.
        room: The room to open first, or empty.
        pin: Hash of the server's key (`auth.pin`), or empty.
        secret: What a newcomer has to hold, as text, or empty.
    """

    host: str
    port: int = DEFAULT_PORT
    room: str = ""
    pin: str = ""
    secret: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        words = [
            f"{name}={quote(value, safe='')}"
            for name, value in (("pin", self.pin), ("key", self.secret))
            if value
        ]
        return f"{SCHEME}://{host}:{self.port}/{quote(self.room, safe='')}" + (
            "?" + "&".join(words) if words else ""
        )


def parse_invitation(text: str) -> Invitation:
    """Read an invitation.

    Raises:
        InvitationError: What is wrong with it.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise InvitationError(_("the invitation cannot be read: {reason}"), reason=error) from error
    if parts.scheme != SCHEME:
        raise InvitationError(_("an invitation begins with {scheme}://"), scheme=SCHEME)
    if not parts.hostname:
        form = f"{SCHEME}://host:port/room?pin=…&key=…"
        raise InvitationError(_("the invitation names no host: {form}"), form=form)
    words = parse_qs(parts.query)
    return Invitation(
        host=parts.hostname,
        port=DEFAULT_PORT if port is None else port,
        room=unquote(parts.path.strip("/")),
        pin=words.get("pin", [""])[0].lower(),
        secret=words.get("key", [""])[0],
    )
