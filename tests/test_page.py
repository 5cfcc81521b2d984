"""The step-through page: its data are the engine's numbers, and in a real browser it steps, fits and stays quiet."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pytest
from browsing import watching

import tinydl as tl
from tinydl import cli, data, nn
from tinydl import functional as F
from tinydl.plots.page import page_data, shown


def leaf(value, name=None):
    return tl.tensor(np.asarray(value, np.float64), requires_grad=True, name=name)


def expression():
    """Ten operations on two leaves, one of them broadcast, a value used twice."""
    x, y = np.array([[-1.0, 2.0], [0.5, 1.0], [2.0, -1.0]]), np.array([[0.1], [0.4], [0.9]])
    w, b = leaf([[0.5], [-0.3]], "w"), leaf([0.1], "b")
    h = F.sigmoid(x @ w + b)
    return np.mean((h * h - y) ** 2) + np.sum(np.exp(w) * 0.1), w, b


def digits_loss():
    tl.manual_seed(0)
    digits = data.digits()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 10))
    with tl.source_lines():
        return F.cross_entropy(model(digits.x[:6]), digits.y[:6]), model


pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def awkward():
    """A single number, a huge array, one without elements, NaN and infinity, and a name that is no good HTML."""
    a, v = leaf(2.0, "</script><b>&\u2028"), leaf(np.linspace(-1, 1, 101), "v")
    huge, none = leaf(np.random.default_rng(0).normal(size=(700, 300)), "huge"), leaf(np.zeros((0, 3)), "none")
    with np.errstate(all="ignore"):
        return np.sum(np.log(v) * a) + np.sum(np.tanh(huge * a)) + np.sum(none)


def embedded(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1])


# ---- the file and its data ----


def test_the_page_is_one_file_that_asks_for_nothing(tmp_path):
    path = tl.plots.backprop_page(expression()[0], tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "page.html"
    assert "{{" not in text
    markup = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(|<link[^>]*href=\"(?!data:)|<script[^>]*src", markup)


def test_the_data_hold_the_engine_s_numbers(tmp_path):
    loss, w, b = expression()
    found = embedded(tl.plots.backprop_page(loss, tmp_path / "page.html"))
    loss.backward()
    nodes = {n["id"]: n for n in found["nodes"]}
    for t in (w, b):
        shown_gradient = nodes[t.name]["gradient"]
        cells = itertools.chain(*shown_gradient.get("cells", [[shown_gradient]]))
        assert [float(c["full"]) for c in cells] == t.grad.data.reshape(-1).tolist()
    assert [s["phase"] for s in found["steps"]] == ["forward"] * 11 + ["backward"] * 11


def test_what_goes_into_a_convolution_without_a_bias_is_its_input_and_its_kernel(tmp_path):
    x, kernel = leaf(np.arange(5.0).reshape(1, 1, 5), "x"), leaf(np.ones((1, 1, 2)), "kernel")
    found = embedded(tl.plots.backprop_page(F.conv1d(x, kernel).sum(), tmp_path / "page.html"))
    assert next(n for n in found["nodes"] if n["operation"] == "conv")["inputs"] == ["x", "kernel"]
    assert "`" not in found["advice"]


def test_what_a_user_named_cannot_end_the_script(tmp_path):
    path = tl.plots.backprop_page(awkward(), tmp_path / "page.html")
    assert path.read_text(encoding="utf-8").count("</script>") == 2
    assert any(n["id"] == "</script><b>&" for n in embedded(path)["nodes"])
    with pytest.raises(ValueError, match="single number"):
        tl.plots.backprop_page(leaf([1.0, 2.0]), tmp_path / "none.html")
    assert not (tmp_path / "none.html").exists()


def test_a_loss_called_like_a_place_in_the_template_is_only_a_name(tmp_path):
    w = leaf(1.0, "{{data}}")
    assert embedded(tl.plots.backprop_page(w * 2.0, tmp_path / "page.html"))["nodes"][0]["id"] == "{{data}}"
    assert tl.plots.backprop_page(w, tmp_path / "page.html").exists()


def test_small_values_are_numbers_and_large_ones_heat_maps_of_means():
    assert shown(np.float64(2.5)) == {"kind": "number", "text": "2.5", "full": "2.5"}
    table = shown(np.arange(6.0).reshape(2, 3))
    assert [[c["text"] for c in row] for row in table["cells"]] == [["0", "1", "2"], ["3", "4", "5"]]
    image = np.random.default_rng(0).normal(size=(48, 72))
    found = np.array(shown(image)["cells"], float)
    means = image.reshape(24, 2, 24, 3).mean((1, 3)) / np.abs(image).max()
    np.testing.assert_allclose(found, 100 * means, atol=0.5001)
    assert "2 × 3" in shown(image)["text"]


def test_what_is_not_finite_has_a_mark_of_its_own():
    values = np.ones((10, 10))
    values[3, 4], values[5, 6] = np.nan, -np.inf
    found = shown(values)
    assert {(i, j) for i, row in enumerate(found["cells"]) for j, c in enumerate(row) if c == "!"} == {(3, 4), (5, 6)}
    assert "2 not finite" in found["text"]
    assert shown(np.full(50, np.nan))["cells"][0][0] == "!"


def test_a_vector_is_broken_into_lines_and_ends_where_it_ends():
    cells = itertools.chain(*shown(np.arange(1, 51.0))["cells"])
    assert [c for c in cells if c is not None] == [2 * k for k in range(1, 51)]
    assert shown(np.zeros((0, 3)))["kind"] == "empty"
    json.dumps(shown(np.full((100, 100, 2), np.inf)), allow_nan=False)


def test_layers_are_boxes_that_hold_their_parameters():
    loss, _ = digits_loss()
    found = page_data(tl.explain(loss))
    boxes = {g["title"]: g for g in found["groups"]}
    assert set(boxes) == {"Sequential", "0 (Linear)", "1 (ReLU)", "2 (Dropout)", "3 (Linear)"}
    assert [g["title"] for g in found["groups"] if g["open"]] == ["Sequential"]
    nodes = {n["id"]: n for n in found["nodes"]}
    assert nodes["0.weight"]["groups"] == [boxes["Sequential"]["id"], boxes["0 (Linear)"]["id"]]
    assert nodes["loss"]["groups"] == []


def test_what_goes_into_a_network_stays_visible_and_what_a_layer_makes_is_its_own():
    loss, _ = digits_loss()
    found = page_data(tl.explain(loss))
    boxes = {g["id"]: g["title"] for g in found["groups"]}
    constants = {n["id"]: [boxes[key] for key in n["groups"]] for n in found["nodes"] if n["kind"] == "constant"}
    shapes = {n["id"]: n["shape"] for n in found["nodes"]}
    assert sorted((shapes[label], where) for label, where in constants.items()) == [
        ("(6, 32)", ["Sequential", "2 (Dropout)"]), ("(6, 64)", []), ("(6,)", []),
    ]  # fmt: skip


def test_a_long_chain_without_layers_is_put_into_boxes_too():
    h = leaf([1.0, 2.0], "w")
    for _ in range(150):
        h = np.tanh(h * 1.1)
    found = page_data(tl.explain(np.sum(h)))
    assert 10 <= len(found["groups"]) <= 30
    assert all(n["groups"] for n in found["nodes"] if n["kind"] == "operation")


def test_a_graph_too_large_for_a_page_is_refused(tmp_path):
    h = leaf(1.0)
    for _ in range(5001):
        h = h + 1.0
    with pytest.raises(ValueError, match="5,001 operations"):
        tl.plots.backprop_page(h, tmp_path / "page.html")


# ---- in a browser ----


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page of a loss; at the end there must have been no complaint and no request."""
    with watching(browser) as opened:

        def visited(loss, width=1200, height=800, scheme="light"):
            return opened(tl.plots.backprop_page(loss, tmp_path / "page.html"), width, height, scheme)

        yield visited


