"""Builds the site: `python -m pip install ".[docs]"`, then `python -m tutorials.build`, writes tutorials/_site/.

Each lesson is run once, as a notebook, with warnings as errors. The pages are laid out in a temporary folder (the
lessons with what they showed, reference pages made from the table of derivatives, one page of the interface per
module), and Sphinx makes HTML of them; a lesson that fails, warns, draws a picture without a description or leaves a
file, and a reference that leads nowhere, end the build. Nothing but _site/ is written.
"""

from __future__ import annotations

import ast
import base64
import html
import importlib
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

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
    "attention": "Attention",
    "normalising": "Normalising",
    "recurrence": "Recurrence",
    "special": "Special functions",
    "convolution": "Convolution",
    "pooling": "Pooling",
    "quantising": "Quantising",
    "collective": "Sums over processes",
}
INTERFACE = {
    "tinydl": "Tensors and gradients",
    "tinydl.functional": "Activations and losses",
    "tinydl.nn": "Layers",
    "tinydl.nn.init": "Initialisation",
    "tinydl.optim": "Optimizers and schedules",
    "tinydl.data": "Data",
    "tinydl.plots": "Pictures",
    "tinydl.compress": "Smaller models",
    "tinydl.parallel": "Many processes",
    "tinydl.privacy": "Privacy",
    "tinydl.testing": "For test suites",
}
# the first edition's lessons in its order: its pages were 01_derivatives.html to 13_build_it_yourself.html
FIRST_EDITION = (
    "derivatives", "one_neuron", "the_graph", "arrays", "linear_regression", "likelihood", "initialisation", "digits",
    "optimizers", "overfitting", "trusting_a_gradient", "bug_lab", "build_it_yourself",
)  # fmt: skip
DARK = "application/vnd.tinydl.dark+png"  # what a figure is for dark pages, beside image/png


def lessons() -> list[Path]:
    """The lessons in their order, then the excursions."""
    return sorted(HERE.glob("[0-9e][0-9]_*.py"))


def programs() -> list[Path]:
    """The document's programs, repaired."""
    return sorted(HERE.glob("program_*.py"))


# ---- lessons ----


class Run(NamedTuple):
    """What came of running a lesson: the processors' seconds, how many pictures it showed, and what is wrong."""

    lesson: str
    seconds: float
    pictures: int
    faults: list[str]


def notebook(script: Path) -> Any:
    """A lesson as a notebook that has not been run."""
    import jupytext

    made = jupytext.reads(script.read_text(encoding="utf-8"), fmt="py:percent")
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return made


def helpers() -> list[Path]:
    """The scripts that lessons import or link to, and that are neither lessons nor programs: they come along."""
    named = set(HERE.glob("_*.py"))
    for script in lessons():
        targets = re.findall(r"\]\(([a-z]\w*\.py)\)", script.read_text(encoding="utf-8"))
        named |= {HERE / target for target in targets if (HERE / target).exists()}
    return sorted(named - set(programs()))


BEFORE = f"""
import warnings, _lesson
from tutorials.dark import dark_picture
_lesson.versions["{DARK}"] = dark_picture
warnings.simplefilter("error")
warnings.filterwarnings("default", module="ipykernel")  # the kernel's own affairs
"""
AFTER = "__import__('builtins').print(sum(__import__('os').times()[:4]))"


