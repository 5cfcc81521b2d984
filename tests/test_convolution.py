"""Convolution and pooling: against the textbook's form, against PyTorch where it is installed, numerically."""

import itertools

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.derivatives import convolution, pooling, windows
from tinydl.derivatives.windows import Steps

SIZES = {1: (11,), 2: (9, 10), 3: (6, 5, 7)}


def settings(axes):
    """How a kernel may move, and its size along all axes."""
    for stride, padding, dilation, groups, kernel in itertools.product((1, 2, 3), (0, 1, 2), (1, 2), (1, 2), (1, 2, 3)):
        if axes == 3 and (stride == 3 or padding == 2):
            continue
        yield Steps((stride,) * axes, ((padding, padding),) * axes, (dilation,) * axes, groups), (kernel,) * axes


def batch_last_in_memory(x):
    """Whether an array (N, C, *sizes) lies as (*sizes, C, N)."""
    strides = [s for s, n in zip(x.strides, x.shape, strict=True) if n > 1]
    order = [*range(2, x.ndim), 1, 0]
    lying = [x.strides[i] for i in order if x.shape[i] > 1]
    return len(strides) > 1 and lying == sorted(lying, reverse=True)


# ---- the quick forms ----


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(
    ("block", "batch", "few"), [(1 << 17, 3, 1 << 12), (1 << 9, 3, 1 << 12), (1 << 9, 3, 0), (1 << 9, 1, 1 << 12)]
)
def test_the_quick_forms_are_the_textbooks(axes, block, batch, few, rng, monkeypatch):
    monkeypatch.setattr(windows, "BLOCK", block)
    monkeypatch.setattr(convolution, "FEW", few)
    for how, kernel in settings(axes):
        x, weight = rng.normal(size=(batch, 4, *SIZES[axes])), rng.normal(size=(6, 4 // how.groups, *kernel))
        y = convolution.textbook_conv(x, weight, how)
        g = rng.normal(size=y.shape)
        for name, arguments in {
            "conv": (x, weight, how),
            "conv_input": (g, weight, x.shape, how),
            "conv_weight": (x, g, weight.shape, how),
        }.items():
            quick, textbook = (getattr(convolution, f"{form}_{name}")(*arguments) for form in ("quick", "textbook"))
            np.testing.assert_allclose(quick, textbook, rtol=1e-12, atol=1e-12, err_msg=str((how, kernel)))


@pytest.mark.parametrize(("size", "padding", "kernel"), [(1, 2, 4), (2, 3, 4), (1, 3, 2), (3, 0, 3)])
def test_the_quick_input_gradient_is_the_textbooks_where_padding_is_wider_than_what_it_surrounds(
    size, padding, kernel, rng
):
    x, weight = rng.normal(size=(3, 2, size)), rng.normal(size=(4, 2, kernel))
    how = Steps((1,), ((padding, padding),), (1,))
    g = rng.normal(size=convolution.textbook_conv(x, weight, how).shape)
    quick, textbook = (f(g, weight, x.shape, how) for f in (
        convolution.quick_conv_input, convolution.textbook_conv_input))  # fmt: skip
    np.testing.assert_allclose(quick, textbook, rtol=1e-12, atol=1e-12)


def test_the_textbooks_convolution_is_the_sum_of_its_definition(rng):
    x, weight = rng.normal(size=(2, 4, 6, 7)), rng.normal(size=(6, 2, 3, 2))
    how = Steps((2, 1), ((1, 0), (2, 1)), (1, 3), 2)
    y = convolution.textbook_conv(x, weight, how)
    padded = np.pad(x, ((0, 0), (0, 0), *how.padding))
    expected = np.zeros(y.shape)
    for n, o, i, j in np.ndindex(*y.shape):
        for c, k, l in np.ndindex(2, 3, 2):
            expected[n, o, i, j] += weight[o, c, k, l] * padded[n, 2 * (o // 3) + c, 2 * i + k, j + 3 * l]
    np.testing.assert_allclose(y, expected, rtol=1e-12)


# ---- against PyTorch ----


def of_both(torch, ours, theirs, arrays, rng, atol=1e-9):
    """Values, gradients and second derivatives of two functions of arrays are equal."""
    a = [tl.tensor(x, requires_grad=True) for x in arrays]
    b = [torch.tensor(x, requires_grad=True) for x in arrays]
    y, z = ours(*a), theirs(*b)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-9, atol=atol)
    u = rng.normal(size=y.shape)
    gradients = torch.autograd.grad((z**3 * torch.tensor(u)).sum(), b, create_graph=True)
    f = lambda *xs: np.sum(ours(*xs) ** 3 * u)
    argnums = tuple(range(len(arrays)))
    for mine, other in zip(tl.grad(f, argnums=argnums)(*arrays), gradients, strict=True):
        np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-8, atol=atol)
    weights = [rng.normal(size=x.shape) for x in arrays]
    total = sum((g * torch.tensor(w)).sum() for g, w in zip(gradients, weights, strict=True))
    twice = torch.autograd.grad(total, b)
    inner = lambda *xs: sum(np.sum(g * w) for g, w in zip(tl.grad(f, argnums=argnums)(*xs), weights, strict=True))
    for mine, other in zip(tl.grad(inner, argnums=argnums)(*arrays), twice, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-7, atol=10 * atol)


@pytest.mark.parametrize("axes", [1, 2])
def test_convolution_is_pytorchs_to_second_derivatives(axes, rng):
    torch = pytest.importorskip("torch")
    ours, theirs = (F.conv1d, F.conv2d)[axes - 1], (torch.conv1d, torch.conv2d)[axes - 1]
    for how, kernel in settings(axes):
        arrays = [rng.normal(size=s) for s in ((2, 4, *SIZES[axes]), (6, 4 // how.groups, *kernel), (6,))]
        s, p, d, g = how.stride, tuple(p[0] for p in how.padding), how.dilation, how.groups
        of_both(
            torch,
            lambda x, w, b, s=s, p=p, d=d, g=g: ours(x, w, b, s, p, d, g),
            lambda x, w, b, s=s, p=p, d=d, g=g: theirs(x, w, b, s, p, d, g),
            arrays,
            rng,
        )


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolution_is_pytorchs_to_second_derivatives(axes, rng):
    torch = pytest.importorskip("torch")
    ours = (F.conv_transpose1d, F.conv_transpose2d)[axes - 1]
    theirs = (torch.conv_transpose1d, torch.conv_transpose2d)[axes - 1]
    tried = 0
    for stride, padding, dilation, groups, kernel, more in itertools.product(
        (1, 2), (0, 1), (1, 2, 3), (1, 2), (1, 2, 3), (0, 1, 2)
    ):
        if more >= max(stride, dilation) or 3 * stride + dilation * (kernel - 1) + more + 1 <= 2 * padding:
            continue
        x, w = rng.normal(size=(2, 4, *(4, 5)[:axes])), rng.normal(size=(4, 3, *(kernel,) * axes))
        how = (stride, padding, more, groups, dilation)
        of_both(
            torch,
            lambda x, w, b, how=how: ours(x, w, b, *how),
            lambda x, w, b, how=how: theirs(x, w, b, *how),
            [x, w, rng.normal(size=3 * groups)],
            rng,
        )
        tried += 1
    assert tried > 60


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "dilation"), [((3, 2), 1), ((4, 5), (1, 2)), ((1, 1), 3)])
def test_padding_by_name_is_pytorchs(padding, kernel, dilation, rng):
    torch = pytest.importorskip("torch")
    x, w = rng.normal(size=(2, 3, 9, 12)), rng.normal(size=(4, 3, *kernel))
    theirs = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(w), padding=padding, dilation=dilation)
    ours = F.conv2d(tl.tensor(x), w, padding=padding, dilation=dilation)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-12)


POOLS = [
    (kernel, stride, padding, dilation, ceil)
    for kernel, stride, padding, dilation, ceil in itertools.product(
        (2, 3), (None, 1, 2, 3), (0, 1), (1, 2), (False, True)
    )
]


@pytest.mark.parametrize("axes", [1, 2])
def test_pooling_is_pytorchs_to_second_derivatives_with_ties_too(axes, rng):
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional
    ours = (F.max_pool1d, F.max_pool2d)[axes - 1], (F.avg_pool1d, F.avg_pool2d)[axes - 1]
    theirs = (functions.max_pool1d, functions.max_pool2d), (functions.avg_pool1d, functions.avg_pool2d)
    for kernel, stride, padding, dilation, ceil in POOLS:
        x = [np.round(rng.normal(size=(2, 3, *SIZES[axes])), 1)]
        if (axes, padding) != (1, 1) or dilation == 1:  # PyTorch's own max_pool1d reads beyond its input there
            of_both(
                torch,
                lambda a, how=(kernel, stride, padding, dilation, ceil): ours[0](a, *how),
                lambda a, how=(kernel, stride, padding, dilation, ceil): theirs[0][axes - 1](a, *how),
                x,
                rng,
            )
        if dilation == 1:
            for counted in (True, False):
                of_both(
                    torch,
                    lambda a, how=(kernel, stride, padding, ceil, counted): ours[1](a, *how),
                    lambda a, how=(kernel, stride, padding, ceil, counted): theirs[1][axes - 1](a, *how),
                    x,
                    rng,
                )


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, (3, 5), (None, 2)])
def test_adaptive_pooling_is_pytorchs(size, rng):
    torch = pytest.importorskip("torch")
    x = [np.round(rng.normal(size=(2, 3, 8, 10)), 1)]
    functions = torch.nn.functional
    of_both(torch, lambda a: F.adaptive_avg_pool2d(a, size), lambda a: functions.adaptive_avg_pool2d(a, size), x, rng)
    of_both(torch, lambda a: F.adaptive_max_pool2d(a, size), lambda a: functions.adaptive_max_pool2d(a, size), x, rng)
    if isinstance(size, int):
        x = [rng.normal(size=(2, 3, 10))]
        ours, theirs = lambda a: F.adaptive_avg_pool1d(a, size), lambda a: functions.adaptive_avg_pool1d(a, size)
        of_both(torch, ours, theirs, x, rng)


