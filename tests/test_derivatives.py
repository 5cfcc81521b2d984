"""Every primitive of the table against numerical differentiation, once and twice; every NumPy name against NumPy,
numerical differentiation and torch.

The primitives' inputs come from tinydl.checking.samples. A derivative along a random direction of all inputs at
once, weighted with a random cotangent, misses no wrong entry (but with probability 0) and costs eight evaluations.
"""

from __future__ import annotations

import inspect
import zlib

import numpy as np
import pytest
from numerical import assert_rounded_once, numerical_directional, numerical_vjp

import tinydl as tl
from tinydl.checking.samples import SAMPLES, Draw, sample
from tinydl.derivatives.elementwise import in_float32
from tinydl.engine import recording
from tinydl.engine.dispatch import choosing, elementwise, kinks, primitives, table

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = sorted(primitives)


def samples_of(name, count, smooth=True):
    """Samples of a primitive, seeded by its name."""
    seed = zlib.crc32(name.encode())
    for drawn in (sample(name, Draw(seed + i)) for i in range(count)):
        if drawn.smooth or not smooth:
            yield drawn


def differentiable(name, inputs):
    """The positions of the inputs that have a rule and can take a gradient."""
    each, rules = primitives[name].each, primitives[name].rules
    return [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind == "f" and (each or rules[i])]


def leaves_of(inputs, positions):
    return [tl.tensor(x, requires_grad=True) if i in positions else x for i, x in enumerate(inputs)]


def dot(a, b):
    return float(np.sum(np.asarray(a, np.float64) * np.asarray(b, np.float64)))


def directions_of(inputs, positions, rng):
    return [rng.normal(size=np.shape(x)) if i in positions else None for i, x in enumerate(inputs)]


def assert_close(ours, numerical, error, what, rtol):
    assert abs(ours - numerical) <= rtol * (1 + abs(numerical)) + 10 * error, (what, ours, numerical, error)


def assert_first_derivative(f, inputs, positions, rng, what=""):
    leaves = leaves_of(inputs, positions)
    y = f(*leaves)
    g = rng.normal(size=y.shape)
    y.backward(gradient=g)
    directions = directions_of(inputs, positions, rng)
    slope, error = numerical_directional(lambda *xs: np.sum(g * f(*xs)), inputs, directions)
    assert_close(sum(dot(leaves[i].grad.data, directions[i]) for i in positions), slope, error, what, 1e-6)
    for i in positions:
        grad = leaves[i].grad
        assert grad.shape == leaves[i].shape and grad.dtype == leaves[i].dtype
        assert grad.data.flags.c_contiguous and grad.data.flags.writeable and grad.data.flags.owndata
    return leaves


def assert_second_derivative(f, inputs, positions, rng, what=""):
    """The gradient of a random combination of the gradients, by the inputs and by the cotangent."""
    g = rng.normal(size=np.shape(f(*inputs)))
    weights, directions = directions_of(inputs, positions, rng), directions_of(inputs, positions, rng)
    g_direction = rng.normal(size=g.shape)

    def first(inputs, g, create_graph=False):
        leaves, cotangent = leaves_of(inputs, positions), tl.tensor(g, requires_grad=True)
        f(*leaves).backward(gradient=cotangent, create_graph=create_graph)
        return leaves, cotangent

    leaves, cotangent = first(inputs, g, create_graph=True)
    plain, _ = first(inputs, g)
    total = sum((leaves[i].grad * weights[i]).sum() for i in positions)
    for i in positions:
        np.testing.assert_allclose(leaves[i].grad.data, plain[i].grad.data, rtol=1e-9, atol=1e-12)
        leaves[i].grad = None
    cotangent.grad = None
    if total.requires_grad:  # if not, the numerical derivative must be 0
        total.backward()
    ours = sum(dot(leaves[i].grad.data, directions[i]) for i in positions if leaves[i].grad is not None)

    def gradients(*moved):
        found, _ = first(moved[:-1], moved[-1])
        return sum(dot(found[i].grad.data, weights[i]) for i in positions)

    slope, error = numerical_directional(gradients, [*inputs, g], [*directions, g_direction])
    ours += 0 if cotangent.grad is None else dot(cotangent.grad.data, g_direction)
    assert_close(ours, slope, error, what, 1e-5)


# ---- the table ----


