"""The stock: many read at once, one orders, and nothing is sold twice."""

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import Iterator

import pytest

from examples.stock.stock_server import ReadersWriterLock
from tests.examples.programs import Peer, Program

SERVER = "stock/stock_server.py"
CLIENT = "stock/stock_client.py"
OTHERS = ["2 12 pear", "3 3 plum cake"]


@contextlib.contextmanager
def stock(*arguments: str, wait_s: float = 0.02) -> Iterator[tuple[Program, tuple[str, int]]]:
    """A server that ends on Ctrl+C."""
    with Program(SERVER, "--port", "0", "--wait", str(wait_s), *arguments) as server:
        yield server, server.listening()
        assert server.interrupt() == 0


@contextlib.contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A server's socket of the test's own, for clients, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server, str(server.getsockname()[1])


def read_list(client: Peer) -> list[str]:
    """All products, as the server sent them."""
    products: list[str] = []
    while (line := client.line()) != "end":
        products.append(line)
    return products


def quantity_left(address: tuple[str, int]) -> int:
    """What the list says of the first product."""
    with Peer(address) as client:
        return int(read_list(client)[0].split()[1])


def fifty_order_a_piece(address: tuple[str, int]) -> list[str]:
    """The answers to 50 orders that are there at the same time."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Peer(address)) for _ in range(50)]
        for client in clients:
            read_list(client)
        for client in clients:
            client.send("1 1\n")
        return [client.line() for client in clients]


# --- the list and the orders -------------------------------------------------------------------------
def test_sends_the_list_after_a_wait_and_takes_orders() -> None:
    with stock(wait_s=0.08) as (_, address), Peer(address) as client:
        start = time.monotonic()
        assert read_list(client) == ["1 30 apple", *OTHERS]
        assert time.monotonic() - start > 0.07
        start = time.monotonic()
        client.send("1 2\n")
        assert client.line() == "ok: 2 apple sold, 28 left"
        assert time.monotonic() - start > 0.07
        client.send("3 3\n")
        assert client.line() == "ok: 3 plum cake sold, 0 left"
        with Peer(address) as another:
            assert read_list(another) == ["1 28 apple", "2 12 pear", "3 0 plum cake"]


def test_the_wait_is_five_seconds_unless_told_otherwise() -> None:
    with Program(SERVER, "--help") as helped:
        assert helped.wait() == 0
        assert re.search(r'how slow the "database" is\s+\(5\)', "\n".join(helped.lines))


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("9 1", "error: there is no product 9."),
        ("1 31", "error: only 30 apple left."),
        ("1 " + "9" * 200, "error: only 30 apple left."),
        ("1 0", "error: an order is "),
        ("1 -2", "error: an order is "),
        ("1 1.5", "error: an order is "),
        ("1 \u0663", "error: an order is "),
        ("1", "error: an order is "),
        ("", "error: an order is "),
        ("x" * 100_000, "error: a line has at most 256 bytes."),
    ],
)
def test_an_order_that_cannot_be_gets_a_sentence_and_changes_nothing(
    address: tuple[str, int], order: str, answer: str
) -> None:
    with Peer(address) as client:
        read_list(client)
        client.send(f"{order}\n2 99\n")
        assert client.line().startswith(answer)
        assert client.line() == "error: only 12 pear left."
    assert quantity_left(address) == 30


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Where one server listens for all orders that change nothing."""
    with stock(wait_s=0) as (_, where):
        yield where


# --- the lock ----------------------------------------------------------------------------------------
def test_fifty_orders_for_thirty_pieces_sell_thirty() -> None:
    with stock("--pieces", "30") as (_, address):
        answers = fifty_order_a_piece(address)
        sold = [answer for answer in answers if answer.startswith("ok: ")]
        assert sorted(int(answer.split()[-2]) for answer in sold) == list(range(30))
        assert answers.count("error: only 0 apple left.") == 20
        assert quantity_left(address) == 0


def test_without_the_lock_more_is_sold_than_there_is() -> None:
    with stock("--pieces", "30", "--no-lock", wait_s=0.2) as (_, address):
        answers = fifty_order_a_piece(address)
        sold = [answer for answer in answers if answer.startswith("ok: ")]
        assert len(sold) > 30
        assert quantity_left(address) == 30 - len(sold) < 0


