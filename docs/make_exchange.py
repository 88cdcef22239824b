"""Records a real exchange for docs/protocol.md: python docs/make_exchange.py.

Starts a server on loopback, logs in, joins a room, says one thing, and leaves. Every frame of either end is
written down as a hexdump. Keys and nonces are made for the occasion and thrown away.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chatroom.protocol import Connection, Role, auth, codec
from chatroom.protocol.events import FrameReceived
from chatroom.protocol.frames import (
    AnyFrame,
    Bye,
    Hello,
    Join,
    Joined,
    Line,
    Login,
    Send,
    ServerHello,
    Welcome,
)
from chatroom.protocol.ids import DeviceId, RoomId
from chatroom.protocol.kinds import BY_KIND

DOCUMENT = Path(__file__).with_name("protocol.md")
_PATIENCE_S = 20.0
_DEVICE = DeviceId("a1b2c3")


class Recorder:
    """A client that writes down every frame.

    Attributes:
        frames: (`client` or `server`, the frame's bytes), in order.
    """

    def __init__(self, port: int) -> None:
        self.frames: list[tuple[str, bytes]] = []
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
        self._connection = Connection(Role.CLIENT, now=time.monotonic())

    def say(self, frame: AnyFrame) -> None:
        """Send a frame."""
        self._connection.send(frame)
        data = self._connection.take_output()
        self.frames.append(("client", data))
        self._socket.sendall(data)

    def hear(self, wanted: type[AnyFrame]) -> AnyFrame:
        """Wait for a frame of a kind; what comes before it is written down as well."""
        for _attempt in range(100):
            chunk = self._socket.recv(1 << 16)
            self._write_down(chunk)
            for event in self._connection.feed(chunk, now=time.monotonic()):
                if isinstance(event, FrameReceived) and isinstance(event.frame, wanted):
                    return event.frame
        raise SystemExit(f"no {wanted.__name__} came")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _write_down(self, chunk: bytes) -> None:
        frames, _error = codec.FrameReader().feed(chunk)
        for kind, body in frames:
            self.frames.append(("server", bytes([kind]) + codec.encode_length(len(body)) + body))


def record(port: int) -> list[tuple[str, bytes]]:
    """Have a short conversation with the server on a port."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    nonce = os.urandom(32)
    link = Recorder(port)
    link.say(Hello(versions=(1, 1), nonce=nonce, agent="example"))
    hello = link.hear(ServerHello)
    assert isinstance(hello, ServerHello)
    transcript = auth.login_transcript(hello.version, nonce, hello.nonce, hello.key, "it4", [_DEVICE])
    link.say(Login(nick="it4", key=public, signature=key.sign(transcript), devices=[_DEVICE]))
    link.hear(Welcome)
    link.say(Join(rid=1, room="general"))
    link.hear(Joined)
    link.say(Send(room=RoomId("general"), dev=_DEVICE, n=1, body="été à la plage 🏖"))
    link.hear(Line)
    link.say(Bye())
    link.close()
    return link.frames


def dump(frames: list[tuple[str, bytes]]) -> str:
    """The frames as hexdumps, each with its direction and name."""
    return "\n".join(_dump_frame(sender, data) for sender, data in frames)


def _dump_frame(sender: str, data: bytes) -> str:
    arrow = "client → server" if sender == "client" else "server → client"
    rows = [f"{arrow}: {BY_KIND[data[0]].frame.__name__}, {len(data)} bytes"]
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append(f"{at:04x}  {part.hex(' '):<47}  {text}")
    return "\n".join(rows) + "\n"


def read_dump(text: str) -> Iterator[tuple[str, bytes]]:
    """The frames of a dump."""
    for block in text.strip().split("\n\n"):
        head, *rows = block.split("\n")
        yield head[:6], b"".join(bytes.fromhex(row[6:53]) for row in rows)


def recorded(document: str) -> str:
    """The dump that stands in the document."""
    found = re.search(r"<!-- exchange -->\n```text\n(.*?)```\n<!-- /exchange -->", document, re.DOTALL)
    return found[1] if found else ""


def main() -> int:
    """Record an exchange and put it into the document."""
    with tempfile.TemporaryDirectory() as folder:
        ready, announce = os.pipe()
        command = [sys.executable, "-m", "chatroom_server", "-q", "-p", "0", "--data", folder]
        server = subprocess.Popen([*command, "--announce-ready", str(announce)], pass_fds=[announce])
        os.close(announce)
        try:
            with os.fdopen(ready) as pipe:
                port = json.loads(pipe.readline())["port"]
            text = dump(record(port))
        finally:
            server.terminate()
            server.wait(_PATIENCE_S)
    document = DOCUMENT.read_text(encoding="utf-8")
    block = f"<!-- exchange -->\n```text\n{text}```\n<!-- /exchange -->"
    pattern = r"<!-- exchange -->.*<!-- /exchange -->"
    DOCUMENT.write_text(re.sub(pattern, lambda _found: block, document, flags=re.DOTALL), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
