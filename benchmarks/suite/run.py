"""One run: its options, and what it has found so far."""

import tempfile
from pathlib import Path

from benchmarks.suite.results import Figure, Report, Talk


class Run:
    """What all cases are given.

    Args:
        root: A folder on the disk that is to be measured; it is emptied afterwards.
        checks: Whether each line is looked at, and each data folder verified.

    Attributes:
        seconds: How long each talk is.
    """

    def __init__(self, report: Report, root: Path, *, checks: bool) -> None:
        self.report, self.root, self.checks = report, root, checks
        self.seconds = report.seconds

    def folder(self) -> Path:
        """A new folder."""
        return Path(tempfile.mkdtemp(dir=self.root))

    def add_talk(self, talk: Talk) -> None:
        """Keep what came of a talk."""
        self.report.talks.append(talk)
        outcome = talk.outcome
        self.add_faults(f"{talk.case} ({talk.server})", outcome.faults)
        if outcome.lost:
            self.add_faults(f"{talk.case} ({talk.server})", [f"{outcome.lost} deliveries were lost"])

    def add(self, figure: Figure) -> None:
        """Keep a figure."""
        self.report.figures.append(figure)

    def note(self, sentence: str) -> None:
        """Keep what the machine did not allow, once."""
        if sentence not in self.report.notes:
            self.report.notes.append(sentence)

    def add_faults(self, case: str, sentences: list[str]) -> None:
        """Keep what was wrong."""
        self.report.faults += [f"{case}: {sentence}" for sentence in sentences]
