"""What the lessons share: how a picture is shown, and text where ∂ can't be. Nothing here is about deep learning.

`python tutorials/01_derivatives.py` opens no window and saves its pictures beside the script; in a notebook, and in
the pages that build.py makes, the same line shows the picture where it stands.
"""

from __future__ import annotations

import atexit
import base64
import html
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib

from tinydl.engine.terminal import is_terminal, spell_on
from tinydl.plots.style import PALETTE

HERE = Path(__file__).parent
BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW = PALETTE[:7]
GRAY = "#6E6E6E"
SHORT = os.environ.get("TINYDL_SHORT_LESSONS", "") not in ("", "0")  # as the project's own tests run long lessons


def steps(whole: int) -> int:
    """So many steps or epochs of a long training; a tenth of them, at least one, where lessons are to be short."""
    return max(1, round(whole / 10)) if SHORT else whole


def in_notebook() -> bool:
    """Whether a notebook runs this, Jupyter's, VS Code's or the site's, and not `python lesson.py`."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


spell_on(sys.stdout, sys.stderr)
if not in_notebook():
    matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "axes.prop_cycle": matplotlib.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GRAY]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "figure.figsize": (6.4, 3.8),
        "image.cmap": "viridis",
        "savefig.dpi": 150,
    }
)


def drawn(figure: Any) -> bytes:
    """The figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


versions = {"image/png": drawn}  # what a notebook is given of each figure; the site's build adds one for dark pages


def show(figure: Any, name: str, description: str) -> None:
    """Show a figure: in a notebook where it stands, in a script as the file tutorials/<name>.png.

    The description says what one sees, to those who can't see it.
    """
    import matplotlib.pyplot as plt

    if in_notebook():
        from IPython.display import display

        pictures = {kind: base64.b64encode(draw(figure)).decode() for kind, draw in versions.items()}
        width, height = (round(100 * inches) for inches in figure.get_size_inches())
        about = {"alt": description, "width": width, "height": height, "name": name}
        display({**pictures, "text/plain": description}, metadata={"image/png": about}, raw=True)
    else:
        path = HERE / f"{name}.png"
        figure.savefig(path, metadata={"Description": description})
        print(f"saved {os.path.relpath(path)}: {description}")
    plt.close(figure)  # else a notebook would draw it once more when its cell ends


def show_page(loss: Any, name: str, height: int = 900) -> Any:
    """Step through the graph of `loss`: in a notebook where it stands, in a script as tutorials/<name>.html.

    Write it as the last line of a cell, since a notebook shows what the last line gives.
    """
    from tinydl import plots

    return _page(plots.backprop_page(loss, HERE / f"{name}.html"), f"The graph of {name}, to step through", height)


def show_digit_page(model: Any, name: str, height: int = 900) -> Any:
    """Draw a digit for `model`, in a notebook and in a script as `show_page` does it."""
    from tinydl import plots

    return _page(plots.digit_page(model, HERE / f"{name}.html"), "Draw a digit, and see what the network says", height)


def _page(path: Path, title: str, height: int) -> Any:
    """A page that lies there: in a notebook where it stands, and the file is gone."""
    if not in_notebook():
        print(f"saved {os.path.relpath(path)}; open it in a browser")
        return None
    page = path.read_text(encoding="utf-8")
    path.unlink()
    return Html(
        f'<iframe class="tinydl-page" title="{html.escape(title)}" srcdoc="{html.escape(page)}" '
        f'style="width: 100%; height: min({height}px, 94vh); border: 1px solid #8884; border-radius: 6px"></iframe>'
    )


def quiz(question: str, choices: dict[str, str]) -> Any:
    """Ask the reader, and answer each choice: `choices` maps it to "Right: …", one of them, or to "Not quite: …".

    In a notebook and on the site a choice opens at a click, without JavaScript. A script prints the question with
    lettered choices, and all answers when it ends, in a terminal only when Enter is pressed. Text in `backquotes` is
    code.
    """
    answers = list(choices.values())
    right = [answer for answer in answers if answer.startswith("Right: ")]
    wrong = [answer for answer in answers if answer.startswith("Not quite: ")]
    if len(right) != 1 or len(wrong) < 2 or len({*right, *wrong}) != len(answers):
        raise ValueError(f"one choice is right, two or more are not, each for its own reason: {question!r}, {choices}")
    if in_notebook():
        return Html(_as_details(question, choices))
    if not _asked:
        atexit.register(_print_answers)
    _asked.append((question, choices))
    print(f"\n{question}")
    for letter, choice in zip("abcdefgh", choices, strict=False):
        print(f"  {letter}) {choice}")
    return None


_asked: list[tuple[str, dict[str, str]]] = []  # what a script has asked


def reader_is_ready(prompt: str) -> bool:
    """In a terminal wait for Enter, where Ctrl-C and Ctrl-D mean no; anywhere else nobody could press it."""
    if is_terminal(sys.stdin) and is_terminal(sys.stdout):
        try:
            input(prompt)
        except (EOFError, KeyboardInterrupt):
            return False
    return True


def _print_answers() -> None:
    if not reader_is_ready("\nPress Enter when you have yours: "):
        print()
        return
    print(f"\n{'-' * 70}\nThe answers: read on only when you have yours")
    for question, choices in _asked:
        print(f"\n{question}")
        for letter, (choice, answer) in zip("abcdefgh", choices.items(), strict=False):
            print(f"  {letter}) {choice}\n     {answer}")


def _as_details(question: str, choices: dict[str, str]) -> str:
    def marked(text: str) -> str:
        return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))

    rows = [f"<p><strong>{marked(question)}</strong></p>"]
    for choice, answer in choices.items():
        summary = f'<summary style="cursor: pointer; padding: 0.3em 0">{marked(choice)}</summary>'
        rows.append(f'<details>{summary}<p style="margin: 0.2em 0 0.8em 1.2em">{marked(answer)}</p></details>')
    return f'<div class="tinydl-quiz">{"".join(rows)}</div>'


class Html:
    """What a notebook shows as this piece of HTML."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return self.text