LAYERS = [
    ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, (2, 4, 11)),
    ("Conv1d", (4, 6, 2), {"padding": "same", "dilation": 3, "bias": False}, (2, 4, 11)),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}, (2, 4, 9, 8)),
    ("Conv2d", (4, 8, 3), {"groups": 4, "bias": False}, (2, 4, 9, 8)),
    ("ConvTranspose1d", (4, 6, 4), {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2}, (2, 4, 5)),
    ("ConvTranspose2d", (4, 6, (3, 4)), {"stride": 2, "padding": (1, 2), "dilation": 2}, (2, 4, 5, 6)),
    ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, (2, 4, 11)),
    ("MaxPool2d", ((3, 2),), {"ceil_mode": True, "dilation": 2}, (2, 4, 9, 8)),
    ("AvgPool1d", (3,), {"padding": 1, "count_include_pad": False}, (2, 4, 11)),
    ("AvgPool2d", ((3, 2),), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 4, 9, 8)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 4, 11)),
    ("AdaptiveAvgPool2d", ((3, 1),), {}, (2, 4, 9, 8)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_a_layer_with_pytorchs_state_computes_what_pytorchs_does(name, args, options, shape, dtype, rng):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, name)(*args, **options).to(getattr(torch, np.dtype(dtype).name))
    with tl.default_dtype(dtype):
        ours = getattr(nn, name)(*args, **options)
    ours.load_state_dict(theirs.state_dict())
    x = rng.normal(size=shape).astype(dtype)
    y, z = ours(x), theirs(torch.tensor(x))
    assert y.dtype == dtype
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    value = y.numpy() if isinstance(y, tl.Tensor) else y
    np.testing.assert_allclose(value, z.detach().numpy(), rtol=tolerance, atol=tolerance)
    state = {key: torch.tensor(value * 2) for key, value in ours.state_dict().items()}
    theirs.load_state_dict(state)  # and back, with all its keys


