"""What a delivery costs the server: lines brought to members for each second of its CPU time.

    python -m benchmarks.bench_fanout [--members 100] [--window 64] [--seconds 5]

The real server with durable storage; members are links of the client library in this process. The sender has
`window` messages on their way at a time. Compare runs of one machine and one hour only.
"""

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from chatroom.client.address import Address
from chatroom.client.events import LineArrived
from chatroom.client.profile import Profile
from chatroom.client.session import Session, connect
from chatroom.client.trust import Trust
from chatroom.common.texts import Texts
from chatroom.protocol.ids import RoomId
from tests.e2e.world import Server

ROOM: Final = RoomId("general")
BODY: Final = "the deploy is green and rolling out to the second half of the fleet, who owns this test?"
PATIENCE_S: Final = 30.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Member:
    """Somebody who listens, and counts what comes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.heard = 0

    async def listen(self) -> None:
        """Count lines until the session is over."""
        async for event in self._session:
            self.heard += isinstance(event, LineArrived)


def cpu_s(pid: int) -> float:
    """The CPU time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def measure(server: Server, folder: Path, members: int, window: int, seconds: float) -> None:
    """Fill the room with people, talk for a while, and print what it cost."""
    assert server.process is not None
    pid, address = server.process.pid, Address("127.0.0.1", server.port)

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        sessions = [await _enter(stack, address, folder / f"m{number}") for number in range(members + 1)]
        listeners = [Member(session) for session in sessions[1:]]
        for member in listeners:
            tasks.create_task(member.listen())
        said, began, cpu = 0, time.monotonic(), cpu_s(pid)
        while time.monotonic() - began < seconds:
            await sessions[0].say_many(ROOM, [BODY] * window)
            await sessions[0].wait_all_stored(PATIENCE_S)
            said += window
        for session in sessions:
            await session.close()
        used, heard = cpu_s(pid) - cpu, sum(member.heard for member in listeners)
    print(f"{members} members, {window} in flight: {said} messages, {heard} of {said * members} heard live")
    print(f"{heard / used:,.0f} deliveries for each second of the server's CPU time ({used:.2f} s)")


async def _enter(stack: AsyncExitStack, address: Address, home: Path) -> Session:
    session = await stack.enter_async_context(
        connect(address, Profile.open(home), nick=home.name, trust=Trust.PIN_IF_LOCAL, texts=Texts())
    )
    await session.ready()
    await session.join(ROOM)
    return session


def main() -> None:
    """Start a server, and measure."""
    parser = argparse.ArgumentParser(description="Measure what a delivery costs the server.")
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatroom-") as name:
        folder = Path(name)
        (folder / "server.conf").write_text("BURST=0\nRATE=0\nLOG_CONVERSATION=no\n", encoding="utf-8")
        server = Server(folder, "--config", str(folder / "server.conf"), "--quiet").start()
        try:
            asyncio.run(measure(server, folder, given.members, given.window, given.seconds))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