def test_many_read_at_once() -> None:
    with stock(wait_s=0.3) as (server, address), contextlib.ExitStack() as stack:
        start = time.monotonic()
        clients = [stack.enter_context(Peer(address)) for _ in range(20)]
        for client in clients:
            read_list(client)
        assert 0.3 <= time.monotonic() - start < 20 * 0.3 / 3
        server.wait_for("client 20 has read the list")
        reading = most = 0
        for line in server.lines:
            reading += line.endswith("reads the list") - line.endswith("has read the list")
            most = max(most, reading)
        assert most > 1


def test_an_order_waits_for_the_readers_and_later_readers_wait_for_it() -> None:
    with stock(wait_s=0.2) as (server, address), Peer(address) as buyer:
        read_list(buyer)
        start = time.monotonic()
        with Peer(address) as early:
            server.wait_for("client 2 reads the list")
            buyer.send("1 1\n")
            server.wait_for("client 1 -> 1 1")
            with Peer(address) as late:
                assert buyer.line() == "ok: 1 apple sold, 29 left"
                assert time.monotonic() - start > 0.39  # the reader's wait, then its own
                assert read_list(early)[0] == "1 30 apple"
                assert read_list(late)[0] == "1 29 apple"
        server.wait_for("client 3 has read the list")
        journal = "\n".join(server.lines)
        steps = ["client 2 has read", "client 1 buys", "client 1 has bought", "client 3 reads"]
        assert sorted(steps, key=journal.index) == steps


def test_orders_of_two_clients_follow_one_another() -> None:
    with stock() as (server, address), Peer(address) as first, Peer(address) as second:
        read_list(first)
        read_list(second)
        first.send("1 1\n" * 5)
        second.send("1 1\n" * 5)
        for client in (first, second):
            for _ in range(5):
                client.line()
        server.wait_for("20 left")
        steps = [line.split()[-1] for line in server.lines if line.endswith(("buys", "has bought"))]
        assert steps == ["buys", "bought"] * 10


async def test_a_writer_that_gives_up_lets_the_readers_behind_it_in() -> None:
    lock = ReadersWriterLock()

    async def write() -> None:
        async with lock.writing():
            pass

    async def read() -> None:
        async with lock.reading():
            pass

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        async with lock.reading():
            writer = group.create_task(write())
            await asyncio.sleep(0)
            reader = group.create_task(read())
            await asyncio.sleep(0)
            assert not reader.done()
            writer.cancel()
            await reader
        await write()


async def test_a_writer_that_is_stopped_leaves_the_lock() -> None:
    lock = ReadersWriterLock()
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), lock.writing():
                await asyncio.Event().wait()
        async with lock.writing():
            pass
        async with lock.reading():
            pass


# --- clients that go ---------------------------------------------------------------------------------
def test_a_client_that_vanishes_while_it_buys_blocks_nobody_and_buys_as_a_whole() -> None:
    with stock(wait_s=0.08) as (server, address), Peer(address) as other:
        vanishing = Peer(address)
        read_list(vanishing)
        read_list(other)
        vanishing.send("1 10\n")
        server.wait_for("buys")
        vanishing.reset()
        other.send("1 5\n")
        assert other.line() == "ok: 5 apple sold, 15 left"
        assert quantity_left(address) == 15


def test_a_client_that_vanishes_while_it_waits_for_its_turn_blocks_nobody() -> None:
    with stock(wait_s=0.08) as (server, address), Peer(address) as first, Peer(address) as last:
        waiting = Peer(address)
        for client in (first, last, waiting):
            read_list(client)
        first.send("1 1\n")
        server.wait_for("buys")
        waiting.send("1 10\n")
        server.wait_for("-> 1 10")
        waiting.reset()
        last.send("1 1\n")
        assert first.line() == "ok: 1 apple sold, 29 left"
        assert last.line() == "ok: 1 apple sold, 18 left"


def test_a_client_that_vanishes_while_it_reads_blocks_nobody() -> None:
    with stock(wait_s=0.08) as (server, address), Peer(address) as buyer:
        read_list(buyer)
        reading = Peer(address)
        server.wait_for("client 2 reads the list")
        reading.reset()
        buyer.send("1 1\n")
        assert buyer.line() == "ok: 1 apple sold, 29 left"


def test_ctrl_c_ends_waits_of_all_kinds() -> None:
    with (
        Program(SERVER, "--port", "0", "--wait", "3600") as server,
        Peer(address := server.listening()) as first,
        Peer(address) as second,
    ):
        server.wait_for("client 2 reads the list")
        assert server.interrupt() == 0
        assert first.rest() == second.rest() == ""


