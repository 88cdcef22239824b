"""A server that is somewhere else by now is found again by whoever knows where to look."""

from chatroom.client.address import Address
from chatroom.client.errors import LocalServerError
from chatroom.client.events import Ended, Offline, Online
from chatroom.client.profile import Profile
from chatroom.protocol.frames import Login
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, next_event, session_on


async def test_a_server_that_moved_is_found_again(profile: Profile) -> None:
    asked: list[bytes] = []
    async with FakeServer() as before:
        after = FakeServer(before.key, before.world)

        async def find_again(server_key: bytes) -> Address | None:
            asked.append(server_key)
            await after.start()
            return after.address

        async with session_on(before, profile, find_again=find_again) as session:
            await session.ready()
            assert not asked
            await before.stop()
            await next_event(session, Offline)
            assert (await next_event(session, Online)).again
            after.drop_links()
            assert (await next_event(session, Online)).again
            assert asked == [before.public_key], "it is known by now where the server is"
        await after.stop()


async def test_an_impostor_where_the_server_is_looked_for_learns_nothing(profile: Profile) -> None:
    async with FakeServer() as server, FakeServer() as impostor:

        async def find_again(_server_key: bytes) -> Address | None:
            return impostor.address

        async with session_on(server, profile, find_again=find_again) as session:
            await session.ready()
            await server.stop()
            assert (await next_event(session, Ended)).code == "server-key-changed"
        assert not any(isinstance(frame, Login) for frame in impostor.received)


async def test_why_a_server_is_not_found_again_is_said_and_it_is_tried_again(
    connected: Connects, server: FakeServer
) -> None:
    async def find_again(_server_key: bytes) -> Address | None:
        raise LocalServerError("the disk is full")

    async with connected(find_again=find_again) as session:
        await session.ready()
        await server.stop()
        await next_event(session, Offline, lambda offline: offline.reason == "the disk is full")
        await server.start()
        await session.ready()


async def test_a_server_that_nobody_finds_is_waited_for(connected: Connects, server: FakeServer) -> None:
    async def find_again(_server_key: bytes) -> Address | None:
        return None

    async with connected(find_again=find_again) as session:
        await session.ready()
        await server.stop()
        await next_event(session, Offline, lambda offline: "no server answers" in offline.reason)
        await server.start()
        await next_event(session, Online)