def test_every_primitive_has_a_sample_and_every_sample_a_primitive():
    assert set(SAMPLES) == set(primitives)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_the_same_for_the_same_seed(name):
    one, two = sample(name, Draw(7)), sample(name, Draw(7))
    assert repr(one.options) == repr(two.options)
    for x, y in zip(one.inputs, two.inputs, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_called_with_arrays_is_its_forward_function_and_with_tensors_gives_that_value(name):
    for drawn in samples_of(name, 6, smooth=False):
        plain = primitives[name](*drawn.inputs, **drawn.options)
        assert not isinstance(plain, tl.Tensor)
        np.testing.assert_array_equal(plain, primitives[name].forward(*drawn.inputs, **drawn.options))
        positions = differentiable(name, drawn.inputs)
        if positions:
            leaves = leaves_of(drawn.inputs, positions)
            y = primitives[name](*leaves, **drawn.options)
            again = primitives[name].forward(
                *(x.data if isinstance(x, tl.Tensor) else x for x in leaves), **drawn.options
            )
            np.testing.assert_array_equal(y.data, again)
            np.testing.assert_allclose(y.data, plain, rtol=1e-12, atol=1e-14)
            assert y.dtype == plain.dtype and y.shape == plain.shape


@pytest.mark.parametrize("name", NAMES)
def test_the_first_derivative_of_every_primitive_is_the_numerical_one(name, rng):
    checked = 0
    for drawn in samples_of(name, 12):
        positions = differentiable(name, drawn.inputs)
        if positions:
            f = lambda *xs, options=drawn.options: primitives[name](*xs, **options)
            leaves = assert_first_derivative(f, drawn.inputs, positions, rng, drawn)
            checked += any(leaves[i].size for i in positions)
    assert checked >= 2, "the samples are too seldom smooth, or empty"


@pytest.mark.parametrize("name", NAMES)
def test_the_second_derivative_of_every_primitive_is_the_numerical_derivative_of_the_first(name, rng):
    for drawn in samples_of(name, 8):
        positions = differentiable(name, drawn.inputs)
        if positions:
            f = lambda *xs, options=drawn.options: primitives[name](*xs, **options)
            assert_second_derivative(f, drawn.inputs, positions, rng, drawn)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_on_float32_arrays_gives_float32(name, rng):
    for drawn in samples_of(name, 6, smooth=False):
        positions = differentiable(name, drawn.inputs)
        inputs = [x.astype(np.float32) if i in positions else x for i, x in enumerate(drawn.inputs)]
        options = {k: np.float32 if k == "dtype" else v for k, v in drawn.options.items()}
        if any(isinstance(x, np.generic) for x in inputs):
            continue  # NumPy's own promotion makes the result float64
        operation = primitives[name]
        y = np.asarray(operation.forward(*inputs, **options))
        if not positions or y.dtype != np.float32:
            assert y.dtype.kind == "f"
            continue
        g = rng.normal(size=y.shape).astype(np.float32)
        for i in positions:
            where = (i, *inputs) if operation.each else inputs
            gradient = operation.rules[0 if operation.each else i](g, y, *where, **options)
            assert gradient.dtype == np.float32, (i, drawn)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_float32_are_those_in_float64_rounded(name):
    for drawn in samples_of(name, 6):
        positions, found = differentiable(name, drawn.inputs), []
        for dtype in (np.float64, np.float32):
            inputs = [x.astype(np.float32).astype(dtype) if i in positions else x for i, x in enumerate(drawn.inputs)]
            leaves = leaves_of(inputs, positions)
            y = primitives[name](*leaves, **drawn.options)
            if positions:
                y.backward(gradient=np.random.default_rng(1).normal(size=y.shape))
            found.append([leaves[i].grad.data for i in positions])
        for wide, narrow in zip(*found, strict=True):
            assert narrow.dtype == np.float32
            np.testing.assert_allclose(narrow, wide, rtol=1e-3, atol=1e-4 * np.max(np.abs(wide), initial=1e-3))


@pytest.mark.parametrize("name", NAMES)
def test_the_layout_of_inputs_and_cotangent_in_memory_changes_nothing(name, rng):
    for drawn in samples_of(name, 4, smooth=False):
        positions = differentiable(name, drawn.inputs)
        found = []
        for layout in (lambda x: x, lambda x: np.transpose(x), lambda x: np.flip(x)):  # each undoes itself
            leaves = leaves_of([layout(x) if i in positions else x for i, x in enumerate(drawn.inputs)], positions)
            y = primitives[name](*(layout(x) if i in positions else x for i, x in enumerate(leaves)), **drawn.options)
            g = np.random.default_rng(1).normal(size=y.shape) if isinstance(y, tl.Tensor) else None
            if g is not None:
                y.backward(gradient=layout(np.ascontiguousarray(layout(g))).reshape(y.shape))
                found.append([y.data, *(layout(leaves[i].grad.data) for i in positions)])
        for other in found[1:]:
            for a, b in zip(found[0], other, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-11)


def test_every_one_argument_elementwise_function_is_a_method(rng):
    for name in elementwise:
        x = tl.tensor(sample(name, Draw(3)).inputs[0])
        np.testing.assert_array_equal(getattr(x, name)().data, getattr(np, name)(x.data))


def test_every_statement_about_kinks_belongs_to_a_primitive():
    assert set(kinks) <= set(primitives) and all(kinks.values())


def test_the_two_numerical_helpers_agree(rng):
    x, g = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    (by_coordinate,) = numerical_vjp(np.sin, [x], g)
    np.testing.assert_allclose(by_coordinate, g * np.cos(x), rtol=1e-9)
    direction = rng.normal(size=(2, 3))
    along, _ = numerical_directional(lambda x: np.sum(g * np.sin(x)), [x], [direction])
    np.testing.assert_allclose(along, np.sum(by_coordinate * direction), rtol=1e-9)


# ---- NumPy's names ----
#
# A case: the function of NumPy, a call of it, the shapes of its inputs (with low and high bounds where it needs them)
# and, where torch has the same, torch's call. `torch` is a module-level name that only torch's tests set.

torch = None
ANY, POSITIVE, NOT_ZERO, UNIT, ABOVE_1 = (-2, 2), (0.2, 3), (0.3, 2), (-0.9, 0.9), (1.1, 4)


class Case:
    def __init__(self, name, call, *shapes, torch=None, domain=ANY):
        self.name, self.call, self.shapes, self.torch, self.domain = name, call, shapes, torch, domain

    def inputs(self, dtype=np.float64):
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [rng.uniform(*self.domain, size=shape).astype(dtype) for shape in self.shapes]


def unary(names, domain=ANY, **in_torch):
    for name in names.split():
        f, twin = getattr(np, name), in_torch.get(name, name)
        yield Case(
            name,
            lambda x, f=f: f(x),
            (3, 4),
            domain=domain,
            torch=twin and (lambda x, twin=twin: getattr(torch, twin)(x)),
        )


def binary(names, domain=ANY, **in_torch):
    for name in names.split():
        f, twin = getattr(np, name), in_torch.get(name, name)
        for shapes in (((3, 4), (3, 4)), ((4,), (3, 1)), ((), (2, 3)), ((2, 1, 3), (1, 4, 1))):
            yield Case(
                name,
                lambda a, b, f=f: f(a, b),
                *shapes,
                domain=domain,
                torch=twin and (lambda a, b, twin=twin: getattr(torch, twin)(a, b)),
            )


S3 = (2, 3, 4)
INDEX = np.array([2, 0, 2, 2, 1])
MASK = np.array([True, False, True])
CHOSEN = np.array([[True, False, True, True], [False, True, True, True], [True, True, False, True]])


def holed(x):
    """x with NaNs where CHOSEN is false."""
    if torch is not None and isinstance(x, torch.Tensor):
        return torch.where(torch.tensor(CHOSEN), x, torch.nan)
    return np.where(CHOSEN, x, x.dtype.type(np.nan))


def convolved_in_torch(a, v, mode, late=False):
    """np.convolve by torch's conv1d: all places, cut to those of the mode, which may be one place later."""
    n, m = sorted((len(a), len(v)))
    full = torch.conv1d(a[None, None], v.flip(0)[None, None], padding=len(v) - 1)[0, 0]
    first = {"full": 0, "same": (n - 1 + late) // 2, "valid": n - 1}[mode]
    return full[first : first + {"full": n + m - 1, "same": m, "valid": m - n + 1}[mode]]


CASES = [
    *unary("negative positive square sin cos exp exp2 expm1 sinh cosh tanh arctan arcsinh deg2rad rad2deg sinc"),
    *unary("absolute", absolute="abs"),
    *unary("fabs", fabs="abs"),
    *unary("radians degrees", radians="deg2rad", degrees="rad2deg"),
    *unary("nan_to_num"),
    *unary("reciprocal sqrt log log2 log10 log1p", POSITIVE),
    *unary("cbrt", POSITIVE, cbrt=None),
    *unary("tan arcsin arccos arctanh", UNIT),
    *unary("arccosh", ABOVE_1),
    *binary("add subtract multiply maximum minimum fmax fmin hypot logaddexp logaddexp2 arctan2"),
    *binary("divide power remainder", POSITIVE, power="pow"),
    Case("power", lambda x: np.power(x, 3), (3, 4), torch=lambda x: x**3),
    Case("power", lambda x: 2.0**x, (3, 4), torch=lambda x: 2.0**x),
    Case("power", lambda x: x**-2, (3, 4), torch=lambda x: x**-2),
    Case("clip", lambda x: np.clip(x, -1, 1), (3, 4), torch=lambda x: x.clamp(-1, 1)),
    Case("clip", lambda x: np.clip(x, None, 0.5), (3, 4), torch=lambda x: x.clamp(max=0.5)),
    Case("clip", lambda x: np.clip(x, a_max=None, a_min=0.5), (3, 4), torch=lambda x: x.clamp(min=0.5)),
    Case("clip", lambda x, lo, hi: np.clip(x, lo - 1, hi + 1), (3, 4), (4,), (3, 1),
         torch=lambda x, lo, hi: torch.clamp(x, lo - 1, hi + 1)),
    Case("clip", lambda x: x.clip(-1, 0.5) + x.clip(min=0.1) + x.clip(max=0.7), (3, 4),
         torch=lambda x: x.clip(-1, 0.5) + x.clip(min=0.1) + x.clip(max=0.7)),
    Case("where", lambda a, b: np.where(MASK[:, None], a, b), (3, 4), (4,),
         torch=lambda a, b: torch.where(torch.tensor(MASK[:, None]), a, b)),
    Case("where", lambda a, b: np.where(a > 0, a * b, 0), (3, 4), (4,),
         torch=lambda a, b: torch.where(a > 0, a * b, 0.0)),
    Case("remainder", lambda x: x % 0.7, (3, 4), torch=lambda x: x % 0.7),
    Case("nan_to_num", lambda x: np.nan_to_num(np.where(x > 0, x, np.nan), nan=2.0, posinf=1, neginf=0), (3, 4)),
    # reductions
    Case("sum", lambda x: np.sum(x), S3, torch=lambda x: x.sum()),
    Case("sum", lambda x: np.sum(x, axis=-1), S3, torch=lambda x: x.sum(-1)),
    Case("sum", lambda x: np.sum(x, (0, -1), keepdims=True), S3, torch=lambda x: x.sum((0, -1), keepdim=True)),
    Case("sum", lambda x: np.sum(x, ()), S3),
    Case("sum", lambda x: np.sum(x, keepdims=True) + np.sum(a=x), S3),
    Case("sum", lambda x: np.sum(x, np.int64(1)), S3, torch=lambda x: x.sum(1)),
    Case("mean", lambda x: np.mean(x), S3, torch=lambda x: x.mean()),
    Case("mean", lambda x: np.mean(x, axis=1), S3, torch=lambda x: x.mean(1)),
    Case("mean", lambda x: x.mean((0, -2), keepdims=True), S3, torch=lambda x: x.mean((0, -2), keepdim=True)),
    Case("var", lambda x: np.var(x), S3, torch=lambda x: x.var(correction=0)),
    Case("var", lambda x: np.var(x, axis=(0, 2), ddof=1, keepdims=True), S3,
         torch=lambda x: x.var((0, 2), correction=1, keepdim=True)),
    Case("var", lambda x: np.var(x, -1, correction=1), S3, torch=lambda x: x.var(-1)),
    Case("std", lambda x: np.std(x), S3, torch=lambda x: x.std(correction=0)),
    Case("std", lambda x: np.std(x, axis=-2, ddof=1), S3, torch=lambda x: x.std(-2)),
    Case("std", lambda x: x.std((0, -1), ddof=2, keepdims=True), S3,
         torch=lambda x: x.std((0, -1), correction=2, keepdim=True)),
    *(Case(f.__name__, lambda x, f=f: f(x), S3, torch=lambda x: x.amax()) for f in (np.max, np.amax)),
    *(Case(f.__name__, lambda x, f=f: f(x), S3, torch=lambda x: x.amin()) for f in (np.min, np.amin)),
    Case("max", lambda x: np.max(x, axis=(0, -1)), S3, torch=lambda x: x.amax((0, -1))),
    Case("max", lambda x: x.max(1, keepdims=True), S3, torch=lambda x: x.amax(1, keepdim=True)),
    Case("min", lambda x: np.min(x, -1, keepdims=True), S3, torch=lambda x: x.amin(-1, keepdim=True)),
    Case("ptp", lambda x: np.ptp(x), S3, torch=lambda x: x.amax() - x.amin()),
    Case("ptp", lambda x: np.ptp(x, axis=(0, -1), keepdims=True), S3,
         torch=lambda x: x.amax((0, -1), keepdim=True) - x.amin((0, -1), keepdim=True)),
    Case("median", lambda x: np.median(x), S3, torch=lambda x: torch.quantile(x, 0.5)),
    Case("median", lambda x: np.median(x, axis=1), S3, torch=lambda x: x.median(1).values),
    Case("median", lambda x: np.median(x, axis=(0, -1), keepdims=True), S3),
    Case("prod", lambda x: np.prod(x), S3, torch=lambda x: x.prod()),
    Case("prod", lambda x: np.prod(x, axis=-1, keepdims=True), S3, torch=lambda x: x.prod(-1, keepdim=True)),
    Case("prod", lambda x: x.prod((0, 2)), S3, torch=lambda x: x.prod(2).prod(0)),
    Case("prod", lambda x: np.prod(x * MASK[:, None], 1), S3,
         torch=lambda x: (x * torch.tensor(MASK)[:, None]).prod(1)),
    Case("cumsum", lambda x: np.cumsum(x), S3, torch=lambda x: x.ravel().cumsum(0)),
    Case("cumsum", lambda x: x.cumsum(axis=-2), S3, torch=lambda x: x.cumsum(-2)),
    Case("cumprod", lambda x: np.cumprod(x), S3, torch=lambda x: x.ravel().cumprod(0)),
    Case("cumprod", lambda x: np.cumprod(x * MASK[:, None], axis=1), S3,
         torch=lambda x: (x * torch.tensor(MASK)[:, None]).cumprod(1)),
    Case("average", lambda x: np.average(x), S3, torch=lambda x: x.mean()),
    Case("average", lambda x, w: np.average(x, weights=w, axis=(0, 1), keepdims=True), S3, S3, domain=POSITIVE,
         torch=lambda x, w: (x * w).sum((0, 1), keepdim=True) / w.sum((0, 1), keepdim=True)),
    Case("average", lambda x, w: np.average(x, 1, w), S3, (3,), domain=POSITIVE,
         torch=lambda x, w: (x * w[:, None]).sum(1) / w.sum()),
    Case("average", lambda x, w: np.average(x, (2, 0), w), S3, (4, 2), domain=POSITIVE,
         torch=lambda x, w: (x * w.T[:, None]).sum((0, 2)) / w.sum()),
    Case("average", lambda x, w: np.average(x, (0, 2), w), S3, (2, 4), domain=POSITIVE,
         torch=lambda x, w: (x * w[:, None]).sum((0, 2)) / w.sum()),
    Case("average", lambda x, w: np.average(x[None], (3, 1, -2), w), S3, (4, 2, 3), domain=POSITIVE,
         torch=lambda x, w: (x * w.permute(1, 2, 0)).sum()[None] / w.sum()),
    Case("average", lambda x, w: np.add(*np.average(x, -1, w, returned=True)), S3, (4,), domain=POSITIVE,
         torch=lambda x, w: (x * w).sum(-1) / w.sum() + w.sum()),
    # what is chosen: where= and initial=, and without NaNs
    Case("sum", lambda x: np.sum(x, 1, where=CHOSEN, initial=2), S3,
         torch=lambda x: (x * torch.tensor(CHOSEN)).sum(1) + 2),
    Case("sum", lambda x: x.sum(where=CHOSEN[0], keepdims=True), S3,
         torch=lambda x: (x * torch.tensor(CHOSEN[0])).sum((0, 1, 2), keepdim=True)),
    Case("sum", lambda x, i: np.sum(x, (0, 2), initial=i), S3, (), torch=lambda x, i: x.sum((0, 2)) + i),
    Case("prod", lambda x, i: np.prod(x, 1, where=CHOSEN, initial=i), S3, (),
         torch=lambda x, i: torch.where(torch.tensor(CHOSEN), x, 1).prod(1) * i),
    Case("mean", lambda x: x.mean((0, 2), where=CHOSEN), S3,
         torch=lambda x: (x * torch.tensor(CHOSEN)).sum((0, 2)) / torch.tensor(CHOSEN.sum(1) * 2)),
    Case("var", lambda x: x.var(axis=1, where=CHOSEN, ddof=1), S3,
         torch=lambda x: torch.stack([x[:, CHOSEN[:, i], i].var(1) for i in range(4)], 1)),
    Case("var", lambda x: np.var(x, where=CHOSEN, correction=0.5, keepdims=True), S3),
    Case("std", lambda x: np.std(x, 1, where=CHOSEN), S3,
         torch=lambda x: torch.stack([x[:, CHOSEN[:, i], i].std(1, correction=0) for i in range(4)], 1)),
    Case("max", lambda x, i: np.max(x, 1, where=CHOSEN, initial=i), S3, (),
         torch=lambda x, i: torch.maximum(torch.where(torch.tensor(CHOSEN), x, -torch.inf).amax(1), i)),
    Case("amax", lambda x: np.amax(x, (0, 2), initial=0.1, keepdims=True), S3,
         torch=lambda x: x.amax((0, 2), keepdim=True).clamp(min=0.1)),
    Case("min", lambda x: x.min((0, -1), where=CHOSEN, initial=-0.1), S3,
         torch=lambda x: torch.where(torch.tensor(CHOSEN), x, torch.inf).amin((0, 2)).clamp(max=-0.1)),
    Case("amin", lambda x, i: np.amin(x, where=CHOSEN, initial=i, keepdims=True), S3, ()),
    Case("nansum", lambda x: np.nansum(holed(x), 1, initial=2, where=CHOSEN[:, :1]), S3),
    Case("nansum", lambda x: np.nansum(holed(x), -1), S3, torch=lambda x: holed(x).nansum(-1)),
    Case("nanmean", lambda x: np.nanmean(holed(x), (0, 2), keepdims=True), S3,
         torch=lambda x: holed(x).nanmean((0, 2), keepdim=True)),
    Case("nanmean", lambda x: np.nanmean(holed(x), where=CHOSEN[0]), S3),
    Case("nanprod", lambda x: np.nanprod(holed(x), 1, initial=2), S3,
         torch=lambda x: holed(x).nan_to_num(1).prod(1) * 2),
    Case("nanvar", lambda x: np.nanvar(holed(x), 1, ddof=1), S3,
         torch=lambda x: torch.stack([x[:, CHOSEN[:, i], i].var(1) for i in range(4)], 1)),
    Case("nanstd", lambda x: np.nanstd(holed(x), (0, 1), keepdims=True), S3),
    Case("nanmax", lambda x: np.nanmax(holed(x), 1, keepdims=True), S3,
         torch=lambda x: torch.where(torch.tensor(CHOSEN), x, -torch.inf).amax(1, keepdim=True)),
    Case("nanmax", lambda x: np.nanmax(holed(x), (0, 2), initial=0.2, where=CHOSEN[0] | True), S3),
    Case("nanmin", lambda x: np.nanmin(holed(x)), S3,
         torch=lambda x: torch.where(torch.tensor(CHOSEN), x, torch.inf).amin()),
    Case("nanmin", lambda x, i: np.nanmin(holed(x), 2, initial=i, where=CHOSEN[0]), S3, ()),
    Case("nancumsum", lambda x: np.nancumsum(holed(x), 1), S3, torch=lambda x: holed(x).nan_to_num(0).cumsum(1)),
    Case("nancumprod", lambda x: np.nancumprod(holed(x)), S3,
         torch=lambda x: holed(x).nan_to_num(1).ravel().cumprod(0)),
    *(Case("quantile", lambda x, m=m: np.quantile(x, [[0.1, 0.5], [0.77, 1]], 1, method=m), (3, 7, 2)) for m in (
        "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
        "median_unbiased", "normal_unbiased")),
    *(Case("quantile", lambda x, m=m: np.quantile(x, 0.3, -1, method=m, keepdims=True), S3,
           torch=lambda x, m=m: torch.quantile(x, 0.3, -1, keepdim=True, interpolation=m))
      for m in ("linear", "lower", "higher", "midpoint", "nearest")),
    Case("quantile", lambda x: np.quantile(x, (0.2, 0.9), (0, 2)), S3,
         torch=lambda x: torch.quantile(x.swapaxes(1, 2).reshape(8, 3), torch.tensor([0.2, 0.9], dtype=x.dtype), 0)),
    Case("percentile", lambda x: np.percentile(x, 40), S3, torch=lambda x: torch.quantile(x, 0.4)),
    Case("percentile", lambda x: np.percentile(x, [30, 75.0], axis=0, method="higher"), S3,
         torch=lambda x: torch.quantile(x, torch.tensor([0.3, 0.75], dtype=x.dtype), 0, interpolation="higher")),
    # put together and taken apart
    Case("conjugate", lambda x: np.conjugate(x) * 2 + np.conj(x) * x.conj() + x.conjugate(), S3,
         torch=lambda x: 3 * x + x * x),
    Case("real", lambda x: np.real(x) * x, S3, torch=lambda x: x * x),
    Case("real_if_close", lambda x: np.real_if_close(x) * x, S3, torch=lambda x: x * x),
    Case("append", lambda a, b: np.append(a, b), (2, 3), (2, 2), torch=lambda a, b: torch.cat([a.ravel(), b.ravel()])),
    Case("append", lambda a, b: np.append(a, b, -1), (2, 3), (2, 2), torch=lambda a, b: torch.cat([a, b], 1)),
    Case("append", lambda a: np.append([1.5], a), (), torch=lambda a: torch.stack([torch.tensor(1.5), a])),
    Case("insert", lambda a, b: np.insert(a, [1, 3, 1], b, axis=1), (2, 3), (2, 1),
         torch=lambda a, b: torch.cat([a[:, :1], b, b, a[:, 1:], b], 1)),
    Case("insert", lambda a, b: np.insert(a, -1, b), (2, 3), (), torch=lambda a, b: torch.cat(
        [a.ravel()[:5], b[None], a.ravel()[5:]])),
    Case("insert", lambda a, b: np.insert(a, 1, b, 0), (2, 3), (3,),
         torch=lambda a, b: torch.stack([a[0], b, a[1]])),
    Case("insert", lambda a, b: np.insert(a, slice(0, 3, 2), b, 1), (2, 3), (2, 2),
         torch=lambda a, b: torch.stack([b[:, 0], a[:, 0], a[:, 1], b[:, 1], a[:, 2]], 1)),
    Case("delete", lambda x: np.delete(x, [0, -1], 1), S3, torch=lambda x: x[:, 1:2]),
    Case("delete", lambda x: np.delete(x, slice(2, None)), S3, torch=lambda x: x.ravel()[:2]),
    Case("delete", lambda x: np.delete(x, MASK, axis=-2), S3, torch=lambda x: x[:, 1:2]),
    Case("delete", lambda x: np.delete(x, -2, axis=-1), S3, torch=lambda x: x[..., [0, 1, 3]]),
    Case("block", lambda a, b: np.block([[a, np.ones((2, 1)), b], [b, 2 * a.T[:2], np.zeros((2, 1))]]), (2, 2), (2, 2),
         torch=lambda a, b: torch.cat([torch.cat([a, torch.ones(2, 1), b], 1),
                                       torch.cat([b, 2 * a.T, torch.zeros(2, 1)], 1)])),
    Case("block", lambda a, b: np.block([a, b, 3]), (2,), (), torch=lambda a, b: torch.cat(
        [a, b[None], torch.tensor([3.0])])),
    Case("block", lambda a: np.block(a), S3, torch=lambda a: a),
    Case("block", lambda a, b: np.block([[[a]], [[b]]]), (2, 3), (2, 2, 3),
         torch=lambda a, b: torch.cat([a[None], b])),
    Case("select", lambda a, b: np.select([CHOSEN, MASK[:, None], a > 0], [a, b, a * b], b * 2), S3, (4,),
         torch=lambda a, b: torch.where(torch.tensor(CHOSEN), a, torch.where(
             torch.tensor(MASK[:, None]), b, torch.where(a > 0, a * b, 2 * b)))),
    Case("select", lambda a: np.select([a > 0.5, a < -0.5], [a * a, -1]), S3,
         torch=lambda a: torch.where(a > 0.5, a * a, torch.where(a < -0.5, -1.0, 0.0))),
    Case("compress", lambda x: np.compress(MASK, x, axis=1) + np.compress([0, 1], x, 1), S3,
         torch=lambda x: x[:, [0, 2]] + x[:, 1:2]),
    Case("compress", lambda x: np.compress([False, True, True], x), S3, torch=lambda x: x.ravel()[1:3]),
    Case("extract", lambda x: np.extract(np.broadcast_to(CHOSEN, S3), x), S3,
         torch=lambda x: x[torch.tensor(CHOSEN).expand(S3)]),
    Case("partition", lambda x: np.partition(x, 2), (2, 3), torch=lambda x: x.sort().values),
    Case("partition", lambda x: np.partition(x, (1, -2), axis=0)[1:3], (4, 3), torch=lambda x: x.sort(0).values[1:3]),
    Case("partition", lambda x: np.partition(x, 3, axis=None)[3], S3, torch=lambda x: x.ravel().sort().values[3]),
    Case("rollaxis", lambda x: np.rollaxis(x, 2), S3, torch=lambda x: x.permute(2, 0, 1)),
    Case("rollaxis", lambda x: np.rollaxis(x, 0, 3), S3, torch=lambda x: x.permute(1, 2, 0)),
    Case("rollaxis", lambda x: np.rollaxis(x, -2, -3), S3, torch=lambda x: x.permute(1, 0, 2)),
    Case("ediff1d", lambda x: np.ediff1d(x), S3, torch=lambda x: x.ravel().diff()),
    Case("ediff1d", lambda x, a, b: np.ediff1d(x, a, to_begin=b), (2, 3), (2,), (),
         torch=lambda x, a, b: torch.cat([b[None], x.ravel().diff(), a])),
    # on a grid
    Case("meshgrid", lambda a, b: np.multiply(*np.meshgrid(a, b)), (3,), (2,),
         torch=lambda a, b: torch.mul(*torch.meshgrid(a, b, indexing="xy"))),
    Case("meshgrid", lambda a, b, c: a[0] * np.subtract(*np.meshgrid(a, b, c, indexing="ij")[1:]), (3,), (2,), (4,),
         torch=lambda a, b, c: a[0] * torch.sub(*torch.meshgrid(a, b, c, indexing="ij")[1:])),
    Case("meshgrid", lambda a, b: np.subtract(*np.meshgrid(a, b, sparse=True, copy=False)), (3,), (),
         torch=lambda a, b: a[None] - b),
    Case("linspace", lambda a, b: np.linspace(a, b, 5), (), (), torch=lambda a, b: torch.stack(
        [a + (b - a) * t / 4 for t in range(5)])),
    Case("linspace", lambda a, b: np.linspace(a, b, 4, False, axis=-1), (2, 3), (3,),
         torch=lambda a, b: torch.stack([a + (b - a) * t / 4 for t in range(4)], -1)),
    Case("linspace", lambda a: np.linspace(a, 3, 3, retstep=True)[1] * np.linspace(2, a, 1), (2,),
         torch=lambda a: ((3 - a) / 2 * 2)[None]),
    Case("trapezoid", lambda y: np.trapezoid(y, dx=0.5), S3, torch=lambda y: torch.trapezoid(y, dx=0.5)),
    Case("trapezoid", lambda y, x: np.trapezoid(y, x, axis=1), S3, (3,),
         torch=lambda y, x: torch.trapezoid(y.swapaxes(1, 2), x)),
    Case("trapezoid", lambda y, x: np.trapezoid(y, x, axis=0), S3, (2,),
         torch=lambda y, x: torch.trapezoid(y.permute(1, 2, 0), x)),
    Case("trapezoid", lambda y, x: np.trapezoid(y, x, axis=0), S3, S3,
         torch=lambda y, x: torch.trapezoid(y, x, dim=0)),
    Case("interp", lambda x, y: np.interp(x, [-1.5, -1, 0.3, 1.2], y), (3, 4), (4,)),
    Case("interp", lambda x, s, y: np.interp(x, s + np.array([-4, 0, 4, 8]), y, left=2, right=-3), (3, 4), (4,), (4,)),
    Case("interp", lambda x, y, a: x * np.interp(x, [0.5], y, a), (7,), (1,), ()),
    Case("interp", lambda x, y, a, b: np.interp(x, [-0.5, 0, 0.5], y, right=a) * np.interp(x, [0, 1], [2, 3], b), (9,),
         (3,), (), ()),
    Case("polyval", lambda p, x: np.polyval(p, x), (3,), (2, 2), torch=lambda p, x: p[0] * x**2 + p[1] * x + p[2]),
    Case("polyval", lambda x: np.polyval([2, 0, -1, 3], x), (4,), torch=lambda x: 2 * x**3 - x + 3),
    *(Case("convolve", lambda a, v, m=m: np.convolve(a, v, m), *shapes,
           torch=lambda a, v, m=m: convolved_in_torch(a, v, m))
      for m in ("full", "same", "valid") for shapes in (((7,), (4,)), ((3,), (6,)), ((4,), (4,)), ((1,), (5,)))),
    *(Case("correlate", lambda a, v, m=m: np.correlate(a, v, m), *shapes,
           torch=lambda a, v, m=m: convolved_in_torch(a, v.flip(0), m, late=len(a) < len(v)))
      for m in ("full", "same", "valid") for shapes in (((7,), (4,)), ((3,), (6,)), ((4,), (4,)), ((1,), (5,)))),
    Case("gradient", lambda y: np.gradient(y, axis=1), S3, torch=lambda y: torch.gradient(y, dim=1)[0]),
    Case("gradient", lambda y: np.gradient(y, 0.5, axis=1, edge_order=2), S3,
         torch=lambda y: torch.gradient(y, spacing=0.5, dim=1, edge_order=2)[0]),
    Case("gradient", lambda y: np.multiply(*np.gradient(y, 2, [0, 1, 3, 4.5])), (3, 4),
         torch=lambda y: torch.mul(*torch.gradient(y, spacing=(
             torch.tensor([0.0, 2, 4]).double(), torch.tensor([0, 1, 3, 4.5]).double())))),
    Case("gradient", lambda y, x, h: np.add(*np.gradient(y, x + np.array([0, 5, 12]), h, edge_order=2)),
         (3, 4), (3,), (), domain=POSITIVE),
    Case("gradient", lambda y, x: np.gradient(y, x + np.array([0, 5, 10, 15]), axis=-1), (3, 4), (4,), domain=POSITIVE),
    Case("gradient", lambda y, h: np.gradient(y, h * np.arange(4.0), axis=-1, edge_order=2), (3, 4), (),
         domain=POSITIVE),
    # shapes
    Case("reshape", lambda x: np.reshape(x, (4, -1)), S3, torch=lambda x: x.reshape(4, -1)),
    Case("reshape", lambda x: np.reshape(x, (4, 6), order="F"), S3,
         torch=lambda x: x.permute(2, 1, 0).reshape(6, 4).T),
    Case("reshape", lambda x: x.reshape(6, 4) + x.reshape((6, 4), order="C") + x.reshape(-1).reshape([6, 4]), S3,
         torch=lambda x: 3 * x.reshape(6, 4)),
    Case("ravel", lambda x: np.ravel(x) + x.flatten() + x.ravel(order="C"), S3, torch=lambda x: 3 * x.ravel()),
    Case("ravel", lambda x: np.ravel(x, "F") + x.T.flatten(), S3, torch=lambda x: 2 * x.permute(2, 1, 0).ravel()),
    Case("transpose", lambda x: np.transpose(x), S3, torch=lambda x: x.permute(2, 1, 0)),
    Case("transpose", lambda x: np.transpose(x, (1, -1, 0)), S3, torch=lambda x: x.permute(1, 2, 0)),
    Case("transpose", lambda x: x.transpose(2, 0, 1) + x.transpose([-1, 0, 1]) + x.T.transpose(0, 2, 1), S3,
         torch=lambda x: 3 * x.permute(2, 0, 1)),
    Case("permute_dims", lambda x: np.permute_dims(x, (1, 2, 0)), S3, torch=lambda x: x.permute(1, 2, 0)),
    Case("swapaxes", lambda x: np.swapaxes(x, 0, -1) + x.swapaxes(2, 0), S3, torch=lambda x: 2 * x.swapaxes(0, 2)),
    Case("swapaxes", lambda x: x.mT, S3, torch=lambda x: x.mT),
    Case("moveaxis", lambda x: np.moveaxis(x, 0, -1), S3, torch=lambda x: x.moveaxis(0, -1)),
    Case("moveaxis", lambda x: np.moveaxis(x, (0, 2), (1, 0)), S3, torch=lambda x: x.moveaxis((0, 2), (1, 0))),
    Case("expand_dims", lambda x: np.expand_dims(x, 1), S3, torch=lambda x: x.unsqueeze(1)),
    Case("expand_dims", lambda x: np.expand_dims(x, (0, -1)), S3, torch=lambda x: x.unsqueeze(0).unsqueeze(-1)),
    Case("squeeze", lambda x: np.squeeze(x), (1, 3, 1), torch=lambda x: x.squeeze()),
    Case("squeeze", lambda x: np.squeeze(x, -1) + x.squeeze(axis=(2,)), (1, 3, 1), torch=lambda x: 2 * x.squeeze(-1)),
    Case("broadcast_to", lambda x: np.broadcast_to(x, (2, 3, 4)), (3, 1), torch=lambda x: x.broadcast_to(2, 3, 4)),
    Case("broadcast_arrays", lambda a, b: np.multiply(*np.broadcast_arrays(a, b)), (3, 1), (4,),
         torch=lambda a, b: torch.mul(*torch.broadcast_tensors(a, b))),
    Case("concatenate", lambda a, b: np.concatenate([a, b, a], axis=1), (2, 3), (2, 2),
         torch=lambda a, b: torch.cat([a, b, a], 1)),
    Case("concat", lambda a, b: np.concat([a, b, a], axis=1), (2, 3), (2, 2),
         torch=lambda a, b: torch.cat([a, b, a], 1)),
    Case("concatenate", lambda a, b: np.concatenate((a, np.ones((1, 3)), b), -2), (2, 3), (1, 3),
         torch=lambda a, b: torch.cat([a, torch.ones(1, 3), b])),
    Case("concatenate", lambda a, b: np.concatenate([a, b], axis=None), (2, 3), (4,),
         torch=lambda a, b: torch.cat([a.ravel(), b])),
    Case("concatenate", lambda a: np.concatenate(a, 1), S3, torch=lambda a: torch.cat(list(a), 1)),
    Case("stack", lambda a, b: np.stack([a, b]), (2, 3), (2, 3), torch=lambda a, b: torch.stack([a, b])),
    Case("stack", lambda a, b: np.stack((a, b, a), axis=-1), (2, 3), (2, 3),
         torch=lambda a, b: torch.stack([a, b, a], -1)),
    Case("vstack", lambda a, b: np.vstack([a, b]), (3,), (2, 3), torch=lambda a, b: torch.vstack([a, b])),
    Case("hstack", lambda a, b: np.hstack([a, b]), (2, 3), (2, 1), torch=lambda a, b: torch.hstack([a, b])),
    Case("hstack", lambda a, b: np.hstack([a, b]), (3,), (2,), torch=lambda a, b: torch.hstack([a, b])),
    Case("dstack", lambda a, b: np.dstack([a, b]), (2, 3), (2, 3), torch=lambda a, b: torch.dstack([a, b])),
    Case("dstack", lambda a, b: np.dstack([a, b]), (3,), (3,), torch=lambda a, b: torch.dstack([a, b])),
    Case("column_stack", lambda a, b: np.column_stack([a, b]), (3,), (3, 2),
         torch=lambda a, b: torch.column_stack([a, b])),
    Case("split", lambda x: np.split(x, 3, axis=1)[1], S3, torch=lambda x: x[:, 1:2]),
    Case("split", lambda x: np.split(x, [1, 3], -1)[1], S3, torch=lambda x: x[..., 1:3]),
    Case("array_split", lambda x: np.array_split(x, 3, axis=2)[0], S3, torch=lambda x: x[..., :2]),
    Case("hsplit", lambda x: np.hsplit(x, 3)[2], S3, torch=lambda x: x[:, 2:]),
    Case("vsplit", lambda x: np.vsplit(x, 2)[1], S3, torch=lambda x: x[1:]),
    Case("dsplit", lambda x: np.dsplit(x, [1])[1], S3, torch=lambda x: x[..., 1:]),
    Case("tile", lambda x: np.tile(x, 2), (2, 3), torch=lambda x: x.tile(2)),
    Case("tile", lambda x: np.tile(x, (2, 1, 3)), (2, 3), torch=lambda x: x.tile(2, 1, 3)),
    Case("repeat", lambda x: np.repeat(x, 3), (2, 3), torch=lambda x: x.repeat_interleave(3)),
    Case("repeat", lambda x: np.repeat(x, [2, 0, 3], axis=-1), (2, 3),
         torch=lambda x: x.repeat_interleave(torch.tensor([2, 0, 3]), -1)),
    Case("repeat", lambda x: x.repeat(2, axis=0), (2, 3), torch=lambda x: x.repeat_interleave(2, 0)),
    Case("flip", lambda x: np.flip(x), S3, torch=lambda x: x.flip(0, 1, 2)),
    Case("flip", lambda x: np.flip(x, (0, -1)), S3, torch=lambda x: x.flip(0, 2)),
    Case("flipud", lambda x: np.flipud(x), S3, torch=lambda x: x.flipud()),
    Case("fliplr", lambda x: np.fliplr(x), S3, torch=lambda x: x.fliplr()),
    Case("roll", lambda x: np.roll(x, 2), S3, torch=lambda x: x.roll(2)),
    Case("roll", lambda x: np.roll(x, (1, -3), axis=(0, -1)), S3, torch=lambda x: x.roll((1, -3), (0, 2))),
    Case("roll", lambda x: np.roll(x, 1, axis=(0, 1)), S3, torch=lambda x: x.roll((1, 1), (0, 1))),
    Case("rot90", lambda x: np.rot90(x), S3, torch=lambda x: x.rot90()),
    Case("rot90", lambda x: np.rot90(x, -3, (2, 0)), S3, torch=lambda x: x.rot90(-3, (2, 0))),
    Case("pad", lambda x: np.pad(x, 2), (2, 3), torch=lambda x: torch.nn.functional.pad(x, (2, 2, 2, 2))),
    Case("pad", lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=1.5), (2, 3),
         torch=lambda x: torch.nn.functional.pad(x, (2, 3, 1, 0), value=1.5)),
    Case("pad", lambda x: np.pad(x, (1, 2), "edge"), (2, 3),
         torch=lambda x: torch.nn.functional.pad(x[None, None], (1, 2, 1, 2), "replicate")[0, 0]),
    Case("pad", lambda x: np.pad(x, ((1,), (2,)), mode="reflect"), (2, 3),
         torch=lambda x: torch.nn.functional.pad(x[None, None], (2, 2, 1, 1), "reflect")[0, 0]),
    Case("pad", lambda x: np.pad(x, ((0, 0), (5, 4)), mode="reflect"), (2, 3)),
    Case("pad", lambda x: np.pad(x, [(1, 2)], "symmetric") + np.pad(x, [[1, 2]], "wrap"), (2, 3)),
    Case("diag", lambda x: np.diag(x), (3,), torch=lambda x: x.diag()),
    Case("diag", lambda x: np.diag(x, -2), (3,), torch=lambda x: x.diag(-2)),
    Case("diag", lambda x: np.diag(x, 1), (3, 4), torch=lambda x: x.diag(1)),
    Case("diagflat", lambda x: np.diagflat(x, 1), (2, 2), torch=lambda x: x.diagflat(1)),
    Case("diagonal", lambda x: np.diagonal(x), S3, torch=lambda x: x.diagonal()),
    Case("diagonal", lambda x: x.diagonal(-1, 2, 1), S3, torch=lambda x: x.diagonal(-1, 2, 1)),
    Case("tril", lambda x: np.tril(x), S3, torch=lambda x: x.tril()),
    Case("triu", lambda x: np.triu(x, k=-1), S3, torch=lambda x: x.triu(-1)),
    Case("tril", lambda x: np.tril(x, 1), (3,), torch=lambda x: x.expand(3, 3).tril(1)),
    *(Case("atleast_1d", lambda x: np.atleast_1d(x), s, torch=lambda x: torch.atleast_1d(x)) for s in ((), (2,), S3)),
    *(Case("atleast_2d", lambda x: np.atleast_2d(x), s, torch=lambda x: torch.atleast_2d(x)) for s in ((), (2,), S3)),
    *(Case("atleast_3d", lambda x: np.atleast_3d(x), s, torch=lambda x: torch.atleast_3d(x))
      for s in ((), (2,), (2, 3), S3)),
    Case("atleast_1d", lambda a, b: np.add(*np.atleast_1d(a, b)), (), (3,), torch=lambda a, b: a + b),
    Case("diff", lambda x: np.diff(x), S3, torch=lambda x: x.diff()),
    Case("diff", lambda x: np.diff(x, 2, axis=1), S3, torch=lambda x: x.diff(2, 1)),
    Case("diff", lambda x, a: np.diff(x, axis=0, prepend=0, append=a), S3, (3, 3, 4),
         torch=lambda x, a: x.diff(dim=0, prepend=torch.zeros(1, 3, 4), append=a)),
    Case("copy", lambda x: np.copy(x) + x.copy(), S3, torch=lambda x: 2 * x.clone()),
    # indexing
    Case("take", lambda x: np.take(x, INDEX), S3, torch=lambda x: x.take(torch.tensor(INDEX))),
    Case("take", lambda x: x.take([[0, -1], [0, 2]], axis=1), S3, torch=lambda x: x[:, [[0, 2], [0, 2]]]),
    Case("take", lambda x: np.take(x, [5, -7, 1], 2, mode="wrap"), S3, torch=lambda x: x[..., [1, 1, 1]]),
    Case("take", lambda x: np.take(x, [5, -7, 1], -1, mode="clip"), S3, torch=lambda x: x[..., [3, 0, 1]]),
    Case("take_along_axis", lambda x: np.take_along_axis(x, np.array([[[2, 0, 2, 1]], [[0, 0, 1, 1]]]), 1), S3,
         torch=lambda x: x.take_along_dim(torch.tensor([[[2, 0, 2, 1]], [[0, 0, 1, 1]]]), 1)),
    Case("take_along_axis", lambda x: np.take_along_axis(x, INDEX, axis=None), (2, 3),
         torch=lambda x: x.ravel()[torch.tensor(INDEX)]),
    Case("take_along_axis", lambda x: np.take_along_axis(x, np.array([[1, 0]]), -1), (3, 2),
         torch=lambda x: x[:, [1, 0]]),
    Case("sort", lambda x: np.sort(x), S3, torch=lambda x: x.sort().values),
    Case("sort", lambda x: np.sort(x, axis=0, kind="stable"), S3, torch=lambda x: x.sort(0).values),
    Case("sort", lambda x: np.sort(x, axis=None), S3, torch=lambda x: x.ravel().sort().values),
    *(Case("getitem", lambda x, i=i: x[i], S3, torch=lambda x, i=i: x[i]) for i in [
        0, -1, (1, 2), (1, 2, -1), slice(1, None), (slice(None), slice(0, 3, 2)), (Ellipsis, 1), None,
        (0, None, Ellipsis, 2), (slice(None), [2, 0, 2]), ([1, 0, 1], slice(None), [3, 3, 3]),
        (slice(None), [[0, 0], [1, 2]], slice(None, None, 2)),
        (0, [1, 1], slice(1, 3)), (Ellipsis, [0, 0, 1]), ()]),
    *(Case("getitem", lambda x, i=i: x[i], S3) for i in [
        (slice(None), slice(None, None, -1)), (Ellipsis, slice(3, None, -2)), slice(0, 0), (slice(None), []),
        (slice(None), MASK), (slice(None), MASK, [0, 3]), (1, MASK, None), np.ones((2, 3), bool) * MASK, True, False,
        (INDEX[:, None] % 2, slice(None), INDEX), (np.int64(1), np.uint8(2))]),
    Case("getitem", lambda x: x[x > 0], S3, torch=lambda x: x[x > 0]),
    Case("getitem", lambda x: x[tl.tensor([1, 0, 1]), tl.tensor(2)], S3, torch=lambda x: x[[1, 0, 1], 2]),
    Case("astype", lambda x: x.astype(np.float64) * 2 + np.astype(x, np.float64), S3, torch=lambda x: 3 * x),
]  # fmt: skip
if hasattr(np, "unstack"):  # since NumPy 2.1
    CASES += [
        Case("unstack", lambda x: np.multiply(*np.unstack(x, axis=0)), S3, torch=lambda x: x[0] * x[1]),
        Case("unstack", lambda x: np.unstack(x, axis=-2)[1], S3, torch=lambda x: x[:, 1]),
        Case("cumulative_sum", lambda x: np.cumulative_sum(x), (4,), torch=lambda x: x.cumsum(0)),
        Case("cumulative_sum", lambda x: np.cumulative_sum(x, axis=-1, include_initial=True), S3,
             torch=lambda x: torch.nn.functional.pad(x.cumsum(-1), (1, 0))),
        Case("cumulative_prod", lambda x: np.cumulative_prod(x, axis=1, include_initial=True), S3,
             torch=lambda x: torch.cat([torch.ones(2, 1, 4), x.cumprod(1)], 1)),
    ]  # fmt: skip
IDS = [f"{c.name}-{i}" for i, c in enumerate(CASES)]
LISTED = """
    add subtract multiply divide power negative positive reciprocal square sqrt cbrt exp exp2 expm1 log log2
    log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh absolute fabs
    maximum minimum fmax fmin hypot logaddexp logaddexp2 clip where remainder deg2rad rad2deg sinc nan_to_num
    sum mean var std max min prod cumsum cumprod average ptp median reshape ravel transpose swapaxes moveaxis
    expand_dims squeeze broadcast_to concatenate stack vstack hstack dstack split array_split tile repeat flip
    roll rot90 pad diag diagonal tril triu atleast_1d atleast_2d atleast_3d take take_along_axis sort diff
    copy column_stack nansum nanprod nanmean nanvar nanstd nanmax nanmin nancumsum nancumprod quantile percentile
    conjugate real real_if_close append insert delete block select compress extract rollaxis partition ediff1d meshgrid
    linspace trapezoid interp polyval gradient convolve correlate
"""
LISTED += "unstack cumulative_sum cumulative_prod" if hasattr(np, "unstack") else ""


@pytest.mark.parametrize("name", LISTED.split())
def test_every_name_that_the_table_promises_answers_and_has_a_case(name):
    assert getattr(np, name) in table
    assert any(case.name == name for case in CASES)


# what takes numbers together: of float16 in float32, rounded at the end, where NumPy rounds at each step
TAKEN_TOGETHER = {
    "sum", "mean", "var", "std", "prod", "cumsum", "cumprod", "average", "nansum", "nanmean", "nanvar", "nanstd",
    "nanprod", "nancumsum", "nancumprod", "cumulative_sum", "cumulative_prod", "quantile", "percentile", "linspace",
    "gradient", "trapezoid", "convolve", "correlate",
}  # fmt: skip
# what is computed by other steps than NumPy's, and so may round otherwise
OTHERWISE = {
    "sum", "mean", "var", "std", "prod", "nansum", "nanmean", "nanvar", "nanstd", "nanprod", "gradient", "trapezoid",
    "convolve", "correlate",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_numpy_name_gives_numpys_value_shape_and_dtype(case):
    for dtype in (np.float64, np.float32, np.float16):
        if case.name == "astype" and dtype != np.float64:
            continue
        inputs = case.inputs(dtype)
        y = case.call(*(tl.tensor(x, requires_grad=True) for x in inputs))
        expected = case.call(*inputs)
        assert y.dtype == expected.dtype and y.shape == expected.shape
        if dtype == np.float16 and case.name in TAKEN_TOGETHER:
            in_float64 = case.call(*(x.astype(np.float64) for x in inputs))
            np.testing.assert_allclose(y.data, in_float64, rtol=1e-3, atol=6e-8)
        elif case.name in OTHERWISE:
            bound = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(y.data, expected, rtol=bound, atol=bound * np.max(np.abs(expected)))
        else:
            np.testing.assert_array_equal(y.data, expected)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_derivatives_of_a_numpy_name_are_the_numerical_ones(case, rng):
    inputs = case.inputs()
    if np.size(case.call(*inputs)):
        positions = range(len(inputs))
        assert_first_derivative(case.call, inputs, positions, rng, case.name)
        assert_second_derivative(case.call, inputs, positions, rng, case.name)


IN_TORCH = [i for i, case in enumerate(CASES) if case.torch]


@pytest.mark.parametrize("case", [CASES[i] for i in IN_TORCH], ids=[IDS[i] for i in IN_TORCH])
def test_value_gradient_and_second_derivative_are_torchs(case, rng, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setitem(globals(), "torch", torch)
    torch.set_num_threads(1)
    inputs = case.inputs()
    ours = [tl.tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    weights = [rng.normal(size=x.shape) for x in inputs]
    y, z = case.call(*ours), case.torch(*theirs)
    np.testing.assert_allclose(y.data, z.detach(), rtol=1e-12, atol=1e-12)
    g = rng.normal(size=y.shape)
    y.backward(gradient=g, create_graph=True)
    found = torch.autograd.grad(z, theirs, torch.tensor(g), create_graph=True)
    for x, gradient in zip(ours, found, strict=True):
        np.testing.assert_allclose(x.grad.data, gradient.detach(), rtol=1e-9, atol=1e-11)
    total = sum((x.grad * w).sum() for x, w in zip(ours, weights, strict=True))
    expected = sum((x * torch.tensor(w)).sum() for x, w in zip(found, weights, strict=True))
    for x in ours:
        x.grad = None
    if total.requires_grad:
        total.backward()
    second = [None] * len(inputs)
    if expected.requires_grad:
        second = torch.autograd.grad(expected, theirs, allow_unused=True)
    for x, gradient in zip(ours, second, strict=True):
        a = np.zeros(x.shape) if x.grad is None else x.grad.data
        b = 0 if gradient is None else gradient.numpy(force=True)
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


# ---- what isn't taken ----


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: np.sum(x, dtype=np.float64), "dtype="),
        (lambda x: np.sum(x, dtype=np.float64, where=x.data > 0), "sum.*dtype="),
        (lambda x: x.prod(out=np.zeros(()), initial=3), "prod.*out="),
        (lambda x: np.mean(x, dtype=np.float64), "dtype="),
        (lambda x: x.mean(out=np.zeros(())), "out="),
        (lambda x: np.var(x, mean=0.0), "mean="),
        (lambda x: np.std(x, dtype=np.float64), "dtype="),
        (lambda x: x.max(out=np.zeros(()), initial=3.0), "max.*out="),
        (lambda x: np.nanmean(x, dtype=np.float64), "mean.*dtype="),
        (lambda x: np.nanvar(x, mean=0.0), "nanvar.*mean="),
        (lambda x: np.nanmax(x, None, np.zeros(())), "nanmax.*out="),
        (lambda x: np.compress([True], x, out=np.zeros(())), "out="),
        (lambda x: np.partition(x, 0, order="a"), "order="),
        (lambda x: np.interp(x, [0, 1], [0, 1], period=2), "period="),
        (lambda x: np.quantile(x, 0.5, weights=x.data), "weights="),
        (lambda x: np.quantile(x, x[0, 0] / 2), "no gradient flows to q="),
        (lambda x: np.percentile(x, x[0, 0]), "no gradient flows to q="),
        (lambda x: np.cumsum(x, dtype=np.float64), "dtype="),
        (lambda x: np.cumprod(x, out=np.zeros(6)), "out="),
        (lambda x: np.median(x, overwrite_input=True), "overwrite_input="),
        (lambda x: np.sort(x, order="a"), "order="),
        (lambda x: np.concatenate([x, x], dtype=np.float64), "dtype="),
        (lambda x: np.stack([x, x], casting="unsafe"), "casting="),
        (lambda x: np.exp(x, dtype=np.float64), "dtype="),
        (lambda x: np.add(x, 1, where=x.data > 0), "where="),
        (lambda x: np.add(x, x, out=np.zeros((2, 3))), "out="),
        (lambda x: np.clip(x, 0, 1, dtype=np.float64), "dtype="),
        *(
            (lambda x, f=f, order=order: f(x, order=order), "no part of a Tensor's value")
            for f in (
                np.ravel,
                np.copy,
                lambda x, order: x.flatten(order),
                lambda x, order: x.T.reshape(6, order=order),
            )
            for order in "AK"
            if (f, order) != (np.copy, "K")
        ),
        (lambda x: np.pad(x, 1, mode="mean"), "mode="),
        (lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd"), "reflect_type="),
        (lambda x: np.pad(x, 1, constant_values=x[0, 0]), "constant_values="),
        (lambda x: np.nan_to_num(x, copy=False), "copy="),
        (lambda x: np.full_like(x, x[0, 0]), "full_like"),
    ],
)
def test_an_option_that_the_rules_do_not_take_raises_and_is_named(call, says):
    with pytest.raises(TypeError, match=says):
        call(tl.tensor(np.ones((2, 3)), requires_grad=True))


def test_options_at_their_defaults_are_taken():
    x = tl.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for y in (np.sum(x, axis=None, dtype=None, out=None), np.mean(x, None, None, None, keepdims=False)):
        assert y.shape == ()
    np.concatenate([x, x], dtype=None, casting="same_kind")
    np.sort(x, kind=None, order=None, stable=None)
    np.var(x, dtype=None, out=None, ddof=0)
    np.median(x, out=None, overwrite_input=False)
    np.nan_to_num(x, copy=True)


def test_lists_of_tensors_stand_where_numpy_takes_lists():
    parts = [tl.tensor(np.arange(3.0) + i, requires_grad=True) for i in range(3)]
    for join in (np.stack, np.concatenate, np.vstack, np.hstack, np.dstack, np.column_stack):
        for many in (parts, tuple(parts), [parts[0], np.ones(3), parts[2]]):
            y = join(many)
            np.testing.assert_array_equal(y.data, join([getattr(p, "data", p) for p in many]))


def test_the_functions_of_the_table_take_arrays_without_any_tensor():
    from tinydl.derivatives import reductions, shapes

    x = np.arange(6.0).reshape(2, 3)
    for made in (shapes.reshape(x, (3, 2)), shapes.vstack([x, x]), shapes.pad(x, 1, "edge"), shapes.diff(x)):
        assert type(made) is np.ndarray
    np.testing.assert_array_equal(shapes.squeeze(x[None]), x)
    np.testing.assert_array_equal(shapes.diagonal(x), [0, 4])
    np.testing.assert_array_equal(shapes.diag(shapes.diag(x)), [[0, 0], [0, 4]])
    np.testing.assert_array_equal(reductions.average(x, 0), x.mean(0))
    np.testing.assert_array_equal(shapes.split(x, 3, 1)[1], x[:, 1:2])


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.bool_, np.uint8])
def test_integer_tensors_are_constants_that_follow_numpys_promotion(dtype):
    n = tl.tensor(np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype))
    for f in (np.sum, np.mean, np.var, np.prod, np.max, np.median, np.exp, np.sqrt, np.cumsum, np.sort, np.average,
              lambda x: x.sum(0), lambda x: x * 2, lambda x: np.clip(x, 0, 1), lambda x: x**2, np.diff):  # fmt: skip
        y, expected = f(n), f(n.data)
        assert y.dtype == expected.dtype and not getattr(y, "requires_grad", False)  # bool: np.diff compares
        np.testing.assert_array_equal(np.asarray(y), expected)
    x = tl.tensor(np.array([0.5, 1.5, 2.5], np.float32), requires_grad=True)
    y = x * n
    assert y.dtype == (x.data * n.data).dtype
    y.sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad.data, n.data.astype(np.float32).sum(0))


