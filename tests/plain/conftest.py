"""A profile, a fake server, and somebody at a line client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatroom.client.profile import Profile
from chatroom.testing import FakeServer
from tests.plain.paper import Table, seated


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.open(tmp_path / "me")


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as fake:
        yield fake


@pytest.fixture
async def table(server: FakeServer, profile: Profile) -> AsyncIterator[Table]:
    """Somebody who is in `general` already."""
    async with seated(server, profile) as somebody:
        await somebody.paper.until("#general:")
        yield somebody