def values_in(page, selector):
    return [
        float(v) for v in page.eval_on_selector_all(f"{selector} [data-value]", "all => all.map(e => e.dataset.value)")
    ]


@pytest.mark.slow
def test_in_the_browser_each_step_shows_the_numbers_of_the_engine(visit):
    loss, w, b = expression()
    page = visit(loss)
    steps = tl.explain(loss).steps
    assert "Nothing is computed yet" in page.inner_text("#panel")
    assert page.locator(".box.unseen").count() == len(steps) // 2
    for step in steps:
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#where") == f"step {step.number} of {len(steps)}"
        assert page.locator(f".box.now-{step.phase}").get_attribute("data-node") == step.label
        if step.phase == "forward":
            assert values_in(page, f'.entry[data-label="{step.label}"]') == step.value.reshape(-1).tolist()
            assert page.locator(".edge.now-forward").count() == len({i for i in step.inputs if not i[0].isdigit()})
        else:
            assert values_in(page, '.entry[data-label="g"]') == step.gradient.reshape(-1).tolist()
            assert [c.strip() for c in page.locator(".rule").all_inner_texts()] == [s.rule for s in step.sent]
            results = page.eval_on_selector_all(
                ".result",
                "all => all.map(r => [...r.querySelectorAll('[data-value]')].map(e => Number(e.dataset.value)))",
            )
            assert results == [s.gradient.reshape(-1).tolist() for s in step.sent]
            assert page.locator(".edge.now-backward").count() == len({s.to for s in step.sent})
    loss.backward()
    for t in (w, b):
        assert values_in(page, f'#leaves .entry[data-label="{t.name}"]') == t.grad.data.reshape(-1).tolist()
    assert page.locator(".box.unseen").count() == 0