def test_a_tensor_without_axes_may_be_reduced_along_axis_0_or_minus_1_where_numpy_lets_it():
    reductions = [np.sum, np.max, np.min, np.prod, np.ptp, np.cumsum, np.cumprod]
    picking = [lambda x, axis: np.take(x, [0, 0, 0], axis=axis), lambda x, axis: np.repeat(x, 3, axis=axis)]
    softmaxes = [tl.functional.softmax, tl.functional.log_softmax, tl.functional.logsumexp]
    for f in [*reductions, *picking, *softmaxes]:
        for axis in (0, -1):
            for value in (2.0, 0.0):
                assert_first_and_second_of_number(lambda x, f=f, axis=axis: f(x, axis=axis), np.array(value))


AXES = [None, 0, -1, 1, -2, 2, (), (0,), (0, 1), (0, -1), (1, 1)]
FEW = [(), (0,), (3,), (0, 3), (3, 0), (2, 3), (2, 0, 3)]  # no axes, no elements, and both kinds beside ordinary ones
OTHERS = {  # what else these are given, beside the array and the axis
    "take": lambda x: (0,), "repeat": lambda x: (2,), "roll": lambda x: (1,), "array_split": lambda x: (2,),
    "split": lambda x: (1,), "take_along_axis": lambda x: (np.zeros((1,) * np.ndim(x), int),),
    "argpartition": lambda x: (0,), "partition": lambda x: (0,), "vecdot": lambda x: (x,),
    "quantile": lambda x: (0.3,), "percentile": lambda x: (30,), "append": lambda x: (x,),
    "insert": lambda x: (0, x[:1]), "delete": lambda x: (0,), "compress": lambda x: ([True],),
    "rollaxis": lambda x: (), "linspace": lambda x: (2 * x,),
}  # fmt: skip


