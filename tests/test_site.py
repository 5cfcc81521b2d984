"""The site: its reference is complete, and in a real browser every page renders, on a desk and on a phone, by itself.

The browser tests are slow; they need the extra `docs`, playwright and a Chromium, and are skipped where one is missing.
"""

import functools
import http.server
import importlib.util
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tinydl.engine.dispatch import kinks, primitives

ROOT = Path(__file__).parent.parent
VENDORED = ROOT / "tutorials" / "_vendor" / "katex"
PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def builder() -> Any:
    spec = importlib.util.spec_from_file_location("tutorials_build", ROOT / "tutorials" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_katex_styles_fit_the_scripts_that_sphinx_brings() -> None:
    katex = pytest.importorskip("sphinxcontrib.katex")
    version = re.search(r'\.katex-version::?after\{content:"([\d.]+)"', (VENDORED / "katex.min.css").read_text())
    assert version is not None and version[1] == katex.katex_version


def test_katex_fonts_and_licence_are_in_the_repository() -> None:
    assert "MIT" in (VENDORED / "LICENSE").read_text()
    named = set(re.findall(r"fonts/(KaTeX_[\w-]+\.woff2)", (VENDORED / "katex.min.css").read_text()))
    assert named and named == {path.name for path in (VENDORED / "fonts").iterdir()}


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
    code = f"from pathlib import Path; from tutorials.build import build; raise SystemExit(build(Path({str(built)!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert _untracked() == before, "the build leaves nothing in the tree"
    return built


def _untracked() -> str:
    if not shutil.which("git"):
        return ""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "tutorials"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def pages_of(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)


@pytest.mark.slow
def test_no_link_of_the_site_is_broken(site: Path) -> None:
    parsed = {name: Page(site / name) for name in pages_of(site)}
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
    import json

    for lesson in sorted((ROOT / "tutorials").glob("[0-9][0-9]_*.py")):
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
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with playwright.sync_playwright() as p:
        try:
            launched = p.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here: {error}")
        yield launched
        launched.close()


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
        broken: [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src),
        width: document.documentElement.scrollWidth,
        wide: [...article.querySelectorAll('*')].filter(e => shown(e) && !scrolls(e)
            && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120)),
        frames: [...document.querySelectorAll('iframe')].length,
        darkness: background.slice(0, 3).reduce((a, b) => a + b, 0) / 3,
    };
}"""


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
        seen: dict[str, Any] = self.page.evaluate(LOOK)
        return seen, list(self.complaints)


def faults(seen: dict[str, Any], complaints: list[str], width: int, scheme: str) -> list[str]:
    found = [*complaints, *(f"formula: {text}" for text in seen["errors"]), *(f"picture: {s}" for s in seen["broken"])]
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
    formulas = scripts = 0
    visitor = Visitor(browser, address, width, scheme)
    for name in pages_of(site):
        seen, complaints = visitor.look(name)
        formulas += seen["rendered"]
        scripts += len(seen["scripts"])
        if wrong := faults(seen, complaints, width, scheme):
            found[name] = wrong
    visitor.page.context.close()
    assert not found, "\n".join(f"{name}: {wrong[:4]}" for name, wrong in found.items())
    assert formulas > 300 and scripts > 30, "the pages have formulas, and formulas subscripts"


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


def test_the_interface_has_all_that_a_room_lists(builder):
    testing = importlib.import_module("tinydl.testing")
    assert {"mutations", "Mutation", "arrays", "samples", "Draw"} <= set(builder.public(testing))
    for name in builder.INTERFACE:
        module = importlib.import_module(name)
        callables = {n for n in module.__all__ if callable(getattr(module, n))}
        assert callables - set(builder.public(module)) <= {"euclidean_norm"}, name
