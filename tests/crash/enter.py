"""Kills the full-screen client around the pressing of Enter: what was typed is sent, or is a draft again."""

import os
import random
import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash.processes import compiled
from tests.crash.verdict import read_history
from tests.e2e.terminal import Terminal, client_command
from tests.e2e.world import Server

_COMPOSER: Final = re.compile(r"#general › ?(.*?) *$", re.MULTILINE)
_SENTINEL: Final = "~"
_DRAFT_IS_OLD_S: Final = 0.6
"""A draft is on disk after 0.2 s; the rest is for a machine that has more to do."""


@dataclass(slots=True)
class Trial:
    """One start of the client, and its end.

    Attributes:
        was_cleared: The composer was seen empty again, after Enter.
        age_s: How long the text had stood on the screen.
        draft: What stood in the composer at the next start.
    """

    text: str
    is_entered: bool = False
    was_cleared: bool = False
    age_s: float = 0.0
    draft: str = ""


@dataclass(slots=True)
class Outcome:
    """What came of all trials.

    Attributes:
        sent: Texts that are in the history.
        drafts: Texts that were drafts again.
        both: Texts of which both is true.
        young: Texts that were killed too young to be either.
    """

    trials: int = 0
    cleared: int = 0
    sent: int = 0
    drafts: int = 0
    both: int = 0
    young: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.trials} kills around Enter: {self.cleared} with the composer empty again, "
            f"{self.sent} sent, {self.drafts} drafts, {self.both} both, {self.young} too young, "
            f"{len(self.problems)} promises broken"
        )


class Trials:
    """Some in a row: each start shows what the one before has left."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder = folder
        self._rng = rng
        self._trials: list[Trial] = []
        folder.mkdir()
        (folder / "server.conf").write_text("BURST=0\nRATE=0\nHISTORY_FLUSH_S=0.2\n", encoding="utf-8")
        self._server = Server(folder, "--config", str(folder / "server.conf"))

    def play(self, count: int) -> Outcome:
        """Play so many trials, and judge."""
        self._server.start()
        try:
            for number in range(count):
                self._try(number)
            self._look_once_more()
            self._server.stop()
        finally:
            self._server.kill()
        return self._judge()

    def _try(self, number: int) -> None:
        trial = Trial(f"trial {number} {self._rng.randrange(1 << 30)}")
        with self._client() as terminal:
            self._begin(terminal)
            terminal.type(trial.text)
            terminal.wait_for(lambda text: composer(text) == trial.text)
            self._kill(terminal, trial, time.monotonic())
        self._trials.append(trial)

    def _kill(self, terminal: Terminal, trial: Trial, typed: float) -> None:
        """Before Enter, soon after it, or at the moment when the composer is seen empty."""
        rng = self._rng
        time.sleep(rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(_DRAFT_IS_OLD_S, 1.0)]))
        way = rng.choice(["before", "soon", "soon", "cleared", "cleared"])
        if way != "before":
            terminal.press("enter")
            trial.is_entered = True
        if way == "soon":
            time.sleep(rng.uniform(0, rng.choice([0.01, 0.1])))
        elif way == "cleared":
            terminal.wait_for(lambda text: composer(text) == "")
            time.sleep(rng.choice([0.0, rng.uniform(0, 0.01)]))
        trial.age_s = time.monotonic() - typed
        os.killpg(terminal.process.pid, signal.SIGKILL)
        terminal.wait_end()
        trial.was_cleared = composer(terminal.text()) == ""

    def _client(self) -> Terminal:
        port = str(self._server.port)
        command = client_command("-a", "127.0.0.1", "-p", port, "--nick", "it4", "--lang", "en")
        return Terminal(command, env=compiled(self._folder), columns=100, rows=24)

    def _begin(self, terminal: Terminal) -> None:
        """Come to an empty composer, past the questions of a first start; note the draft that was there."""
        if not self._trials:
            terminal.wait_for("Where do you want to begin?")
            terminal.press("enter")
        terminal.wait_for(lambda text: "#general ›" in text and "● it4" in text)
        terminal.type(_SENTINEL)
        text = terminal.wait_for(lambda text: composer(text).endswith(_SENTINEL))
        if self._trials:
            self._trials[-1].draft = composer(text).removesuffix(_SENTINEL)
        terminal.press("ctrl+u")
        terminal.wait_for(lambda text: composer(text) == "")

    def _look_once_more(self) -> None:
        """What the last trial has left; all that waits is sent."""
        with self._client() as terminal:
            self._begin(terminal)
            terminal.wait_gone("pending")
            terminal.press("ctrl+q")
            terminal.wait_end()

    def _judge(self) -> Outcome:
        said = [line.body for line in read_history(self._server.data)]
        outcome = Outcome(len(self._trials))
        before = ""
        for trial in self._trials:
            times = said.count(trial.text)
            is_draft = trial.draft == trial.text
            outcome.cleared += trial.was_cleared
            outcome.sent += times > 0
            outcome.drafts += is_draft
            outcome.both += is_draft and times > 0
            outcome.young += not is_draft and not times
            if times > 1:
                outcome.problems.append(f"sent {times} times: {trial}")
            elif times == 0 and trial.was_cleared:
                outcome.problems.append(f"the composer was empty, and it was never sent: {trial}")
            elif times == 0 and not is_draft and trial.age_s > _DRAFT_IS_OLD_S:
                outcome.problems.append(f"neither sent nor a draft: {trial}")
            elif not trial.text.startswith(trial.draft) and trial.draft not in (before, before + _SENTINEL):
                outcome.problems.append(f"another draft: {trial}")
            before = trial.draft
        return outcome


def composer(screen: str) -> str:
    """What stands in the composer; a word that nobody types where there is none."""
    found = _COMPOSER.search(screen)
    return found[1] if found else "(no composer)"
