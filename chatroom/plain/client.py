"""The line client: what is typed becomes messages and commands, and what happens becomes lines."""

import asyncio

from chatroom.client.errors import ClientError
from chatroom.client.events import (
    Ended,
    MessageChanged,
    MessageState,
    NickRefused,
    Offline,
    Online,
    SessionEvent,
)
from chatroom.client.session import Session
from chatroom.client.tasks import Tasks
from chatroom.common.names import NameProblem, check_nick
from chatroom.conversation_log import ConversationLog
from chatroom.model.commands import is_command, parse_command, said_text
from chatroom.model.sentences import LineFormat
from chatroom.plain.commands import PlainCommands
from chatroom.plain.console import Console
from chatroom.plain.display import Display
from chatroom.protocol import ErrorCode
from chatroom.protocol.frames import RoomInfo
from chatroom.scripts.input_lines import messages_of


class PlainClient:
    """Runs one session on a console until one leaves.

    Args:
        room: The room to open first; empty for the one that one is in, else the server's default.
        written: Keeps the conversation; None for nowhere.
    """

    def __init__(
        self,
        session: Session,
        console: Console,
        form: LineFormat,
        *,
        room: str,
        written: ConversationLog | None,
    ) -> None:
        self.session = session
        self.console = console
        self.texts = form.texts
        self.display = Display(session, console, form, room, written)
        self.view = self.display.view
        self._commands = PlainCommands(self)
        self._exit_code = 0
        self._is_nick_asked = False
        # One at a time: a room that is being entered shows its older lines before those that come live.
        self._printing = asyncio.Lock()
        self._entered = asyncio.Event()
        self._early: list[str] = []
        self._said: set[str] = set()
        self._settled: set[str] = set()
        self._all_told = asyncio.Event()

    async def run(self) -> int:
        """Print what happens and send what is typed.

        Returns:
            The exit code: 0 when one left, 1 when the server did for good or something was not sent.

        Raises:
            OutputClosed: Nobody reads the output any more.
        """
        async with Tasks("plain") as tasks:
            watching = tasks.start(self._watch(), name="watch")
            typing = tasks.start(self._type() if self.console.is_interactive else self._send(), name="type")
            closed = tasks.start(self.console.closed(), name="closed")
            await tasks.first_of(watching, typing, closed)
        return self._exit_code

    # --- what happens -------------------------------------------------------------------------------
    async def _watch(self) -> None:
        async for event in self.session:
            await self.take_event(event)
            if isinstance(event, Ended):
                self._exit_code = 1
            if self._exit_code and not self.console.is_interactive:
                return

    async def take_event(self, event: SessionEvent) -> None:
        """Print what an event says, and do what follows from it."""
        async with self._printing:
            await self._take_event(event)

    async def _take_event(self, event: SessionEvent) -> None:
        if isinstance(event, Offline) and self._is_hopeless(event):
            await self._give_up(event.reason)
            return
        try:
            await self.display.show(event)
        except ClientError as error:
            await self.console.show(error.told(self.texts))
        match event:
            case Online(again=False):
                await self._has_entered()
            case NickRefused():
                await self._refuse(event)
            case MessageChanged(message=message) if message.state is not MessageState.PENDING:
                self._settle(message.key, message.state)

    def _is_hopeless(self, event: Offline) -> bool:
        """Whether a pipe would wait without an end; a server that was met, and says nothing, may be stuck."""
        if self.console.is_interactive:
            return False
        is_met = self.session.server_key is not None
        return event.is_no_chatroom or event.is_refused or (event.is_silent and not is_met)

    async def _give_up(self, reason: str) -> None:
        """Nobody is there to choose another server, or to wait until this one lets one in."""
        await self.console.show(self.texts._("Not connected: {reason}.").format(reason=reason))
        await self._say_what_waits()
        self._exit_code = 1

    async def _say_what_waits(self) -> None:
        if waiting := len(self.session.unsent()):
            sentence = self.texts.n(
                "{count} message waits in the outbox; it leaves with the next program of this profile.",
                "{count} messages wait in the outbox; they leave with the next program of this profile.",
                waiting,
            )
            await self.console.show_now(sentence.format(count=waiting))

    async def _has_entered(self) -> None:
        """Say what was typed before there was a room."""
        self._entered.set()
        early, self._early = self._early, []
        for text in early:
            await self.say(text)

    async def _refuse(self, event: NickRefused) -> None:
        """Ask for another nick, where somebody is there to give one."""
        if event.code != ErrorCode.NICK_NEEDED or not self.console.is_interactive:
            await self.console.show(event.reason)
        if self.console.is_interactive:
            self._is_nick_asked = True
            await self.console.show(self.texts._("What should the others call you?"))
        else:
            self._exit_code = 1

    def _settle(self, key: str, state: MessageState) -> None:
        """What came through the pipe is stored or failed; that may be told before `say_many` returns."""
        if self.console.is_interactive:
            return
        self._settled.add(key)
        if state is MessageState.FAILED:
            self._exit_code = 1
        if self._said <= self._settled:
            self._all_told.set()

    # --- what is typed --------------------------------------------------------------------------------
    async def _type(self) -> None:
        """Do what is typed until one leaves."""
        while (line := await self.console.read_line()) is not None:
            await self.console.release()
            if not await self._take(line):
                return
        await self._say_what_waits()

    async def _take(self, line: str) -> bool:
        """Do what a typed line says; False when it says to leave."""
        try:
            if self._is_nick_asked:
                await self._answer(line)
            elif is_command(line):
                return await self._commands.run(parse_command(line))
            else:
                await self._say_typed(said_text(line))
        except ClientError as error:
            await self.console.show(error.told(self.texts))
        return True

    async def _say_typed(self, text: str) -> None:
        if self._entered.is_set():
            await self.say(text)
        else:
            self._early.append(text)

    async def _answer(self, line: str) -> None:
        try:
            nick = check_nick(line)
        except NameProblem as problem:
            await self.console.show(problem.told(self.texts))
            return
        self._is_nick_asked = False
        self.session.login_again(nick)

    async def say(self, text: str, *, kind: str = "", grid: str = "") -> None:
        """Put a message into the outbox, for the current room."""
        messages = messages_of(text)
        room = self.view.current
        if not messages:
            return
        if room is None:
            await self.say_no_room()
            return
        if self.view.closed:
            await self.console.show(self.view.closed)
            return
        for message in messages:
            await self.session.say(room, message, kind=kind, grid=grid)

    async def say_no_room(self) -> None:
        """Tell that something needs a room."""
        await self.console.show(self.texts._("You are in no room yet. /rooms lists them, /join opens one."))

    async def enter(self, room: RoomInfo) -> None:
        """Make a room the current one, and show its newest lines."""
        async with self._printing:
            await self.display.enter(room)

    # --- what comes through a pipe -------------------------------------------------------------------
    async def _send(self) -> None:
        """Send everything to the room that one is in, and wait until it is stored and has been shown."""
        await self._entered.wait()
        room = self.view.current
        if room is None:
            self._exit_code = 1
            return
        async for messages in self.console.pieces():
            said = await self.session.say_many(room, messages)
            self._said.update(message.key for message in said)
            self._forget_settled()
        await self.session.wait_all_stored(None)
        if not self._said <= self._settled:
            self._all_told.clear()
            await self._all_told.wait()

    def _forget_settled(self) -> None:
        done = self._said & self._settled
        self._said -= done
        self._settled -= done
