"""What welcomes, answers and lists say of rooms, and how many of them fit into one."""

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from chatroom.protocol.frames import RoomInfo
from chatroom.protocol.ids import UserId
from chatroom_server.core import limits
from chatroom_server.core.accounts import Room, User
from chatroom_server.core.guests import make_guest
from chatroom_server.core.state import HubState

_INFO_BYTES: Final = 100
"""What a room's info takes without its texts."""
_DIRECT_BYTES: Final = 400
"""What the two people of a conversation take at most."""


def room_info(state: HubState, room: Room) -> RoomInfo:
    """A room as lists show it."""
    guests = sum(session.user.guest for session in state.people.get(room.id, {}).values())
    users = (state.find_user(id_) or _former_guest(room, id_) for id_ in room.direct or ())
    two = [state.person(user) for user in users if user is not None]
    return RoomInfo(room.id, room.name, room.last, len(room.members) + guests, room.topic, two)


def _former_guest(room: Room, id_: UserId) -> User | None:
    nick = room.guests.get(id_)
    return None if nick is None else make_guest(id_, nick, room.since)


def infos_that_fit(state: HubState, rooms: Iterable[Room]) -> list[RoomInfo]:
    """Rooms for a list, as many as fit into one answer."""
    infos: list[RoomInfo] = []
    size = 0
    for room in rooms:
        info = room_info(state, room)
        size += _info_size(info)
        if size > limits.LIST_BYTES_MAX:
            break
        infos.append(info)
    return infos


def own_infos(state: HubState, user: User) -> list[RoomInfo]:
    """All rooms of a user; where they are very many, the last ones without their topics."""
    infos: list[RoomInfo] = []
    size = 0
    for id_ in user.rooms:
        info = room_info(state, state.accounts.rooms[id_])
        size += _info_size(info)
        infos.append(info if size <= limits.LIST_BYTES_MAX else structs.replace(info, topic=""))
    return infos


def _info_size(info: RoomInfo) -> int:
    """At most so many bytes of JSON: a quotation mark takes two."""
    texts = len(info.id.encode()) + len(info.name.encode()) + len(info.topic.encode())
    return _INFO_BYTES + 2 * texts + (_DIRECT_BYTES if info.direct else 0)