def with_axis():
    """The functions of the table that take an axis, each as a function of an array and an axis."""
    for f in table:
        try:
            parameters = () if isinstance(f, np.ufunc) else inspect.signature(f).parameters
        except ValueError:  # older NumPys don't tell that of functions in C
            continue
        if "axis" not in parameters or f.__name__ == "cross":  # which takes vectors of 2 too, with a warning
            continue
        if f.__name__ in ("concatenate", "stack", "lexsort"):
            yield lambda x, axis, f=f: f((x, x), axis=axis)
        else:
            yield lambda x, axis, f=f: f(x, *OTHERS.get(f.__name__, lambda x: ())(x), axis=axis)
        if "keepdims" in parameters:
            yield lambda x, axis, f=f: f(x, axis=axis, keepdims=True)
        if f is np.linalg.norm or f is np.linalg.vector_norm:
            for order in (0, 1, 2, 3, np.inf, -np.inf):
                yield lambda x, axis, f=f, order=order: f(x, ord=order, axis=axis)
    for f in choosing:
        options = {"initial": 1.5} if "initial" in inspect.signature(f).parameters else {}
        for keepdims in (False, True):
            yield lambda x, axis, f=f, options=options, keepdims=keepdims: f(
                x, axis=axis, keepdims=keepdims, where=np.asarray(getattr(x, "data", x)) > 1.4, **options
            )


