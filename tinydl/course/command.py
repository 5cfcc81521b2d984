"""What the subcommands of `tinydl` share: how they complain, and what numbers and files they take."""

from __future__ import annotations

import argparse
import difflib
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from ..engine.checks import whole


class UsageError(Exception):
    """A request that can't be meant; the message is the one line that the user sees."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are a single line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def check_writable(option: str, path: Path) -> None:
    """UsageError for a file that can't be written; one that wasn't there isn't there afterwards."""
    existed = path.exists()
    try:
        with open(path, "ab"):
            pass
        if not existed:
            path.unlink()
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {path} can't be written: {reason(error)}") from None


def reason(error: Exception) -> str:
    """Why, in the system's words if it was the system that refused."""
    return str(getattr(error, "strerror", None) or error)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The question, with the names that `word` is like; what to say `otherwise`, if it is like none."""
    close = difflib.get_close_matches(word, list(known), 3, 0.4)
    return f"did you mean {' or '.join(close)}?" if close else otherwise


def integer(least: int) -> Callable[[str], int]:
    """As the `type` of an argument: a whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} isn't a whole number") from None
        try:
            return whole("it", value, least)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def positive(text: str) -> float:
    """As the `type` of an argument: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number") from None
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"it must be a finite number above 0, not {text}")
    return value
