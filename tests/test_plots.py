"""The pictures: what stands on the Axes is what was to be shown, also for small and awkward inputs."""

from __future__ import annotations

import copy
import inspect
import itertools
import math

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F
from tinydl.plots.graph import layout
from tinydl.plots.style import PALETTE

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def fresh():
    tl.manual_seed(0)
    yield
    plt.close("all")


def draw(ax):
    """Render it, so that what can't be drawn raises, and give it back."""
    ax.figure.figure.draw_without_rendering()
    return ax


def classifier(inputs=2, classes=3):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, classes))


def texts(ax):
    return [t.get_text() for t in ax.texts]


class Curves(dict):
    def __len__(self):
        return len(self["loss"])


X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
Y = np.arange(40) % 3


# ---- every picture ----


def every(ax=None):
    model, history = classifier(), Curves(loss=[1.0, 0.5], accuracy=[0.1, 0.2])
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    batch = (X, Y)
    return {
        "graph": lambda ax: plots.graph((w * 2).sum(), ax),
        "attribution": lambda ax: plots.attribution(tl.saliency(model, X), ax, names=["one", "other"]),
        "curves": lambda ax: plots.curves(history, "loss", ax),
        "decision_boundary": lambda ax: plots.decision_boundary(model, X, Y, ax, points=20),
        "confusion_matrix": lambda ax: plots.confusion_matrix(Y, Y, ax),
        "images": lambda ax: plots.images(np.eye(3)[None], ax, [1], [2]),
        "weights": lambda ax: plots.weights(model[0].weight, ax),
        "activations": lambda ax: plots.activations(model, X, ax),
        "gradients": lambda ax: plots.gradients(model, batch, F.cross_entropy, ax),
        "loss_surface": lambda ax: plots.loss_surface(model, batch, F.cross_entropy, ax, points=4),
        "learning_rate_sweep": lambda ax: plots.learning_rate_sweep(
            model, batch, F.cross_entropy, optim.SGD(model.parameters(), lr=1.0), ax, steps=5
        ),
    }


@pytest.mark.parametrize("name", every())
def test_each_picture_takes_axes_and_gives_them_back_or_makes_some(name):
    picture = every()[name]
    _, ax = plt.subplots()
    assert picture(ax) is ax
    made = picture(None)
    assert made is not ax and isinstance(made, matplotlib.axes.Axes)
    draw(ax), draw(made)
    assert inspect.signature(getattr(plots, name)).parameters["ax"].default is None


@pytest.mark.parametrize("name", [n for n in every() if n not in ("images", "weights", "graph")])
def test_each_picture_with_a_scale_says_what_is_on_its_axes(name):
    ax = every()[name](None)
    assert ax.get_xlabel() and ax.get_title()
    assert ax.get_ylabel() or ax.get_yticklabels()[0].get_text()


@pytest.mark.parametrize("name", every())
def test_drawing_shows_nothing_and_leaves_the_backend_alone(name, monkeypatch):
    plt.close(plt.figure())  # the first figure chooses a backend
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("shown"))
    monkeypatch.setattr(plt, "switch_backend", lambda *a, **k: pytest.fail("switched"))
    every()[name](None)


def test_what_is_measured_leaves_model_optimizer_and_random_numbers_alone():
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    before, settings = model.state_dict(), copy.deepcopy(optimizer.state_dict())
    drawn = tl.engine.random.generator().bit_generator.state
    plots.decision_boundary(model, X, Y, points=10)
    plots.activations(model, X)
    plots.gradients(model, (X, Y), F.cross_entropy)
    plots.loss_surface(model, (X, Y), F.cross_entropy, points=3)
    plots.learning_rate_sweep(model, (X, Y), F.cross_entropy, optimizer, steps=5)
    plots.attribution(tl.integrated_gradients(model, X))
    assert tl.engine.random.generator().bit_generator.state == drawn
    assert optimizer.state_dict() == settings and model.training
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(p.grad is None for p in model.parameters())