def test_ctrl_c_ends_orders_and_those_who_wait_behind() -> None:
    with stock(wait_s=0.3) as (server, address), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Peer(address)) for _ in range(4)]
        for client in clients:
            read_list(client)
        for client in clients:
            client.send("1 1\n")
        stack.enter_context(Peer(address))
        server.wait_for("client 5 connected")


def test_garbage_hurts_nobody_and_is_not_printed() -> None:
    with stock(wait_s=0) as (server, address), Peer(address) as witness:
        read_list(witness)
        with Peer(address) as garbage:
            read_list(garbage)
            garbage.send(b"\xff\x1b[2J\x00\n")
            assert garbage.line().startswith("error: an order is ")
        crashing = Peer(address)
        server.wait_for("client 3 connected")
        crashing.reset()
        server.wait_for("client 3 left")
        witness.send("1 1\n")
        assert witness.line() == "ok: 1 apple sold, 29 left"
        assert not [line for line in server.lines if "\x1b" in line or "\ufffd" in line]


# --- the client --------------------------------------------------------------------------------------
def test_the_client_orders_what_its_arguments_say(address: tuple[str, int]) -> None:
    with (
        stock("--pieces", "5") as (_, own),
        Program(CLIENT, "--port", str(own[1]), "--order", "1", "2") as client,
    ):
        assert client.wait() == 0
        assert [line.split() for line in client.lines[1:4]] == [
            ["1", "apple", "5"],
            ["2", "pear", "12"],
            ["3", "plum", "cake", "3"],
        ]
        assert client.lines[-1] == "ok: 2 apple sold, 3 left"
    with Program(CLIENT, "--port", str(address[1]), "--order", "1", "99") as client:
        assert client.wait() == 1
        assert client.lines[-1] == "error: only 30 apple left."


def test_the_client_orders_what_is_typed() -> None:
    with stock() as (_, address), Program(CLIENT, "--port", str(address[1])) as client:
        client.wait_for("Order with: id quantity")
        client.say("2 1")
        client.wait_for("ok: 1 pear sold, 11 left")
        client.say("")
        client.say("x")
        client.wait_for("error: an order is ")
        client.end_input()
        assert client.wait() == 0


def test_the_client_ends_on_ctrl_c_and_with_the_server() -> None:
    with (
        Program(SERVER, "--port", "0", "--wait", "0") as server,
        Program(CLIENT, "--port", (port := str(server.listening()[1]))) as client,
        Program(CLIENT, "--port", port) as another,
    ):
        client.wait_for("Order with")
        assert client.interrupt() == 0
        another.wait_for("Order with")
        assert server.interrupt() == 0
        another.say("1 1")
        another.wait_for(f"The server at 127.0.0.1:{port} hung up")
        assert another.wait() == 1


def test_the_client_trusts_no_server() -> None:
    with listener() as (own, port), Program(CLIENT, "--port", port) as client:
        link, _ = own.accept()
        with link:
            link.sendall(b"1 \x1b[2J\xff\n\n" + b"1" * 5000)
            client.wait_for("\\x1b[2J\ufffd")
            client.wait_for("The server at")
            assert client.wait() == 1


def test_a_refused_connection_a_strange_host_and_a_taken_port_get_a_sentence() -> None:
    with listener() as (own, port):
        with Program(SERVER, "--port", port) as second:
            second.wait_for(f"Cannot listen on 127.0.0.1:{port} (Address already in use): ")
            assert second.wait() == 1
        own.close()
        with Program(CLIENT, "--port", port) as client:
            client.wait_for(f"Cannot reach 127.0.0.1:{port} (Connection refused): ")
            assert client.wait() == 1
            assert len(client.lines) == 1
    for program, word in ((SERVER, "listen on"), (CLIENT, "reach")):
        with Program(program, "--host", "a" * 70) as lost:
            assert lost.wait() == 1
            assert lost.lines[0].startswith(f"Cannot {word} aaa")
            assert len(lost.lines) == 1


@pytest.mark.parametrize(
    ("program", "wrong"),
    [
        (SERVER, ("--port", "65536")),
        (SERVER, ("--wait", "-1")),
        (SERVER, ("--wait", "inf")),
        (SERVER, ("--pieces", "-1")),
        (CLIENT, ("--port", "0")),
        (CLIENT, ("--order", "1")),
    ],
)
def test_wrong_usage_exits_2(program: str, wrong: tuple[str, str]) -> None:
    with Program(program, *wrong) as used:
        used.wait_for(f"argument {wrong[0]}: ")
        assert used.wait() == 2
