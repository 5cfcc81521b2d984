"""The site: its reference is complete, and in a real browser every page renders, on a desk and on a phone, by itself.

The browser tests are slow; they need the extra `docs`, playwright and a Chromium, and are skipped where one is missing.
"""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from browsing import serving

from tinydl.engine.dispatch import kinks, primitives

ROOT = Path(__file__).parent.parent
VENDORED = ROOT / "tutorials" / "_vendor" / "katex"
LESSONS = "[0-9e][0-9]_*.py"  # excursions are e1_…
PHONE, DESK = 390, 1280


def loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"tutorials_{name}", ROOT / "tutorials" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def builder() -> Any:
    return loaded("build")


@pytest.fixture(scope="module")
def dark() -> Any:
    return loaded("dark")


# ---- what needs no Sphinx ----


def test_every_primitive_has_a_formula_and_no_formula_is_left_over(builder: Any) -> None:
    assert set(builder.formulas()) == set(primitives)


def test_every_primitive_is_shown_with_the_lines_of_the_source_that_define_it(builder: Any) -> None:
    import importlib

    modules = [importlib.import_module(f"tinydl.derivatives.{family}") for family in builder.FAMILIES]
    for name in primitives:
        shown = [text for module in modules if (text := builder.rule_as_written(name, module))]
        assert shown and all("define(" in text for text in shown), name


def test_a_rule_is_shown_with_the_functions_it_calls(builder: Any) -> None:
    from tinydl.derivatives import elementwise

    assert "lambda g, y, x: g * (1 - y * y)" in builder.rule_as_written("tanh", elementwise)
    shown = builder.rule_as_written("hypot", elementwise)
    assert shown.index("def over_length(") < shown.index("hypot = define(")


def test_pictures_are_drawn_of_functions_of_one_number_where_they_are_finite(builder: Any) -> None:
    import numpy as np

    spans = {name: row[3] for name, row in builder.formulas().items() if row[3]}
    assert len(spans) >= 40
    for name, span in spans.items():
        low, high = map(float, span.split(","))
        y = primitives[name](np.linspace(low, high, 400))
        assert np.isfinite(y).all(), name


def test_all_that_diagnose_may_say_is_on_one_page_with_names_in_place_of_numbers(builder: Any) -> None:
    from tinydl.watching.verdicts import CODES, FINDINGS

    page = builder.said_by_diagnose()
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == list(CODES)
    assert page.count("> Try: ") == len(FINDINGS) and not re.search(r"[{}]|\w\*\w+\*|\*\w+\*\w", page)
    assert "> In *where* *value* of the *units* units are 0 for every example of this batch" in page


@pytest.mark.slow  # though it's quick: it needs the extra `docs`
def test_katex_styles_fit_the_scripts_that_sphinx_brings() -> None:
    katex = pytest.importorskip("sphinxcontrib.katex")
    version = re.search(r'\.katex-version::?after\{content:"([\d.]+)"', (VENDORED / "katex.min.css").read_text())
    assert version is not None and version[1] == katex.katex_version


def test_katex_fonts_and_licence_are_in_the_repository() -> None:
    assert "MIT" in (VENDORED / "LICENSE").read_text()
    named = set(re.findall(r"fonts/(KaTeX_[\w-]+\.woff2)", (VENDORED / "katex.min.css").read_text()))
    assert named and named == {path.name for path in (VENDORED / "fonts").iterdir()}


# ---- the front page ----


def front() -> str:
    return (ROOT / "tutorials" / "_site_source" / "index.md").read_text(encoding="utf-8")


def test_the_front_page_has_six_lines_of_code_that_print_what_they_say() -> None:
    code = re.findall(r"^```python\n(.*?)^```$", front(), re.MULTILINE | re.DOTALL)[0]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    assert len([line for line in code.splitlines() if line.strip()]) == 6
    assert said.getvalue().strip() == re.findall(r"# (tensor.*)$", code, re.MULTILINE)[0]


def test_the_front_page_numbers_its_lessons_as_their_files_are_and_asks_a_question_of_each() -> None:
    rows = re.findall(r"^\| \[(E?\d+)\. [^\]]+\]\((\w+)\.py\) \| .*\? \|$", front(), re.MULTILINE)
    pages = sorted(path.stem for path in (ROOT / "tutorials").glob(LESSONS))
    assert rows == [(page[:2].lstrip("0").upper() or "0", page) for page in pages]