def same(ours, theirs):
    if isinstance(theirs, (list, tuple)):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    ours = np.asarray(ours.data if isinstance(ours, tl.Tensor) else ours)
    theirs = np.asarray(theirs)
    close = ours.shape == theirs.shape and np.allclose(ours, theirs, equal_nan=True)
    return close and ours.dtype == theirs.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", FEW, ids=str)
def test_every_axis_is_taken_or_refused_as_by_numpy_also_without_axes_or_elements(shape, dtype):
    x, judged = np.asarray(np.random.default_rng(0).uniform(1, 2, shape), dtype), 0
    for f in with_axis():
        for axis in AXES:
            t = tl.tensor(x, requires_grad=True)
            try:
                expected = f(x, axis)
            except ZeroDivisionError:  # np.average of no groups, which has an answer: none
                continue
            except Exception as error:
                wanted = np.exceptions.AxisError if isinstance(error, np.exceptions.AxisError) else Exception
                if shape and isinstance(axis, tuple):
                    continue  # some of ours take a tuple of one axis where NumPy wants the axis alone
                with pytest.raises(wanted):
                    f(t, axis)
                judged += 1
                continue
            y = f(t, axis)
            assert same(y, expected), (axis, y, expected)
            judged += 1
            for part in y if isinstance(y, (list, tuple)) else [y]:
                if isinstance(part, tl.Tensor):
                    part.sum().backward()
            assert t.grad is None or t.grad.shape == shape
    assert judged > 300


