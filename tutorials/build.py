"""Builds the site: `python -m pip install ".[docs]"`, then `python -m tutorials.build`, writes tutorials/_site/.

All lessons are executed. The pages are laid out in a temporary folder (the lessons as they are, reference pages made
from the table of derivatives, one page of the interface per module), and Sphinx makes HTML of them; a lesson that
fails, or a reference that leads nowhere, ends the build. Nothing but _site/ is written.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import os
import re
import shutil
import sys
import tempfile
import textwrap
import zipfile
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import tinydl as tl
from tinydl.engine.dispatch import kinks, primitives, table
from tinydl.plots.style import PALETTE
from tinydl.watching.verdicts import CODES, FINDINGS, code_of

HERE = Path(__file__).resolve().parent
SITE = HERE / "_site"
SOURCE = HERE / "_site_source"
FAMILIES = {
    "elementwise": "Functions of each element",
    "reductions": "Sums, products, extremes",
    "statistics": "Quantiles, and what is chosen",
    "products": "Products",
    "decompositions": "Linear algebra",
    "shapes": "Shapes",
    "indexing": "Indexing and sorting",
    "activations": "Activations",
    "softmax": "Softmax and losses",
    "normalising": "Normalising",
    "special": "Special functions",
}
INTERFACE = {
    "tinydl": "Tensors and gradients",
    "tinydl.functional": "Activations and losses",
    "tinydl.nn": "Layers",
    "tinydl.nn.init": "Initialisation",
    "tinydl.optim": "Optimizers and schedules",
    "tinydl.data": "Data",
    "tinydl.plots": "Pictures",
    "tinydl.testing": "For test suites",
}


def lessons() -> list[Path]:
    """The lessons in their order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def programs() -> list[Path]:
    """The document's programs, repaired."""
    return sorted(HERE.glob("program_*.py"))


# ---- lessons ----


def notebook(script: Path) -> str:
    """A lesson as a notebook that has not been run."""
    import jupytext

    made = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent")
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return str(jupytext.writes(made, fmt="ipynb"))


def lay_out_lessons(pages: Path) -> None:
    """The scripts, each with a line of downloads at its end; links to programs lead to the programs' pages."""
    downloads = pages / "downloads"
    downloads.mkdir()
    for helper in HERE.glob("_*.py"):
        shutil.copy(helper, pages)
        shutil.copy(helper, downloads)
    for script in lessons():
        shutil.copy(script, downloads)
        (downloads / f"{script.stem}.ipynb").write_text(notebook(script), encoding="utf-8")
        text = re.sub(r"\]\((program_\w+)\.py\)", r"](\1.md)", script.read_text(encoding="utf-8"))
        links = f"{{download}}`{script.name} <downloads/{script.name}>` · "
        links += f"{{download}}`{script.stem}.ipynb <downloads/{script.stem}.ipynb>`"
        text = re.sub(r"\[([^\]]+)\]\((_\w+\.py)\)", r"{download}`\1 <downloads/\2>`", text)
        helpers = sorted(set(re.findall(r"^(?:from|import) (_[a-z]\w*)", text, re.MULTILINE)))
        wanted = " and ".join(f"{{download}}`{name}.py <downloads/{name}.py>`" for name in helpers)
        note = f"(both want {wanted} beside them) · " if helpers else "· "
        everything = "{download}`all lessons <downloads/tinydl_course.zip>`"
        cell = f"\n# %% [markdown]\n# ---\n# **Download this lesson:** {links} {note}{everything}\n"
        (pages / script.name).write_text(text.rstrip() + "\n" + cell, encoding="utf-8")
    for script in programs():
        shutil.copy(script, downloads)
        _, number, *words = script.stem.split("_")
        (pages / f"{script.stem}.md").write_text(
            f"# Program {number}: {' '.join(words)}\n\n"
            f"```{{literalinclude}} downloads/{script.name}\n:language: python\n```\n\n"
            f"**Download:** {{download}}`{script.name} <downloads/{script.name}>`\n",
            encoding="utf-8",
        )
    with zipfile.ZipFile(downloads / "tinydl_course.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(downloads.iterdir()):
            if file.suffix != ".zip":
                archive.write(file, f"tinydl_course/{file.name}")


def lay_out_front(pages: Path) -> None:
    """The front page, without rows for lessons that aren't written."""
    rows = (SOURCE / "index.md").read_text(encoding="utf-8").splitlines()
    there = {path.name for path in [*lessons(), *programs()]}
    kept = [row for row in rows if not row.startswith("| [") or set(re.findall(r"\]\((\w+\.py)\)", row)) <= there]
    text = re.sub(r"\]\((program_\w+)\.py\)", r"](\1.md)", "\n".join(kept))
    (pages / "index.md").write_text(text + "\n", encoding="utf-8")


def lay_out_notes(pages: Path) -> None:
    """How to add to tinydl, and what has changed. Of a link to what has no page here, the text stays."""
    for note in ("contributing.md", "changelog.md"):
        text = (HERE / note).read_text(encoding="utf-8")
        (pages / note).write_text(re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"`\1`", text), encoding="utf-8")