def test_the_colours_are_those_that_colour_blind_people_tell_apart():
    assert PALETTE[:8] == ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
    assert len(set(PALETTE)) == 10
    surface = plots.loss_surface(classifier(), (X, Y), F.cross_entropy, points=3)
    assert surface.images[0].get_cmap().name == "cividis"


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_save_writes_what_the_suffix_says(tmp_path, suffix):
    path = plots.save(plots.weights(np.eye(3)), tmp_path / f"w.{suffix}")
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_save_writes_the_whole_figure_of_a_panel_and_refuses_other_suffixes(tmp_path):
    figure = plt.figure()
    panel = figure.subfigures(1, 2)[0].subplots()
    plots.weights(np.eye(3), panel)
    assert plots.save(panel, tmp_path / "whole.png").exists()
    with pytest.raises(ValueError, match=r"\.png"):
        plots.save(panel, tmp_path / "w.xyz")


# ---- the graph ----


def box(ax, start):
    return next(t for t in texts(ax) if t.startswith(start)).split("\n")


def test_the_graph_shows_operations_values_and_gradients():
    w, b = (tl.tensor(v, requires_grad=True, name=n) for v, n in ((0.5, "w"), (-0.2, "b")))
    loss = (F.sigmoid(w * 1.5 + b) - 1.0) ** 2
    ax = draw(plots.graph(loss))
    assert w.grad is None
    loss.backward()
    assert box(ax, "w") == ["w", "0.5", f"∂ {w.grad.item():.4g}"]
    assert box(ax, "b")[2] == f"∂ {b.grad.item():.4g}"
    assert box(ax, "multiply 1.5")[1] == "0.75"
    assert box(ax, "loss = power 2")[1:] == [f"{loss.item():.4g}", "∂ 1"]


def test_the_graph_shows_the_size_of_gradients_of_larger_tensors():
    w = tl.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True, name="w")
    ax = plots.graph((w * w).sum())
    assert box(ax, "w") == ["w", "shape (3, 4)", f"∂ rms {np.sqrt(np.mean((2 * w.data) ** 2)):.3g}"]


def big(depth):
    model = nn.Sequential(*[layer for _ in range(depth) for layer in (nn.Linear(4, 4), nn.Tanh())])
    h = model(np.ones((3, 4)))
    return ((h * h) + np.exp(h)).mean()


def test_what_the_graph_starts_from_stands_right_above_its_first_use():
    w, late = (tl.tensor([1.0, 2.0], requires_grad=True, name=name) for name in ("w", "late"))
    places = {node.label: node for node in layout((np.exp(np.tanh(np.sin(w))) * late).sum())}
    multiply = next(node for node in places.values() if node.title == "multiply")
    assert places["late"].y == multiply.y - 1 and "late" in multiply.inputs


@pytest.mark.parametrize("depth", [1, 5, 14])
def test_in_the_graphs_layout_nothing_overlaps_and_operations_stand_below_their_inputs(depth):
    nodes = layout(big(depth))
    places = {node.label: node for node in nodes}
    for node in nodes:
        assert all(places[name].y == node.y - 1 for name in node.inputs)
    for row in {node.y for node in nodes}:
        xs = sorted(node.x for node in nodes if node.y == row)
        assert all(b - a >= 1 - 1e-9 for a, b in itertools.pairwise(xs))
        assert xs[0] >= -1e-9


def test_the_boxes_of_a_graph_of_60_are_legible_and_apart():
    loss = big(14)
    ax = draw(plots.graph(loss))
    boxes = [t for t in ax.texts if (t.get_gid() or "").startswith("node ")]
    assert 45 <= len(boxes) <= 75
    assert all(t.get_fontsize() >= 6 for t in boxes)
    extents = [t.get_bbox_patch().get_window_extent() for t in boxes]
    for i, a in enumerate(extents):
        for b in extents[:i]:
            assert not a.overlaps(b)


