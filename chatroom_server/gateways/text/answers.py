"""What a plain-text user reads that is no chat: answers to commands, and what went wrong."""

from typing import Final

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol.errors import ERRORS, ErrorCode
from chatroom.protocol.frames import People, Person, PersonState, RoomInfo, Rooms
from chatroom.protocol.ids import RoomId
from chatroom_server.gateways.text.speech import COMMANDS


def _(sentence: str) -> str:
    """Mark a sentence for translation."""
    return sentence


_SENTENCES: Final = {
    ErrorCode.ROOM_UNKNOWN: _("there is no room {room}; /rooms shows those there are"),
    ErrorCode.NICK_TAKEN: _("the nick {nick} belongs to somebody else; take another: /login <nick>"),
}
"""Errors whose sentence in the table names commands of other clients."""
_QUOTE_MAX: Final = 40
_STATES: Final = {PersonState.AWAY: _("away"), PersonState.OFFLINE: _("offline")}


def remark(texts: Texts, sentence: str, **args: object) -> str:
    """A sentence of the door itself, which no message looks like: `! there is no room lab`."""
    words = {name: one_line(str(value)) for name, value in args.items()}
    return f"! {texts._(sentence).format(**words)}"


def problem(texts: Texts, code: str, text: str, args: dict[str, str]) -> str:
    """What went wrong, in the server's language, and why where that is a sentence of the table of names.

    Args:
        text: The hub's own words, for a code that is not in the table.
    """
    try:
        known = ErrorCode(code)
        sentence = _SENTENCES.get(known) or ERRORS[known].sentence
        words = {name: texts._(word) if name == "reason" else word for name, word in args.items()}
        return texts._(sentence).format(**words)
    except (ValueError, KeyError, IndexError):
        return text


def untaken(texts: Texts, lines: list[str]) -> str:
    """What is said of lines that came too late to be taken before the server ends."""
    sentence = texts.n(
        "{count} line was not taken any more: {text}",
        "{count} lines were not taken any more; the first: {text}",
        len(lines),
    )
    return f"! {sentence.format(count=len(lines), text=one_line(lines[0])[:_QUOTE_MAX])}"


def help_lines(texts: Texts) -> list[str]:
    """The table of commands."""
    rows = [(command.usage, texts._(command.meaning)) for command in COMMANDS.values()]
    width = max(len(usage) for usage, _meaning in rows)
    lines = [f"{usage:<{width}}  {meaning}" for usage, meaning in rows]
    return [*lines, texts._("Everything else is a message to the room; // in front says a /.")]


def people_line(texts: Texts, room: str, people: People) -> str:
    """Who is in a room: `general: zoé, bob (guest)`."""
    names = [_named(texts, person) for person in people.people]
    if people.more:
        names.append(_more(texts, people.more))
    return f"{one_line(room)}: {', '.join(names)}"


def room_lines(texts: Texts, rooms: Rooms, here: RoomId) -> list[str]:
    """The rooms, one a line; `*` marks where one is."""
    lines = [_room_line(texts, room, is_here=room.id == here) for room in rooms.rooms]
    return [*lines, _more(texts, rooms.more)] if rooms.more else lines


def _more(texts: Texts, count: int) -> str:
    return texts.n("{count} more", "{count} more", count).format(count=count)


def _named(texts: Texts, person: Person) -> str:
    notes = [_STATES.get(person.state, ""), _("guest") if person.guest else ""]
    shown = ", ".join(texts._(note) for note in notes if note)
    return f"{one_line(person.nick)} ({shown})" if shown else one_line(person.nick)


def _room_line(texts: Texts, room: RoomInfo, *, is_here: bool) -> str:
    members = texts.n("{count} member", "{count} members", room.members).format(count=room.members)
    topic = f": {one_line(room.topic)}" if room.topic else ""
    return f"#{one_line(room.name)} ({members}){' *' if is_here else ''}{topic}"
