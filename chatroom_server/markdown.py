"""A room's history as Markdown (CommonMark 0.31) that renders as what people wrote, whatever they wrote."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from chatroom.common import grid as grids
from chatroom.common.inert import inert, one_line
from chatroom.common.texts import Texts
from chatroom.protocol.frames import Line, LineKind

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>~&$|#]|:(?=[\w+-]+:))")
"""What may mean something anywhere in a line; `:word:` is a picture to some readers."""
_AT_START: Final = re.compile(r"^([-+=])|^(\d+)([.)])", re.MULTILINE)
_SPACE: Final = re.compile(r"[^\S\n ]|^ | $|(?<= ) ", re.MULTILINE)
"""Spaces that would be taken away: at the ends of a line, behind another one, and all unusual ones."""
_ANY: Final = re.compile(r"[\\`*_\[\]<>~&$|#:\n]|^[-+=\d ]| $|  |[^\S ]")
"""What a text must have that needs any of this: most have none."""
_FENCE: Final = re.compile("`{3,}")


def escape(text: str) -> str:
    """Text of others as one paragraph's content that renders as it was written."""
    text = inert(text)
    if not _ANY.search(text):
        return text
    text = _SPECIAL.sub(r"\\\1", text)
    text = _AT_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", text)
    text = _SPACE.sub(lambda found: f"&#{ord(found[0]) if found[0] != ' ' else 160};", text)
    if text.endswith("\n"):  # a break at the very end would be shown as a backslash
        text += "&#160;"
    return text.replace("\n", "\\\n")


@lru_cache(4096)
def _name(text: str) -> str:
    return f"**{escape(one_line(text)) or '?'}**"


class Markdown:
    """Writes one room.

    Args:
        zone: Of the days and times; None for this machine's.
    """

    def __init__(self, texts: Texts, zone: tzinfo | None = None) -> None:
        self._texts, self._zone = texts, zone
        self._day = ""
        self._minute, self._clock = -1, ("", "")

    def title(self, name: str) -> str:
        """What stands above it all."""
        return f"# {escape(one_line(name))}\n"

    def entry(self, line: Line) -> str:
        """A line, with its day above it when that is another one than before."""
        return "".join(f"\n{block}\n" for block in self._blocks(line))

    def _blocks(self, line: Line) -> Iterator[str]:
        day, time = self._when(line.at)
        if day != self._day:
            self._day = day
            yield f"## {day}"
        yield f"{time} {self._said(line)}"
        if line.kind == LineKind.IMAGE:
            yield self._picture(line)

    def _when(self, at: int) -> tuple[str, str]:
        minute = at // 60_000
        if minute != self._minute:
            self._minute, self._clock = minute, self._day_and_time(minute * 60)
        return self._clock

    def _day_and_time(self, at_s: int) -> tuple[str, str]:
        try:
            moment = datetime.fromtimestamp(at_s, UTC).astimezone(self._zone)
        except (OverflowError, ValueError, OSError):  # a line may say anything
            return "?", "?"
        return f"{moment:%Y-%m-%d}", f"{moment:%H:%M}"

    def _said(self, line: Line) -> str:
        nick = _name(line.nick)
        body = escape(line.body)
        match line.kind:
            case LineKind.TEXT:
                return f"{nick}: {body}"
            case LineKind.ACTION:
                return rf"\* {nick} {body}"
            case LineKind.IMAGE:
                return f"{nick}: {body or escape(self._texts._('(a picture)'))}"
            case LineKind.TOPIC:
                sentence = self._texts._("{nick} changed the topic: {topic}")
                return sentence.format(nick=nick, topic=body)
            case LineKind.LOST:
                return escape(self._texts._("(the server's disk has lost a line here)"))
        what = escape(
            f"({one_line(line.kind)})" if not line.target else f"({one_line(line.kind)} {line.target})"
        )
        return f"{nick} {what} {body}".rstrip()

    def _picture(self, line: Line) -> str:
        try:
            content = "\n".join(grids.plain_lines(grids.decode(line.grid)))
        except grids.GridError:
            return escape(self._texts._("(this picture cannot be read)"))
        fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(content))])
        return f"{fence}text\n{content}\n{fence}"