def run(made: Any, script: Path, pictures: Path) -> Run:
    """Run a lesson's cells where they are, and put its pictures, light and dark, as files into a folder."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell

    paths = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        for helper in helpers():
            shutil.copy(helper, folder)
        there = {path.name for path in Path(folder).iterdir()}
        made.cells = [new_code_cell(BEFORE), *made.cells, new_code_cell(AFTER)]
        client = NotebookClient(
            made, timeout=300, resources={"metadata": {"path": folder}}, extra_arguments=["--log-level=ERROR"]
        )
        quiet = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        try:
            # what the kernel itself complains of when it ends; what a cell writes to stderr is among its outputs
            client.execute(env=os.environ | quiet, stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            return Run(script.stem, 0.0, 0, [re.sub(r"\x1b\[[\d;]*m", "", str(error))])
        left = sorted({path.name for path in Path(folder).iterdir()} - there - {"__pycache__"})
    seconds = float(made.cells[-1].outputs[0].text)
    made.cells = made.cells[1:-1]
    outputs = [output for cell in made.cells for output in cell.get("outputs", [])]
    faults = [f"it leaves {name}" for name in left]
    faults += [f"it complains: {o.text}" for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    drawn = [output for output in outputs if "image/png" in output.get("data", {})]
    for output in drawn:
        about = output.metadata.get("image/png", {})
        if "alt" not in about:
            faults.append("it draws a picture without show(figure, name, description)")
            continue
        for suffix, kind in (("", "image/png"), ("_dark", DARK)):
            (pictures / f"{about['name']}{suffix}.png").write_bytes(base64.b64decode(output.data[kind]))
        output.data = {"text/html": both(f"pictures/{about['name']}", about)}
        output.metadata = {}
    return Run(script.stem, round(seconds, 2), len(drawn), faults)


def both(path: str, about: dict[str, Any]) -> str:
    """A picture for light pages and one for dark ones, of which a browser loads the one that is shown."""
    said = html.escape(" ".join(about["alt"].split()))
    size = f'width="{about["width"]}" height="{about["height"]}" loading="lazy"'
    return "\n".join(
        f'<img class="only-{scheme}" src="{path}{suffix}.png" alt="{said}" {size}>'
        for scheme, suffix in (("light", ""), ("dark", "_dark"))
    )


def links_on_the_site(text: str) -> str:
    """Prose of a lesson with its links as they are on the site: to pages, and to scripts to download."""
    text = re.sub(r"\]\((\d\d_\w+)\.py(#[\w-]+)?\)", r"](\1.ipynb\2)", text)
    text = re.sub(r"\]\((program_\w+)\.py\)", r"](\1.md)", text)
    script = re.compile(r"\[`?([^\]`]+)`?\]\(([a-z_]\w*\.py)\)")
    text = script.sub(r"{download}`\1 <downloads/\2>`", text)
    # a footnote's quotation is Chinese, which a reader's voice and a browser's fonts should know
    lines = [
        re.sub(r"「[^」]*」", r'<span lang="zh">\g<0></span>', line) if line.startswith("[^") else line
        for line in text.splitlines()
    ]
    return "\n".join(lines)


def lay_out_lessons(pages: Path) -> list[Run]:
    """Run the lessons; each page has a line of downloads at its end."""
    from nbformat.v4 import new_markdown_cell

    downloads, pictures = pages / "downloads", pages / "extra" / "pictures"
    downloads.mkdir()
    pictures.mkdir(parents=True)
    for helper in helpers():
        shutil.copy(helper, downloads)
    made = {script: notebook(script) for script in lessons()}
    for script, cells in made.items():
        shutil.copy(script, downloads)
        (downloads / f"{script.stem}.ipynb").write_text(json.dumps(cells, indent=1, ensure_ascii=False), "utf-8")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(lambda script: run(made[script], script, pictures), made))
    for script, cells in made.items():
        links = f"{{download}}`{script.name} <downloads/{script.name}>` · "
        links += f"{{download}}`{script.stem}.ipynb <downloads/{script.stem}.ipynb>`"
        code = "\n".join(cell.source for cell in cells.cells if cell.cell_type == "code")
        imported = sorted(set(re.findall(r"^(?:from|import) (_[a-z]\w*)", code, re.MULTILINE)))
        wanted = " and ".join(f"{{download}}`{name}.py <downloads/{name}.py>`" for name in imported)
        note = f"(both want {wanted} beside them) · " if imported else "· "
        everything = "{download}`all lessons <downloads/tinydl_course.zip>`"
        for cell in cells.cells:
            if cell.cell_type == "markdown":
                cell.source = links_on_the_site(cell.source)
        cells.cells.append(new_markdown_cell(f"---\n**Download this lesson:** {links} {note}{everything}"))
        (pages / f"{script.stem}.ipynb").write_text(json.dumps(cells, ensure_ascii=False), "utf-8")
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
    return runs


def lay_out_front(pages: Path) -> None:
    """The front page, without rows and buttons for lessons that aren't written."""
    rows = (SOURCE / "index.md").read_text(encoding="utf-8").splitlines()
    there = {path.name for path in [*lessons(), *programs()]}
    links = re.compile(r"\]\((\w+\.py)\)")
    kept = [row for row in rows if not row.startswith(("| [", "[")) or set(links.findall(row)) <= there]
    text = "\n".join(kept)
    for script in lessons():  # whose own titles the rows have
        title = re.match(r"# %% \[markdown\]\n# # (E?\d+\. .+)", script.read_text(encoding="utf-8"))
        if title:
            row = f"| [{title[1]}]({script.name})"
            text = re.sub(rf"\| \[[^\]]*\]\({script.name}\)", lambda _, row=row: row, text)
    (pages / "index.md").write_text(links_on_the_site(text) + "\n", encoding="utf-8")
    for picture in ("learner.png", "learner_dark.png"):
        shutil.copy(HERE / "_pictures" / picture, pages)


