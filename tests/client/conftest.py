"""A profile and a fake server for the tests of the client library."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from chatroom.client.profile import Profile
from chatroom.client.session import Session
from chatroom.testing import FakeServer
from tests.client.helpers import Connects, session_on


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.open(tmp_path / "me")


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


@pytest.fixture
def connected(server: FakeServer, profile: Profile) -> Connects:
    def connects(**options: object) -> AbstractAsyncContextManager[Session]:
        return session_on(server, profile, **options)

    return connects