def test_the_graph_in_small_axes_has_smaller_letters_and_still_no_overlap():
    _, ax = plt.subplots(figsize=(5, 5))
    draw(plots.graph(big(2), ax))
    extents = [t.get_bbox_patch().get_window_extent() for t in ax.texts if t.get_bbox_patch()]
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])


def test_the_graph_takes_awkward_names_and_values():
    q = tl.tensor(np.nan, requires_grad=True, name="a name $of$ <some> {length} that goes on and on and on")
    ax = draw(plots.graph(np.log(q) * np.inf))
    assert any("…" in t for t in texts(ax)) and any("nan" in t for t in texts(ax))
    draw(plots.graph(tl.tensor(1.0, requires_grad=True) * 1))
    empty = tl.tensor(np.zeros((0, 3)), requires_grad=True)
    draw(plots.graph(empty.sum()))


def test_two_ways_to_the_same_input_are_one_line_and_long_edges_bend():
    w = tl.tensor([1.0, 2.0], requires_grad=True, name="w")
    nodes = layout((np.tanh(np.exp(w)) * w + w * w).sum())
    assert any(node.kind == "bend" for node in nodes)
    for node in nodes:
        assert len(set(node.inputs)) == len(node.inputs)


# ---- curves and the confusion matrix ----


def test_curves_draw_the_history():
    history = Curves(
        loss=[3.0, 2.0, 1.0], val_loss=[3.0, 2.0, 2.5], accuracy=[0.1, 0.5, 0.9], val_accuracy=[0.1, 0.4, 0.3]
    )
    ax = draw(plots.curves(history))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), history["loss"])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), history["val_loss"])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    assert "best: epoch 2" in [t.get_text() for t in ax.get_legend().get_texts()]
    assert plots.curves(history, "accuracy").lines[2].get_xdata()[0] == 2


def test_curves_take_one_epoch_negative_zero_and_missing_numbers():
    for losses in ([1.0], [0.0, 0.0], [-1.0, -2.0], [1.0, math.nan, 0.5], [1e9, 1e-9], [math.nan]):
        ax = draw(plots.curves(Curves(loss=losses, val_loss=[math.nan] * len(losses))))
        assert ax.get_yscale() == ("log" if losses == [1e9, 1e-9] else "linear")
    with pytest.raises(ValueError, match="no completed epoch"):
        plots.curves(Curves(loss=[]))


def test_a_confusion_matrix_counts():
    targets, said = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    ax = draw(plots.confusion_matrix(targets, said, classes=["a", "b", "c and a long name to go with it"]))
    shown = {(t.get_position()[1], t.get_position()[0]): int(t.get_text()) for t in ax.texts}
    assert shown == {(0, 0): 1, (0, 1): 1, (1, 1): 1, (2, 2): 2, (2, 0): 1}
    np.testing.assert_allclose(np.diag(ax.images[0].get_array()), [0.5, 1, 2 / 3])
    assert len(ax.get_xticklabels()[2].get_text()) <= 16
    assert "66.7%" in ax.get_title()


def test_a_confusion_matrix_takes_one_example_none_and_ten_classes():
    draw(plots.confusion_matrix([0], [0]))
    draw(plots.confusion_matrix([], []))
    ax = draw(plots.confusion_matrix(np.arange(50) % 10, np.arange(50) % 7))
    assert ax.images[0].get_array().shape == (10, 10)
    with pytest.raises(ValueError, match="class indices"):
        plots.confusion_matrix([0, 1], [0])
    with pytest.raises(ValueError, match="negative"):
        plots.confusion_matrix([0, -1], [0, 1])


# ---- images and weights ----