# ---- at kinks and edges ----


def test_of_equal_numbers_in_a_window_the_first_gets_the_gradient():
    x = np.array([[[[3.0, 1.0, 2.0, 2.0], [3.0, 3.0, 2.0, 0.0]]]])
    g = tl.grad(lambda a: np.sum(F.max_pool2d(a, 2) * np.array([5.0, 7.0])))(x)
    np.testing.assert_array_equal(g, [[[[5, 0, 7, 0], [0, 0, 0, 0]]]])


def test_a_window_with_nan_gives_nan_and_its_gradient_to_the_first_that_is():
    x = np.array([[[1.0, np.nan, np.nan, 4.0, 5.0, 2.0]]])
    np.testing.assert_array_equal(F.max_pool1d(x, 3), [[[np.nan, 5.0]]])
    g = tl.grad(lambda a: np.sum(F.max_pool1d(a, 3) * np.array([2.0, 3.0])))(x)
    np.testing.assert_array_equal(g, [[[0, 2, 0, 0, 3, 0]]])


def test_where_all_are_minus_infinity_the_gradient_goes_to_none_of_the_padding():
    x = np.full((1, 1, 4), -np.inf)
    g = tl.grad(lambda a: np.sum(np.maximum(F.max_pool1d(a, 3, 2, 1), -1.0 * np.inf) * np.array([2.0, 3.0])))(x)
    assert g.sum() == 5 * 0.5  # np.maximum shares a tie


