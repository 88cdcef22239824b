"""Runs the load generator: once, as its options say, or as often as commands come on its standard input."""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.load.crowd import Crowd, room_name
from benchmarks.load.links import LINKS_PER_ADDRESS, Link
from benchmarks.load.machine import own_core, split_cores
from benchmarks.load.talk import Outcome, Plan, Talk
from benchmarks.load.wire import DIALECTS, RefusedError
from benchmarks.options import Parser, number, whole

_COULD_NOT: Final = 1
_SIGNALLED: Final = 128
_ADDRESSES: Final = 100
"""Of loopback, to call from."""
_MOST: Final = 1_000_000
"""Members, rooms and messages at once: beyond what one process can have."""


class Generator:
    """A crowd, and what can be asked of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._address = (options.address, options.port)
        self._crowd = Crowd(self._address, options.dialect, tls=options.tls, at_once=options.at_once)
        self._trouble = ""
        self.commands: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "enter": self.enter,
            "talk": lambda plan: self.talk(Plan(**plan)).to_json(),
            "return": self.wait_for_return,
            "knock": self.knock,
        }

    def enter(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let guests come in; how long it took them."""
        began = time.monotonic()
        self._crowd.enter(**given)
        return {"seconds": time.monotonic() - began, "links": len(self._crowd.links)}

    def talk(self, plan: Plan) -> Outcome:
        """Talk."""
        names = [room_name(place) for place in range(len(self._crowd.rooms))]
        return Talk(self._crowd, plan, names).run()

    def wait_for_return(self, _given: dict[str, Any]) -> dict[str, Any]:
        """Wait for all to be cut and to come back; when each was in again."""
        self._crowd.wait_for_return()
        return {"returns": self._crowd.returns}

    def knock(self, given: dict[str, Any]) -> dict[str, Any]:
        """Connect, be greeted and hang up, for so many seconds; how often."""
        began, count, own = time.monotonic(), 0, time.process_time()
        number = random.randrange(1, _ADDRESSES) * LINKS_PER_ADDRESS if sys.platform == "linux" else 0
        while time.monotonic() - began < given["seconds"]:
            links = [
                Link(number + count + place, 0, "nobody", self._crowd.dialect)
                for place in range(given["at_once"])
            ]
            self._crowd.knock(links)
            count += len(links)
        seconds = time.monotonic() - began
        return {"links": count, "seconds": seconds, "share": (time.process_time() - own) / seconds}

    def serve(self) -> None:
        """Do what each line of the standard input says; pings go on meanwhile."""
        self._crowd.selector.register(sys.stdin.buffer, 1, None)
        while line := self._next_line():
            given = json.loads(line)
            print(json.dumps(self._done(given.pop("do"), given)), flush=True)
        self._crowd.close()

    def _next_line(self) -> bytes:
        try:
            while not self._crowd.turn(0.5):
                pass
        except RefusedError as error:
            self._trouble = str(error)
        return sys.stdin.buffer.readline()

    def _done(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        if self._trouble:
            return {"error": self._trouble}
        try:
            return self.commands[name](given)
        except (RefusedError, OSError) as error:
            return {"error": str(error)}


def sentence(outcome: Outcome) -> str:
    """What came of a talk, for people."""
    cost = ""
    if outcome.server_cpu_s:
        each = outcome.deliveries / outcome.server_cpu_s
        cost = f"{each:,.0f} deliveries for each second of the server's CPU ({outcome.server_cpu_s:.2f} s)\n"
    return (
        f"{outcome.messages:,} messages, {outcome.deliveries:,} deliveries in {outcome.seconds:.2f} s: "
        f"{outcome.deliveries / outcome.seconds:,.0f} a second, {outcome.lost} lost\n{cost}"
        f"p50 {outcome.p50_ms:.2f} ms, p99 {outcome.p99_ms:.2f} ms, worst {outcome.worst_ms:.2f} ms; "
        f"{outcome.bytes_per_delivery:.0f} bytes a delivery\n"
        f"busy, in cores: generator {outcome.generator_share:.2f}, others {outcome.others_share:.2f}"
    )


def _options() -> argparse.Namespace:
    some = whole(1, _MOST)
    parser = Parser(prog="python -m benchmarks.load", description="Load a chat server.")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=whole(1, 65535), required=True)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="chatroom")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument(
        "--rooms", type=some, default=1, help="general, room1, room2, ...: they have to exist"
    )
    parser.add_argument("--members", type=some, default=100, help="of each room")
    parser.add_argument("--window", type=some, default=64, help="messages of a room in flight")
    parser.add_argument("--rate", type=number(0), default=0.0, help="messages a second in each room instead")
    parser.add_argument("--seconds", type=number(0.1), default=2.0)
    parser.add_argument("--check", action="store_true", help="that each gets each message once and in order")
    parser.add_argument("--pid", type=whole(0, 1 << 31), default=0, help="the server's, to see its CPU time")
    parser.add_argument("--at-once", type=some, default=64, help="links that come in at the same time")
    parser.add_argument("--commands", action="store_true", help="do what comes on standard input")
    return parser.parse_args()


def _load(options: argparse.Namespace) -> int:
    generator = Generator(options)
    if options.commands:
        generator.serve()
        return 0
    try:
        generator.enter({"rooms": options.rooms, "members": options.members, "checks": options.check})
        outcome = generator.talk(
            Plan(window=options.window, rate=options.rate, seconds=options.seconds, pid=options.pid)
        )
    except (RefusedError, OSError, UnicodeError) as error:
        print(f"The load generator could not do it: {error}", file=sys.stderr)
        return _COULD_NOT
    print(sentence(outcome))
    for fault in outcome.faults:
        print(f"wrong: {fault}")
    sys.stdout.flush()
    return _COULD_NOT if outcome.faults or outcome.lost else 0


def main() -> int:
    """Do what the command line says; returns the exit status.

    Who reads may go, and Ctrl+C may come, at any time: neither is told about.
    """
    options = _options()
    own_core(split_cores()[1])
    try:
        return _load(options)
    except KeyboardInterrupt:
        return _SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the last flush, at the exit
        return _COULD_NOT


if __name__ == "__main__":
    sys.exit(main())