def test_images_and_weights_stand_side_by_side_as_given():
    pictures = np.random.default_rng(1).random((5, 3, 4))
    ax = draw(plots.images(pictures, columns=3))
    shown = ax.images[0].get_array()
    np.testing.assert_array_equal(shown[:3, :4], pictures[0])
    np.testing.assert_array_equal(shown[:3, 5:9], pictures[1])
    np.testing.assert_array_equal(shown[4:7, :4], pictures[3])
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown))[3].all()
    matrix = np.random.default_rng(1).normal(size=(3, 9))
    ax = draw(plots.weights(tl.tensor(matrix)))
    np.testing.assert_array_equal(ax.images[0].get_array()[:3, :3], matrix[0].reshape(3, 3))
    low, high = ax.images[0].get_clim()
    assert low == -high == -np.abs(matrix).max()
    assert plots.weights(np.ones((2, 6)), shape=(2, 3)).images[0].get_array().shape == (2, 7)


def test_kernels_of_a_convolution_are_one_image_for_each_channel_of_each_filter():
    kernels = np.arange(3 * 2 * 2 * 4.0).reshape(3, 2, 2, 4)
    ax = draw(plots.weights(tl.tensor(kernels), columns=2))
    assert ax.get_title() == "weights of 6 kernels, each 2 × 4"
    canvas = ax.images[0].get_array()
    np.testing.assert_array_equal(canvas[:2, :4], kernels[0, 0])
    np.testing.assert_array_equal(canvas[:2, 5:], kernels[0, 1])
    np.testing.assert_array_equal(canvas[-2:, 5:], kernels[2, 1])
    assert plots.weights(np.ones((2, 3, 5))).get_title() == "weights of 2 kernels, each 3 × 5"


def test_wrong_predictions_are_said_in_red():
    ax = draw(plots.images(np.zeros((3, 8, 8)), labels=[3, "cat", 5], predictions=[3, "dog", 5]))
    assert texts(ax) == ["3", "cat\nsaid dog", "5"]
    assert [t.get_color() for t in ax.texts] == ["black", "#B2182B", "black"]
    assert texts(plots.images(np.zeros((1, 8, 8)), predictions=[7])) == ["7"]


def test_images_take_none_one_and_those_that_are_not_numbers():
    draw(plots.images(np.zeros((0, 8, 8))))
    assert "not finite" in texts(draw(plots.images(np.full((1, 2, 5), np.nan), labels=["a"])))
    draw(plots.weights(np.zeros((1, 7))))
    with pytest.raises(ValueError, match="height"):
        plots.images(np.zeros((8, 8)))
    with pytest.raises(ValueError, match="1 labels"):
        plots.images(np.zeros((2, 8, 8)), labels=[1])
    with pytest.raises(ValueError, match="matrix"):
        plots.weights(np.zeros(3))
    with pytest.raises(ValueError, match="or kernels, not shape"):
        plots.weights(np.zeros((2, 3, 1, 2, 2)))
    with pytest.raises(ValueError, match="6 inputs"):
        plots.weights(np.zeros((2, 6)), shape=(4, 4))


# ---- a network ----


def test_a_decision_boundary_shows_what_the_model_says():
    model = nn.Linear(2, 2)
    model.weight.data[...], model.bias.data[...] = [[0, 0], [1, 0]], [0, -0.5]  # class 1 right of 0.5
    x = np.array([[0.0, 0], [1, 1], [1, 0]])
    ax = draw(plots.decision_boundary(model, x, [0, 1, 0], points=50, classes=["left", "right"]))
    said, (left, right, *_) = ax.images[0].get_array(), ax.images[0].get_extent()
    expected = np.linspace(left, right, 50) > 0.5
    np.testing.assert_array_equal(said, np.broadcast_to(expected, (50, 50)))
    assert "66.7% of 3" in ax.get_title()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["left", "right"]
    offsets = np.concatenate([c.get_offsets() for c in ax.collections])
    np.testing.assert_allclose(sorted(map(tuple, offsets)), sorted(map(tuple, x)))


