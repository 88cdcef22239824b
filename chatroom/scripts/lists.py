"""`chatroom rooms`, `who`, `whoami` and `invite`: short answers, as text or JSON."""

import msgspec

from chatroom.client.session import Session
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol.auth import fingerprint
from chatroom.protocol.frames import Person, RoomInfo
from chatroom.scripts.output import Output, say_problem


async def rooms(session: Session, output: Output, *, as_json: bool) -> int:
    """List the rooms that one may join."""
    listed = (await session.rooms()).rooms
    if as_json:
        await output.write_json(msgspec.json.encode(_room(room)) for room in listed)
    else:
        width = max((len(room.name) for room in listed), default=0)
        await output.write_lines(_room_line(room, width) for room in listed)
    return 0


async def who(session: Session, room: str, output: Output, *, as_json: bool) -> int:
    """List the people of a room."""
    people = (await session.who(room)).people
    if as_json:
        await output.write_json(msgspec.json.encode(_person(person)) for person in people)
    else:
        await output.write_lines(
            f"{one_line(person.nick)}  {person.state.value}".encode() for person in people
        )
    return 0


async def whoami(session: Session, output: Output, *, as_json: bool) -> int:
    """Say who one is on this server."""
    await session.ready(wait=False)
    facts = {
        "user": session.user,
        "nick": session.nick,
        "color": session.color,
        "server": fingerprint(session.server_key or b""),
    }
    if as_json:
        await output.write_json([msgspec.json.encode(facts)])
    else:
        await output.write_lines(f"{name:<7}{one_line(str(value))}".encode() for name, value in facts.items())
    return 0


async def invite(session: Session, room: str, output: Output, texts: Texts) -> int:
    """Print the lines that let others in."""
    answer = await session.invitations(room)
    await output.write_lines(one_line(line).encode() for line in answer.invitations)
    if answer.invitations:
        return 0
    say_problem(
        texts._("This server only listens on its own machine. To open it to your network: {command}").format(
            command=one_line(answer.help)
        )
    )
    return 1


def _room_line(room: RoomInfo, width: int) -> bytes:
    words = f"#{one_line(room.name):<{width}}  {room.members:>4}  {room.last:>8}  {one_line(room.topic)}"
    return words.rstrip().encode()


def _room(room: RoomInfo) -> dict[str, object]:
    return {"id": room.id, "name": room.name, "topic": room.topic, "members": room.members, "last": room.last}


def _person(person: Person) -> dict[str, object]:
    return {
        "user": person.user,
        "nick": person.nick,
        "color": person.color,
        "state": person.state.value,
        "guest": person.guest,
    }
