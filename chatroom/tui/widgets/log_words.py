"""The words of the message log: times, days and sentences in the reader's language and zone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from chatroom.common.inert import inert, one_line
from chatroom.common.texts import Texts
from chatroom.model.mentions import mentions
from chatroom.model.notices import Notice
from chatroom.model.sentences import LineFormat
from chatroom.protocol.frames import Line, LineKind
from chatroom.protocol.ids import UserId

_MINUTE_MS = 60_000
_QUARTER_MS = 15 * _MINUTE_MS
"""Every zone differs from UTC by whole quarters of an hour: no day begins within one."""


@dataclass(slots=True)
class LogWords:
    """What the log says for somebody.

    Attributes:
        texts: The language.
        clock: A time (ms since 1970, UTC) as `hh:mm` in the reader's zone.
        day: The label of the reader's day that a time lies in.
        me, nick: Whose messages are one's own, and what a mention calls them.
    """

    texts: Texts
    clock: Callable[[int], str]
    day: Callable[[int], str]
    me: UserId
    nick: str = ""
    _sentences: LineFormat = field(init=False)

    def __post_init__(self) -> None:
        clock, day = lru_cache(maxsize=512)(self.clock), lru_cache(maxsize=512)(self.day)
        self.clock = lambda at: clock(at // _MINUTE_MS * _MINUTE_MS)
        self.day = lambda at: day(at // _QUARTER_MS * _QUARTER_MS)
        self._sentences = LineFormat(self.texts, self.clock)

    def time(self, at: int) -> str:
        """`[hh:mm]`"""
        return f"[{self.clock(at)}]"

    def body(self, line: Line) -> str:
        """What a line says, inert; for a picture its caption."""
        match line.kind:
            case LineKind.TEXT:
                return inert(line.body)
            case LineKind.ACTION:
                return f"* {one_line(line.nick)} {inert(line.body)}"
            case LineKind.IMAGE:
                return one_line(line.body)
        return self._sentences.said(line)

    def notice(self, notice: Notice) -> str:
        """What a notice says, inert."""
        if notice.event is None:
            return inert(notice.text)
        return self._sentences.notice(notice.event, list(notice.people))

    def meant(self, line: Line, body: str) -> list[tuple[int, int]]:
        """Where somebody else's message means oneself."""
        return mentions(body, self.nick) if self.nick and line.user != self.me else []

    def not_sent(self, reason: str) -> str:
        """Under a message that was refused."""
        sentence = self.texts._("{reason}: Alt+R again, Alt+D discard")
        return sentence.format(reason=one_line(reason).rstrip(".") or self.texts._("not sent"))

    def new_below(self, count: int) -> str:
        """On the pill that leads to the newest message."""
        return "↓ " + self.texts.n("{count} new", "{count} new", count).format(count=count)
