"""Counting and fetching pages: one thing after the other, and both at once."""

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType

import pytest

from examples.asynchronous import slow_web_server, web_async, web_async_multiple, web_sync, web_sync_multiple
from tests.examples.programs import Peer, Program

ONE = ["asynchronous/web_sync.py", "asynchronous/web_async.py"]
MANY = ["asynchronous/web_sync_multiple.py", "asynchronous/web_async_multiple.py"]
SLOW = "asynchronous/slow_web_server.py"
NUMBERS = [str(number) for number in range(1, 11)]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
HOSTILE = [
    "https://x/../../etc/passwd",
    "https://x/.._.._etc_passwd",
    "http://x/../../etc/passwd",
    "https://../..",
    "https://x/a",
    "https://x/A",
    "http://x/a",
    "https://x/a?b=1",
    "https://x/a%3Fb=1",
    "https://x/\x1b[31m",
    "https://x/\0",
    "https://x/é" + "é" * 100,
    "https://x/" + "y" * 5000,
    "https://x/" + "y" * 4999 + "z",
]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def slow_server(delay_s: float) -> Iterator[str]:
    """The slow web server, ended by Ctrl+C: it must take that well each time. Gives the address."""
    with Program(SLOW, "--port", "0", "--delay", str(delay_s)) as server:
        host, port = server.listening()
        yield f"http://{host}:{port}"
        assert server.interrupt() == 0
        assert len(server.lines) == 1  # it says nothing about its clients


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A slow web server in no way slow, for all tests: it outlives all that they do to it."""
    with slow_server(0) as address:
        yield address


@contextmanager
def one_answer(*parts: bytes, goes_on: bool = False) -> Iterator[str]:
    """A server that sends each client the same bytes: pages that no decent server has. Gives the address."""
    over = threading.Event()

    def answer() -> None:
        while True:
            peer, _ = listener.accept()
            with peer, suppress(OSError):  # the client has had enough
                peer.settimeout(20)
                if over.is_set():
                    return
                peer.recv(65536)
                for part in parts:
                    peer.sendall(part)
                while goes_on and not over.wait(0.01):
                    peer.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        address = listener.getsockname()
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{address[1]}/"
        finally:
            over.set()
            socket.create_connection(address, 20).close()
            thread.join(20)


def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def stats(address: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{address}/stats", timeout=20) as answer:
        counted: dict[str, int] = json.load(answer)
    return counted


def run_all(*commands: tuple[object, ...]) -> list[tuple[int, list[str]]]:
    """Run programs side by side; give the exit code and the lines of each."""
    with ExitStack() as stack:
        programs = [stack.enter_context(Program(*map(str, command))) for command in commands]
        return [(program.wait(), program.lines) for program in programs]


def sentence(ended: tuple[int, list[str]]) -> str:
    """What a program said that failed as it should."""
    code, lines = ended
    assert (code, len(lines)) == (1, 1), lines
    assert lines[0].isprintable()
    return lines[0]


# --- counting --------------------------------------------------------------------------------------------
def test_two_counts_one_after_the_other() -> None:
    [(code, lines)] = run_all(("asynchronous/sleep_and_print.py", "--pause", 0.01))
    assert code == 0
    assert lines[:-1] == NUMBERS * 2
    assert re.fullmatch(r"Took \d\.\d s", lines[-1])


def test_two_counts_on_one_loop() -> None:
    [(code, lines)] = run_all(("asynchronous/sleep_and_print_async.py", "--pause", 0.05))
    assert code == 0
    assert re.fullmatch(r"Took \d\.\d s", lines.pop())
    # both say a number before either says the next
    assert [set(lines[at : at + 2]) for at in range(0, 20, 2)] == [
        {f"first {number}", f"second {number}"} for number in NUMBERS
    ]


@pytest.mark.parametrize("path", ["asynchronous/sleep_and_print.py", "asynchronous/sleep_and_print_async.py"])
def test_counting_ends_on_ctrl_c(path: str) -> None:
    with Program(path, "--pause", "60") as program:
        program.wait_for("1")
        assert program.interrupt() == 0
    [(code, lines)] = run_all((path, "--pause", "-1"))
    assert code == 2
    assert "--pause" in lines[-1]


# --- one page --------------------------------------------------------------------------------------------
def test_a_page_is_written(server: str, tmp_path: Path) -> None:
    for name in ("0", "1"):
        (tmp_path / name).write_text("an older and much, much longer page")
    ended = run_all(*((path, f"{server}/hello", "--out", tmp_path / str(at)) for at, path in enumerate(ONE)))
    assert ended == [(0, [f"Wrote 23 bytes to {tmp_path / name}"]) for name in ("0", "1")]
    assert [(tmp_path / name).read_text() for name in ("0", "1")] == ["<p>This is /hello.</p>\n"] * 2


@pytest.mark.parametrize("program", [web_sync, web_async])
def test_a_page_goes_to_tmp_unless_told(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, code in ((["--help"], 0), ([], 2), (["http://x/", "--wait", "0"], 2)):
        monkeypatch.setattr("sys.argv", ["program", *arguments])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert ended.value.code == code
    assert "(/tmp/web_page)" in capsys.readouterr().out


def test_no_page_is_a_sentence(server: str, tmp_path: Path) -> None:
    out = tmp_path / "page"
    missing, refused, nonsense = f"{server}/missing/1", nobody(), "\x1b[31mnonsense"
    ended = run_all(*((path, url, "--out", out) for url in (missing, refused, nonsense) for path in ONE))
    said = [sentence(program) for program in ended]
    assert all("the server answered 404 Not Found" in text for text in said[:2])
    assert all("the server cannot be reached" in text for text in said[2:4])
    assert all(r"Cannot fetch \x1b[31mnonsense: this is no web address" in text for text in said[4:])
    assert not out.exists()


def test_a_page_that_never_ends_takes_neither_time_nor_memory(tmp_path: Path) -> None:
    out = tmp_path / "page"
    # the one never falls silent, so that only a limit for the whole can end it
    with one_answer(HEAD, goes_on=True) as slow, one_answer(HEAD, b"x" * (11 << 20)) as large:
        ended = run_all(*((path, slow, "--wait", 0.3, "--out", out) for path in ONE))
        ended += run_all(*((path, large, "--out", out) for path in ONE))
    said = [sentence(program) for program in ended]
    assert all("did not come in time" in text for text in said[:2])
    assert all("the page is larger than 10 MiB" in text for text in said[2:])
    assert not out.exists()


def test_a_link_in_the_way_is_not_followed(server: str, tmp_path: Path) -> None:
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("mine")
    link.symlink_to(precious)
    ended = run_all(*((path, server, "--out", link) for path in ONE))
    assert all("it is a link; choose another file" in sentence(program) for program in ended)
    assert precious.read_text() == "mine"


def test_fetching_ends_on_ctrl_c(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    with slow_server(60) as address, ExitStack() as stack:
        urls.write_text(address)
        programs = [Program(path, address, "--out", str(tmp_path / "page")) for path in ONE]
        programs += [Program(path, str(urls), "--out-dir", str(tmp_path)) for path in MANY]
        for program in programs:
            stack.enter_context(program)
        while stats(address)["pages"] < 4:
            pass  # each waits for its page once the server knows it
        assert [program.interrupt() for program in programs] == [0] * 4
        assert [program.lines for program in programs] == [[]] * 4


@pytest.mark.parametrize("path", [*ONE, *MANY, SLOW])
def test_a_missing_library_is_a_sentence(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = "requests" if "/web_sync" in path else "aiohttp"
    (tmp_path / f"{library}.py").write_text(f"raise ModuleNotFoundError('none', name={library!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    [ended] = run_all((path, "http://127.0.0.1/"))
    assert sentence(ended).startswith(f"{library} is missing: run pip install '.[examples]'")


# --- many pages ------------------------------------------------------------------------------------------
def test_each_page_gets_a_file_and_a_failure_stops_nobody(server: str, tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    folders = [tmp_path / "sync", tmp_path / "async"]
    for folder in folders:
        folder.mkdir()
    red = b"HTTP/1.1 500 \x9b31mRed\x7f\r\nContent-Length: 0\r\n\r\n"
    with ExitStack() as stack:
        good = [f"{server}/1", f"{server}/../../2", f"{server}/{'y' * 5000}"]
        bad = [f"{server}/missing", nobody(), "nonsense", server.replace("http:", "https:")]
        odd = ([red], [b"\xff\x1b[31m no HTTP at all\r\n\r\n"], [HEAD, b"x" * (11 << 20)])
        bad += [stack.enter_context(one_answer(*answer)) for answer in odd]
        bad.append(stack.enter_context(one_answer(HEAD, goes_on=True)))
        lines = ["\ufeff# pages", "", bad[0], *good, *bad, f"  {good[0]}  "]
        urls.write_bytes("\n".join(lines).encode() + b"\r\n\xff\n")
        commands = zip(MANY, folders, strict=True)
        ended = run_all(*((path, urls, "--out-dir", folder, "--wait", 1.5) for path, folder in commands))
    there = f"web_http%3A%2F%2F127.0.0.1%3A{server.rpartition(':')[2]}%2F"
    for (code, lines), folder in zip(ended, folders, strict=True):
        assert code == 1
        assert all(line.isprintable() for line in lines)
        assert [line for line in lines if re.fullmatch(r"Wrote 3 of 12 pages in \d+\.\d\d s", line)]
        said = "\n".join(lines)
        assert said.count("Cannot fetch") == 9
        for words in ("404 Not", "be reached", "no web address", "no safe connection", "10 MiB", "in time"):
            assert words in said
        files = {file.name: file.read_text() for file in folder.iterdir()}
        assert files.pop(f"{there}1") == "<p>This is /1.</p>\n"
        assert files.pop(f"{there}..%2F..%2F2").startswith("<p>This is /")
        assert [name.startswith(f"{there}yyy") for name in files] == [True]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["async", "sync", "urls"]


@pytest.mark.parametrize("program", [web_sync_multiple, web_async_multiple])
def test_no_file_of_addresses_is_a_sentence(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n\n")
    for arguments, words in (
        ([str(tmp_path / "none")], "Cannot read"),
        ([str(tmp_path)], "Cannot read"),
        ([str(empty)], "There is no address in"),
        ([__file__, "--out-dir", str(tmp_path / "none")], "is no folder"),
        (["--help"], ""),
    ):
        monkeypatch.setattr("sys.argv", ["program", *arguments])
        with pytest.raises(SystemExit) as ended:
            program.main()
        assert words in str(ended.value.code)  # Python prints a sentence given as the code, and ends with 1
    assert "(/tmp)" in capsys.readouterr().out


@pytest.mark.parametrize("program", [web_sync_multiple, web_async_multiple])
def test_file_names_are_safe_and_distinct(program: ModuleType) -> None:
    names = [str(program.file_name(url)) for url in HOSTILE]
    assert program.file_name("https://example.org") == "web_example.org"
    assert program.file_name("https://example.org/a/b") == "web_example.org%2Fa%2Fb"
    # no two are the same, not even on a disk that does not tell A from a
    assert len({name.lower() for name in names}) == len(HOSTILE)
    for name in names:
        assert re.fullmatch(r"web_[A-Za-z0-9_.%~+-]{1,210}", name), name


def test_the_waits_overlap_only_on_the_loop(tmp_path: Path) -> None:
    urls, most = tmp_path / "urls", []
    with slow_server(0.15) as address:
        urls.write_text("".join(f"{address}/{number}\n" for number in range(5)))
        for path, *options in ((MANY[0],), (MANY[1], "--at-once", "2"), (MANY[1],)):
            [(code, lines)] = run_all((path, urls, "--out-dir", tmp_path, *options))
            assert code == 0
            assert re.fullmatch(r"Wrote 5 of 5 pages in \d+\.\d\d s", lines[-1])
            most.append(stats(address)["at_once"])  # the most so far
        assert stats(address)["pages"] == 15
    assert most[:2] == [1, 2]
    assert 3 <= most[2] <= 5


# --- the slow server and the measurement -----------------------------------------------------------------
def test_the_slow_server_outlives_its_clients(server: str) -> None:
    address = ("127.0.0.1", int(server.rpartition(":")[2]))
    for _ in range(5):
        dying = Peer(address)
        dying.send("GET /dying HTTP/1.1\r\nHost: x\r\n\r\n")
        dying.reset()
    for garbage in (b"\xff\x1b[31m\0\r\n\r\n", b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\n\r\n"):
        with Peer(address) as peer:
            peer.send(garbage)
            assert peer.line() == "HTTP/1.0 400 Bad Request"
    with Peer(address) as first, Peer(address) as second:
        for peer in (first, second):
            peer.send("GET /%3Cb%3E HTTP/1.1\r\nHost: x\r\n\r\n")
        for peer in (first, second):
            assert peer.line() == "HTTP/1.1 200 OK"
            peer.wait_for("<p>This is /&lt;b&gt;.</p>\n")


def test_the_slow_server_says_why_it_cannot_listen(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = server.rpartition(":")[2]
    [in_use] = run_all((SLOW, "--port", port))
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in sentence(in_use)
    for arguments, words in ((["--host", "a..b", "--port", "0"], "no host name"), (["--port", "65536"], "2")):
        monkeypatch.setattr("sys.argv", ["program", *arguments])
        with pytest.raises(SystemExit, match=words):
            slow_web_server.main()


def test_the_measurement_shows_what_waiting_together_saves() -> None:
    [(code, lines)] = run_all(("asynchronous/measure.py", "--pages", 8, "--delay", 0.06))
    assert code == 0, lines
    assert re.fullmatch(r"8 pages of http://127\.0\.0\.1:\d+, 0\.06 s each:", lines[0])
    rows = [line.split() for line in lines[2:4]]
    assert [program for program, _ in rows] == ["web_sync_multiple.py", "web_async_multiple.py"]
    one_by_one, together = (float(seconds) for _, seconds in rows)
    assert one_by_one >= 0.48  # no page came before its delay
    assert 0.06 <= together < one_by_one


def test_the_measurement_of_given_pages(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    urls.write_text(nobody())
    [(code, lines)] = run_all(("asynchronous/measure.py", "--url-file", urls))
    assert code == 1
    assert "Cannot fetch" in "\n".join(lines)
    assert lines[-1].startswith("Cannot measure: web_sync_multiple.py did not get all pages")


def test_the_measurement_ends_on_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Program("asynchronous/measure.py", "--delay", "60") as program:
        address = program.wait_for("10 pages of ").split()[3].rstrip(",")
        while not stats(address)["pages"]:
            pass  # the first program waits for its first page once the server knows it
        assert program.interrupt() == 0
    assert list(tmp_path.iterdir()) == []
