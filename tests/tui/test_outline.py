"""The panes before the conversation: they look like it, and keep what is typed."""

import asyncio
from pathlib import Path

import pytest
from textual import events

from chatroom.testing import FakeServer
from chatroom.tui.app import ChatroomApp
from chatroom.tui.launch import Launch
from chatroom.tui.screens.outline import Outline
from tests.tui.stage import lines_of
from tests.tui.test_live import SIZES, is_online, launch, until


class HeldApp(ChatroomApp):
    """Stays at the outline until it is let go."""

    def __init__(self, start: Launch) -> None:
        super().__init__(start)
        self.go_on = asyncio.Event()

    async def _begin(self) -> None:
        self.run_worker(self._begin_later())

    async def _begin_later(self) -> None:
        await self.go_on.wait()
        self.call_later(super()._begin)


class LeavingApp(ChatroomApp):
    """Somebody quits at the first frame."""

    has_begun = False

    async def _begin(self) -> None:
        await self.action_quit()
        await super()._begin()
        self.has_begun = True


async def test_what_is_typed_before_the_conversation_is_there_stands_in_the_composer(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = HeldApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"early", "space", "é")
            app.post_message(events.Paste(" pasted"))
            await until(pilot, lambda: isinstance(app.screen, Outline) and len(app.screen.typed) == 8)
            app.go_on.set()
            for letter in " late":  # these wait in the app's queue, behind what the outline kept
                app.post_message(events.Key("space" if letter == " " else letter, letter))
            await until(
                pilot, lambda: app.screen is app.chat and app.chat.composer.text == "early é pasted late"
            )


async def test_what_is_typed_before_a_draft_is_there_stands_behind_it(tmp_path: Path) -> None:
    async with FakeServer() as server:
        before = ChatroomApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with before.run_test() as pilot:
            await until(pilot, lambda: is_online(before))
            await pilot.press(*"draft", "ctrl+q")
        app = HeldApp(launch(tmp_path, server, "me"))
        async with app.run_test() as pilot:
            await pilot.press(*"early")
            app.go_on.set()
            await until(pilot, lambda: is_online(app))
            assert app.chat.composer.text == "draft\nearly"


@pytest.mark.parametrize("size", SIZES)
async def test_the_outline_looks_as_the_conversation_does_at_first(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with FakeServer() as server:
        app = HeldApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test(size=size) as pilot:
            outline = lines_of(app.screen)  # type: ignore[arg-type]  # any screen has lines
            await app.push_screen(app.chat)
            await until(pilot, lambda: lines_of(app.chat) == outline)
            app.pop_screen()


async def test_one_can_leave_before_the_conversation_is_there(tmp_path: Path) -> None:
    async with FakeServer() as server:
        app = LeavingApp(launch(tmp_path, server, "me", nick="it4", room="general"))
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.has_begun)
            assert isinstance(app.screen_stack[-1], Outline)
        assert app.return_code == 0
