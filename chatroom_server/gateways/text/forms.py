"""How messages and people look on a plain-text link: the course's own words, to the letter.

They are in French whatever the server's language is, since pupils' programs look for them. A message never
looks like two: its later lines are indented.
"""

from functools import lru_cache
from math import ceil
from typing import Final

from chatroom.common import grid as grids
from chatroom.common.inert import inert, one_line
from chatroom.common.names import looks_like_address
from chatroom.protocol.frames import Line, LineKind, Person, PresenceEvent
from chatroom.protocol.ids import DeviceId

TEXT_DEVICE: Final = DeviceId("text")
"""The device of messages that were said with `/text`: they keep its form, in the history too."""
SAY_DEVICE: Final = DeviceId("say")
"""The device of all others."""
PICTURE_COLUMNS: Final = 79
"""Behind the space that every row begins with, lest a picture looks like a message."""
_INDENT: Final = "\n        "
_NAMED_MAX: Final = 3
_PICTURES_KEPT: Final = 32
_SECONDS_MAX: Final = 120


def said(line: Line) -> str:
    """A message: `it4 a dit : salut`, or `it4: salut` when it was said with `/text`."""
    nick = one_line(line.nick)
    match line.kind:
        case LineKind.TEXT if line.dev == TEXT_DEVICE and line.guest:
            return f"{nick}: {_body(line)}"
        case LineKind.TEXT:
            return f"{nick} a dit : {_body(line)}"
        case LineKind.ACTION:
            return f"* {nick} {_body(line)}"
        case LineKind.IMAGE:
            return _picture(nick, line)
        case LineKind.TOPIC:
            return f"Annonce : {nick} a changé le sujet : {one_line(line.body)}"
        case LineKind.LOST:
            return "Annonce : un message a été perdu par le disque du serveur"
    return f"Annonce : {nick} a envoyé quelque chose qui ne peut pas être montré ici"


def whispered(line: Line) -> str:
    """A message of a conversation of two."""
    if line.kind == LineKind.TEXT:
        return f"Private message from {one_line(line.nick)}: {_body(line)}"
    return f"Private message from {said(line)}"


def presence(event: PresenceEvent, people: list[Person]) -> list[str]:
    """What is said of people who came, left or changed."""
    if not people:
        return []
    match event:
        case PresenceEvent.JOINED:
            return [joined(nick) for nick in _nicks(people)]
        case PresenceEvent.GONE | PresenceEvent.LEFT:
            return [f"Annonce : {nick} a quitté la chatroom" for nick in _nicks(people)]
        case PresenceEvent.BACK if len(people) == 1:
            return [f"{one_line(people[0].nick)} est de retour !"]
        case PresenceEvent.BACK:
            return [f"{_listed(_nicks(people))} sont de retour !"]
        case PresenceEvent.RENAMED:
            return [_renamed(person) for person in people]
    return []


def is_address(nick: str) -> bool:
    """Whether somebody has no nick: `<IP>:<port>` stands in its place."""
    return looks_like_address(nick)


def joined(nick: str) -> str:
    """Somebody came into the room."""
    return f"Annonce : {one_line(nick)} a rejoint la chatroom"


def goodbye(back_in_s: float) -> str:
    """The server ends; it is back in so many seconds, or 0: nobody knows."""
    if not back_in_s:
        return "Annonce : le serveur s'arrête"
    seconds, minutes = ceil(back_in_s), ceil(back_in_s / 60)
    when = f"{seconds} s" if seconds <= _SECONDS_MAX else f"{minutes} min"
    return f"Annonce : le serveur redémarre, revenez dans {when}"


def welcome_back(nick: str) -> str:
    """What a returning user reads."""
    return f"Welcome back {one_line(nick)} !"


def _body(line: Line) -> str:
    return inert(line.body).replace("\n", _INDENT)


def _picture(nick: str, line: Line) -> str:
    head = f"{nick} a dit : {one_line(line.body) or '(image)'}"
    rows = _rows(line.grid)
    return f"{head}{rows}" if rows else f"{head} (image illisible)"


@lru_cache(_PICTURES_KEPT)
def _rows(grid: str) -> str:
    """The rows of a picture, each behind a line end; empty for one that cannot be read.

    All links of a room show the same picture one after the other: it is decoded for the first of them.
    """
    try:
        fitted = grids.fit(grids.decode(grid), PICTURE_COLUMNS)
    except grids.GridError:
        return ""
    return "".join(f"\n {row}" for row in grids.plain_lines(fitted))


def _renamed(person: Person) -> str:
    nick, was = one_line(person.nick), one_line(person.was)
    if is_address(was):
        return joined(nick)
    return f"Annonce : {was} s'appelle maintenant {nick}"


def _nicks(people: list[Person]) -> list[str]:
    return [one_line(person.nick) for person in people]


def _listed(nicks: list[str]) -> str:
    named, more = nicks[:_NAMED_MAX], len(nicks) - _NAMED_MAX
    if more > 0:
        return f"{', '.join(named)} et {more} autre{'s' if more > 1 else ''}"
    return f"{', '.join(named[:-1])} et {named[-1]}"