def test_numbers_at_equal_distances_end_at_the_last_one_exactly_and_have_numpys_dtypes():
    t = lambda x, dtype=np.float64: tl.tensor(np.asarray(x, dtype), requires_grad=True)
    for stop in np.random.default_rng(0).uniform(0, 1, 50):
        for num in (2, 7):
            y = np.linspace(t(1000 / 3), stop, num)
            np.testing.assert_array_equal(y.data, np.linspace(1000 / 3, stop, num))
            assert y.data[-1] == stop
    for num, endpoint in ((0, True), (np.uint8(0), True), (0, False), (1, True), (1, False), (2, False), (3, True)):
        for dtype in (None, np.float32, np.int64):
            given = t([1.0, -2.0]), np.array([[3.5, 0], [1, 1]]), num, endpoint
            ours, theirs = (np.linspace(a, *given[1:], dtype=dtype, retstep=True) for a in (given[0], given[0].data))
            for a, b in zip(ours, theirs, strict=True):
                a, b = (np.asarray(x.data if isinstance(x, tl.Tensor) else x) for x in (a, b))
                assert a.dtype == b.dtype and a.shape == (b.shape if num > 1 else a.shape)
                np.testing.assert_array_equal(a, b)
    assert np.linspace(t([1], np.float32), np.array([2.0]), 3).dtype == np.float64
    assert np.linspace(t([1], np.float32), np.array([2], np.uint8), 3).dtype == np.float32
    with pytest.raises(TypeError):
        np.linspace(t(1.0), 2, 2.0)