def test_the_front_page_has_the_lessons_own_titles_and_leaves_out_what_is_not_written(
    builder: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    lesson = tmp_path / "01_derivatives.py"
    lesson.write_text("# %% [markdown]\n# # 1. A title of $its$ own\n#\n# Why?\n", encoding="utf-8")
    (tmp_path / "pages").mkdir()
    monkeypatch.setattr(builder, "lessons", lambda: [lesson])
    builder.lay_out_front(tmp_path / "pages")
    text = (tmp_path / "pages" / "index.md").read_text(encoding="utf-8")
    assert "](01_derivatives.ipynb){.button .first}" in text
    assert "Before you start" not in text and "| [2. " not in text
    assert "| [1. A title of $its$ own](01_derivatives.ipynb) | How small should" in text
    assert {path.name for path in (tmp_path / "pages").iterdir()} == {"index.md", "learner.png", "learner_dark.png"}


# ---- addresses ----


def test_each_address_of_the_first_edition_and_each_lesson_without_its_number_lead_to_a_lesson(builder: Any) -> None:
    former = [
        "01_derivatives", "02_one_neuron", "03_the_graph", "04_arrays", "05_linear_regression", "06_likelihood",
        "07_initialisation", "08_digits", "09_optimizers", "10_overfitting", "11_trusting_a_gradient", "12_bug_lab",
        "13_build_it_yourself",
    ]  # fmt: skip
    there = {lesson.stem for lesson in builder.lessons()}
    leads = builder.forwards()
    for stem in former:
        target = leads.get(f"{stem}.html", f"{stem}.html").removesuffix(".html")
        assert target in there and target[3:] == stem[3:]
    assert {leads[f"{stem[3:]}.html"] for stem in there} == {f"{stem}.html" for stem in there}
    assert not set(leads) & {f"{stem}.html" for stem in there}, "a page is never overwritten"


# ---- pictures and links on the site ----


def test_a_picture_has_a_version_for_dark_pages_and_its_description_in_both(builder: Any) -> None:
    shown = builder.both("pictures/a", {"alt": 'A "curve" that\nfalls <1', "width": 640, "height": 380})
    assert shown.count('alt="A &quot;curve&quot; that falls &lt;1" width="640" height="380"') == 2
    assert 'class="only-light" src="pictures/a.png"' in shown and 'class="only-dark" src="pictures/a_dark.png"' in shown


def test_links_lead_to_pages_and_to_scripts_to_download_and_chinese_is_marked(builder: Any) -> None:
    text = "[seven](07_likelihood.py) [a](01_x.py#so) [b](program_1_neuron.py) [`mine.py`](mine.py) [c](_bugs.py)"
    assert builder.links_on_the_site(text) == (
        "[seven](07_likelihood.ipynb) [a](01_x.ipynb#so) [b](program_1_neuron.md) "
        "{download}`mine.py <downloads/mine.py>` {download}`c <downloads/_bugs.py>`"
    )
    note = builder.links_on_the_site("It says so.[^a]\n\n[^a]: 「精确」, that is, exact")
    assert note.endswith('[^a]: <span lang="zh">「精确」</span>, that is, exact')


def test_scripts_that_a_lesson_links_to_come_along(builder: Any, tmp_path: Path, monkeypatch: Any) -> None:
    lesson = tmp_path / "14_build.py"
    lesson.write_text(
        "# Fill [mine.py](mine.py), not [that](gone.py), see [lesson](01_x.py), [p](program_1_neuron.py)."
    )
    for name in ("mine.py", "_lesson.py", "program_1_neuron.py", "build.py"):
        (tmp_path / name).touch()
    monkeypatch.setattr(builder, "HERE", tmp_path)
    assert [path.name for path in builder.helpers()] == ["_lesson.py", "mine.py"]


def drawn() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3), dpi=100)
    left.plot([0, 1], [0, 1], "ko-", lw=3)
    left.plot([0, 1], [1, 0], color="#D55E00")
    left.annotate("", (0.1, 0.5), (0.9, 0.5), arrowprops={"arrowstyle": "->", "color": "black"})
    left.scatter([0.5], [0.8], color="0.4")
    left.legend(["black", "red"])
    right.imshow([[0.0, 1.0]], cmap="gray", vmin=0, vmax=1)
    right.text(1, 0, "on white", ha="center")
    right.text(0, 0, "on black", ha="center", color="white")
    return figure


