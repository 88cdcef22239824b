"""Takes settings over that changed while the server runs, and says what has to wait for a restart."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from chatroom.common.inert import one_line
from chatroom.common.texts import Texts
from chatroom_server.config import ConfigError, Settings, reloaded
from chatroom_server.shell.logs import OperatorLog


class Reloaded(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of settings that were read again.

    Attributes:
        changed: `KEY=VALUE` of those that are others from now on.
        waiting: The same of those that the server takes over when it starts again.
        problem: Why nothing has changed, a line for each error; empty when it could be read.
    """

    changed: list[str] = []
    waiting: list[str] = []
    problem: str = ""


class Changeable(Protocol):
    """The server, as far as a reload knows it."""

    settings: Settings

    async def take_over(self, settings: Settings) -> None:
        """Go by other settings from now on."""


class Reloader:
    """Reads the settings of one server again.

    Args:
        read_settings: Reads them as at the start; blocks, and raises ConfigError.
    """

    def __init__(
        self, server: Changeable, read_settings: Callable[[], Settings], logs: OperatorLog, texts: Texts
    ) -> None:
        self._server, self._read_settings = server, read_settings
        self._logs, self._texts = logs, texts
        self._alone = asyncio.Lock()

    async def reload(self) -> Reloaded:
        """Take over what can change, reopen server.log, and tell the operator."""
        async with self._alone:
            outcome = await self._reload()
        self._logs.reopen(conversation=self._server.settings.log_conversation)
        tell = self._logs.problem if outcome.problem else self._logs.note
        for sentence in sentences(outcome, self._texts):
            tell(sentence)
        return outcome

    async def _reload(self) -> Reloaded:
        try:
            read = await asyncio.to_thread(self._read_settings)
        except ConfigError as error:
            return Reloaded(problem=error.told(self._texts))
        settings, changed, waiting = reloaded(self._server.settings, read)
        if changed:
            await self._server.take_over(settings)
        return Reloaded(_shown(changed, read), _shown(waiting, read))


def sentences(outcome: Reloaded, texts: Texts) -> list[str]:
    """What an operator is told about a reload."""
    if outcome.problem:
        sentence = texts._("the settings stay as they were: {problem}")
        return [sentence.format(problem=one_line(line)) for line in outcome.problem.split("\n")]
    said = []
    if outcome.changed:
        changed = ", ".join(outcome.changed)
        said.append(texts._("settings that changed: {settings}").format(settings=one_line(changed)))
    if outcome.waiting:
        sentence = texts._("these wait for a restart of the server: {settings}")
        said.append(sentence.format(settings=one_line(", ".join(outcome.waiting))))
    return said or [texts._("the settings are as they were")]


def _shown(names: list[str], settings: Settings) -> list[str]:
    return [f"{name}={settings.values[name].text}" for name in names]
