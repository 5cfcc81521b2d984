"""Every rule of the table inside a compiled function: with other numbers the program does what the function does.

A program is recorded on one sample. Then it is called with the same shapes and dtypes but other numbers: ties, zeros,
NaN, infinities, other signs, so that whatever was decided by a value, or taken as it was, shows.
"""

import numpy as np
import pytest

import tinydl as tl

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


# ---- other numbers in arrays that lie as these do ----


def laid_like(x, numbers):
    """The numbers in fresh memory, with the strides of x."""
    low, high = np.lib.array_utils.byte_bounds(x)
    memory = np.zeros(high - low + 1, np.uint8)
    made = np.ndarray(x.shape, x.dtype, memory, x.ctypes.data - low if x.size else 0, x.strides)
    made[...] = numbers
    return made


def _mixed(x, rng):
    return rng.permutation(np.ravel(x)).reshape(x.shape)


def _with(x, rng, *special):
    return np.where(rng.random(x.shape) < 0.4, rng.choice(np.array(special, x.dtype), x.shape), x)


OTHERS = {
    "in another order": _mixed,
    "of other size": lambda x, rng: _mixed(x, rng) * rng.uniform(0.5, 1.5),
    "with ties": lambda x, rng: np.round(_mixed(x, rng) * 2) / 2,
    "of other signs": lambda x, rng: -_mixed(x, rng),
    "zeros": lambda x, rng: np.zeros_like(x),
    "some zeros": lambda x, rng: _with(x, rng, 0.0, -0.0),
    "some NaN": lambda x, rng: _with(x, rng, np.nan),
    "all NaN": lambda x, rng: np.full_like(x, np.nan),
    "some infinite": lambda x, rng: _with(x, rng, np.inf, -np.inf),
    "large and small": lambda x, rng: _with(x, rng, *(np.finfo(x.dtype).max, np.finfo(x.dtype).tiny, 300, 1e-4)),
    "the same": lambda x, rng: x,
}


def others(arrays, seed):
    """(what it is, the same arrays with other numbers), where only floats get numbers of another kind."""
    rng = np.random.default_rng(seed)
    for name, change in OTHERS.items():
        yield name, [laid_like(x, change(x, rng) if x.dtype.kind == "f" else _mixed(x, rng)) for x in arrays]


# ---- program and function side by side ----


def outcome(function, arrays):
    """What a function gives, down to the bits; or which error, with its words."""
    try:
        with np.errstate(all="ignore"):
            made = function(*arrays)
    except (ValueError, TypeError, ArithmeticError, LookupError, np.linalg.LinAlgError) as error:
        return type(error).__name__, str(error)
    return [bits(x) for x in made]


def bits(x):
    array = x.data if isinstance(x, tl.Tensor) else x
    if array.dtype.kind == "f":  # the sign of NaN + -NaN is that of either, as the arrays happen to be aligned
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return type(x).__name__, array.dtype, array.shape, array.tobytes()


def differing(a, b):
    return [i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y] or [len(a), len(b)]


def is_array(x):
    return isinstance(x, np.ndarray) and x.dtype.kind in "biuf"


def assert_followed(function, arrays, seed, check, what):
    """Compiled on these arrays, then called with others; gives how many calls the first program answered."""
    plain = outcome(function, arrays)
    compiled = tl.compile(function, check=check, programs=64)
    assert outcome(compiled, arrays) == plain, f"{what}: recorded"
    if not compiled.programs:  # the function raises, so that there's nothing to record
        return 0
    for name, given in others(arrays, seed):
        expected, made = outcome(function, given), outcome(compiled, given)
        assert made == expected, f"{what}, {name}: {differing(made, expected)}\n{compiled}"
    return sum(program.calls for program in compiled.programs) - len(compiled.programs)


def with_derivatives(call, wanted):
    """The function of (inputs, a cotangent, weights of the gradients) that gives the value of `call`, its gradients by
    backward and by tl.grad, and the gradients of the weighted gradients. `wanted`: which inputs have a gradient."""

    def derived(*arrays):
        count = len(wanted)
        inputs, g, weights = arrays[:count], arrays[count], arrays[count + 1 :]
        leaves = [
            tl.tensor(x, requires_grad=True) if is_wanted else x for x, is_wanted in zip(inputs, wanted, strict=True)
        ]
        y = call(*leaves)
        if not isinstance(y, tl.Tensor) or not y.requires_grad:
            return (y,)
        y.backward(g, create_graph=True)
        asked = [x for x, is_wanted in zip(leaves, wanted, strict=True) if is_wanted]
        first = [x.grad for x in asked]
        second = []
        scored = [np.sum(d * w) for d, w in zip(first, weights, strict=True) if d is not None and d.requires_grad]
        if scored:
            for x in asked:
                x.grad = None
            sum(scored).backward()
            second = [x.grad for x in asked]
        found = [x.detach() for x in (y, *first, *second) if x is not None]

        def loss(*floats):
            given = iter(floats)
            return np.sum(
                call(*(next(given) if is_wanted else x for x, is_wanted in zip(inputs, wanted, strict=True))) * g
            )

        floats = [x for x, is_wanted in zip(inputs, wanted, strict=True) if is_wanted]
        return (*found, *tl.grad(loss, tuple(range(len(floats))))(*floats))

    return derived


def assert_case_followed(call, inputs, seed, check, what):
    """The same for value and derivatives of a call of the arrays among the inputs."""
    given = [x for x in inputs if is_array(x)]
    wanted = [x.dtype.kind == "f" for x in given]

    def with_the_rest(*arrays):
        own = iter(arrays)
        return call(*(next(own) if is_array(x) else x for x in inputs))

    rng = np.random.default_rng(seed)
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(with_the_rest(*given))
    except (TypeError, ValueError):
        return 0
    g = rng.normal(size=y.shape).astype(y.dtype if y.dtype.kind == "f" else np.float64)
    weights = [rng.normal(size=x.shape).astype(x.dtype) for x in given if x.dtype.kind == "f"]
    return assert_followed(with_derivatives(with_the_rest, wanted), [*given, g, *weights], seed, check, what)
