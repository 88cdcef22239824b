"""Command lines of the benchmarks: what they cannot use is one sentence, and exit status 2."""

import argparse
import math
from collections.abc import Callable
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says what is wrong without its whole usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with one sentence."""
        self.exit(2, f"{self.prog}: {message} (--help shows the options)\n")


def whole(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers in these bounds."""

    def read(word: str) -> int:
        try:
            value = int(word)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f'"{word}" is no whole number from {least} to {most}')
        return value

    return read


def number(least: float) -> Callable[[str], float]:
    """A reader of numbers from this one on."""

    def read(word: str) -> float:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f'"{word}" is no number from {least} on')
        return value

    return read