def lay_out_notes(pages: Path) -> None:
    """What compiling promises, how to add to tinydl, what has changed. Of a link that has no page, the text stays."""
    for note in ("compiling.md", "contributing.md", "changelog.md"):
        text = (HERE / note).read_text(encoding="utf-8")
        text = re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"`\1`", text)
        (pages / note).write_text(links_on_the_site(text), encoding="utf-8")


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

    from tutorials.dark import dark_picture

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
    path.with_stem(f"{path.stem}_dark").write_bytes(dark_picture(figure, dpi=120))
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
        text = f"The curves of {name} and of its derivative from {span.replace(', ', ' to ')}"
        rows += ["", f"![{text}]({name}.png){{.curve .only-light}}"]
        rows += ["", f"![{text}]({name}_dark.png){{.curve .only-dark}}"]
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


# ---- addresses ----


def forwards() -> dict[str, str]:
    """Addresses that lead to a page: those of the first edition, whose numbers have changed, and each lesson's own."""
    pages = {script.stem[3:]: f"{script.stem}.html" for script in lessons()}
    former = {f"{number:02d}_{slug}.html": pages[slug] for number, slug in enumerate(FIRST_EDITION, 1) if slug in pages}
    permanent = {f"{slug}.html": page for slug, page in pages.items()}
    return {address: page for address, page in (former | permanent).items() if address != page}


def forwarding(page: str) -> str:
    """A page that leads to another, and to the same place in it."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<meta name="robots" content="noindex">
<link rel="canonical" href="{page}">
<script>location.replace("{page}" + location.search + location.hash);</script>
<noscript><meta http-equiv="refresh" content="0; url={page}"></noscript>
</head>
<body><p>This page is now <a href="{page}">{page}</a>.</p></body>
</html>
"""


# ---- the site ----


def build(destination: Path = SITE, record: Path | None = None) -> int:
    """Lay out the pages in a temporary folder, run Sphinx, and put the site where it belongs if all went well.

    What came of running the lessons is written to `record`, if given, as JSON.
    """
    from sphinx.cmd.build import main

    from_here = time.perf_counter()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as many lessons run at once as there are processors
    with tempfile.TemporaryDirectory() as temporary:
        pages, made = Path(temporary, "pages"), Path(temporary, "html")
        shutil.copytree(SOURCE, pages, ignore=shutil.ignore_patterns("formulas.txt", "reference.md", "__pycache__"))
        shutil.copytree(HERE / "_vendor", pages / "vendor")
        runs = lay_out_lessons(pages)
        if record is not None:
            record.write_text(json.dumps([done._asdict() for done in runs], indent=1), encoding="utf-8")
        faults = [f"{done.lesson}: {fault}" for done in runs for fault in done.faults]
        if faults:
            print("\n".join(faults), file=sys.stderr)
            return 1
        lay_out_front(pages)
        lay_out_notes(pages)
        lay_out_reference(pages)
        lay_out_interface(pages)
        options = ["-W", "--keep-going", "-q", "-j", "auto", "-d", f"{temporary}/trees"]
        status = main([*options, "-b", "html", str(pages), str(made)])
        if status:
            return status
        (made / ".buildinfo").unlink(missing_ok=True)
        for address, page in forwards().items():
            (made / address).write_text(forwarding(page), encoding="utf-8")
        shutil.rmtree(destination, ignore_errors=True)
        shutil.copytree(made, destination)
    times = ", ".join(f"{done.lesson[:2]} {done.seconds:.0f} s" for done in runs)
    took = f"{time.perf_counter() - from_here:.0f} s (processor time of the lessons: {times})"
    print(f"open {destination / 'index.html'}: the site was built in {took}")
    return 0


if __name__ == "__main__":
    sys.exit(build())