@pytest.mark.slow
def test_in_the_browser_gradients_are_not_computed_yet_until_they_are(visit):
    loss, *_ = expression()
    page = visit(loss)
    steps = tl.explain(loss).steps
    needed = next(g.arrived_from for g in tl.explain(loss).givens if g.label == "w")
    assert len(needed) == 2
    none, half = "not computed yet", "1 of 2 contributions so far"
    for number, words in [(len(steps) // 2, none), (needed[0] - 1, none), (needed[0], half), (needed[1] - 1, half)]:
        page.evaluate(f"go({number})")
        assert words in page.inner_text('#leaves .entry[data-label="w"]')
    page.evaluate(f"go({needed[1]})")
    assert values_in(page, '#leaves .entry[data-label="w"]')


@pytest.mark.slow
def test_in_the_browser_keyboard_slider_buttons_and_play_move(visit):
    page = visit(expression()[0])
    step = lambda: int(page.evaluate("document.body.dataset.step"))
    moves = [("End", 22), ("ArrowRight", 22), ("ArrowLeft", 21), ("Home", 0), ("ArrowLeft", 0), ("ArrowRight", 1)]
    for key, expected in moves:
        page.keyboard.press(key)
        assert step() == expected
    page.fill("#slider", "7")
    assert step() == 7
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert step() == 8
    page.click("#next")
    page.keyboard.press("ArrowRight")
    assert step() == 10
    page.click("#back")
    page.click("#last")
    assert step() == 22
    page.click("#first")
    page.keyboard.press("ArrowRight")
    page.click("#play")
    assert page.inner_text("#play") == "pause"
    page.wait_for_function("Number(document.body.dataset.step) >= 3", timeout=15000)
    page.click("#play")
    assert page.inner_text("#play") == "play"


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: expression()[0], lambda: digits_loss()[0], awkward])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_the_browser_nothing_overflows_a_phone_in_light_and_dark(visit, make, scheme):
    page = visit(make(), 390, 780, scheme)
    last = page.evaluate("last")
    for number in {0, 1, last // 2, last // 2 + 1, last}:
        page.evaluate(f"go({number})")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.documentElement.scrollHeight") <= 780
        assert page.evaluate("byId('panel').scrollWidth <= byId('panel').clientWidth")
        for part in ("#graph", "#panel", "footer", "header", "#next", "#slider", "#theme"):
            box = page.locator(part).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] <= 780


@pytest.mark.slow
def test_in_the_browser_dark_follows_the_system_and_can_be_switched(visit):
    brightness = (
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)"
    )
    page = visit(digits_loss()[0], scheme="dark")
    assert page.evaluate(brightness) < 150
    page.evaluate("go(8)")
    page.click("#theme")
    assert page.evaluate(brightness) > 600
    page.emulate_media(color_scheme="light")
    assert page.evaluate(brightness) > 600


