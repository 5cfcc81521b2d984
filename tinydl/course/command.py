"""What the subcommands of `tinydl` share: how they complain, what they take, and how they write in ASCII."""

from __future__ import annotations

import argparse
import codecs
import difflib
import math
import unicodedata
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


SPELLED = "spelled"  # the name of the error handler below, as `errors=` of a stream or of encode
_SIGNS = {
    "∂": "d", "∇": "grad ", "Σ": "sum ", "Π": "prod ", "α": "alpha", "β": "beta", "δ": "delta", "Δ": "Delta ",
    "ε": "eps", "λ": "lambda", "σ": "sigma", "χ": "chi", "·": "*", "×": "x", "⁄": "/", "−": "-", "–": "-", "—": "-",
    "√": "sqrt ", "‖": "||", "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=", "→": "->", "⇒": "=>", "±": "+/-", "′": "'",
    "“": '"', "”": '"', "\u0304": "_bar ",
}  # fmt: skip


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """What is written for a character that a stream lacks: Greek by name, signs in ASCII, and "[...]" for the rest."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    i = error.start
    before, here, after = error.object[i - 1 : i], error.object[i], error.object[i + 1 : i + 2]
    word = _plain(here)
    if not word.isascii():
        return "[...]" if _plain(before).isascii() else "", i + 1
    word = _place(here) + word if _place(here) != _place(before) else word
    return word if after.isalnum() else word.rstrip(), i + 1


def _plain(c: str) -> str:
    return _SIGNS.get(c) or "".join(_SIGNS.get(part, part) for part in unicodedata.normalize("NFKD", c))


def _place(c: str) -> str:
    """What ASCII writes before a subscript or a power."""
    kind = unicodedata.decomposition(c or " ").partition(" ")[0]
    return {"<sub>": "_", "<super>": "^"}.get(kind, "")


codecs.register_error(SPELLED, _spelled)