def assert_numpys(f, *arrays):
    """f gives NumPy's values, shapes and dtypes of Tensors, or refuses them with NumPy's error."""
    given = [tl.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    try:
        expected = f(*arrays)
    except Exception as error:
        with pytest.raises(type(error)):
            f(*given)
        return
    assert same(f(*given), expected)


def test_grids_have_numpys_shapes_for_any_number_of_coordinates_and_memory_of_their_own():
    arrays = [np.arange(n + 1.0) for n in range(5)]
    for n in range(1, 6):
        for sparse in (False, True):
            for indexing in ("xy", "ij"):
                assert_numpys(lambda *x, s=sparse, i=indexing: list(np.meshgrid(*x, sparse=s, indexing=i)), *arrays[:n])
    t = tl.tensor(arrays[3], requires_grad=True)
    assert np.meshgrid(t, t)[0].data.base is None
    assert np.meshgrid(t, t, copy=False)[0].data.base is not None


def test_an_axis_is_rolled_to_where_numpy_has_it():
    for axis in range(-4, 4):
        for start in range(-5, 5):
            assert_numpys(lambda x, a=axis, s=start: np.rollaxis(x, a, s), np.ones((1, 2, 3)))


def test_a_choice_has_the_dtype_of_all_choices_in_which_python_numbers_have_no_say():
    c, x = np.array([True, False]), np.array([1, 2], np.float32)
    for choices, default in (
        ([x, 1.5], 0), ([x, [1.5, 2.5]], 0),
        ([x, 2], 1.5), ([2, x], 7), ([x, np.array(1.5)], 0), ([x, np.array([3, 4], np.int64)], 0),
        ([x, x.astype(np.float16)], 1), ([x], np.float64(2)), ([2.5, x], 0),
    ):  # fmt: skip
        call = lambda t, o=choices, d=default: np.select([c] * len(o), [t if v is x else v for v in o], d)
        assert_numpys(call, x)


def test_chosen_elements_of_whole_numbers_are_reduced_as_by_numpy():
    for dtype in (np.int64, np.int8, np.uint8, bool):
        x = np.random.default_rng(1).integers(0, 100, (3, 4)).astype(dtype)
        for f in choosing:
            options = {"initial": 2} if "initial" in inspect.signature(f).parameters else {}
            for axis in (None, 1, (0, 1)):
                for keepdims in (False, True):
                    made = dict(options, axis=axis, keepdims=keepdims)
                    assert_numpys(lambda x, f=f, made=made: f(x, where=CHOSEN, **made), x)
                    if options:
                        assert_numpys(lambda x, f=f, made=made: f(x, **made), x)
        for f in (np.nansum, np.nanmean, np.nanmax, np.nanmin, np.nancumsum, np.nancumprod, np.nanprod, np.nanstd):
            assert_numpys(lambda x, f=f: f(x, axis=0), x)
        assert_numpys(lambda x: np.nanmax(x, axis=0, keepdims=True) + np.min(x, axis=0, keepdims=True, where=True), x)
        assert_numpys(lambda x: np.var(x, where=np.arange(300) != 7), np.resize(x, 300))
        assert_numpys(lambda x: np.max(x, where=CHOSEN), x)
        assert_numpys(lambda x: np.nanmin(x, where=CHOSEN), x)


def test_what_is_chosen_may_be_a_list_or_numbers_or_a_tensor():
    x = np.arange(6.0).reshape(2, 3)
    for chosen in ([True, False, True], [1, 0, 2], [[0.5], [0]], np.array([0.5, 0, 1]), np.array([1, 0, 1], np.int8)):
        for f in (np.sum, np.nansum, np.prod):  # np.mean would count a 2 as two elements
            assert_numpys(lambda x, f=f, chosen=chosen: f(x, where=chosen), x)
    assert np.sum(tl.tensor(x), where=tl.tensor([True, False, True])).item() == 10


def test_an_initial_number_has_no_say_in_the_dtype_and_no_more_freedom_than_there_is():
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    for f in (np.sum, np.prod, np.max, np.min, np.nansum, np.nanprod, np.nanmax, np.nanmin):
        y = f(tl.tensor(x, requires_grad=True), initial=np.float64(0.5), where=CHOSEN)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, f(x, initial=0.5, where=CHOSEN), rtol=1e-6)
    for f in (np.var, np.std, np.nanvar, np.nanstd):
        for ddof in (2, 3, 5):
            assert_numpys(lambda x, f=f, ddof=ddof: f(x, 1, where=CHOSEN, ddof=ddof), x)


def test_an_area_below_whole_numbers_does_not_wrap():
    x = np.array([0.0, 1, 3])
    for y in (np.array([200, 100, 250], np.uint8), np.array([100, 127, -128], np.int8)):
        assert np.trapezoid(y, tl.tensor(x, requires_grad=True)).item() == np.trapezoid(y.astype(float), x)
    assert_numpys(lambda y: np.trapezoid(y), np.array([[1, 2, 4]]))
    assert np.trapezoid(tl.tensor(np.array([200, 100], np.uint8)), np.array([0, 2], np.uint8)).item() == 300
    assert np.trapezoid(x, tl.tensor(np.array([200, 100, 0], np.uint8))).item() == -250


def test_evenly_spaced_coordinates_are_one_distance_so_that_an_infinity_beside_it_makes_no_nan():
    y = np.array([1.0, 4, np.inf, 2, 8, 3])
    for x in (np.arange(6.0), 2 * np.arange(6), list(range(6))):
        np.testing.assert_array_equal(np.gradient(tl.tensor(y, requires_grad=True), x).data, np.gradient(y, x))


def test_a_frame_around_a_number_is_the_number_as_in_numpy():
    for width in (0, 1, (1, 2), [(1, 2)]):
        for mode in ("constant", "edge", "wrap"):
            x = tl.tensor(np.array(2.5), requires_grad=True)
            y = np.pad(x, width, mode=mode)
            np.testing.assert_array_equal(y.data, np.pad(np.array(2.5), width, mode=mode))
            (y * 3).backward()
            assert x.grad.item() == 3
    with pytest.raises(ValueError):  # as NumPy: one pair too many
        np.pad(tl.tensor(2.5), [(1, 1), (2, 2)])


def assert_first_and_second_of_number(f, x):
    t, g = tl.tensor(x, requires_grad=True), np.full(np.shape(f(x)), 3.0)
    y = f(t)
    np.testing.assert_array_equal(y.data, f(x))
    y.backward(gradient=g, create_graph=True)
    slope = (np.sum(g * f(x + 1e-3)) - np.sum(g * f(x - 1e-3))) / 2e-3
    np.testing.assert_allclose(t.grad.data, slope, rtol=1e-6, atol=1e-9)


def test_a_tensor_without_axes_goes_through_every_reduction():
    for f in (np.sum, np.mean, np.max, np.min, np.prod, np.median, np.cumsum, np.cumprod, np.ptp, np.var, np.std):
        x = tl.tensor(np.array(2.0), requires_grad=True)
        y = f(x)
        np.testing.assert_array_equal(y.data, f(np.array(2.0)))
        y.sum().backward()
        expected = 0 if f in (np.ptp, np.var, np.std) else 1
        assert x.grad.shape == () and x.grad.item() == expected


def test_sums_over_rows_named_more_than_once_are_right_in_every_integer_dtype(rng):
    g = rng.normal(size=(2, 4, 3, 2))
    for dtype in (np.int8, np.uint8, np.int64, np.uint64):
        index = np.array([[0, 299, 0, 7], [7, 7, 1, 0]]).astype(np.int64)
        index = index.astype(dtype) if dtype not in (np.int8, np.uint8) else (index % 100).astype(dtype)
        x = tl.tensor(rng.normal(size=(300, 3, 2)), requires_grad=True)
        x[index].backward(gradient=g)
        expected = np.zeros((300, 3, 2))
        for i, row in zip(index.ravel(), g.reshape(-1, 3, 2), strict=True):
            expected[int(i)] += row
        np.testing.assert_allclose(x.grad.data, expected, rtol=1e-12, atol=1e-14)


def test_an_element_is_taken_by_an_empty_list_and_by_booleans_as_by_the_integers_they_are():
    for indices, expected in (([], [0, 0, 0]), (np.array([True, False, True]), [4, 8, 0]), ([[False]], [3, 0, 0])):
        x = tl.tensor(np.array([1.0, 2.0, 5.0]), requires_grad=True)
        y = np.take(x, indices)
        np.testing.assert_array_equal(y.data, np.take(x.data, indices))
        y.backward(gradient=np.arange(3.0, 3 + y.size).reshape(y.shape))
        np.testing.assert_array_equal(x.grad.data, expected)


def test_arguments_by_position_stand_where_numpy_has_them(rng):
    x = rng.normal(size=(2, 3, 4))
    for f in (
        lambda x: np.var(x, 1, None, None, 1, True), lambda x: np.std(x, 1, None, None, 1, True),
        lambda x: x.var(0, None), lambda x: np.median(x, [0, 1]), lambda x: np.median(x, np.int64(1)),
        lambda x: np.median(x, (0, -1), None, False),
    ):  # fmt: skip
        np.testing.assert_array_equal(f(tl.tensor(x)).data, f(x))
        assert_first_derivative(f, [x], [0], rng)


# ---- float16, which holds no number above 65504 and no sum of ones above 2048 ----

MANY = 70_000


def assert_float16_is_float64_rounded(f, *arrays, create_graph=False):
    """The gradients of f at these float16 arrays are those in float64, but for rounding."""
    found = []
    for dtype in (np.float64, np.float16):
        leaves = [tl.tensor(x.astype(np.float16).astype(dtype), requires_grad=True) for x in arrays]
        y = f(*leaves)
        g = np.random.default_rng(3).uniform(0.5, 1.5, y.shape).astype(np.float16)
        y.backward(gradient=g, create_graph=create_graph)
        found.append([x.grad.data for x in leaves])
    for wide, narrow in zip(*found, strict=True):
        assert narrow.dtype == np.float16
        bound = 2e-3 * np.abs(wide) + 1e-3 * np.max(np.abs(wide), initial=0) + 6e-8
        assert (np.abs(narrow - wide) <= bound).all(), (narrow, wide)