def test_an_infinite_gradient_stays_at_its_tap():
    x = tl.tensor([[[1.0, 2.0, 4.0, 3.0]]], requires_grad=True)
    F.max_pool1d(x, 2).backward(np.array([[[np.inf, 1.0]]], np.float32))
    np.testing.assert_array_equal(x.grad.data, [[[0, np.inf, 1, 0]]])


@pytest.mark.parametrize("function", [
    lambda x: F.conv2d(x, np.ones((5, 4, 3, 3), np.float32), padding=1),
    lambda x: F.conv_transpose2d(x, np.ones((4, 5, 3, 3), np.float32), stride=2),
    lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: F.adaptive_avg_pool2d(x, 3),
])  # fmt: skip
def test_an_empty_batch_gives_an_empty_batch_and_gradients_of_its_shape(function):
    x = tl.tensor(np.zeros((0, 4, 6, 7), np.float32), requires_grad=True)
    y = function(x)
    assert y.shape[0] == 0 and y.shape[2:] == function(np.zeros((2, 4, 6, 7), np.float32)).shape[2:]
    y.sum().backward()
    assert x.grad.shape == x.shape


def test_half_precision_is_computed_in_single(rng):
    x, w = rng.normal(size=(2, 64, 6, 7)).astype(np.float16), rng.normal(size=(3, 64, 3, 3)).astype(np.float16)
    exact = convolution.textbook_conv(x.astype(float), w.astype(float), Steps((1, 1), ((0, 0), (0, 0)), (1, 1)))
    y = F.conv2d(x, tl.tensor(w)).numpy()
    assert y.dtype == np.float16
    assert np.abs(y - exact).max() <= 2e-2  # 10⁻³ of about 24, half of a unit in the last place
    large = np.full((1, 1, 40, 40), 40.0, np.float16)
    assert F.avg_pool2d(large, 40) == 40  # the sum of 64,000 is within float16, its steps aren't


