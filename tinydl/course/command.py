"""What the subcommands of `tinydl` share: how they complain, what they take, and how they write."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from ..engine.checks import whole
from ..engine.terminal import shown, wrapped


class UsageError(Exception):
    """A request that can't be meant; the message is the one line that the user sees."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are a single line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Help, **options})

    def error(self, message: str) -> NoReturn:
        self.exit(2, shown(f"{self.prog}: {message} (see {self.prog} --help)") + "\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse's, but a subcommand complains itself of what it doesn't know, and so with its own --help."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _print_message(self, message: str, file: Any = None) -> None:
        """As argparse's, but a help that can't be written is an OSError."""
        if file is None or file is sys.stderr:
            _write_complaint(message)
        else:
            file.write(message)


class Help(argparse.HelpFormatter):
    """Help whose paragraphs are as wide as the terminal; indented lines, tables and examples, stay lines."""

    def __init__(self, prog: str, *more: Any, **options: Any) -> None:
        super().__init__(prog, *more, **options)
        self._action_max_length = 13  # at least; argparse forgets that commands are indented once more

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = [""]
        for line in text.strip().split("\n"):
            if line[:1].strip() and lines[-1][:1].strip():
                lines[-1] += f" {line}"
            else:
                lines.append(line)
        return "\n".join(part for line in lines[1:] for part in wrapped(line, width, _second_column(line)))


def _second_column(line: str) -> int:
    """How far what goes on below is indented: to where the text of a line with a term before it begins."""
    term = re.match(r" +(\S.*? {2,})\S", line)
    return len(term[1]) if term else 0


def say(text: str, below: int = 4) -> None:
    """Print it, as wide as the terminal or $COLUMNS; where a line is too long, the rest is indented by so much more."""
    print(shown(text, below, anywhere=True), flush=True)


def complain(text: str) -> None:
    """Say on standard error what is wrong, in one line unless the terminal is narrow."""
    _write_complaint(shown(f"tinydl: {text}\n"))


def _write_complaint(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:  # the exit status says it
        discard(sys.stderr)


def discard(stream: Any) -> None:
    """What is still buffered goes nowhere, so that Python doesn't fail at it once more when it ends."""
    with contextlib.suppress(OSError):  # it may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
