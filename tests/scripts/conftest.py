"""A profile, a fake server, a session of a script, and a pipe that is read."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chatroom.client.profile import Profile
from chatroom.client.session import Session
from chatroom.testing import FakeServer
from tests.client.helpers import session_on
from tests.scripts.pipe import Pipe


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.open(tmp_path / "me")


@pytest.fixture
async def session(server: FakeServer, profile: Profile) -> AsyncIterator[Session]:
    async with session_on(server, profile, quiet=True) as quiet:
        yield quiet


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    ends = Pipe(*os.pipe())
    yield ends
    ends.close()
