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
    _clock: Callable[[int], str] = field(init=False, repr=False, compare=False)
    _day: Callable[[int], str] = field(init=False, repr=False, compare=False)
    _sentences: LineFormat = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._clock = lru_cache(maxsize=512)(self.clock)
        self._day = lru_cache(maxsize=512)(self.day)
        self._sentences = LineFormat(self.texts, self.clock)

    def time(self, at: int) -> str:
        """`[hh:mm]`"""
        return f"[{self._clock(at // _MINUTE_MS * _MINUTE_MS)}]"

    def day_of(self, at: int) -> str:
        """The label of the day that a time lies in."""
        return self._day(at // _QUARTER_MS * _QUARTER_MS)

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
