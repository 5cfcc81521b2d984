"""How text looks where there are few columns, or fewer characters than it has: a narrow terminal, cp1252, ASCII.

Python raises UnicodeEncodeError for a character that a stream's encoding lacks, as where Windows writes to a file. What
tinydl prints is spelled there: Greek by name, signs in ASCII. A str of its reports is the true text wherever standard
output can write it. Stands on the standard library alone.
"""

from __future__ import annotations

import codecs
import sys
from typing import Any

SPELLED = "spelled"  # the name of the error handler below, as `errors=` of a stream or of encode
LEAST = 40  # columns that are used even where there are fewer
_SIGNS = {
    "∂": "d", "∇": "grad ", "Σ": "sum ", "Π": "prod ", "α": "alpha", "β": "beta", "δ": "delta", "Δ": "Delta ",
    "ε": "eps", "λ": "lambda", "σ": "sigma", "χ": "chi", "·": "*", "×": "x", "⁄": "/", "−": "-", "–": "-", "—": "-",
    "√": "sqrt ", "∞": "inf", "‖": "||", "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=", "→": "->", "⇒": "=>", "±": "+/-",
    "′": "'", "“": '"', "”": '"', "\u0304": "_bar ",
}  # fmt: skip


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """What is written for a character that a stream lacks: Greek by name, signs in ASCII, and "[...]" for the rest."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    i = error.start
    before, here, after = error.object[max(i - 1, 0) : i], error.object[i], error.object[i + 1 : i + 2]
    word = _plain(here)
    if not word.isascii():
        return "[...]" if _plain(before).isascii() else "", i + 1
    word = _place(here) + word if _place(here) != _place(before) else word
    return word if after.isalnum() else word.rstrip(), i + 1


def _plain(c: str) -> str:
    import unicodedata

    return _SIGNS.get(c) or "".join(_SIGNS.get(part, part) for part in unicodedata.normalize("NFKD", c))


def _place(c: str) -> str:
    """What ASCII writes before a subscript or a power."""
    import unicodedata

    kind = unicodedata.decomposition(c or " ").partition(" ")[0]
    return {"<sub>": "_", "<super>": "^"}.get(kind, "")


codecs.register_error(SPELLED, _spelled)


def spell_on(*streams: Any) -> None:
    """From now on these streams spell what they can't write. For programs: the `tinydl` command and the lessons."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=SPELLED)


def spelled(text: str, stream: Any = None) -> str:
    """The text as the stream, standard output by default, can write it: itself, wherever it can be."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, SPELLED).decode(encoding)


def is_terminal(stream: Any) -> bool:
    """Whether somebody reads along; of a stream that can't say so, or is closed, nobody does."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False


def columns(otherwise: int, anywhere: bool = False) -> int:
    """How wide the terminal is; `otherwise` where standard output is none.

    $COLUMNS counts before what the terminal says, and with `anywhere` also where there is no terminal.
    """
    if not (anywhere or is_terminal(sys.stdout)):
        return otherwise
    from shutil import get_terminal_size

    return max(LEAST, get_terminal_size((otherwise, 24)).columns)


def shown(text: str, below: int = 4, anywhere: bool = False) -> str:
    """The text as standard output can show it: spelled, and lines that are wider than `columns` broken between words;
    what goes on below is indented by so much more than its line."""
    width = columns(sys.maxsize, anywhere)
    return "\n".join(part for line in spelled(text).split("\n") for part in wrapped(line, width, below))


def wrapped(line: str, width: int, below: int = 4) -> list[str]:
    """A line in parts of at most this width, if its words allow; the spaces between these stay as they are."""
    if len(line) <= width:
        return [line]
    import textwrap

    indent = " " * (len(line) - len(line.lstrip()) + below)
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        expand_tabs=False, replace_whitespace=False,
    )  # fmt: skip
