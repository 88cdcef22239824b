"""What happens in a room, in one self-contained line each: for the plain client, the log and the scripts."""

from collections.abc import Callable
from dataclasses import dataclass

from chatroom.common.inert import inert, one_line
from chatroom.common.texts import Texts
from chatroom.protocol.frames import Line, LineKind, Person, PresenceEvent
from chatroom.protocol.ids import UserId

_NAMED_MAX = 3
"""How many people one notice names."""


@dataclass(frozen=True, slots=True)
class LineFormat:
    """Says lines and notices in the user's language.

    Attributes:
        texts: The language.
        clock: The server's time (ms since 1970, UTC) as `hh:mm` in the reader's zone.
        me: Whose own messages are said as `You said`.
        newline: What stands between the lines of one message. Never a bare newline: a message must not
            be able to look like two.
    """

    texts: Texts
    clock: Callable[[int], str]
    me: UserId | None = None
    newline: str = "\n        "

    def text(self, line: Line) -> str:
        """A stored line: `[09:00] bob said: morning!`"""
        return f"[{self.clock(line.at)}] {self.said(line)}"

    def said(self, line: Line) -> str:
        """A stored line without its time."""
        _ = self.texts._
        nick, body = one_line(line.nick), inert(line.body).replace("\n", self.newline)
        match line.kind:
            case LineKind.TEXT if line.user == self.me:
                return _("You said: {text}").format(text=body)
            case LineKind.TEXT:
                return _("{nick} said: {text}").format(nick=nick, text=body)
            case LineKind.ACTION:
                return f"* {nick} {body}"
            case LineKind.IMAGE:
                sentence = _("{nick} sends a picture: {caption}. /show {id} draws it.")
                return sentence.format(nick=nick, caption=one_line(line.body), id=line.id)
            case LineKind.TOPIC:
                return _("{nick} changed the topic: {topic}").format(nick=nick, topic=one_line(line.body))
        sentence = _("{nick} sent something this version cannot show ({kind})")
        return sentence.format(nick=nick, kind=one_line(line.kind))

    def notice(self, event: PresenceEvent, people: list[Person]) -> str:
        """People came, left or changed: `Notice: zoé joined the room`. Empty for what is not said."""
        _ = self.texts._
        names = self.names([one_line(person.nick) for person in people])
        match event:
            case PresenceEvent.JOINED:
                return _("Notice: {nick} joined the room").format(nick=names)
            case PresenceEvent.GONE | PresenceEvent.LEFT:
                return _("Notice: {nick} left the room").format(nick=names)
            case PresenceEvent.BACK if len(people) == 1:
                return _("{nick} is back!").format(nick=names)
            case PresenceEvent.BACK:
                return _("{nicks} are back!").format(nicks=names)
            case PresenceEvent.RENAMED if people:
                was = one_line(people[0].was)
                return _("Notice: {old} is now called {nick}").format(old=was, nick=names)
        return ""

    def names(self, nicks: list[str]) -> str:
        """`dave, eve and 3 others`"""
        if len(nicks) <= 1:
            return "".join(nicks)
        shown, more = nicks[:_NAMED_MAX], len(nicks) - _NAMED_MAX
        if more > 0:
            sentence = self.texts.n("{nicks} and {count} other", "{nicks} and {count} others", more)
            return sentence.format(nicks=", ".join(shown), count=more)
        return self.texts._("{nicks} and {nick}").format(nicks=", ".join(shown[:-1]), nick=shown[-1])

    def welcome_back(self, nick: str) -> str:
        """What one is told on coming back."""
        return self.texts._("Welcome back {nick}!").format(nick=one_line(nick))
