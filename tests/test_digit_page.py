"""The page in which one draws a digit: in a real browser it computes what tl.predict does, and can be drawn on."""

from __future__ import annotations

import itertools
import json
import math
import re

import numpy as np
import pytest
from browsing import watching

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.plots.digits import LAYERS, page_data

DIGITS = data.digits()


def mlp():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout2d(0.25), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def normed():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 20),
        nn.BatchNorm1d(20, affine=False), nn.Tanh(), nn.Linear(20, 10),
    )  # fmt: skip


def trained(model, epochs=2):
    """The same model after some steps on digits, so that nothing in it is at its start."""
    x = DIGITS.x.reshape(-1, 1, 8, 8) if isinstance(model[0], nn.Conv2d) else DIGITS.x
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    settings = {"loss": F.cross_entropy, "optimizer": optimizer, "epochs": epochs, "batch_size": 64, "progress": False}
    tl.fit(model, data.Dataset(x, DIGITS.y), **settings)
    return model


def embedded(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1])


# ---- the file ----


def test_the_page_is_one_file_that_asks_for_nothing_and_holds_no_open_place(tmp_path):
    path = tl.plots.digit_page(mlp(), tmp_path / "digits.html")
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "digits.html"
    assert not re.findall(r"https?://|<link[^>]+href=\"(?!data:)|<script[^>]+src|@import|url\(", text)
    assert "{{" not in text
    assert len(text) < 60_000


def test_the_weights_are_float32_in_base64_and_what_else_is_there_says_what_the_layers_are(tmp_path):
    import base64

    model = mlp()
    found = embedded(tl.plots.digit_page(model, tmp_path / "digits.html"))
    assert [layer["title"] for layer in found["layers"]] == ["Linear", "ReLU", "Dropout", "Linear"]
    assert [layer["name"] for layer in found["layers"]] == ["0", "1", "2", "3"]
    assert [layer["shape"] for layer in found["layers"]] == [[32], [32], [32], [10]]
    weight = np.frombuffer(base64.b64decode(found["layers"][0]["weight"]), "<f4").reshape(32, 64)
    np.testing.assert_array_equal(weight, model[0].weight.data)
    assert (found["side"], found["image"], found["weights"]) == (8, [64], 32 * 65 + 10 * 33)
    assert found["classes"] == [str(k) for k in range(10)]


def test_classes_are_named_and_a_name_is_only_a_name(tmp_path):
    names = ["</script><b>&", "{{script}}", *range(8)]
    assert embedded(tl.plots.digit_page(mlp(), tmp_path / "digits.html", names))["classes"] == [str(n) for n in names]
    with pytest.raises(ValueError, match=r"10 numbers for an image.*not 3"):
        tl.plots.digit_page(mlp(), tmp_path / "none.html", classes=["a", "b", "c"])


@pytest.mark.parametrize(
    ("model", "image", "side"),
    [
        (nn.Linear(64, 10), [64], 8),
        (nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), [64], 8),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)), [1, 8, 8], 8),
        (nn.Sequential(nn.BatchNorm1d(8), nn.Flatten(), nn.Linear(64, 3)), [8, 8], 8),
        (nn.Sequential(nn.Linear(784, 10)), [784], 28),
        (nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(72, 10)), [1, 28, 28], 28),
        (nn.Sequential(nn.Linear(144, 10)), [144], 12),
    ],
)
def test_the_model_says_what_image_it_takes(model, image, side):
    found = page_data(model)
    assert (list(found["image"]), found["side"]) == (image, side)


def test_what_is_inside_of_a_sequential_within_a_sequential_is_shown_by_its_whole_name():
    model = nn.Sequential({"body": nn.Sequential(nn.Linear(64, 4), nn.Tanh()), "head": nn.Linear(4, 2)})
    assert [layer["name"] for layer in page_data(model)["layers"]] == ["body.0", "body.1", "head"]


def test_the_model_is_left_as_it_was(tmp_path):
    model = normed()
    state = model.state_dict()
    tl.plots.digit_page(model, tmp_path / "digits.html")
    assert model.training and all(layer.training for layer in model)
    assert all(np.array_equal(array, state[name]) for name, array in model.state_dict().items())


# ---- what is refused ----