def test_a_decision_boundary_counts_no_answer_of_nan_as_right():
    for outputs in (2, 1):
        model = nn.Linear(2, outputs)
        model.weight.data[...], model.bias.data[...] = 0, -1
        x = np.array([[0.0, 0], [1, 1], [np.nan, 0], [1, np.nan]])  # the model says class 0, or nothing
        ax = draw(plots.decision_boundary(model, x, [0, 1, 0, 0], points=5))
        assert "25.0% of 4" in ax.get_title()
        model.bias.data[...] = np.nan
        assert not np.isfinite(draw(plots.decision_boundary(model, x, [0] * 4, points=5)).images[0].get_array()).any()


def test_a_decision_boundary_takes_a_single_score_one_point_one_class_and_ten():
    one = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
    ax = draw(plots.decision_boundary(one, X, Y[:, None] > 0, threshold=0.5, points=10))
    assert set(np.unique(ax.images[0].get_array())) <= {0, 1}
    draw(plots.decision_boundary(classifier(), X[:1], [1], points=5))
    draw(plots.decision_boundary(classifier(), X, np.zeros(40), points=5))
    draw(plots.decision_boundary(classifier(classes=10), X, np.arange(40) % 10, points=5))
    draw(plots.decision_boundary(classifier(), np.full((2, 2), np.nan, np.float32), [0, 1], points=5))
    with pytest.raises(ValueError, match=r"x \(N, 2\)"):
        plots.decision_boundary(classifier(3), np.zeros((4, 3)), [0] * 4)


def ridge(ax, name):
    line = next(line for line in ax.lines if line.get_label() == name)
    y = line.get_ydata()
    return line.get_xdata(), y - np.floor(y.min() + 1e-9)


def test_activations_are_distributed_as_drawn():
    model = nn.Sequential(nn.Linear(3, 50), nn.Tanh(), nn.Linear(50, 4))
    x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    ax = draw(plots.activations(model, x))
    assert [line.get_label() for line in ax.lines] == ["0 (Linear)", "1 (Tanh)", "2 (Linear)"]
    middles, heights = ridge(ax, "1 (Tanh)")
    values = model[1](model[0](x)).data
    half = (middles[1] - middles[0]) / 2
    counts = np.histogram(values, np.concatenate([middles - half, middles[-1:] + half]))[0]
    np.testing.assert_allclose(heights, 0.85 * counts / counts.max(), atol=0.02)
    assert f"sd {values.std():.2g}" in texts(ax)


def test_gradients_are_drawn_by_their_logarithm_with_the_share_of_zeros():
    model = classifier()
    ax = draw(plots.gradients(model, (X, Y), F.cross_entropy))
    h = model[0](X)
    leaf = tl.tensor(h.data, requires_grad=True)
    F.cross_entropy(model[2](model[1](leaf)), Y).backward()
    zero = np.mean(leaf.grad.data == 0)
    assert any(f"{zero:.0%} zero" in t for t in texts(ax))
    middles, heights = ridge(ax, "0 (Linear)")
    g = np.log10(np.abs(leaf.grad.data[leaf.grad.data != 0]))
    assert abs(np.average(middles, weights=heights) - g.mean()) < 0.1


def test_layers_without_gradients_and_with_nan_are_drawn():
    dead = classifier(classes=1)
    dead[0].bias.data[...] = -100
    ax = draw(plots.gradients(dead, (X, X[:, :1]), F.mse_loss))
    assert "100% zero" in texts(ax)
    draw(plots.activations(dead, X[:1]))
    dead[2].weight.data[...] = np.nan
    assert any("not finite" in t for t in texts(draw(plots.activations(dead, X))))

    class Bare(nn.Module):
        def __init__(self):
            self.w = tl.tensor(np.ones((2, 3)), requires_grad=True)

        def forward(self, x):
            return x @ self.w

    draw(plots.gradients(Bare(), (X, Y), F.cross_entropy))


