"""How Sphinx builds the site; build.py lays out the pages that this file finds around it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes

import tinydl

project = "tinydl"
author = copyright = "the tinydl authors"
release = version = tinydl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "myst_nb",
    "sphinxcontrib.katex",
    "sphinx_copybutton",
]
default_role = "code"  # a name in `single` quotes is code, as in Markdown
exclude_patterns = ["downloads", "static"]

html_theme = "furo"
html_title = "tinydl"
html_static_path = ["static", "vendor"]
html_extra_path = ["extra"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_copy_source = False
html_show_sphinx = False
katex_css_path = "katex/katex.min.css"  # of the version of KaTeX that sphinxcontrib-katex brings: they must agree
katex_options = "macros: {}, strict: 'error', throwOnError: false"

myst_enable_extensions = ["dollarmath", "amsmath", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # build.py has run the lessons
nb_merge_streams = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 88


# ---- docstrings are plain text with formulas: what would be markup by accident is made text ----

ARGUMENT = re.compile(r"\*{0,2}\w+(\([^)]*\))?(, \*{0,2}\w+)*: ")
CODE = re.compile(r"(:\w+:`[^`]*`|``.+?``|`[^`]*`)")
EMPHASIS = re.compile(r"(?<![\w*])(\*[^\s*](?:[^*]*[^\s*])?\*)(?![\w*])")


def escaped(text: str) -> str:
    """The text with every * and | and final _ that isn't code, a formula or emphasis of a whole word as a character."""
    parts = CODE.split(text)
    for i in range(0, len(parts), 2):
        pieces = EMPHASIS.split(parts[i])
        for j in range(0, len(pieces), 2):
            pieces[j] = re.sub(r"([*|])", r"\\\1", pieces[j])
            pieces[j] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", pieces[j])
        parts[i] = "".join(pieces)
    return "".join(parts)


def rewritten(paragraph: list[str]) -> list[str]:
    """A paragraph whose lines begin with `name: ` is a list of arguments; in any other, indentation means nothing."""
    starts = [line for line in paragraph if not line.startswith(" ")]
    if starts and all(ARGUMENT.match(line) for line in starts):
        made = []
        for line in paragraph:
            name, _, rest = line.partition(": ")
            made.append(f"* ``{name}``: {rest}" if line in starts else f"  {line.strip()}")
    else:
        made = [line.strip() for line in paragraph]
    return escaped("\n".join(made)).replace("\\* ``", "* ``").split("\n")


def as_text(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the paragraphs of a docstring in place; literal blocks (after ::, deeper than it) stay."""
    made: list[str] = []
    paragraph: list[str] = []
    literal = False
    for line in [*lines, ""]:
        if literal and (not line.strip() or line.startswith(" ")):
            made.append(line)
            continue
        literal = False
        if line.strip():
            paragraph.append(line)
            continue
        if paragraph:
            literal = paragraph[-1].endswith("::") or paragraph[0].lstrip().startswith((".. ", ">>> "))
            keep = paragraph[0].lstrip().startswith((".. ", ">>> ", "* ", "- "))
            made += paragraph if keep else rewritten(paragraph)
        made.append("")
        paragraph = []
    lines[:] = made


# ---- what kind of box a quotation is ----

BOXES = {"Predict": "predict", "What goes wrong": "wrong", "You may skip": "skip"}


def name_the_boxes(app: Any, doctree: Any) -> None:
    """A quotation that opens with bold words of these kinds gets a class of its own."""
    for quotation in doctree.findall(nodes.block_quote):
        bold = next(quotation.findall(nodes.strong), None)
        if bold is not None and quotation.astext().startswith(bold.astext()):
            quotation["classes"] += [kind for words, kind in BOXES.items() if bold.astext().startswith(words)]


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_text)
    app.connect("doctree-read", name_the_boxes)
