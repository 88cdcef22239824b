"""The yardstick: the chat server of a first course, asyncio streams and a write and a drain for each member.

    python -m benchmarks.naive_server [--port 0]

One JSON object a line. It keeps nothing, checks nobody, numbers nothing, bounds nothing, logs nothing; it
prints its port.
"""

import argparse
import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections import defaultdict

rooms: defaultdict[str, set[StreamWriter]] = defaultdict(set)


async def broadcast(room: str, nick: str, body: str) -> None:
    """Send to all members, one after the other."""
    line = json.dumps({"room": room, "nick": nick, "body": body}).encode() + b"\n"
    for member in list(rooms[room]):
        try:
            member.write(line)
            await member.drain()
        except ConnectionError:
            rooms[room].discard(member)


async def serve(reader: StreamReader, writer: StreamWriter) -> None:
    """One client, until it goes."""
    room = nick = ""
    try:
        while line := await reader.readline():
            said = json.loads(line)
            if "join" in said:
                room, nick = said["join"], said["nick"]
                rooms[room].add(writer)
                writer.write(json.dumps({"joined": room}).encode() + b"\n")
                await writer.drain()
            else:
                await broadcast(room, nick, said["body"])
    except ConnectionError:
        pass
    finally:
        rooms[room].discard(writer)
        writer.close()


async def main() -> None:
    """Listen until the end."""
    parser = argparse.ArgumentParser(description="A naive chat server, to compare with.")
    parser.add_argument("--port", type=int, default=0)
    server = await asyncio.start_server(serve, "127.0.0.1", parser.parse_args().port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
