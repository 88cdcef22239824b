"""What one can do from the screen: it asks the session, and tells the screen what to show.

Other screens are imported when they are needed: that makes the first one come sooner.
"""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from textual.screen import Screen

from chatroom.client.closed import closed_sentence
from chatroom.client.errors import ClientError
from chatroom.client.events import MessageState, OwnMessage, RoomClosed, RoomOpened
from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom.protocol.frames import LineKind
from chatroom.protocol.ids import MessageId, RoomId
from chatroom.tui.conversation import Conversation, Part

if TYPE_CHECKING:
    from chatroom.client.session import Session

_Answer = TypeVar("_Answer")


class NotReadyError(ClientError):
    """There is no session yet; the sentence says so."""


class Display(Protocol):
    """What a desk needs of the screen."""

    def toast(self, sentence: str, *, is_warning: bool = False) -> None:
        """Say something for a moment."""
        ...

    def draw(self, *parts: Part) -> None:
        """Draw parts anew."""
        ...

    async def ask(self, screen: Screen[_Answer]) -> _Answer | None:
        """Show a screen, and give what it returns."""
        ...

    def enter(self, room: RoomId) -> None:
        """Put a room on the screen."""
        ...


class Desk:
    """Acts on one session for the one who sits at the screen.

    Attributes:
        session: None until there is one.
        quiet: Whether the bell is off.
    """

    def __init__(self, conversation: Conversation, display: Display, texts: Texts) -> None:
        self.conversation = conversation
        self.display = display
        self.texts = texts
        self.quiet = False
        self.session: Session | None = None

    @property
    def live(self) -> "Session":
        """The session.

        Raises:
            NotReadyError: There is none yet.
        """
        if self.session is None:
            raise NotReadyError(self.texts._("You are not connected yet."))
        return self.session

    def in_room(self, room: RoomId | None) -> RoomId:
        """The room itself, for what only makes sense in one.

        Raises:
            NotReadyError: There is none.
        """
        if room is None:
            raise NotReadyError(self.texts._("You are in no room yet. /rooms lists them, /join opens one."))
        return room

    async def say(self, text: str, *, room: RoomId | None, kind: str = "", grid: str = "") -> None:
        """Put a message into the outbox; it is on the screen when it is there."""
        room = self.in_room(room)
        if sentence := self.why_closed(room):
            raise NotReadyError(sentence)
        self._show_own(await self.live.say(room, text, kind=kind, grid=grid))

    def why_closed(self, room: RoomId | None) -> str:
        """Why nothing can be said in a room; empty where it can."""
        view = self.conversation.rooms.view(room) if room in self.conversation.closed else None
        if view is None:
            return ""
        title = one_line(f"@{view.name}" if view.direct else f"#{view.name}")
        is_lost = self.conversation.closed[view.id]
        return closed_sentence(self.texts, title, is_direct=view.direct, is_lost=is_lost)

    async def join(self, name: str, *, create: bool = False) -> None:
        """Open a room, a new one with `create`."""
        known = self.conversation.rooms.by_name(name)
        if known is not None and known not in self.conversation.closed and not create:
            self.display.enter(known)
        else:
            self._enter(await self.live.join(name, create=create))

    async def direct(self, nick: str = "", *, user: str = "", text: str = "") -> None:
        """Open the conversation with one person, and say something there."""
        opened = await self.live.direct(nick=nick, user=user)
        self._enter(opened)
        if text:
            await self.say(text, room=opened.room.id)

    async def leave(self, name: str, *, room: RoomId | None) -> None:
        """Give a room up: the one named, else this one."""
        left = self.conversation.rooms.by_name(name) if name else self.in_room(room)
        if left is None:
            raise NotReadyError(self.texts._("You are not in {room}.").format(room=one_line(name)))
        conversation = self.conversation
        conversation.leaving.add(left)
        if left in conversation.closed:  # the server has nothing to leave
            conversation.apply([RoomClosed(left)])
            self.display.draw(*Part)
            return
        try:
            await self.live.leave(left)
        except ClientError:
            conversation.leaving.discard(left)
            raise

    async def who(self, name: str, *, room: RoomId | None) -> None:
        """Show the people of a room: the one named, else this one."""
        asked = name or self.in_room(room)
        from chatroom.tui.screens.notice import NoticeScreen

        people = (await self.live.who(asked)).people
        lines = [
            f"{one_line(person.nick)} — {self.texts._(person.state.value)}"
            for person in sorted(people, key=lambda person: (person.state.value != "online", person.nick))
        ]
        title = one_line(f"#{name}" if name else self.conversation.room_name(RoomId(asked)))
        await self.display.ask(NoticeScreen(title, lines, self.texts))

    async def topic(self, text: str, *, room: RoomId | None) -> None:
        """Change the topic, or say what it is."""
        if text:
            await self.say(text, kind=LineKind.TOPIC, room=room)
            return
        view = self.conversation.rooms.view(self.in_room(room))
        topic = one_line(view.topic) if view else ""
        self.display.toast(topic or self.texts._("This room has no topic."))

    async def invite(self) -> None:
        """Show the line that lets others in, or the command that opens the server."""
        from chatroom.tui.screens.notice import NoticeScreen

        _ = self.texts._
        answer = await self.live.invitations(self.conversation.rooms.current or "")
        lines = [one_line(line) for line in answer.invitations]
        help_line = one_line(answer.help)
        text = _("Whoever has one of these lines can join: chatroom LINE")
        if not lines:
            text = _("This server only listens on its own machine. To open it to your network:")
        shown = [text, "", *(lines or [help_line])]
        copied = lines[0] if lines else help_line
        await self.display.ask(NoticeScreen(_("Invitation"), shown, self.texts, copied=copied))

    async def show_picture(self, path: Path, *, room: RoomId | None) -> None:
        """Draw a picture, show it, and send it if it pleases."""
        from chatroom.media import SENTENCES, PictureError, draw_to_send
        from chatroom.tui.screens.preview import PreviewScreen

        room = self.in_room(room)
        try:
            picture, grid = await draw_to_send(path)
        except PictureError as error:
            sentence = self.texts._(SENTENCES[error.problem]).format(name=error.name, reason=error.reason)
            self.display.toast(sentence, is_warning=True)
            return
        screen = PreviewScreen(picture, self.conversation.room_name(room), self.texts)
        if await self.display.ask(screen):
            await self.say(picture.caption, kind=LineKind.IMAGE, grid=grid, room=room)

    async def retry(self) -> None:
        """Send the oldest message that failed again."""
        await self.live.retry(self._oldest_failed().key)

    async def discard(self) -> None:
        """Throw the oldest message that failed away."""
        message = self._oldest_failed()
        await self.live.discard(message.key)
        self.conversation.timeline(message.room).drop_unsent(message.key)
        self.display.draw(Part.LOG)

    def ring_or_not(self) -> None:
        """Turn the bell off, or on again."""
        _ = self.texts._
        self.quiet = not self.quiet
        self.display.toast(_("The bell is off.") if self.quiet else _("The bell is on."))

    async def ask_who(self, room: RoomId) -> None:
        """Learn anew who is in a room: some of what happened there was missed."""
        with contextlib.suppress(ClientError):
            answer = await self.live.who(room)
            self.conversation.members(room).replace(answer.people, answer.more)
            self.display.draw(Part.PEOPLE)

    async def fetch(self, room: RoomId, first: int, last: int) -> None:
        """Get lines that are not at hand, a page after the other."""
        timeline = self.conversation.timeline(room)
        at = first
        try:
            while at <= last:
                lines = await self.live.page(room, after=MessageId(at - 1), limit=min(512, last - at + 1))
                if not lines:
                    break
                timeline.fill(body for _line, body in lines)
                at = lines[-1][0].id + 1
                self.display.draw(Part.LOG)
        finally:
            timeline.failed(first, last)

    def _enter(self, opened: RoomOpened) -> None:
        self.conversation.apply([opened])
        self.display.draw(*Part)
        self.display.enter(opened.room.id)

    def _show_own(self, message: OwnMessage) -> None:
        self.conversation.take_own(message)
        self.display.draw(Part.LOG)

    def _oldest_failed(self) -> OwnMessage:
        """The oldest failed message of this room, else of any."""
        unsent = [message for message in self.live.unsent() if message.state is MessageState.FAILED]
        here = [message for message in unsent if message.room == self.conversation.rooms.current]
        if not unsent:
            raise NotReadyError(self.texts._("No message has failed."))
        return (here or unsent)[0]