def test_whole_networks_pass_the_gradient_check(rng):
    with tl.default_dtype(np.float64):
        tl.manual_seed(3)
        model = nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(3, 4, (2, 3), stride=(1, 2)),
            nn.Sigmoid(), nn.ConvTranspose2d(4, 2, 2, stride=2), nn.AvgPool2d(2, ceil_mode=True), nn.Flatten(),
            nn.Linear(4, 3),
        )  # fmt: skip
    x, y = rng.normal(size=(3, 2, 6, 7)), np.array([0, 2, 1])
    weights = [p.numpy() for p in model.parameters()]

    def loss(*values):
        state = dict(zip(dict(model.named_parameters()), values, strict=True))
        for name, value in state.items():
            *path, last = name.split(".")
            setattr(model[int(path[0])], last, value)
        return F.cross_entropy(model(x), y)

    report = tl.gradcheck(loss, *weights)
    assert report.verdict == "right", str(report)


# ---- how results lie in memory ----


def test_maps_lie_batch_last_in_memory_through_a_whole_network(rng):
    tl.manual_seed(0)
    layers = [
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding="same"), nn.LeakyReLU(), nn.Dropout(0.3), nn.GELU(), nn.GELU("tanh"), nn.Dropout2d(),
        nn.AvgPool2d(2), nn.Conv2d(6, 8, 2, stride=2), nn.Sigmoid(), nn.ConvTranspose2d(8, 4, 2, stride=2), nn.SiLU(),
    ]  # fmt: skip
    x = tl.tensor(rng.normal(size=(5, 1, 16, 12)).astype(np.float32), requires_grad=True)
    maps = []
    y = x
    for layer in layers:
        y = layer(y)
        maps.append(y)
        assert batch_last_in_memory(y.data), layer
    (y + y * 2).sum().backward(retain_grads=True)
    for layer, map_ in zip(layers, maps, strict=True):
        assert map_.grad.shape == map_.shape, layer
    assert batch_last_in_memory((y + y * 2).data)
    dropped = F.dropout(maps[0].data, rng=5)
    assert batch_last_in_memory(dropped)
    np.testing.assert_array_equal(dropped, F.dropout(np.ascontiguousarray(maps[0].data), rng=5))


@pytest.mark.parametrize("norm", [lambda: nn.BatchNorm2d(6), lambda: nn.GroupNorm(2, 6)])
def test_without_gradients_maps_lie_as_with_them_and_have_the_same_bits(norm, rng):
    x = rng.normal(size=(16, 3, 13, 12)).astype(np.float32)
    model = nn.Sequential(nn.Conv2d(3, 6, 3), norm(), nn.MaxPool2d(2)).eval()
    with tl.no_grad():
        assert batch_last_in_memory(model[0](x).data)
        y = model(x).data
    np.testing.assert_array_equal(y, model(x).data)
    program = tl.compile(model)
    for _ in range(3):
        np.testing.assert_array_equal(program(x).data, y)


@pytest.mark.parametrize("wide", [0, 1, 2])
def test_the_widest_of_input_weight_and_bias_decides_the_dtype(wide, rng):
    shapes = ((2, 3, 7), (4, 3, 2), (4,))
    arrays = [rng.normal(size=shape).astype("f8" if i == wide else "f4") for i, shape in enumerate(shapes)]
    how = Steps((2,), ((1, 1),), (1,))
    y = convolution.conv(*arrays, how=how)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, convolution.conv(*(x.astype("f8") for x in arrays), how=how))