@pytest.mark.slow
def test_in_the_browser_text_stands_out_from_its_background(visit):
    """WCAG's contrast of at least 4.5, for each colour of text on each background that it stands on."""
    contrast = """([ink, paper]) => {
        const light = name => {
            const e = document.createElement('i'); e.style.color = `var(${name})`; document.body.append(e);
            const c = getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).map(v => v / 255); e.remove();
            const [r, g, b] = c.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const [a, b] = [light(ink), light(paper)]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""
    on = {
        "--page": "--ink --soft", "--card": "--ink --soft --forward --backward", "--waiting": "--ink --soft",
        "--forward-soft": "--ink --soft", "--backward-soft": "--ink --soft --backward",
    }  # fmt: skip
    pairs = [(ink, paper) for paper, inks in on.items() for ink in inks.split()]
    for scheme in ("light", "dark"):
        page = visit(leaf(1.0, "w") * 2.0, scheme=scheme)
        weak = {pair: page.evaluate(contrast, list(pair)) for pair in pairs}
        assert not {pair: value for pair, value in weak.items() if value < 4.5}


@pytest.mark.slow
def test_in_the_browser_layers_open_on_click_and_two_hundred_operations_are_at_hand(visit):
    tl.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Tanh()) for _ in range(45)]
    model = nn.Sequential(nn.Sequential(*blocks), nn.Linear(8, 1))
    with tl.source_lines():
        loss = F.mse_loss(model(np.random.default_rng(0).normal(size=(5, 8))), np.zeros((5, 1)))
    assert len(tl.explain(loss).steps) >= 400
    page = visit(loss)
    before = page.locator(".box").count()
    assert before <= 60
    page.locator(".box.group").first.click()
    assert page.locator(".box").count() > before
    page.click("#open-all")
    assert page.locator(".box").count() == len(page.evaluate("data.nodes"))
    shapes = page.evaluate("[...layout.items.values()].map(i => [i.x, i.y])")
    apart = np.abs(np.array(shapes)[:, None] - np.array(shapes)[None])
    assert ((apart[..., 0] >= 158) | (apart[..., 1] >= 62) | np.eye(len(shapes), dtype=bool)).all()  # none on another
    page.keyboard.press("End")
    assert page.evaluate("document.body.dataset.phase") == "backward"
    page.click("#close-all")
    assert page.locator(".box").count() < 10
    assert page.locator(".box.now-backward").count() == 1


@pytest.mark.slow
def test_in_the_browser_a_box_has_its_whole_title_and_one_dash_for_what_is_not_computed(visit):
    page = visit(digits_loss()[0])
    assert "loss = weighted_cross_entropy" in page.locator(".box .title").all_text_contents()
    fits = """[...document.querySelectorAll('.box')].every(b => [...b.querySelectorAll('text')].every(
        t => t.getComputedTextLength() <= Number(b.querySelector('rect').getAttribute('width')) - 10))"""
    for step in (0, 3, 7, 99):
        page.evaluate(f"go({step})")
        assert page.evaluate(fits)
        said = [line.text_content() for line in page.locator(".box text").all()]
        assert not [line for line in said if "not computed yet" in line]
    page.evaluate("go(1)")
    lines = page.locator('.box[data-node="loss"] text').all_text_contents()
    assert lines == ["loss = weighted_cross_entropy", "–", ""]
    page.evaluate("go(5)")
    assert page.locator('.box[data-node="loss"] text').all_text_contents()[2] == "–"


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(736, 740), (340, 780)])
def test_in_the_browser_a_graph_that_can_be_read_whole_is_seen_whole_at_once(visit, width, height):
    a, b = leaf(2.0, "a"), leaf(-3.0, "b")
    page = visit(digits_loss()[0] if width > 700 else np.tanh((a * b + a) * 0.2), width, height)
    room = page.locator("#scroll").bounding_box()
    assert room["width"] * room["height"] > 0.3 * width * height
    for node in page.locator(".box").all():
        box = node.bounding_box()
        assert room["x"] <= box["x"] and box["x"] + box["width"] <= room["x"] + room["width"]
        assert room["y"] <= box["y"] and box["y"] + box["height"] <= room["y"] + room["height"]


@pytest.mark.slow
def test_in_the_browser_a_clicked_node_shows_its_value_and_gradient(visit):
    loss = expression()[0]
    page = visit(loss)
    page.locator('.box[data-node="t4"]').click()
    assert page.inner_text("#chosen").count("not computed yet") == 2
    page.keyboard.press("End")
    step = next(s for s in tl.explain(loss).steps if s.label == "t4" and s.phase == "backward")
    assert values_in(page, "#chosen") == [*step.value.reshape(-1), *step.gradient.reshape(-1)]


def test_the_demo_writes_the_page_of_its_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["demo", "--epochs", "1", "--hidden", "8", "--explain"]) == 0
    assert "tinydl-backprop.html" in capsys.readouterr().out
    found = embedded(tmp_path / "tinydl-backprop.html")
    assert {n["id"] for n in found["nodes"] if n["kind"] == "leaf"} == {"0.weight", "0.bias", "3.weight", "3.bias"}
    assert cli.main(["demo", "--explain", str(tmp_path / "no" / "page.html")]) == 2