INDICES = np.zeros(4096, int)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (np.mean, [(700, 100)]),
        (lambda x: np.mean(x, axis=0), [(MANY, 2)]),
        (np.var, [(MANY,)]),
        (np.std, [(MANY,)]),
        (lambda x: np.std(x, axis=0, ddof=1), [(MANY, 2)]),
        (lambda x: np.std(x, axis=1, keepdims=True), [(2, 4096)]),
        (lambda x: np.max(x - x.data, axis=0), [(MANY, 2)]),
        (lambda x: np.min(x - x.data) * 1024, [(1000, 1000)]),
        (lambda x: np.mean(x) * 1024, [(1000, 1000)]),
        (lambda x, b: x + b, [(4096, 2), (2,)]),
        (lambda x, b: x * b, [(4096, 3, 2), (3, 1)]),
        (lambda x, b: x + b, [(2, 4096), (2, 1)]),
        (lambda x: np.cumsum(x / 4096, axis=0), [(4096, 2)]),
        (lambda x: np.cumprod(x - x.data + 1), [(4096,)]),
        (lambda x: np.tile(x, (4096, 1)), [(2,)]),
        (lambda x: np.repeat(x, 4096, axis=0), [(2, 3)]),
        (lambda x: np.repeat(x, np.array([4096, 1]), axis=0), [(2, 3)]),
        (lambda x: np.take(x, INDICES, axis=0), [(2, 3)]),
        (lambda x: x[INDICES], [(2, 3)]),
        (lambda x: x[:, INDICES], [(2, 3)]),
        (lambda x: x[INDICES, INDICES], [(2, 3)]),
        (lambda a, b: np.einsum("...i,i->...i", a, b), [(4096, 2), (2,)]),
        (lambda a, b: np.einsum("i,bi->i", a, b), [(2,), (20_000, 2)]),
        (lambda a, b: np.vecdot(a / 64, b / 64), [(3, 4096), (4096,)]),
    ],
)
def test_float16_gradients_are_summed_in_float32_and_rounded_once(f, shapes, create_graph):
    rng = np.random.default_rng(7)
    assert_float16_is_float64_rounded(f, *(rng.uniform(0.5, 1.5, shape) for shape in shapes), create_graph=create_graph)


def test_the_variance_of_a_million_float16_numbers_far_from_0_has_the_slope_it_has_in_float64():
    x = np.random.default_rng(7).uniform(60.01, 61.01, 1_000_000)
    for f in (np.var, np.std):
        assert_float16_is_float64_rounded(lambda x, f=f: f(x) * 1024, x)


ROWS, EINSUM = (4096, 2), "ij,jk,k->i"
PROD = np.array([300, 300, 0.01, 0.01, 0.5])  # the product fits into float16, that of the first two doesn't
MANY_AND_NAN = np.where(np.arange(MANY) % 7, np.random.default_rng(5).uniform(0.5, 1.5, MANY), np.nan)
PROD_0 = np.array([300, 300, 0, 0.01, 0.5])


@pytest.mark.parametrize(
    ("f", "shapes", "scale"),
    [
        (lambda x: np.sum(x, axis=0), [ROWS], 1),
        (lambda x: np.sum(x, axis=1), [(2, 4096)], 1),
        (lambda x: np.sum(x, axis=0, keepdims=True), [ROWS], 30),  # more than float16 holds
        (lambda x: np.mean(x, axis=0), [ROWS], 30),
        (np.var, [(MANY,)], 100),
        (lambda x: np.var(x, axis=0, ddof=1, keepdims=True), [ROWS], 1),
        (np.std, [(MANY,)], 300),
        (lambda x: np.std(x, 0, ddof=1, keepdims=True), [ROWS], 1),
        (np.cumsum, [(MANY,)], 1),
        (lambda x: np.cumsum(x, axis=0), [ROWS], 1),
        (lambda x: np.cumsum(x, axis=1), [(2, 4096)], 1),
        (np.prod, [(2, 5)], 1),
        (lambda x: np.prod(x, axis=1, keepdims=True), [(3, 8)], 1),
        (np.prod, [PROD], 1),
        (np.prod, [PROD_0], 1),
        (lambda x: np.prod(np.stack([x * 0, x]), axis=1), [(3,)], 1),
        (lambda x: np.cumprod(x, axis=1), [(2, 16)], 1),
        (np.cumprod, [PROD[::-1]], 1),
        (np.cumprod, [PROD_0], 1),
        (np.linalg.norm, [(MANY,)], 1),
        (lambda x: np.linalg.norm(x, axis=0), [ROWS], 300),
        (lambda x: np.linalg.norm(x, axis=1, keepdims=True), [(2, 4096)], 300),
        (np.linalg.norm, [(MANY,)], 1000),  # more than float16 holds, but its slope isn't
        (lambda x: np.linalg.norm(x, 3, axis=1, keepdims=True), [(2, 4096)], 30),
        (lambda x: np.linalg.norm(x, 0.5, axis=0), [(40, 2)], 30),
        (lambda x: np.linalg.norm(x, 1), [(4096, 3)], 1),
        (lambda x: np.linalg.vector_norm(x, axis=0, ord=1), [ROWS], 1),
        (lambda a, w: np.average(a, weights=w), [(MANY,), (MANY,)], 1),
        (lambda a, w: np.average(a, 0, w), [ROWS, (4096,)], 1),
        (lambda x: np.sum(x, axis=0, where=x.data > 0.625, initial=0.1), [ROWS], 1),
        (lambda x: np.prod(x, initial=2**-10), [np.array([300, 300, 2])], 1),  # 180,000 at first
        (lambda x: np.mean(x, where=x.data > 0.625), [(MANY,)], 1),
        (lambda x: np.mean(x, axis=0, where=x.data > 20), [ROWS], 30),
        (lambda x: np.var(x, axis=0, where=x.data > 0.625, ddof=1), [ROWS], 1),
        (lambda x: np.std(x, where=x.data > 60), [(MANY,)], 100),
        (lambda x: np.prod(x, 1, where=x.data < 1.375, initial=0.3), [(3, 8)], 1),
        (lambda x: np.max(x, 0, where=x.data < 1.375, initial=0.3) / 3, [ROWS], 1),
        (np.nansum, [MANY_AND_NAN], 1),
        (np.nanmean, [MANY_AND_NAN], 1),
        (np.nanstd, [MANY_AND_NAN], 1),
        (np.nancumsum, [MANY_AND_NAN], 1),
        (lambda x: np.quantile(x, 0.37, axis=0), [ROWS], 1),
        (lambda x: np.percentile(x, 70), [(MANY,)], 1000),
        (
            lambda x: np.quantile(x, 0.5),
            [np.array([-4e4, 4e4, 4.1e4, -4.1e4])],
            1,
        ),  # whose difference float16 can't hold
        (lambda a, b: np.linspace(a, b, 5000)[1234:4321:7], [(3,), (3,)], 1),
        (np.trapezoid, [(2, 4096)], 1),
        (lambda y, x: np.trapezoid(y, x, axis=0), [(5, 2), np.array([0, 0.3, 1, 1.7, 2.9])], 1),
        (lambda y: np.gradient(y, 3, axis=0, edge_order=2), [(5, 2)], 1),
        (lambda y, x: np.gradient(y, x, axis=0), [(5, 2), np.array([0, 0.3, 1, 1.7, 2.9])], 1),
        (lambda a: np.einsum("ij->j", a), [ROWS], 1),
        (lambda a, b: np.einsum("ij,jk->ik", a, b), [(3, 4096), ROWS], 1),
        (lambda a, b, c: np.einsum(EINSUM, a, b, c), [(3, 200), (200, 40), (40,)], 1),
        (lambda a, b, c: np.einsum(EINSUM, a, b, c, optimize=True), [(3, 200), (200, 40), (40,)], 1),
        (np.matmul, [(3, 4096), ROWS], 1),
        (np.dot, [(4096,), (4096,)], 1),
        (np.inner, [(3, 4096), (2, 4096)], 1),
        (np.vdot, [(2, 4096), ROWS], 1),
        (np.vecdot, [(4096,), (4096,)], 1),
        (lambda a, b: np.tensordot(a, b, 1), [(3, 4096), ROWS], 1),
    ],
)
def test_what_takes_float16_numbers_together_does_so_in_float32_and_rounds_once(f, shapes, scale):
    rng = np.random.default_rng(7)
    arrays = [x if isinstance(x, np.ndarray) else rng.uniform(0.5 * scale, 1.5 * scale, x) for x in shapes]
    assert_rounded_once(f, *arrays)


def test_what_is_computed_in_float32_takes_its_other_arguments_by_position_or_by_name():
    x = np.full((5000, 2), 1, np.float16)
    add_up = in_float32(lambda a, axis=None, scale=1: np.sum(a, axis) * scale)
    for made in (add_up(x, 0, 2), add_up(x, 0, scale=2), add_up(x, scale=2, axis=0)):
        assert made.dtype == np.float16
        np.testing.assert_array_equal(made, [10_000, 10_000])
    assert add_up(x.astype(np.float64), 0).dtype == np.float64 and add_up([1, 2]) == 3


# ---- what examiners found ----


@pytest.mark.parametrize(
    "xp, fp, x",
    [
        ([0.0, 1, 1], [0.0, 5, 7], [0.5, 1.0, 1.5]),
        ([0.0, 1, 2, 3, 4], [1, np.nan, 3, np.nan, 2], [0.0, 0.5, 2, 3.5, 4]),
        ([0.0, 1], [np.inf, 1.0], [1.0, 2.0]),
        ([1.0, 1, 1], [2.0, 3, 4], [0.0, 1, 2]),
    ],
)
def test_interp_at_a_point_is_what_is_known_there_whatever_its_neighbour(xp, fp, x):
    with np.errstate(all="ignore"):
        t = tl.tensor(x, requires_grad=True, dtype=np.float64)
        found = np.interp(t, xp, fp)
        np.testing.assert_array_equal(found.data, np.interp(x, xp, fp))
        found.backward(gradient=np.arange(1.0, len(x) + 1))
    alone = np.isin(x, xp) & np.isfinite(found.data)
    assert set(t.grad.data[alone]) <= {
        0.0,
        5.0,
    }  # 5 from 0 to 1 in the first; where no line leads on, there is no slope


def test_partition_refuses_what_is_no_kind():
    for t in (np.arange(4.0), tl.tensor(np.arange(4.0), requires_grad=True)):
        with pytest.raises(ValueError, match="kind"):
            np.partition(t, 1, kind="nonsense")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.bool_, np.float32, np.float64])
@pytest.mark.parametrize("q", [np.float32(0.3), np.array([0.3], np.float32), 0.3, np.array(0.5)])
def test_a_quantile_of_whole_numbers_lies_between_them(dtype, q):
    a = np.array([1, 2, 4, 9]).astype(dtype)
    if dtype is np.bool_:
        a = a.astype(np.int8)
    found = np.quantile(tl.tensor(a), q)
    assert found.dtype == np.quantile(a, q).dtype
    np.testing.assert_array_equal(found.data, np.quantile(a, q))


@pytest.mark.parametrize("reduction", [np.sum, np.prod, np.max, np.min])
def test_what_reductions_begin_with_is_real_or_left_out(reduction):
    t = tl.tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="real number"):
        reduction(t, initial=1 + 1j)
    assert reduction(t, initial=np._NoValue).item() == reduction(t.data)


def test_astype_to_whole_numbers_gives_a_plain_array_and_says_so():
    told = []

    class Told(recording.Observer):
        def flattened(self, name, inputs, result):
            told.append((name, inputs, result.dtype))

    x = tl.tensor([[1.7, -2.2, 0.0]], requires_grad=True)
    with recording.observing(Told()):
        arrays = [x.astype(np.int16), np.astype(x, np.int16)]
    for array in arrays:
        assert array.__class__ is np.ndarray and array.dtype == np.int16 and array.tolist() == [[1, -2, 0]]
    assert [name for name, *_ in told] == ["astype to integers"] * 2
    assert all(inputs[0] is x and dtype == np.int16 for _, inputs, dtype in told)
