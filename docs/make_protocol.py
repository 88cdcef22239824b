"""Writes the tables of docs/protocol.md from the code: python docs/make_protocol.py."""

import re
import sys
from pathlib import Path

from chatroom.protocol import limits
from chatroom.protocol.errors import ERRORS, WireError
from chatroom.protocol.kinds import KINDS, Sender

DOCUMENT = Path(__file__).with_name("protocol.md")
_FROM = {Sender.CLIENT: "client", Sender.SERVER: "server", Sender.BOTH: "both"}
_LIMITS = {
    "MESSAGE_MAX": "bytes of UTF-8 in a message",
    "GRID_MAX": "bytes of base64 in a picture's grid",
    "TOPIC_MAX": "bytes of UTF-8 in a topic",
    "FRAME_UNKNOWN_MAX": "bytes in the body of a frame of an unknown kind",
    "IN_FLIGHT_MAX": "messages of one device on their way to the disk",
    "REMEMBERED_NUMBERS": "numbers of a device whose contents the server can still compare",
    "REQUESTS_MAX": "requests of a link that may wait for their answer",
    "DEVICES_PER_LINK_MAX": "devices named in one login",
    "DEVICES_PER_USER_MAX": "devices of a user",
    "PAGE_LINES_MAX": "lines in a page",
    "PAGE_BYTES_MAX": "bytes of lines in a page",
    "PEOPLE_MAX": "people named in one answer",
    "ROOMS_LISTED_MAX": "rooms named in one answer",
    "HANDSHAKE_TIMEOUT_S": "seconds from the connection to the welcome",
    "PING_AFTER_S": "seconds of silence before a ping",
    "DEAD_AFTER_S": "seconds of silence before a link is taken for cut",
}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _kinds() -> str:
    rows = [
        (
            f"`{chr(info.kind)}`",
            info.frame.__name__,
            _FROM[info.sender],
            f"{info.max_length:,}",
            _sentence(info.frame),
        )
        for info in KINDS
    ]
    return _table(("kind", "name", "from", "longest body", "says"), rows)


def _sentence(frame: type) -> str:
    return (frame.__doc__ or "").strip().split("\n")[0]


def _errors() -> str:
    rows = [(f"`{code}`", error.sentence, _ends(error)) for code, error in ERRORS.items()]
    return _table(("code", "sentence", "ends the link"), rows)


def _ends(error: WireError) -> str:
    if error.fatal:
        return "yes"
    return "before the login only" if error.fatal_at_first else ""


def _limits() -> str:
    rows = [(f"{getattr(limits, name):,}", meaning) for name, meaning in _LIMITS.items()]
    return _table(("at most", "what"), rows)


def fill(text: str) -> str:
    """The document with its tables as the code has them now."""
    for name, table in (("kinds", _kinds()), ("errors", _errors()), ("limits", _limits())):
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(
            pattern, lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL
        )
    return text


def main() -> int:
    """Rewrite the document in place."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