def test_pooling_layers_are_their_functions_with_all_settings(rng):
    x, images = rng.normal(size=(2, 3, 11)), rng.normal(size=(2, 3, 9, 7))
    largest = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}
    mean = {"kernel_size": 4, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}
    for layer, expected in (
        (nn.MaxPool1d(**largest)(x), F.max_pool1d(x, **largest)),
        (nn.MaxPool2d(**largest)(images), F.max_pool2d(images, **largest)),
        (nn.AvgPool1d(**mean)(x), F.avg_pool1d(x, **mean)),
        (nn.AvgPool2d(**mean)(images), F.avg_pool2d(images, **mean)),
        (nn.AdaptiveAvgPool1d(4)(x), np.stack([x[..., :3].mean(-1), x[..., 2:6].mean(-1), x[..., 5:9].mean(-1),
                                               x[..., 8:].mean(-1)], -1)),
        (nn.AdaptiveAvgPool2d(1)(images), images.mean((2, 3), keepdims=True)),
    ):  # fmt: skip
        np.testing.assert_allclose(layer, expected, rtol=1e-12)


def test_what_pooling_gives_back_lies_where_it_came_from_also_in_a_square(rng):
    x, g = tl.tensor(rng.normal(size=(2, 3, 4, 4)), requires_grad=True), rng.normal(size=(2, 3, 2, 2))
    F.avg_pool2d(x, 2).backward(gradient=g)
    np.testing.assert_array_equal(x.grad.data, g.repeat(2, axis=2).repeat(2, axis=3) / 4)


def test_gradients_of_float16_that_meet_in_mean_pooling_are_added_in_float32(rng):
    x = tl.tensor(np.ones((1, 1, 40, 40), np.float16), requires_grad=True)
    g = rng.uniform(1, 2, size=(1, 1, 21, 21)).astype(np.float16)
    F.avg_pool2d(x, 20, 1).backward(gradient=g)
    wide = tl.tensor(np.ones((1, 1, 40, 40)), requires_grad=True)
    F.avg_pool2d(wide, 20, 1).backward(gradient=(g / np.float16(400)).astype(np.float64) * 400)
    np.testing.assert_allclose(x.grad.data.astype(float), wide.grad.data, rtol=2**-10.9)


def test_products_of_float16_are_added_in_float32(rng):
    x, w, g = (rng.uniform(1, 2, size=s).astype(np.float16) for s in ((3, 4, 17), (5, 4, 9), (3, 5, 5)))
    how = Steps((2,), ((0, 0),), (1,))
    for f, arrays, options in (
        (convolution.conv, (x, w), {}),
        (convolution.conv_input, (g, w), {"shape": x.shape}),
        (convolution.conv_weight, (x, g), {"shape": w.shape}),
    ):
        y = f(*arrays, how=how, **options)
        expected = f(*(a.astype(np.float64) for a in arrays), how=how, **options)
        assert y.dtype == np.float16
        np.testing.assert_allclose(y.astype(np.float64), expected, rtol=2**-11 * 1.001)


def test_an_infinite_maximum_at_the_border_has_the_gradient_and_the_padding_has_none():
    x = tl.tensor([[[np.inf, 2.0, 1.0, np.inf]]], requires_grad=True)
    F.max_pool1d(x, 3, 2, padding=1).backward(gradient=np.array([[[3.0, 5.0]]]))
    np.testing.assert_array_equal(x.grad.data, [[[3, 0, 0, 5]]])


def test_whole_numbers_are_summed_as_floats():
    x = np.full((1, 1, 4, 4), 200, np.uint8)
    y = pooling.sum_pool(x, kernel=(2, 2), how=Steps((2, 2), ((0, 0), (0, 0)), (1, 1)))
    assert y.dtype == np.float64 and (y == 800).all()


# ---- of two sequences, by NumPy's names ----