def test_a_dark_picture_turns_grey_keeps_colours_and_what_is_read_on_light_cells(dark: Any, monkeypatch: Any) -> None:
    figure, seen = drawn(), {}

    def look(figure: Any, **options: Any) -> bytes:
        left, right = figure.axes
        (arrow,) = left.texts
        seen["light"] = [
            sum(colour[:3]) / 3 > 0.5
            for colour in (
                dark.to_rgba(left.lines[0].get_color()),
                dark.to_rgba(left.lines[0].get_markerfacecolor()),
                left.spines["left"].get_edgecolor(),
                left.xaxis.get_major_ticks()[0].label1.get_color(),
                left.get_legend().get_texts()[0].get_color(),
                arrow.arrow_patch.get_edgecolor(),
                left.collections[0].get_facecolor()[0],
                right.texts[1].get_color(),
            )
        ]
        seen["dark"] = [figure.get_facecolor(), left.get_facecolor(), right.texts[0].get_color()]
        seen["red"] = left.lines[1].get_color()
        return b""

    monkeypatch.setattr(dark, "picture", look)
    dark.dark_picture(figure)
    assert seen["light"] == [True] * 8
    assert all(sum(dark.to_rgba(colour)[:3]) / 3 < 0.2 for colour in seen["dark"])
    assert dark.to_rgba(seen["red"]) == dark.to_rgba("#D55E00")


def test_after_its_dark_picture_a_figure_is_as_it_was(dark: Any) -> None:
    figure = drawn()
    before = dark.picture(figure)
    made = dark.dark_picture(figure)
    assert made != before and dark.picture(figure) == before


@pytest.mark.slow  # though it's quick: it needs the extra `docs`
def test_a_notebook_is_given_each_figure_once_with_its_description(monkeypatch: Any) -> None:
    display = pytest.importorskip("IPython.display")
    import matplotlib.pyplot as plt

    shown: list[Any] = []
    monkeypatch.setattr(display, "display", lambda data, **options: shown.append((data, options)))
    lesson = loaded("_lesson")
    monkeypatch.setattr(lesson, "in_notebook", lambda: True)
    figure = plt.figure(figsize=(4, 3))
    lesson.show(figure, "01_derivatives_1", "A curve and its tangent.")
    ((data, options),) = shown
    assert set(data) == {"image/png", "text/plain"} and data["text/plain"] == "A curve and its tangent."
    assert options["metadata"]["image/png"] == {
        "alt": "A curve and its tangent.", "width": 400, "height": 300, "name": "01_derivatives_1"
    }  # fmt: skip
    assert not plt.fignum_exists(figure.number), "else the notebook draws it once more"


# ---- the built site ----