class Own(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(64, 10)

    def forward(self, x):
        return self.layer(x)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Named(nn.Linear):
    """A Linear by another name: what it computes is the same."""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Own(), "no picture of Own; it shows an nn.Sequential of .*Linear"),
        (nn.Sequential(Doubled(64, 10)), "no picture of 0 Doubled"),
        (nn.Sequential(nn.Linear(64, 10), nn.Softmax()), "no picture of 1 Softmax"),
        (nn.Sequential(nn.Linear(64, 10), nn.LayerNorm(10)), "no picture of 1 LayerNorm"),
        (nn.Linear(63, 10), r"takes square images.*\(1, 64\) doesn't fit the weight of shape \(10, 63\)"),
        (nn.Linear(64, 1), r"at least two numbers.*gives \(1, 1\)"),
        (nn.Conv2d(1, 4, 3), r"takes square images.*conv2d"),
        (nn.Conv2d(3, 4, 3), "takes square images"),
        (nn.Sequential(nn.Linear(64, 9), nn.BatchNorm1d(9, track_running_stats=False)), "takes square images"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False), nn.Flatten()),
            "without running statistics",
        ),
    ],
)  # fmt: skip
def test_another_model_is_refused_by_a_sentence_and_nothing_is_written(tmp_path, model, said):
    with pytest.raises(ValueError, match=said):
        tl.plots.digit_page(model, tmp_path / "digits.html")
    assert not list(tmp_path.iterdir())


def test_a_layer_whose_forward_is_a_known_one_is_shown():
    assert page_data(nn.Sequential(Named(64, 10)))["layers"][0]["title"] == "Named"


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"an nn.Module, not .*the order is \(model, path\)"):
        tl.plots.digit_page(tmp_path / "digits.html", mlp())