@pytest.mark.parametrize("f", [np.convolve, np.correlate])
def test_two_sequences_of_all_lengths_have_numpys_values_at_numpys_places(f, rng):
    for n, m, mode in itertools.product(range(1, 7), range(1, 7), ("full", "same", "valid", 0, 1, 2)):
        for make in (rng.normal, lambda size: rng.integers(-9, 9, size), lambda size: rng.integers(0, 2, size) > 0):
            a, v = make(size=n), make(size=m)
            y, expected = f(tl.tensor(a), v, mode), f(a, v, mode)
            assert y.dtype == expected.dtype
            np.testing.assert_allclose(y.data, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("given", "dtype"), [([1, 2], "f8"), (np.ones(2, "f4"), "f4"), (np.ones(2, "i1"), "f4"),
                                              ((1.5, 2.5), "f8"), (np.ones(2, bool), "f4")])  # fmt: skip
def test_lists_and_arrays_beside_a_sequence_promote_as_in_numpy_and_its_gradient_keeps_its_dtype(given, dtype):
    x = tl.tensor(np.arange(4, dtype="f4"), requires_grad=True)
    for f in (np.convolve, np.correlate):
        for y in (f(x, given), f(given, x), f(v=given, a=x, mode="same")):
            assert y.dtype == dtype and f(x.data, given).dtype == dtype
            x.grad = None
            np.sum(y * y).backward()
            assert x.grad.dtype == np.float32


def test_a_number_and_a_list_of_tensors_are_convolved_too():
    x = tl.tensor([1.0, -2.0, 4.0], requires_grad=True)
    np.convolve(x, 3.0).backward(gradient=np.array([1.0, 2.0, 5.0]))
    np.testing.assert_array_equal(x.grad.data, [3, 6, 15])
    y = np.convolve([x[2], x[0]], x)
    np.testing.assert_array_equal(y.data, np.convolve([4.0, 1.0], x.data))


def test_a_long_convolution_of_float16_is_rounded_once(rng):
    a, v = rng.uniform(size=5000).astype("f2"), rng.uniform(size=300).astype("f2")
    y = np.convolve(tl.tensor(a), v, "valid")
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.data, np.convolve(a.astype("f8"), v.astype("f8"), "valid"), rtol=2**-11 * 1.01)


@pytest.mark.parametrize(("call", "said"), [
    (lambda x: np.convolve(x, []), "convolve: v is empty"),
    (lambda x: np.correlate(x[:0], x), "correlate: a is empty"),
    (lambda x: np.convolve(x, np.ones((2, 3))), r"takes two sequences, of one axis each, but v has shape \(2, 3\)"),
    (lambda x: np.correlate(2, x), r"correlate takes two sequences, of one axis each, but a has shape \(\)"),
    (lambda x: np.correlate(x, x, "SAME"), "mode must be 'full', 'same' or 'valid', not 'SAME'"),
    (lambda x: np.convolve(x, x, 3), "mode must be 'full', 'same' or 'valid', not 3"),
])  # fmt: skip
def test_what_are_no_two_sequences_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call(tl.tensor([1.0, 2.0, 3.0]))


# ---- what is said ----