class Page(HTMLParser):
    """What a page of HTML refers to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.resources.append(given["href"])
        if tag in ("script", "img", "iframe", "source", "video") and "src" in given:
            self.resources.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for needed in ("sphinx", "myst_nb", "jupytext", "furo", "sphinxcontrib.katex", "sphinx_copybutton"):
        pytest.importorskip(needed)
    before = _untracked()
    built = tmp_path_factory.mktemp("site") / "_site"
    code = "import sys; from pathlib import Path; from tutorials.build import build; "
    code += "raise SystemExit(build(*map(Path, sys.argv[1:])))"
    command = [sys.executable, "-c", code, str(built), str(record_of(built))]
    environment = os.environ | {"TINYDL_SHORT_LESSONS": "1"}  # long trainings take a tenth of their steps
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stderr == "" and done.stdout.count("\n") == 1, "a build without noise"
    assert _untracked() == before, "the build leaves nothing in the tree"
    return built


def record_of(site: Path) -> Path:
    return site.with_name("lessons.json")


def _untracked() -> str:
    if not shutil.which("git"):
        return ""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "tutorials"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def pages_of(site: Path) -> list[str]:
    """The pages, but for those that lead to another."""
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return sorted(p.relative_to(site).as_posix() for p in found if 'http-equiv="refresh"' not in p.read_text("utf-8"))


@pytest.mark.slow
def test_each_lesson_runs_in_seconds_without_a_warning_shows_pictures_and_leaves_no_files(site: Path) -> None:
    """It is run as a notebook, once, for the site; tests/test_lessons.py says that the script is the same cells."""
    runs = json.loads(record_of(site).read_text(encoding="utf-8"))
    lessons = sorted(path.stem for path in (ROOT / "tutorials").glob(LESSONS))
    assert [done["lesson"] for done in runs] == lessons
    assert not [done for done in runs if done["faults"]]
    assert not [done["lesson"] for done in runs if not done["pictures"] and not done["lesson"].startswith("00_")]
    slow = {done["lesson"]: done["seconds"] for done in runs if done["seconds"] >= 60}
    assert not slow, f"a minute of one processor is allowed: {slow}"


@pytest.mark.slow
def test_the_build_ends_where_a_lesson_warns_leaves_a_file_or_draws_without_a_description(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    builder = loaded("build")
    cells = {
        "DeprecationWarning: old": "import warnings\nwarnings.warn('old', DeprecationWarning)",
        "it complains: oh\n": "import sys\nprint('oh', file=sys.stderr)",
        "it leaves a.txt": "open('a.txt', 'w').close()",
        "without show(": "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
    }
    for fault, code in cells.items():
        script = tmp_path / "01_try.py"
        script.write_text(f"# %%\n{code}\n", encoding="utf-8")
        done = builder.run(builder.notebook(script), script, tmp_path)
        assert len(done.faults) == 1 and fault in done.faults[0], (fault, done.faults)
    script.write_text("# %%\nprint(1)\n", encoding="utf-8")
    assert builder.run(builder.notebook(script), script, tmp_path).faults == []


@pytest.mark.slow
def test_no_link_of_the_site_is_broken(site: Path) -> None:
    everything = [*pages_of(site), *(path.name for path in site.glob("*.html") if path.name not in pages_of(site))]
    parsed = {name: Page(site / name) for name in everything}
    broken = []
    for name, page in parsed.items():
        for target in [*page.links, *page.resources]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or target in ("#", ""):
                continue
            path = (site / name).parent / unquote(parts.path) if parts.path else site / name
            path = path / "index.html" if path.is_dir() else path
            if not path.exists():
                broken.append(f"{name}: {target}")
                continue
            other = parsed.get(path.resolve().relative_to(site.resolve()).as_posix())
            if parts.fragment and other is not None and unquote(parts.fragment) not in other.ids:
                broken.append(f"{name}: {target}")
    assert not broken, broken[:20]


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    away = [
        f"{name}: {resource}"
        for name in pages_of(site)
        for resource in Page(site / name).resources
        if urlsplit(resource).netloc or urlsplit(resource).scheme in ("http", "https")
    ]
    for sheet in site.rglob("*.css"):
        away += [f"{sheet.name}: {url}" for url in re.findall(r"url\(['\"]?((?:https?:)?//[^)]*)", sheet.read_text())]
    assert not away, away[:20]


@pytest.mark.slow
def test_every_lesson_can_be_downloaded_as_script_and_as_notebook(site: Path) -> None:
    for lesson in sorted((ROOT / "tutorials").glob(LESSONS)):
        (script,) = site.glob(f"_downloads/*/{lesson.name}")
        assert script.read_text(encoding="utf-8") == lesson.read_text(encoding="utf-8")
        (notebook,) = site.glob(f"_downloads/*/{lesson.stem}.ipynb")
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        assert {cell["cell_type"] for cell in cells} == {"markdown", "code"}


@pytest.mark.slow
def test_the_reference_states_every_convention_at_kinks(site: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    assert text.count("Where there is no derivative") == len(kinks)
    assert set(re.findall(r'id="rule-([\w-]+)"', text)) == {name.replace("_", "-") for name in primitives}


# ---- in a browser ----


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with serving(site) as address:
        yield address


LOOK = """() => {
    const shown = e => e.getClientRects().length > 0;
    const size = e => parseFloat(getComputedStyle(e).fontSize);
    const scrolls = e => { for (let p = e.parentElement; p && p.tagName !== 'ARTICLE'; p = p.parentElement) {
        const o = getComputedStyle(p).overflowX; if (['auto', 'scroll', 'hidden', 'clip'].includes(o)) return true; }
        return false; };
    const article = document.querySelector('article') || document.body;
    const background = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
    return {
        math: document.querySelectorAll('.math').length,
        rendered: document.querySelectorAll('.math .katex').length,
        errors: [...document.querySelectorAll('.katex-error, .katex-html [style*=color]')]
            .filter(e => e.matches('.katex-error') || getComputedStyle(e).color === 'rgb(204, 0, 0)')
            .map(e => e.textContent),
        scripts: [...document.querySelectorAll('.katex .msupsub .sizing.reset-size6.size3')].filter(shown).slice(0, 20)
            .map(e => size(e) / size(e.closest('.katex'))),
        broken: [...document.images].filter(i => shown(i) && !(i.complete && i.naturalWidth)).map(i => i.src),
        untold: [...document.images].filter(i => !i.alt).map(i => i.src),
        bright: [...article.querySelectorAll('img, .cell_input, .cell_output *, pre, table')].filter(shown)
            .flatMap(e => [e, e.parentElement]).map(e => getComputedStyle(e))
            .flatMap(s => [s.backgroundColor, ...['Top', 'Right'].filter(k => parseFloat(s[`border${k}Width`]))
                .map(k => s[`border${k}Color`])])
            .filter(c => { const n = c.match(/[\\d.]+/g).map(Number);
                return (n.length < 4 || n[3] > 0.5) && n[0] + n[1] + n[2] > 600; }),
        width: document.documentElement.scrollWidth,
        wide: [...article.querySelectorAll('*')].filter(e => shown(e) && !scrolls(e)
            && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120)),
        frames: [...document.querySelectorAll('iframe')].length,
        darkness: background.slice(0, 3).reduce((a, b) => a + b, 0) / 3,
    };
}"""


# pictures are loaded when they come into sight; of each pair, only the one that fits the page
LOAD = """() => Promise.all([...document.images].filter(i => i.getClientRects().length)
    .map(i => { i.loading = 'eager'; return i.decode().catch(() => false); })).then(() => true)"""


FORMULAS = """() => [...document.querySelectorAll('.katex-display')].map(e => {
    const tag = e.querySelector('.tag .mord'), t = tag && tag.getBoundingClientRect(), style = getComputedStyle(e);
    const over = b => Math.min(b.right, t.right) - Math.max(b.left, t.left) > 1
        && Math.min(b.bottom, t.bottom) - Math.max(b.top, t.top) > 4;
    return {
        text: e.querySelector('annotation').textContent.trim(),
        over: tag !== null && [...e.querySelectorAll('.base .mord, .base .mrel, .base .mbin')]
            .map(b => b.getBoundingClientRect()).some(b => b.width && over(b)),
        gone: tag !== null && (t.left < 0 || t.right > (innerWidth < 700 ? innerWidth
            : e.getBoundingClientRect().left + e.scrollWidth + 1)),
        wide: e.scrollWidth > e.clientWidth + 1,
        cut: !['auto', 'scroll'].includes(style.overflowX) || !/local.*scroll/.test(style.backgroundAttachment)
            || [...e.querySelectorAll('.base')].some(b => b.getBoundingClientRect().right
                > e.getBoundingClientRect().left + e.scrollWidth + 1),
    };
})"""


class Visitor:
    """Somebody with a browser of that width, who reaches nothing but the site, and notes what it complains about."""

    def __init__(self, browser: Any, address: str, width: int, scheme: str) -> None:
        self.address = address
        self.complaints: list[str] = []
        self.page = browser.new_context(viewport={"width": width, "height": 850}, color_scheme=scheme).new_page()
        self.page.route("**/*", self.gate)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda r: self.complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def gate(self, route: Any) -> None:
        if route.request.url.startswith((self.address, "data:", "blob:", "about:")):
            route.continue_()
        else:
            self.complaints.append(f"asks for {route.request.url}")
            route.abort()

    def look(self, name: str) -> tuple[dict[str, Any], list[str]]:
        """What there is to see on a page, and the complaints about it."""
        self.complaints.clear()
        self.page.goto(self.address + name, wait_until="load")
        self.page.wait_for_function("() => !document.querySelector('.math') || document.querySelector('.katex')")
        self.page.evaluate("() => document.fonts.ready.then(() => true)")
        self.page.evaluate(LOAD)
        seen: dict[str, Any] = self.page.evaluate(LOOK)
        seen["formulas"] = self.page.evaluate(FORMULAS)
        return seen, list(self.complaints)


def faults(seen: dict[str, Any], complaints: list[str], width: int, scheme: str) -> list[str]:
    found = [*complaints, *(f"formula: {text}" for text in seen["errors"]), *(f"picture: {s}" for s in seen["broken"])]
    found += [f"no description: {source}" for source in seen["untold"]]
    if scheme == "dark" and seen["bright"]:
        found.append(f"white in the dark: {set(seen['bright'])}")
    for formula in seen["formulas"]:  # its number beside or below it; wider than the page, it shows that it scrolls
        found += [f"{what}: {formula['text']}" for what in ("over", "gone", "cut") if formula[what]]
    if seen["rendered"] != seen["math"]:
        found.append(f"{seen['rendered']} of {seen['math']} formulas rendered")
    if any(abs(ratio - 0.7) > 0.02 for ratio in seen["scripts"]):
        found.append(f"subscripts have sizes {seen['scripts']}")
    if seen["width"] > width or (width == PHONE and seen["wide"]):
        found.append(f"{seen['width']} wide: {seen['wide'][:3]}")
    if (seen["darkness"] < 80) != (scheme == "dark"):
        found.append(f"in {scheme} mode the background is {seen['darkness']:.0f}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk, light", "phone, dark"])
def test_every_page_renders_without_a_fault(site: Path, address: str, browser: Any, width: int, scheme: str) -> None:
    found = {}
    formulas = scripts = numbered = 0
    wide: list[str] = []
    visitor = Visitor(browser, address, width, scheme)
    for name in pages_of(site):
        seen, complaints = visitor.look(name)
        formulas += seen["rendered"]
        scripts += len(seen["scripts"])
        numbered += sum("\\tag" in formula["text"] for formula in seen["formulas"])
        wide += [
            f"{name}: {formula['text']}"
            for formula in seen["formulas"]
            if formula["wide"] and re.match(r"[\de]\d_", name)
        ]
        if wrong := faults(seen, complaints, width, scheme):
            found[name] = wrong
    visitor.page.context.close()
    assert not found, "\n".join(f"{name}: {wrong[:4]}" for name, wrong in found.items())
    assert formulas > 300 and scripts > 30 and numbered > 20, "the pages have formulas with subscripts and numbers"
    assert not wide or width != PHONE, "formulas of lessons fit a phone; break these:\n" + "\n".join(wide)


@pytest.mark.slow
def test_the_first_screen_says_what_this_is_shows_it_and_where_to_begin(address: str, browser: Any) -> None:
    for width, height in ((DESK, 800), (PHONE, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        page.evaluate(LOAD)
        for part in ("h1", ".first-screen p", "a.button.first", ".first-screen img.only-light", ".first-screen pre"):
            box = page.locator(part).first.bounding_box()
            assert box is not None and box["height"] > 15 and box["y"] + box["height"] <= height, (width, part, box)
        assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.first-screen pre'))") <= 0
        page.click("a.button.first")
        assert page.url.endswith("01_derivatives.html")
        page.close()


@pytest.mark.slow
def test_pictures_and_the_step_through_page_follow_the_button_for_light_and_dark(address: str, browser: Any) -> None:
    page = browser.new_context(color_scheme="light").new_page()
    page.goto(f"{address}03_the_graph.html")
    page.frame_locator("iframe.tinydl-page").locator("#next").wait_for()
    seen = """() => ({
        kinds: [...new Set([...document.querySelectorAll('.cell_output img')].filter(i => i.getClientRects().length)
            .map(i => i.className))],
        frame: document.querySelector('iframe.tinydl-page').contentDocument.documentElement.dataset.theme})"""
    assert page.evaluate(seen) == {"kinds": ["only-light"], "frame": "light"}
    for theme in ("dark", "light"):
        page.evaluate("theme => { document.body.dataset.theme = theme; }", theme)
        page.wait_for_function(f"() => ({seen})().frame === '{theme}'")
        assert page.evaluate(seen)["kinds"] == [f"only-{theme}"]
    page.evaluate("() => { document.body.dataset.theme = 'auto'; }")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({seen})().frame === 'dark'")
    assert page.evaluate(seen)["kinds"] == ["only-dark"]
    page.context.close()


@pytest.mark.slow
def test_an_old_address_leads_to_the_same_place_of_the_page(address: str, browser: Any) -> None:
    page = browser.new_page()
    for old, new in (("05_linear_regression", "06_linear_regression"), ("bug_lab", "13_bug_lab")):
        page.goto(f"{address}{old}.html#exercises")
        page.wait_for_url(f"{address}{new}.html#exercises")
        assert page.locator("#exercises").count() == 1
    page.close()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{address}12_bug_lab.html")
    page.wait_for_url(f"{address}13_bug_lab.html")
    page.context.close()


@pytest.mark.slow
def test_old_addresses_are_neither_in_the_sidebar_nor_in_the_search(site: Path, builder: Any) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    for address in builder.forwards():
        assert f'"{address.removesuffix(".html")}"' not in re.findall(r'"docnames":(\[[^\]]*\])', index)[0]
        assert f'href="{address}"' not in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_opened_from_a_folder_the_search_finds_and_says_how_to_see_more(site: Path, browser: Any) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{(site / 'search.html').as_uri()}?q=gradcheck")
    page.wait_for_function("() => document.querySelectorAll('#search-results li').length > 5")
    assert "python -m http.server" in page.inner_text("p.from-a-folder")
    assert complaints == []
    page.close()


@pytest.mark.slow
def test_of_lessons_that_say_a_word_alike_the_search_shows_the_earlier_first(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{address}search.html?q=gradient")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    score = "d => Scorer.score([d, '', '', '', 5, '', ''])"
    assert page.evaluate(score, "03_the_graph") > page.evaluate(score, "11_overfitting") > page.evaluate(score, "index")
    assert not page.locator("p.from-a-folder").count()
    page.close()


@pytest.mark.slow
def test_footnotes_lead_there_and_back_at_the_end_of_the_page(site: Path) -> None:
    for name in pages_of(site):
        text = (site / name).read_text(encoding="utf-8")
        if re.match(r"\d\d_", name) and 'id="in-the-article"' in text:
            notes = re.findall(r'<aside class="footnote[^"]*" id="([\w-]+)".*?</aside>', text, re.DOTALL)
            assert notes and text.rindex('id="in-the-article"') < text.index('<aside class="footnote')
            back = re.findall(r'role="doc-backlink" href="#([\w-]+)"', text)
            assert len(back) == len(notes) and all(f'href="#{note}" id="' in text for note in notes)
            assert all(f'id="{reference}"' in text for reference in back)
            assert re.search(r'<span lang="zh">「', text), name


@pytest.mark.slow
def test_the_search_finds_words_of_a_lesson(address: str, browser: Any, site: Path) -> None:
    page = browser.new_page()
    page.goto(f"{address}search.html?q=truncation")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    assert "1. A derivative is a limit" in page.inner_text("#search-results")
    page.close()


@pytest.mark.slow
def test_the_graph_can_be_stepped_through_in_its_lesson(address: str, browser: Any, site: Path) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}03_the_graph.html")
    frame = page.frame_locator("iframe.tinydl-page")
    before = frame.locator("body").inner_text()
    frame.get_by_text("▶", exact=True).click()
    page.wait_for_timeout(300)
    after = frame.locator("body").inner_text()
    assert "tanh" in before and before != after and not errors
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(DESK, 800), (PHONE, 844)])
def test_in_its_lesson_the_graph_is_seen_from_its_inputs_to_the_loss(
    address: str, browser: Any, width: int, height: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"{address}03_the_graph.html")
    frame = page.frame_locator("iframe.tinydl-page")
    frame.locator("#next").wait_for()
    room = frame.locator("#scroll").bounding_box()
    whole = page.locator("iframe.tinydl-page").bounding_box()
    assert whole["height"] <= height
    share = room["width"] * room["height"] / (whole["width"] * whole["height"])
    assert share > 0.35, f"the graph has {share:.0%} of the page"
    for node in frame.locator(".box").all():
        box = node.bounding_box()
        assert room["x"] <= box["x"] and box["x"] + box["width"] <= room["x"] + room["width"]
        assert room["y"] <= box["y"] and box["y"] + box["height"] <= room["y"] + room["height"]
    page.close()


def test_the_interface_has_all_that_a_room_lists(builder):
    testing = importlib.import_module("tinydl.testing")
    assert {"mutations", "Mutation", "arrays", "samples", "Draw"} <= set(builder.public(testing))
    for name in builder.INTERFACE:
        module = importlib.import_module(name)
        callables = {n for n in module.__all__ if callable(getattr(module, n))}
        assert callables - set(builder.public(module)) <= {"euclidean_norm"}, name