# ---- the table of derivatives ----


def formulas() -> dict[str, list[str]]:
    """What formulas.txt says of each primitive: the function, its gradients, PyTorch's name, and where to draw it."""
    lines = (SOURCE / "formulas.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return {row[0]: [*row[1:], ""] for row in rows}


@lru_cache
def statements(module: ModuleType) -> dict[str, tuple[int, str]]:
    """The text of everything that a module defines at its top, by name, with its line."""
    source = inspect.getsource(module)
    found: dict[str, tuple[int, str]] = {}
    for node in ast.parse(source).body:
        targets: list[Any] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = node.lineno, ast.get_source_segment(source, node) or ""
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = node.lineno, ast.get_source_segment(source, node) or ""
    return found


def rule_as_written(name: str, module: ModuleType) -> str:
    """The lines of the source that define this primitive: the definition, above it the functions it names."""
    written = statements(module)
    variables = [v for v, value in vars(module).items() if value is primitives[name] and v in written]
    if not variables:
        return ""
    wanted, waiting = {variables[0]}, [variables[0]]
    while waiting:
        tree = ast.parse(textwrap.dedent(written[waiting.pop()][1]))
        for used in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - wanted:
            # functions that begin with an underscore only compute the value, in NumPy
            if used in written and inspect.isfunction(getattr(module, used, None)) and not used.startswith("_"):
                wanted.add(used)
                waiting.append(used)
    return "\n\n".join(text for _, text in sorted(written[v] for v in wanted))


def numpy_names(name: str) -> list[str]:
    """NumPy's functions that this primitive answers, as one writes them."""
    answered = [f for f, answer in table.items() if answer is primitives[name]]
    if not answered:
        answered = [f for f, answer in table.items() if getattr(answer, "__name__", "") in (name, f"_np_{name}")]
    full = {f"{getattr(f, '__module__', '') or 'numpy'}.{getattr(f, '__name__', '')}" for f in answered}
    return sorted(re.sub(r"^numpy(\.\w+)*?(\.linalg)?\.(\w+)$", r"np\2.\3", f) for f in full if f.startswith("numpy"))


def draw(name: str, span: str, path: Path) -> None:
    """The function, and its derivative by the rule of the table."""
    import matplotlib.pyplot as plt

    low, high = map(float, span.split(","))
    x = tl.tensor(np.linspace(low, high, 400), requires_grad=True)
    y = primitives[name](x)
    y.sum().backward()
    assert x.grad is not None
    figure, axes = plt.subplots(figsize=(5.2, 2.8))
    figure.subplots_adjust(left=0.1, right=0.97, top=0.95, bottom=0.17)
    axes.axhline(0, color="#bbb", lw=0.8)
    axes.plot(x.data, y.data, color=PALETTE[0], lw=2, label=f"{name}(x)")
    slope = x.grad.data
    jumps = np.abs(np.diff(slope, append=slope[-1])) > 0.3 * np.ptp(slope)
    slope = np.where(jumps & (np.ptp(slope) > 0), np.nan, slope)  # a gap, where a line would look like a slope
    axes.plot(x.data, slope, color=PALETTE[5], lw=2, ls="--", label="its derivative")
    axes.set_xlabel("x")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def lay_out_reference(pages: Path) -> None:
    """A page for each family of the table of derivatives."""
    folder = pages / "reference"
    folder.mkdir()
    said = formulas()
    missing = sorted(set(primitives) - set(said)) + sorted(set(said) - set(primitives))
    if missing:
        raise SystemExit(f"formulas.txt and the table of derivatives differ in: {', '.join(missing)}")
    placed: set[str] = set()
    index = io.StringIO()
    index.write((SOURCE / "reference.md").read_text(encoding="utf-8"))
    for family, title in FAMILIES.items():
        module = importlib.import_module(f"tinydl.derivatives.{family}")
        own = [name for name in primitives if name not in placed and rule_as_written(name, module)]
        placed.update(own)
        page = io.StringIO()
        page.write(f"# {title}\n\nFrom `tinydl/derivatives/{family}.py`.\n\n")
        for name in own:
            page.write(_entry(name, module, said[name], folder))
        (folder / f"{family}.md").write_text(page.getvalue(), encoding="utf-8")
        links = " · ".join(f"[`{name}`]({family}.md#{_anchor(name)})" for name in own)
        index.write(f"\n## [{title}]({family}.md)\n\n{links}\n")
    if set(primitives) - placed:
        raise SystemExit(f"no family has the rules of {', '.join(sorted(set(primitives) - placed))}")
    families = "\n".join(FAMILIES)
    index.write(f"\n```{{toctree}}\n:hidden:\n\n{families}\n```\n")
    (folder / "index.md").write_text(index.getvalue(), encoding="utf-8")


def _anchor(name: str) -> str:
    return f"rule-{name.replace('_', '-')}"


def _entry(name: str, module: ModuleType, said: list[str], folder: Path) -> str:
    computes, gradients, torch, span = said[:4]
    answers = numpy_names(name)
    rows = [f"({_anchor(name)})=", f"## {name}", "", f"$$ {computes} $$", "", f"$$ {gradients} $$", ""]
    rows += ["```python", rule_as_written(name, module), "```", ""]
    if answers:
        rows.append(f"* NumPy: {', '.join(f'`{a}`' for a in answers)}")
    rows.append(f"* PyTorch: {torch if torch.startswith(('none', 'indexing')) else _coded(torch)}")
    if name in kinks:
        rows.append(f"* Where there is no derivative: {kinks[name]}")
    if span:
        draw(name, span, folder / f"{name}.png")
        rows += ["", f"![{name} and its derivative]({name}.png){{.curve}}"]
    return "\n".join(rows) + "\n\n"


def _coded(text: str) -> str:
    return re.sub(r"(torch[\w.]+(\([\w=]+\))?|Tensor\.\w+)", r"`\1`", text)


# ---- the interface ----


def public(module: ModuleType) -> list[str]:
    """The functions and classes that a module lists, but for functions that the engine lends to another room."""
    found = []
    for name in module.__all__:
        value = getattr(module, name)
        home = getattr(value, "__module__", "") or ""
        lent = inspect.isfunction(value) and home.startswith("tinydl.engine") and module.__name__ != "tinydl"
        if callable(value) and home.startswith("tinydl") and not lent:
            found.append(name)
    return found


def lay_out_interface(pages: Path) -> None:
    """A page for each module that users import, with the docstrings of what it offers."""
    folder = pages / "api"
    folder.mkdir()
    made = []
    for name, title in INTERFACE.items():
        try:
            module = importlib.import_module(name)
        except ImportError:  # tinydl.testing needs hypothesis
            continue
        made.append(name)
        text = f"{title}\n{'=' * len(title)}\n\n.. module:: {name}\n\n"
        for member in public(module):
            is_class = inspect.isclass(getattr(module, member))
            text += f".. auto{'class' if is_class else 'function'}:: {name}.{member}\n"
            text += "   :members:\n\n" if is_class else "\n"
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")
    (folder / "verdicts.md").write_text(said_by_diagnose(), encoding="utf-8")
    head = "The interface\n=============\n\n``import tinydl as tl``, and from its parts what one needs.\n\n"
    toctree = ".. toctree::\n   :maxdepth: 1\n\n" + "".join(f"   {name}\n" for name in [*made, "verdicts"])
    (folder / "index.rst").write_text(head + toctree, encoding="utf-8")


def said_by_diagnose() -> str:
    """The table of findings: what each code means, the sentence and the advice, with names in place of numbers."""
    page = ["# What diagnose may say", "", "The verdicts of `tl.diagnose` in their order, from"]
    page += ["`tinydl/watching/verdicts.py`, with names in place of numbers; *value* is the verdict's `value`."]
    for code in CODES:
        page += ["", f"## `{code}`"]
        for meaning, *texts in (finding for name, finding in FINDINGS.items() if code_of(name) == code):
            sentence, advice = (re.sub(r"\{(\w+)[^}]*\}", r"*\1*", text) for text in texts)
            page += ["", f"{meaning[0].upper()}{meaning[1:]}:", "", f"> {sentence}", ">", f"> Try: {advice}"]
    return "\n".join(page) + "\n"


# ---- the site ----


def build(destination: Path = SITE) -> int:
    """Lay out the pages in a temporary folder, run Sphinx, and put the site where it belongs if all went well."""
    from sphinx.cmd.build import main

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # Sphinx runs as many lessons at once as there are processors
    with tempfile.TemporaryDirectory() as temporary:
        pages, html = Path(temporary, "pages"), Path(temporary, "html")
        shutil.copytree(SOURCE, pages, ignore=shutil.ignore_patterns("formulas.txt", "reference.md", "__pycache__"))
        shutil.copytree(HERE / "_vendor", pages / "vendor")
        lay_out_lessons(pages)
        lay_out_front(pages)
        lay_out_notes(pages)
        lay_out_reference(pages)
        lay_out_interface(pages)
        options = ["-W", "--keep-going", "-q", "-j", "auto", "-d", f"{temporary}/trees"]
        status = main([*options, "-b", "html", str(pages), str(html)])
        if status:
            return status
        (html / ".buildinfo").unlink(missing_ok=True)
        shutil.rmtree(destination, ignore_errors=True)
        shutil.copytree(html, destination)
    print(f"the site is in {destination}; open {destination / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(build())
