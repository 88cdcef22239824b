"""Canaries: they fail when Textual's private parts change under `chatroom.tui.terminal`."""

import asyncio
import threading

import pytest
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.events import Key

from chatroom.tui import terminal


def keys_of(data: str) -> list[str]:
    parser = XTermParser()
    events = [*parser.feed(data), *parser.feed("")]
    return [event.key for event in events if isinstance(event, Key)]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("\r", "enter"),
        ("\n", "ctrl+j"),
        ("\x1b\r", "alt+enter"),
        ("\x1b[13;2u", "shift+enter"),
        ("\x1b[27;2;13~", "shift+enter"),
        ("\x1b[13;3u", "alt+enter"),
        ("\x1b[27;3;13~", "alt+enter"),
        ("\x1br", "alt+r"),
        ("\x1bd", "alt+d"),
        ("\x1b[1;3A", "alt+up"),
        ("\x1b[1;5H", "ctrl+home"),
    ],
)
def test_terminals_keys_are_told_apart(data: str, key: str) -> None:
    terminal.teach_keys()
    assert keys_of(data) == [key]


def test_upstream_still_takes_alt_enter_for_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_SEQUENCES", {})
    assert "alt+enter" not in keys_of("\x1b\r"), "fixed upstream: the patch can go"


def test_a_parser_without_that_method_is_left_alone() -> None:
    class Parser:
        pass

    assert not terminal.teach_keys(Parser)
    assert terminal.teach_keys()


class Gate:
    """A file that takes nothing until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.taken: list[str] = []

    def write(self, text: str) -> int:
        self.opened.wait(10)
        self.taken.append(text)
        return len(text)

    def flush(self) -> None:
        pass

    def fileno(self) -> int:
        return 1


class FakeDriver:
    """As much of a driver as painting takes."""

    is_inline = False

    def __init__(self, gate: Gate) -> None:
        self._writer_thread = WriterThread(gate)  # type: ignore[arg-type]  # as much of a file as it uses
        self._writer_thread.start()

    def write(self, data: str) -> None:
        self._writer_thread.write(data)

    def flush(self) -> None:
        pass


async def test_a_stalled_terminal_skips_frames_and_gets_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    app: terminal.SteadyApp[None] = terminal.SteadyApp()
    gate = Gate()
    async with app.run_test() as pilot:
        driver = FakeDriver(gate)
        real, app._driver = app._driver, driver  # type: ignore[assignment]
        monkeypatch.setattr(type(app), "is_headless", property(lambda self: False))
        for _frame in range(100):
            app.refresh()
            await asyncio.wait_for(pilot.pause(), 5)
        assert terminal.queued_writes(driver) in range(1, 10)  # type: ignore[arg-type]
        assert app.terminal_stalls
        app.bell()
        written = terminal.queued_writes(driver)  # type: ignore[arg-type]
        gate.opened.set()
        for _turn in range(500):
            await asyncio.sleep(0.01)
            if not app._skipped_frame and len(gate.taken) > written + 1:
                break
        assert not app._skipped_frame
        assert len(gate.taken) > written + 1
        monkeypatch.undo()
        app._driver = real
        driver._writer_thread.stop()


def test_a_driver_without_that_queue_counts_as_idle() -> None:
    assert terminal.queued_writes(None) == 0
    assert terminal.queued_writes(object()) == 0  # type: ignore[arg-type]


def test_tmux_is_asked_for_modified_keys_and_given_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    chosen = terminal.driver_class()
    assert chosen is not None
    written: list[str] = []
    monkeypatch.setattr(chosen, "write", lambda self, data: written.append(data))
    monkeypatch.setattr(chosen.__mro__[1], "start_application_mode", lambda self: None)
    monkeypatch.setattr(chosen.__mro__[1], "stop_application_mode", lambda self: None)
    driver = chosen.__new__(chosen)
    driver.start_application_mode()
    driver.stop_application_mode()
    assert written == [terminal.MODIFY_KEYS_ON, terminal.MODIFY_KEYS_OFF]


def test_no_driver_of_ours_outside_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    assert terminal.driver_class() is None
    assert App(driver_class=terminal.driver_class()).driver_class is not None


@pytest.mark.parametrize(("session", "is_job"), [(100, False), (7, True)])
def test_a_program_that_leads_its_session_is_no_job(
    monkeypatch: pytest.MonkeyPatch, session: int, is_job: bool
) -> None:
    monkeypatch.setattr("os.getpgrp", lambda: 100)
    monkeypatch.setattr("os.getsid", lambda _pid: session)
    assert terminal.is_job() is is_job


async def test_what_no_shell_brings_back_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[int] = []
    monkeypatch.setattr("os.killpg", lambda _group, number: stopped.append(number))
    monkeypatch.setattr(terminal, "is_job", lambda: True)
    app: terminal.SteadyApp[None] = terminal.SteadyApp()
    async with app.run_test():  # its driver has no terminal
        assert not app.can_stop
        assert not await app.run_action("suspend_process")
        app.action_suspend_process()
    assert stopped == []


async def test_the_terminal_is_given_back_before_the_job_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    monkeypatch.setattr("os.killpg", lambda _group, _number: happened.append("stopped"))
    monkeypatch.setattr(terminal, "is_job", lambda: True)
    app: terminal.SteadyApp[None] = terminal.SteadyApp()
    async with app.run_test() as pilot:
        kind = type(app._driver)
        monkeypatch.setattr(kind, "can_suspend", True)
        monkeypatch.setattr(kind, "suspend_application_mode", lambda _self: happened.append("given back"))
        monkeypatch.setattr(kind, "resume_application_mode", lambda _self: happened.append("taken"))
        assert await app.run_action("suspend_process")
        await pilot.pause()
    assert happened == ["given back", "stopped", "taken"]