@pytest.mark.parametrize(("call", "said"), [
    (lambda: nn.Conv2d(3, 4, 3)(np.ones((2, 8, 9, 3))), "its channels are last. Write np.moveaxis(x, -1, 1)"),
    (lambda: nn.Conv2d(3, 4, 3)(np.ones((3, 8, 9))), "a single example is x[None]"),
    (lambda: nn.Conv2d(1, 4, 3)(np.ones((5, 8, 9))), "maps without an axis of channels are x[:, None]"),
    (lambda: nn.Conv2d(1, 4, 3)(np.ones((8, 9))), "one map alone is x[None, None]"),
    (lambda: nn.Conv1d(40, 4, 3)(np.ones((5, 100, 40))), "its channels are last. Write np.moveaxis(x, -1, 1)"),
    (lambda: nn.Conv2d(3, 4, 3)(np.ones((2, 5, 8, 9))), "needs 3 channels, but x of shape (2, 5, 8, 9), read as"),
    (lambda: nn.Conv2d(1, 4, 5)(np.ones((2, 1, 3, 9))), "a kernel that reaches over 5×5 finds no place in 3×9"),
    (lambda: nn.Conv2d(1, 4, 3, padding="SAME")(np.ones((2, 1, 8, 9))), "write 'same', in lower case"),
    (lambda: nn.Conv2d(1, 4, (3, 4), 2, "same")(np.ones((2, 1, 8, 9))), "write padding=((1, 1), (1, 2))"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), "groups=4 must divide in_channels=4 and out_channels=6"),
    (lambda: nn.Conv2d(4, 6, (3, 3, 3)), "kernel_size is one number or one for each of 2 axes"),
    (lambda: F.conv2d(np.ones((2, 1, 8, 9)), np.ones((3, 3))), "needs a weight (out, in, kernel height, kernel width)"),
    (lambda: F.conv2d(np.ones((2, 1, 8, 9)), np.ones((4, 1, 3, 3)), np.ones(3)), "bias must have shape (4,)"),
    (lambda: nn.ConvTranspose2d(1, 4, 3, output_padding=1)(np.ones((2, 1, 8, 9))), "must be smaller than the stride"),
    (lambda: F.conv_transpose2d(np.ones((2, 1, 8, 9)), np.ones((1, 4, 3, 3)), padding="same"), "write numbers"),
    (lambda: F.max_pool2d(np.ones((2, 1, 8, 9)), 2, padding=2), "at most half of the kernel"),
    (lambda: F.max_pool2d(np.ones((1, 8, 9)), 2), "is x[None]"),
    (lambda: F.avg_pool2d(np.ones((2, 1, 3, 9)), 4), "finds no place in 3×9"),
    (lambda: F.adaptive_avg_pool2d(np.ones((2, 1, 8, 9)), (1, 2, 3)), "one for each of 2 axes"),
])  # fmt: skip
def test_errors_say_what_to_write(call, said):
    with pytest.raises(ValueError) as caught:
        call()
    assert said in str(caught.value)


@pytest.mark.parametrize("call", [
    lambda: nn.Conv2d(1, 4, 2.5), lambda: F.max_pool2d(np.ones((1, 1, 8, 9)), 2, stride=1.5),
    lambda: nn.Conv2d("3", 4, 2),
])  # fmt: skip
def test_settings_that_are_no_whole_numbers_are_refused(call):
    with pytest.raises(TypeError, match="must be an integer"):
        call()


def test_a_setting_is_refused_also_after_the_whole_number_that_it_equals():
    x = np.ones((1, 1, 8, 9))
    for function, settings in ((F.max_pool2d, (2,)), (F.avg_pool2d, (2,)), (F.conv2d, (np.ones((1, 1, 2, 2)),))):
        function(x, *settings, stride=1)
        for setting in (1.0, True, (1, 1.0)):
            with pytest.raises(TypeError, match="must be an integer"):
                function(x, *settings, stride=setting)


# ---- as explanations and the page print it ----


@pytest.mark.parametrize(
    ("steps", "printed"),
    [
        (Steps((1,), ((0, 0),), (1,)), "Steps()"),
        (Steps((2, 2), ((1, 1), (1, 1)), (1, 1)), "Steps(stride=2, padding=1)"),
        (
            Steps((2, 1), ((1, 0), (1, 0)), (3, 3), 2),
            "Steps(stride=(2, 1), padding=((1, 0), (1, 0)), dilation=3, groups=2)",
        ),
    ],
)
def test_how_a_kernel_moves_is_said_in_short(steps, printed):
    assert repr(steps) == printed


def test_an_explanation_says_how_a_kernel_moves():
    x = tl.tensor(np.ones((1, 1, 4, 4)), requires_grad=True)
    steps = tl.explain(F.max_pool2d(F.conv2d(x, np.ones((1, 1, 2, 2)), padding=1), 2).sum()).steps
    assert steps[0].options == {"how": "Steps(padding=1)"}
    assert steps[1].options == {"kernel": "(2, 2)", "how": "Steps(stride=2)"}