def test_weights_that_are_no_numbers_and_far_too_many_are_refused(monkeypatch):
    model = mlp()
    model[0].weight.data[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite numbers"):
        page_data(model)
    monkeypatch.setattr("tinydl.plots.digits.MOST", 2000)
    with pytest.raises(ValueError, match="the model has 2,410 weights, more than a page can hold"):
        page_data(mlp())


def test_inside_of_what_watches_it_says_to_go_outside():
    with tl.source_lines(), pytest.raises(RuntimeError, match="outside of the with block"):
        page_data(mlp())


def test_a_page_that_cannot_be_written_names_its_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        tl.plots.digit_page(mlp(), tmp_path / "gone" / "digits.html")


# ---- in a browser ----


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page of a model; at the end there must have been no complaint and no request."""
    with watching(browser) as opened:

        def visited(model, width=1280, height=900, scheme="light", classes=None, touch=False):
            path = tl.plots.digit_page(model, tmp_path / "digits.html", classes)
            return opened(path, width, height, scheme, has_touch=touch)

        yield visited


def said(page, images):
    """What window.predict says of each image."""
    return np.array(
        page.evaluate("images => images.map(predict)", images.reshape(len(images), -1).astype(float).tolist())
    )


def windows():
    return nn.Sequential(
        nn.Conv2d(1, 4, (3, 2), stride=(1, 2), padding=((2, 1), (0, 1)), dilation=(2, 1)),
        nn.Conv2d(4, 6, 3, padding="same", groups=2),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d((2, 1), 1, (1, 0), ceil_mode=True),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        nn.AdaptiveAvgPool2d((3, 2)), nn.PReLU(6), nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(24, 10),
    )  # fmt: skip


def rows():
    return nn.Sequential(nn.Linear(8, 5, bias=False), nn.PReLU(8), nn.Flatten(), nn.BatchNorm1d(40), nn.Linear(40, 10))


FUNCTIONS = [
    nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(0.6), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(),
    nn.Sigmoid(), nn.Tanh(), nn.Hardtanh(-0.5, 0.8), nn.Softsign(), nn.LogSigmoid(), nn.Softplus(2.0),
    nn.PReLU(), nn.ReLU(), nn.Identity(),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        lambda: trained(mlp()),
        lambda: trained(cnn()),
        lambda: trained(normed()),
        lambda: tl.compress.quantise(trained(mlp()), 4),
        lambda: tl.compress.quantise(tl.compress.prune(trained(cnn()), 0.7), 3),
        lambda: tl.compress.shrink(trained(mlp()), 0.5),
        windows,
        rows,
    ],
    ids=["mlp", "cnn", "normed", "quantised", "pruned", "shrunk", "windows", "rows"],
)
def test_in_the_browser_predict_is_what_predict_is(visit, make):
    tl.manual_seed(0)
    model = make()
    page = visit(model)
    x = DIGITS.x[::9][:200]
    shape = page_data(model)["image"]
    np.testing.assert_allclose(said(page, x), tl.predict(model, x.reshape(-1, *shape)), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_in_the_browser_each_activation_is_the_librarys_from_far_below_0_to_far_above(visit):
    given = np.linspace(-1, 1, 200)[:, None] * np.ones(64)
    for function in FUNCTIONS:
        model = nn.Sequential(nn.Linear(64, 3), function)
        model[0].weight.data[:] = 0
        model[0].weight.data[:, 0] = [1, 8, 40]
        model[0].bias.data[:] = 0
        found, expected = said(visit(model), given), tl.predict(model, given.astype(np.float32))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=str(function))
    assert {type(f) for f in FUNCTIONS} >= {kind for kind in LAYERS if kind.__module__ == nn.ReLU.__module__}


@pytest.mark.slow
def test_in_the_browser_predict_refuses_what_is_no_image(visit):
    page = visit(mlp())
    for wrong in ("[]", "new Array(63).fill(0)", "new Array(64).fill(NaN)"):
        assert "64 finite numbers" in page.evaluate(
            f"() => {{ try {{ predict({wrong}); return '' }} catch (e) {{ return e.message }} }}"
        )


def arc(x, y, across, up, start, end, n=24):
    angles = np.radians(np.linspace(start, end, n))
    return [(x + across * math.cos(a), y + up * math.sin(a)) for a in angles]


STROKES = {  # as parts of the board, as one would draw them
    0: [arc(0.5, 0.5, 0.22, 0.34, -90, 270)],
    1: [[(0.5, 0.15), (0.5, 0.85)]],
    2: [[*arc(0.5, 0.35, 0.2, 0.2, 180, 380), (0.3, 0.82), (0.72, 0.82)]],
    3: [[*arc(0.48, 0.33, 0.2, 0.18, 200, 450), *arc(0.48, 0.67, 0.22, 0.18, -90, 150)]],
    4: [[(0.55, 0.15), (0.28, 0.6), (0.75, 0.6)], [(0.6, 0.4), (0.58, 0.87)]],
    5: [[(0.7, 0.16), (0.38, 0.16), (0.35, 0.45), *arc(0.48, 0.62, 0.22, 0.2, -120, 140)]],
    6: [[(0.6, 0.15), (0.38, 0.45)], arc(0.5, 0.65, 0.2, 0.2, 200, 560)],
    7: [[(0.28, 0.18), (0.72, 0.18), (0.45, 0.85)]],
    8: [arc(0.5, 0.33, 0.17, 0.17, -270, 90), arc(0.5, 0.67, 0.19, 0.18, -90, 270)],
    9: [[*arc(0.5, 0.32, 0.18, 0.16, -30, -360), (0.68, 0.3), (0.66, 0.87)]],
}


def draw(page, strokes):
    board = page.locator("#board").bounding_box()
    for stroke in strokes:
        points = [(board["x"] + x * board["width"], board["y"] + y * board["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=2)
        page.mouse.up()


def answer(page):
    return page.inner_text("#says")


def is_drawn(page):
    return page.evaluate("bits.some(bit => bit)")


@pytest.mark.slow
@pytest.mark.parametrize("make", [mlp, cnn])
def test_in_the_browser_what_is_drawn_with_the_mouse_is_read(visit, make):
    tl.manual_seed(0)
    page = visit(trained(make(), 12))
    assert answer(page) == "Nothing is drawn yet"
    read = []
    for digit, strokes in STROKES.items():
        draw(page, strokes)
        read.append(answer(page).startswith(f"It says {digit} ("))
        assert page.locator("#answers .winner .name").count() == 1
        page.click("#clear")
    assert sum(read) >= 9, read


@pytest.mark.slow
def test_in_the_browser_a_drawing_becomes_pixels_as_the_digits_did(visit):
    """They fill the height, lie within the middle six columns but for the shear, and have about as much ink."""
    page = visit(mlp())
    for digit, strokes in STROKES.items():
        draw(page, strokes)
        pixels = np.array(page.evaluate("Array.from(shown.values[0].numbers)")).reshape(8, 8)
        assert (pixels * 16 == np.round(pixels * 16)).all()
        assert pixels.min() == 0 and pixels.max() <= 1
        assert pixels[0].any() and pixels[7].any()
        assert not pixels[:, 0].any()
        assert 10 < pixels.sum() < 25.75, digit  # 412 of 1024 bits, above which NIST made strokes thinner
        page.click("#clear")


@pytest.mark.slow
def test_in_the_browser_it_makes_no_difference_where_and_how_large_one_draws(visit):
    page, seen = visit(mlp()), []
    hook = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 1), (2, 2), (3, 1), (4, 1), (5, 1)]
    for top, left, size in [(0, 0, 1), (9, 12, 1), (2, 5, 2)]:
        parts = itertools.product(range(size), range(size))
        cells = [[top + i * size + a, left + j * size + b] for (a, b) in parts for i, j in hook]
        page.evaluate("cells => { bits.fill(0); for (const cell of cells) fillCell(cell, 1); update(); }", cells)
        seen.append(page.evaluate("Array.from(shown.values[0].numbers)"))
    assert any(seen[0])
    assert seen[1] == seen[2] == seen[0]


@pytest.mark.slow
def test_in_the_browser_pixels_of_other_sizes_are_centred_as_mnists(visit):
    page = visit(nn.Linear(784, 10))
    draw(page, [[(0.1, 0.1), (0.3, 0.1), (0.3, 0.5)]])
    pixels = np.array(page.evaluate("Array.from(shown.values[0].numbers)")).reshape(28, 28)
    inked = np.argwhere(pixels > 0.05)
    assert np.ptp(inked, axis=0).max() + 1 in (19, 20, 21)
    centre = (np.argwhere(np.ones((28, 28))).reshape(28, 28, 2) * pixels[..., None]).sum((0, 1)) / pixels.sum()
    np.testing.assert_allclose(centre, 13.5, atol=0.3)


@pytest.mark.slow
def test_in_the_browser_one_draws_by_keyboard(visit):
    page = visit(trained(mlp(), 6))
    while page.evaluate("document.activeElement.id") != "board-box":
        page.keyboard.press("Tab")
    assert page.locator("#cursor").is_visible()
    page.keyboard.press("Space")
    assert page.evaluate("bits.reduce((a, b) => a + b)") == 64
    assert "row 9, column 9: ink" in page.inner_text("#cell")
    page.keyboard.press("Space")
    assert answer(page) == "Nothing is drawn yet"
    page.keyboard.press("ArrowUp")
    assert not is_drawn(page)
    assert page.evaluate("cursor") == [7, 8]
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    for _ in range(15):
        page.keyboard.press("Shift+ArrowDown")
    assert answer(page).startswith("It says 1 (")
    page.keyboard.press("Control+z")
    assert page.evaluate("box()[2]") == 14 * 8
    for _ in range(3):
        page.keyboard.press("Tab")  # pen, eraser, undo
    page.keyboard.press("Enter")
    assert page.evaluate("box()[2]") == 13 * 8


@pytest.mark.slow
def test_in_the_browser_undo_clear_and_eraser(visit):
    page = visit(mlp())
    assert page.locator("#undo").is_disabled() and page.locator("#clear").is_disabled()
    draw(page, [[(0.2, 0.5), (0.8, 0.5)]])
    line = page.evaluate("bits.reduce((a, b) => a + b)")
    draw(page, [[(0.5, 0.2), (0.5, 0.8)]])
    assert page.evaluate("bits.reduce((a, b) => a + b)") > line
    page.click("#undo")
    assert page.evaluate("bits.reduce((a, b) => a + b)") == line
    page.click("#clear")
    assert answer(page) == "Nothing is drawn yet"
    page.click("#undo")
    assert page.evaluate("bits.reduce((a, b) => a + b)") == line
    page.click("#eraser")
    assert page.get_attribute("#eraser", "aria-pressed") == "true"
    draw(page, [[(0.1, 0.5), (0.9, 0.5)]])
    assert not is_drawn(page)
    page.click("#pen")
    draw(page, [[(0.2, 0.5), (0.8, 0.5)]])
    assert page.evaluate("bits.reduce((a, b) => a + b)") == line


@pytest.mark.slow
def test_in_the_browser_a_finger_draws_and_does_not_scroll(visit):
    page = visit(mlp(), 390, 780, touch=True)
    board = page.locator("#board").bounding_box()
    page.touchscreen.tap(board["x"] + 100, board["y"] + 100)
    assert is_drawn(page)
    assert page.evaluate("getComputedStyle(byId('board-box')).touchAction") == "none"


@pytest.mark.slow
def test_in_the_browser_each_layer_is_seen_and_which_pixels_matter_is_occlusion(visit):
    tl.manual_seed(0)
    model = trained(cnn())
    page = visit(model)
    assert page.locator(".layer").count() == len(list(model))
    assert page.locator(".layer canvas").count() == len(list(model)) - 2  # Dropout and Flatten pass on
    draw(page, STROKES[3])
    page.wait_for_function("shown.matters !== null")
    pixels = np.array(page.evaluate("Array.from(shown.values[0].numbers)"), np.float32)
    outputs = tl.predict(model, pixels.reshape(1, 1, 8, 8))[0]
    winner = outputs.argmax()
    without = np.repeat(pixels[None], 64, 0) * (1 - np.eye(64, dtype=np.float32))
    expected = outputs[winner] - tl.predict(model, without.reshape(-1, 1, 8, 8))[:, winner]
    np.testing.assert_allclose(page.evaluate("shown.matters"), expected, atol=1e-4)
    assert f"output for {winner}" in page.inner_text("#matters-says")
    for k, layer in enumerate(page.evaluate("shown.values.slice(1).map(v => Array.from(v.numbers))")):
        expected = tl.predict(model[: k + 1], pixels.reshape(1, 1, 8, 8)).ravel()
        np.testing.assert_allclose(layer, expected, rtol=1e-4, atol=1e-5)
    painted = page.eval_on_selector_all(
        ".layer canvas",
        """all => all.map(c => {
            const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            return new Set(new Uint32Array(data.buffer)).size; })""",
    )
    assert min(painted) > 3


@pytest.mark.slow
def test_in_the_browser_the_answers_have_their_names_and_add_up(visit):
    names = [
        "nought",
        "</b>one",
        "a name that is far too long for any table of answers, and goes on",
        *map(str, range(3, 10)),
    ]
    page = visit(mlp(), 390, 780, classes=names)
    draw(page, STROKES[4])
    assert [name.strip() for name in page.locator("#answers .name").all_text_contents()] == names
    widths = page.eval_on_selector_all("#answers .bar", "all => all.map(b => parseFloat(b.style.width))")
    assert abs(sum(widths) - 100) < 0.01
    lefts = page.eval_on_selector_all("#answers .track", "all => all.map(b => b.getBoundingClientRect().left)")
    assert max(lefts) - min(lefts) < 0.5
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "make", [mlp, cnn, lambda: nn.Sequential(nn.Conv2d(1, 70, 3), nn.Flatten(), nn.Linear(70 * 26 * 26, 2))]
)
def test_in_the_browser_nothing_overflows_a_phone_in_light_and_dark(visit, make, scheme):
    page = visit(make(), 390, 780, scheme)
    for drawn in (False, True):
        if drawn:
            draw(page, STROKES[7])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        outside = """all => all.map(e => e.getBoundingClientRect()).filter(
            r => r.width && (r.left < 0 || r.right > 390)).length"""
        assert page.eval_on_selector_all("main *", outside) == 0
    board = page.locator("#board").bounding_box()
    assert board["y"] + board["height"] < 480  # with its buttons, on a phone's first screen


@pytest.mark.slow
def test_in_the_browser_dark_follows_the_system_and_can_be_switched(visit):
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((a, b) => a + Number(b), 0)"
    paper = "byId('board').getContext('2d').getImageData(1, 1, 1, 1).data[0]"
    page = visit(mlp(), scheme="dark")
    assert page.evaluate(brightness) < 150
    assert page.evaluate(paper) < 50
    page.click("#theme")
    assert page.evaluate(brightness) > 600
    page = visit(mlp())
    assert page.evaluate(brightness) > 600
    assert page.evaluate(paper) > 200


@pytest.mark.slow
def test_in_the_browser_text_stands_out_from_its_background(visit):
    """WCAG's contrast of at least 4.5, for each colour of text on each background that it stands on; of bars, 3."""
    contrast = """([ink, paper]) => {
        const light = name => {
            const e = document.createElement('i'); e.style.color = `var(${name})`; document.body.append(e);
            const c = getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).map(v => v / 255); e.remove();
            const [r, g, b] = c.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const [a, b] = [light(ink), light(paper)]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""
    text = itertools.product(["--ink", "--soft"], ["--page", "--card", "--mark-soft"])
    needed = dict.fromkeys(text, 4.5) | {("--mark", "--track"): 3, ("--soft", "--track"): 3, ("--mark", "--card"): 3}
    for scheme in ("light", "dark"):
        page = visit(mlp(), scheme=scheme)
        found = {pair: page.evaluate(contrast, list(pair)) for pair in needed}
        assert not {pair: value for pair, value in found.items() if value < needed[pair]}