def test_the_loss_surface_is_the_loss_along_two_directions_and_the_path_lies_on_it():
    model = nn.Linear(1, 1)
    x, y = np.linspace(-1, 1, 9)[:, None].astype(np.float32), np.linspace(-1, 2, 9)[:, None].astype(np.float32)
    path = [model.state_dict()]
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    for _ in range(6):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()
        path.append(model.state_dict())
    ax = draw(plots.loss_surface(model, (x, y), F.mse_loss, path=path, points=31))
    image, line = ax.images[0], ax.lines[0]
    assert line.get_label() == "path of the optimizer" and line.get_xdata().size == 7
    assert line.get_xdata()[-1] == pytest.approx(0) and line.get_ydata()[-1] == pytest.approx(0)
    walked = np.array([[s["weight"].item(), s["bias"].item()] for s in path])
    a, b = np.array(line.get_xdata()), np.array(line.get_ydata())
    np.testing.assert_allclose(  # two parameters: the plane is all there is, and the map keeps distances
        np.hypot(a - a[0], b - b[0]), np.linalg.norm(walked - walked[0], axis=1), rtol=1e-5, atol=1e-6
    )
    left, right, bottom, top = image.get_extent()
    values = np.asarray(image.get_array())
    for i, state in enumerate(path):
        column = int((a[i] - left) / (right - left) * 31)
        row = int((b[i] - bottom) / (top - bottom) * 31)
        loss = float(np.mean((x * state["weight"].item() + state["bias"].item() - y) ** 2))
        near = values[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert near.min() - 1e-6 <= loss <= near.max() + 1e-6


def test_the_loss_surface_without_a_path_is_centred_on_the_model():
    model = classifier()
    ax = draw(plots.loss_surface(model, (X, Y), F.cross_entropy, points=5, seed=1))
    assert ax.images[0].get_array()[2, 2] == pytest.approx(F.cross_entropy(model(X), Y).item(), rel=1e-5)
    assert ax.lines[-1].get_label() == "the model"


def test_the_loss_surface_takes_what_is_not_finite_one_parameter_and_foreign_paths():
    ax = draw(plots.loss_surface(classifier(), (X * np.nan, Y), F.cross_entropy, points=3))
    assert "no value is finite" in texts(ax)
    one = nn.Linear(1, 1, bias=False)
    states = [one.state_dict(), {"weight": one.weight.data + 1}]
    draw(plots.loss_surface(one, (X[:, :1], X[:, :1]), F.mse_loss, points=3))
    draw(plots.loss_surface(one, (X[:, :1], X[:, :1]), F.mse_loss, points=3, path=states))
    draw(plots.loss_surface(one, (X[:, :1], X[:, :1]), F.mse_loss, points=3, path=states[:1]))
    with pytest.raises(ValueError, match="lacks weight"):
        plots.loss_surface(one, (X[:, :1], X[:, :1]), F.mse_loss, path=[classifier().state_dict()])


def test_a_learning_rate_sweep_finds_where_the_loss_falls_and_where_it_explodes():
    digits = data.digits()
    model = classifier(64, 10)
    ax = draw(
        plots.learning_rate_sweep(
            model,
            digits[:300],
            F.cross_entropy,
            optim.SGD(model.parameters(), lr=0.1),
            lowest=1e-4,
            highest=1e3,
            steps=60,
        )
    )
    rates, losses = ax.lines[0].get_xdata(), ax.lines[0].get_ydata()
    assert ax.get_xscale() == "log" and rates[0] == pytest.approx(1e-4)
    assert losses[0] == pytest.approx(2.3, abs=0.3) and losses.min() < 0.8 * losses[0]
    marked = ax.lines[2].get_xdata()[0]
    assert 1e-2 < marked < 10 and rates[-1] < 1e3


def test_a_learning_rate_sweep_takes_few_steps_and_a_loss_that_is_not_finite():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    draw(plots.learning_rate_sweep(model, (X, X[:, :1]), F.mse_loss, optimizer, steps=2))
    draw(plots.learning_rate_sweep(model, (X * np.nan, X[:, :1]), F.mse_loss, optimizer, steps=3))
    with pytest.raises(ValueError, match="lowest"):
        plots.learning_rate_sweep(model, (X, X[:, :1]), F.mse_loss, optimizer, lowest=0)
