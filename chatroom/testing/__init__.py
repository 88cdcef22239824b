"""Published fakes: a server in the test's own process, and a clock that a test moves."""

from chatroom.testing.clock import Clock
from chatroom.testing.server import FakeServer
from chatroom.testing.world import FakeUser, World

__all__ = ["Clock", "FakeServer", "FakeUser", "World"]
