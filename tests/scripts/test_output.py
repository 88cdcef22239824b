"""Standard output that a script may close at any moment."""

import asyncio
import os

import pytest

from chatroom.scripts.output import OutputClosed, say_problem
from tests.scripts.pipe import Pipe


async def test_lines_are_written_with_their_ends(pipe: Pipe) -> None:
    await pipe.output.write_lines([])
    await pipe.output.write_lines([b"one", "zoé".encode()])
    assert await pipe.read() == "one\nzoé\n".encode()


async def test_more_than_a_pipe_holds_waits_for_its_reader(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    writing = asyncio.ensure_future(pipe.output.write_lines([b"x" * 999] * 1000))  # noqa: TID251  # a test's own
    found = b""
    while len(found) < 1_000_000:
        found += await pipe.read()
    await writing
    assert found == (b"x" * 999 + b"\n") * 1000


async def test_a_closed_pipe_is_told_to_who_writes(pipe: Pipe) -> None:
    pipe.hang_up()
    with pytest.raises(OutputClosed):
        await pipe.output.write_lines([b"lost"])


async def test_a_closed_pipe_is_noticed_without_writing(pipe: Pipe) -> None:
    closed = asyncio.ensure_future(pipe.output.closed())  # noqa: TID251  # a test's own
    await pipe.output.write_lines([b"still read"])
    assert await pipe.read() == b"still read\n"
    assert not closed.done()
    pipe.hang_up()
    await asyncio.wait_for(closed, 10)


def test_a_problem_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say_problem("no")
    assert capsys.readouterr() == ("", "chatroom: no\n")


def test_a_problem_that_cannot_be_said_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    say_problem("no")
