"""Texts that ship in the package: first names, four plays, English words; and Vocabulary, which makes numbers of them.

Sources and licences stand with each function, and in LICENSE-names.txt, LICENSE-shakespeare.txt and LICENSE-words.txt
in this folder; benchmarks/make_data.py made the files. Stands on NumPy and the engine's checks alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import array_of, first, kind

# gzip is imported where it is used, so that `import tinydl` stays quick

_HERE = os.path.dirname(os.path.abspath(__file__))


def _read(file: str) -> str:
    import gzip

    with gzip.open(os.path.join(_HERE, file), "rt", encoding="utf-8", newline="\n") as packed:
        return packed.read()


def names() -> tuple[list[str], Array]:
    """4,832 first names in lower case, and for each whether it is female (0) or male (1).

    They are those names of the census of 1990 that it knows from one sex alone: 3,944 of 4,275 female names and 888 of
    1,219 male ones. The 331 that are on both lists are left out, though one sex may be rare among their bearers: there
    is no mary, john or james. The most frequent come first, by the share of women or men who bear them. Whoever always
    says female is right on 0.816 of them.

    Gives a list of strings of a … z, 2 to 11 letters long, and an array (4832,) int64.
    Source: United States Census Bureau, Frequently Occurring Surnames and First Names from the 1990 Census, in the
    public domain; taken from the package names 0.3.0 by Trey Hunner.
    """
    rows = [line.split() for line in _read("names.txt.gz").splitlines()]
    return [name for name, _ in rows], np.array([int(sex) for _, sex in rows], np.int64)


def shakespeare() -> str:
    """Four plays of Shakespeare's in one text: Hamlet, Macbeth, King Lear and Julius Caesar.

    545,519 characters, 70 different ones; 97,757 words with spaces between them. Each play begins with its title and
    its persons; who speaks stands on a line before the speech, what is done in brackets; three blank lines lie between
    two plays. Divide it by place, as in ``text[:490_000]`` to train and ``text[490_000:]`` to test: pieces drawn at
    random overlap.

    Source: William Shakespeare, in the public domain; in the edition of Open Shakespeare, Copyright (c) 2005-6, the
    Open Knowledge Foundation, which puts it under the licence CC BY 2.5
    (https://creativecommons.org/licenses/by/2.5/); taken from the package shakespeare 0.6.
    """
    return _read("shakespeare.txt.gz")


def words() -> list[str]:
    """51,294 English words in American spelling, in the order of a dictionary, each in the forms that it has.

    1 to 19 characters long. Among them are genitives (10,912 with an apostrophe), names and abbreviations (334 with
    capitals) and accents (57, as in café); ``[w for w in data.words() if w.isascii() and w.isalpha() and w.islower()]``
    are the other 40,134.

    Source: SCOWL (Spell Checker Oriented Word Lists), Copyright 2000-2011 by Kevin Atkinson, free to use with its
    notice, which is in LICENSE-words.txt; taken from Debian's package wamerican-small.
    """
    return _read("words.txt.gz").split()


class Vocabulary:
    """The tokens of a text, numbered from 0 in sorted order: characters, or whole words.

    ``Vocabulary(text)`` numbers the characters of a string, ``Vocabulary(words)`` the words of a list, as of
    ``text.split()``; for the characters of a list of words write ``Vocabulary("".join(words))``. `tokens` lists them,
    ``len(vocabulary)`` counts them. `decode` undoes `encode`, but that words come back with one space between them.
    Raises TypeError for what isn't text; ValueError for a word that is empty or has a space within.

    >>> vocabulary = data.Vocabulary("hello")
    >>> vocabulary.encode("hole")
    array([1, 3, 2, 0])
    >>> vocabulary.decode([1, 0, 2, 2, 3])
    'hello'
    """

    tokens: list[str]

    def __init__(self, text: str | Iterable[str]) -> None:
        self._of_words = not isinstance(text, str)
        self._space = " " if self._of_words else ""
        self.tokens = sorted(set(text if isinstance(text, str) else _words(text)))
        self._codes = {token: code for code, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str | Iterable[str]) -> Array:
        """The numbers of the tokens in a text, (n,) int64; of a Vocabulary of words also those of a list of words.

        Raises ValueError for a character or word that the Vocabulary lacks: which, and where.
        """
        if isinstance(text, str):
            pieces = text.split() if self._of_words else list(text)
        elif self._of_words:
            pieces = _words(text)
        else:
            raise TypeError(f"a Vocabulary of characters encodes a string, not {kind(text)}; write ''.join(words)")
        try:
            return np.array([self._codes[piece] for piece in pieces], np.int64)
        except KeyError as error:
            raise self._lacks(error.args[0], pieces) from None

    def decode(self, codes: Any) -> str:
        """The text of the tokens with these numbers, (n,) or a single one; words with a space between them.

        Raises TypeError for what aren't integers, ValueError for another shape or a number that no token has.
        """
        array = array_of(codes)
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"decode takes integers, not {array.dtype}; of logits write logits.argmax(axis=-1)")
        if array.ndim > 1:
            raise ValueError(f"decode takes one text, not shape {array.shape}; write [v.decode(row) for row in codes]")
        array = array.reshape(-1)
        outside = (array < 0) | (array >= len(self))
        if outside.any():
            (place,) = first(outside)
            raise ValueError(f"the number {array[place]} at position {place} has no token; there are 0…{len(self) - 1}")
        return self._space.join([self.tokens[code] for code in array.tolist()])

    def _lacks(self, piece: str, pieces: list[str]) -> ValueError:
        what, shown = ("word", 3) if self._of_words else ("character", 12)
        place = pieces.index(piece)
        before = self._space.join(pieces[max(0, place - shown) : place])
        after = f", after {before!r}" if before else ""
        return ValueError(
            f"{piece!r} isn't among the {len(self):,} {what}s of this Vocabulary; it is at position {place} of the text"
            f"{after}. Make the Vocabulary of all the text that it is to encode, or replace what it lacks"
        )

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} {'words' if self._of_words else 'characters'})"


def _words(given: Any) -> list[str]:
    try:
        found = list(given)
    except TypeError:
        raise TypeError(f"a Vocabulary is for a string, or for a list of words, not for {kind(given)}") from None
    for place, word in enumerate(found):
        if not isinstance(word, str):
            raise TypeError(f"words are strings, but number {place} is {kind(word)}, {word!r}")
        if word.split() != [word]:
            raise ValueError(
                f"a word has no space within and isn't empty, but number {place} is {word!r}; write text.split() for "
                "the words of a text, and give one string for characters"
            )
    return found
