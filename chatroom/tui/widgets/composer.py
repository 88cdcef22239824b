"""Where one writes: several lines, what one sent before, completion, and pasted pictures."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from chatroom.common.inert import inert
from chatroom.protocol.ids import RoomId
from chatroom.protocol.limits import MESSAGE_MAX
from chatroom.tui.completion import Cycle, Vocabulary, complete
from chatroom.tui.input_history import InputHistory

_PATHS_TIMEOUT_S: Final = 1.0
"""A pasted path may lie on a disk that does not answer: then it is text."""

_ANSWER_TIMEOUT_S: Final = 1.0
"""So long the keys wait for a text to be on disk, where that is slow."""

_KEYS: Final = {
    "enter": "submit",
    "ctrl+j": "new_line",
    "alt+enter": "new_line",
    "shift+enter": "new_line",
    "tab": "complete",
    "shift+tab": "complete(True)",
    "ctrl+underscore": "undo",
    "up": "up",
    "down": "down",
}
"""No bindings: Textual runs those before or after the letters that were typed around them."""

_PATH_STARTS: Final = ("/", "~/", "'", '"', "file://")


class Composer(TextArea):
    """The text that one is writing.

    Args:
        actions: What keys do that belong to others, so that they keep their place among the letters.

    Attributes:
        vocabulary: Gives the names that Tab completes, when it is pressed.
        room: Where the text is for.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        max-height: 8;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    class Submitted(Message):
        """Enter was pressed on a text that is not empty; it stands there until this is answered.

        Keys that are pressed meanwhile wait, but for a disk that does not answer nobody waits long. Else what
        has gone from the composer is on disk.

        Attributes:
            room: Where it is for: another one may be on the screen by now.
        """

        def __init__(self, text: str, room: RoomId | None) -> None:
            super().__init__()
            self.text = text
            self.room = room
            self._answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answer(self, *, is_taken: bool) -> bool:
            """Say whether the text may go, else it stays; returns whether somebody still waited for that."""
            if self._answer.done():
                return False
            self._answer.set_result(is_taken)
            return True

        async def is_taken(self) -> bool:
            """Wait for the answer; that it takes too long is taken for one."""
            try:
                return await asyncio.wait_for(self._answer, _ANSWER_TIMEOUT_S)
            except TimeoutError:
                return True

    class TooLong(Message):
        """Enter was pressed on a text that is longer than a message may be; it is still there."""

        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

    class PicturesPasted(Message):
        """The paths of pictures were pasted or dropped."""

        def __init__(self, paths: list[Path]) -> None:
            super().__init__()
            self.paths = paths

    def __init__(
        self,
        vocabulary: Callable[[], Vocabulary] = Vocabulary,
        *,
        actions: Mapping[str, str] | None = None,
        picture_paths: Callable[[str], list[Path]] | None = None,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id, soft_wrap=True, tab_behavior="focus", show_line_numbers=False)
        self.vocabulary = vocabulary
        self.room: RoomId | None = None
        self.history_of_sent = InputHistory()
        self._key_actions = {**(actions or {}), **_KEYS}
        self._picture_paths = picture_paths or _picture_paths
        self._cycle: Cycle | None = None

    def turn_to(self, room: RoomId | None, draft: str) -> None:
        """Write for another room."""
        self.room = room
        self.history_of_sent.stand_at_end()
        self.write(draft)

    def write(self, text: str) -> None:
        """Put a text there instead of what is there, with the cursor behind it."""
        self.load_text(text)
        self.move_cursor(self.document.end)
        self._cycle = None

    async def action_submit(self) -> None:
        """Send; after a backslash begin a new line instead, for terminals that cannot tell Shift+Enter."""
        if self._before_cursor().endswith("\\"):
            self.action_delete_left()
            self.action_new_line()
            return
        text = self.text.strip()
        size = len(text.encode("utf-8", "replace"))
        if size > MESSAGE_MAX:
            self.post_message(self.TooLong(size))
        elif text:
            await self._submit(text)

    async def _submit(self, text: str) -> None:
        """Wait for the answer; our own messages wait with us, so this one goes to the parent at once."""
        submitted = self.Submitted(text, self.room)
        is_posted = self.parent is not None and self.parent.post_message(submitted)
        if is_posted and await submitted.is_taken():
            self.history_of_sent.add(text)
            if self.room == submitted.room:
                self.write("")

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.replace("\n", *self.selection, maintain_selection_offset=False)
        self.scroll_cursor_visible()

    def action_up(self) -> None:
        """One line up, or on the first one what was sent before."""
        if not self.cursor_at_first_line:
            self.action_cursor_up()
        elif (text := self.history_of_sent.back(self.text)) is not None:
            self.write(text)

    def action_down(self) -> None:
        """One line down, or on the last one what was sent after."""
        if not self.cursor_at_last_line:
            self.action_cursor_down()
        elif (text := self.history_of_sent.forth()) is not None:
            self.write(text)

    def action_complete(self, back: bool = False) -> None:
        """Complete the word before the cursor; again for the next choice."""
        before = self._before_cursor()
        if self._cycle is None or self._cycle.expected != before:
            completion = complete(before, self.vocabulary())
            self._cycle = Cycle(completion) if completion else None
        if self._cycle is None:
            return
        start = self._cycle.completion.start
        choice = self._cycle.step(back)
        row, column = self.cursor_location
        line_start = len(before) - column
        result = self.replace(
            choice, (row, start - line_start), (row, column), maintain_selection_offset=False
        )
        self.move_cursor(result.end_location)
        self._cycle.expected = self._before_cursor()

    async def _on_key(self, event: events.Key) -> None:
        """Run what the key stands for at once, in the order of typing; else it is text."""
        if action := self._key_actions.get(event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(action)
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert what was pasted, unless it is nothing but the paths of pictures."""
        event.stop()
        event.prevent_default()
        text = event.text
        if text.lstrip().startswith(_PATH_STARTS) and (paths := await self._find_pictures(text)):
            self.post_message(self.PicturesPasted(paths))
            return
        pasted = inert(text.replace("\r\n", "\n").replace("\r", "\n"))
        result = self.replace(pasted, *self.selection, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    async def _find_pictures(self, text: str) -> list[Path]:
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._picture_paths, text), _PATHS_TIMEOUT_S)
        except TimeoutError:
            return []

    def _before_cursor(self) -> str:
        return self.get_text_range((0, 0), self.cursor_location)


def _picture_paths(text: str) -> list[Path]:
    from chatroom.media import picture_paths

    return picture_paths(text)
