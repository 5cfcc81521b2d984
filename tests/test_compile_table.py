"""Every rule of the table inside a compiled function: with other numbers the program does what the function does.

A program is recorded on one sample. Then it is called with the same shapes and dtypes but other numbers: ties, zeros,
NaN, infinities, other signs, so that whatever was decided by a value, or taken as it was, shows.
"""

import numpy as np
import pytest
from straight_lines import Straight, inputs_of
from test_derivatives import CASES, IDS

import tinydl as tl
from tinydl.checking.samples import Draw, sample
from tinydl.compiling.comparing import are_the_same
from tinydl.derivatives.elementwise import masked
from tinydl.engine.dispatch import primitives

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


FINITE = [name for name in OTHERS if name not in ("some infinite", "large and small")]
FEW = ["in another order", "some zeros", "some NaN"]


def others(arrays, seed, kinds):
    """(what it is, the same arrays with other numbers), where only floats get numbers of another kind."""
    rng = np.random.default_rng(seed)
    for name in kinds:
        change = OTHERS[name]
        yield name, [laid_like(x, change(x, rng) if x.dtype.kind == "f" else _mixed(x, rng)) for x in arrays]


# ---- program and function side by side ----


def outcome(function, arrays, words=True):
    """What a function gives, down to the bits; or which error, with its words."""
    try:
        with np.errstate(all="ignore"):
            made = function(*arrays)
    except (ValueError, TypeError, ArithmeticError, LookupError, np.linalg.LinAlgError) as error:
        return type(error).__name__, words and str(error)
    return [bits(x) for x in made]


def bits(x):
    if x is None:
        return None
    array = x.data if isinstance(x, tl.Tensor) else x
    if array.dtype.kind == "f":  # the sign of NaN + -NaN is that of either, as the arrays happen to be aligned
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return type(x).__name__, array.dtype, array.shape, array.tobytes()


def differing(a, b):
    return [i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y] or [len(a), len(b)]


def is_array(x):
    return isinstance(x, np.ndarray) and x.dtype.kind in "biuf"


def assert_followed(function, arrays, seed, check, what, kinds=OTHERS):
    """Compiled on these arrays, then called with others; gives how many calls the first program answered."""
    plain = outcome(function, arrays)
    compiled = tl.compile(function, check=check, programs=64)
    assert outcome(compiled, arrays) == plain, f"{what}: recorded"
    if not compiled.programs:  # the function raises, so that there's nothing to record
        return 0
    for name, given in others(arrays, seed, kinds):
        expected, made = outcome(function, given), outcome(compiled, given)
        assert made == expected, f"{what}, {name}: {differing(made, expected)}\n{compiled}"
    return sum(program.calls for program in compiled.programs) - len(compiled.programs)


def with_derivatives(call, wanted, twice=True):
    """The function of (inputs, a cotangent, weights of the gradients) that gives the value of `call`, its gradients by
    backward and, if `twice`, by tl.grad, and those of the weighted gradients. `wanted`: which inputs have one."""

    def derived(*arrays):
        count = len(wanted)
        inputs, g, weights = arrays[:count], arrays[count], arrays[count + 1 :]
        leaves = [
            tl.tensor(x, requires_grad=True) if is_wanted else x for x, is_wanted in zip(inputs, wanted, strict=True)
        ]
        y = call(*leaves)
        if not isinstance(y, tl.Tensor) or not y.requires_grad:
            return (y,)
        y.backward(g, create_graph=twice)
        asked = [x for x, is_wanted in zip(leaves, wanted, strict=True) if is_wanted]
        first = [x.grad for x in asked]
        if not twice:
            return [x.detach() for x in (y, *first) if x is not None]
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


def assert_case_followed(call, inputs, seed, check, what, kinds=OTHERS, twice=True):
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
    return assert_followed(
        with_derivatives(with_the_rest, wanted, twice), [*given, g, *weights], seed, check, what, kinds
    )


# ---- the table, and NumPy's names ----

MATRICES = {"svd", "pinv", "qr", "eigh", "det", "slogdet", "inv", "cofactors", "solve", "cholesky"}
DTYPES = (np.float64, np.float32, np.float16)


def in_dtype(x, dtype):
    if not is_array(x) or x.dtype.kind != "f":
        return x
    made = x if x.dtype == dtype else x.astype(dtype, order="K")
    return laid_like(made, made)


def assert_primitive_followed(name, seed, dtype, check, kinds=OTHERS):
    """Gives how many calls a program answered."""
    if name in MATRICES:  # LAPACK may search on without end where a matrix holds infinities
        kinds = [kind for kind in kinds if kind in FINITE]
    primitive, drawn = primitives[name], sample(name, Draw(seed))
    inputs = [in_dtype(x, dtype) for x in drawn.inputs]
    what = f"{name}, seed {seed}, {np.dtype(dtype).name}, check={check}"
    call = lambda *given: primitive(*given, **drawn.options)
    return assert_case_followed(call, inputs, seed, check, what, kinds)


@pytest.mark.parametrize("name", sorted(primitives))
def test_a_program_of_a_primitive_gives_the_bits_of_the_function_for_other_numbers(name):
    alone = assert_primitive_followed(name, 0, np.float32, True, FEW)
    alone += assert_primitive_followed(name, 1, np.float64, False, FEW)
    assert alone, "no call was answered by a program"


@pytest.mark.slow
@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", sorted(primitives))
def test_a_program_of_a_primitive_gives_the_bits_in_each_dtype(name, check):
    assert sum(assert_primitive_followed(name, seed, dtype, check) for seed in range(6) for dtype in DTYPES)


def assert_name_followed(i, dtype, check, kinds=OTHERS, twice=True):
    case = CASES[i]
    if "linalg" in case.name or case.name in MATRICES | {"matrix_rank", "lstsq", "cond"}:
        kinds = [kind for kind in kinds if kind in FINITE]
    what = f"{IDS[i]}, {np.dtype(dtype).name}, check={check}"
    return assert_case_followed(case.call, case.inputs(dtype), i, check, what, kinds, twice)


@pytest.mark.slow
@pytest.mark.parametrize("i", range(len(CASES)), ids=IDS)
def test_a_program_of_a_numpy_name_gives_the_bits_of_the_function_for_other_numbers(i):
    assert assert_name_followed(i, DTYPES[i % 2], False, FEW[:1] if i % 2 else FEW[1:], twice=False)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("group", range(20))
def test_a_program_of_a_numpy_name_gives_the_bits_in_each_dtype(group, dtype):
    for i in range(group, len(CASES), 20):
        for check in (False, True):
            assert_name_followed(i, dtype, check)


# ---- straight lines of calls, drawn at random ----


def calls_of(function, scope, inputs):
    """What a function of the world `scope` gives, and leaves in p and q, call after call."""
    for given in inputs:
        given = [scope["p"]._data if x is None else x for x in given]
        # after a change in place it is NumPy that raises, in its own words
        yield [outcome(function, given, words=False), *(bits(scope[name]._data) for name in "pq")]


def sharing(seed):
    """(x, y, i) of several calls: other numbers, NaN, the same array twice, arrays that overlap, and p's own memory."""
    first, *rest = (inputs_of(seed + k) for k in range(4))
    rest[1][0][0] = np.nan, np.inf, 0, -0.0
    whole = np.random.default_rng(seed).normal(size=(4, 4))
    shared = [first[0], first[0], first[2]], [whole[1:], whole[:3], first[2]], [None, first[1], first[2]]
    mirrored = [first[0], first[0][::-1], first[2]]
    return [first, *rest, *(s for s in shared for _ in range(2)), mirrored, first]


def assert_straight_lines_followed(seed, check):
    straight = Straight(seed)
    function, scope = straight.made()
    again, other = straight.made()
    compiled = tl.compile(again, check=check, programs=32)
    pairs = zip(calls_of(function, scope, sharing(seed)), calls_of(compiled, other, sharing(seed)), strict=True)
    for call, (expected, made) in enumerate(pairs):
        assert made == expected, f"seed {seed}, call {call}\n{straight.source}\n{compiled}"
    return sum(program.calls - 1 for program in compiled.programs)


@pytest.mark.parametrize("seed", range(16))
def test_straight_lines_of_calls_give_the_bits_of_the_function(seed):
    assert_straight_lines_followed(seed, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(20))
def test_many_straight_lines_of_calls_give_the_bits_of_the_function(group):
    for seed in range(100 + 50 * group, 150 + 50 * group):
        assert_straight_lines_followed(seed, check=bool(seed % 2))


# ---- what this has found ----


def p34():
    return tl.tensor(np.random.default_rng(1).normal(size=(3, 4)), requires_grad=True)


def followed(make, batches, check=False):
    """make() → (function, its parameters): program and function from the same state, call after call."""
    (function, ours), (again, theirs) = make(), make()
    compiled = tl.compile(again, check=check)
    for batch in batches:
        assert outcome(compiled, batch) == outcome(function, batch)
        assert [bits(p._data) for p in theirs] == [bits(p._data) for p in ours]
    return compiled


def batches(*shapes, count=5):
    return [[np.random.default_rng((i, k)).normal(size=s) for k, s in enumerate(shapes)] for i in range(count)]


def test_a_gradient_that_repeats_a_value_is_fresh_memory():
    primitive = primitives["weighted_cross_entropy"]
    drawn = sample("weighted_cross_entropy", Draw(0)).inputs
    labels, weights = drawn[1], drawn[2]

    def function(logits):
        loss = lambda x: primitive(x, labels, weights)
        return tl.grad(loss)(logits), tl.grad(lambda x: loss(x) * 2)(logits)

    compiled = tl.compile(function, check=False)
    kept = [compiled(*batch) for batch in batches(drawn[0].shape)]
    for batch, given in zip(batches(drawn[0].shape), kept, strict=True):
        assert [bits(x) for x in given] == [bits(x) for x in function(*batch)]


def test_a_mask_of_a_parameter_that_was_not_used_before_is_made_anew():
    def make():
        p = p34()

        def function(x):
            masked = np.where(p < 0, 0, x)
            with tl.no_grad():
                p[0] = -x[0]
            return masked, np.argmax(p, -1), np.sign(p)

        return function, [p]

    assert len(followed(make, batches((3, 4))).programs) == 1


@pytest.mark.parametrize("check", [False, True])
def test_a_parameter_may_be_written_before_it_is_read(check):
    def make():
        p = p34()

        def function(x):
            q = p
            with tl.no_grad():
                q *= 0.9
                p[0] = x[1]
            (np.sum(p * p * x)).backward()
            gradient = p.grad
            p.grad = None
            return (gradient,)

        return function, [p]

    assert len(followed(make, batches((3, 4)), check).programs) == 1


def test_another_array_for_a_parameter_is_refused():
    p = p34()

    def function(x):
        p.data = x * 2
        return (np.sum(p).detach(),)

    with pytest.raises(tl.CompileError, match=r"another array.*p\[\.\.\.\] = value"):
        tl.compile(function)(np.ones((3, 4)))


@pytest.mark.parametrize("check", [False, True])
def test_a_decision_by_values_after_an_update_undoes_the_update(check):
    def make():
        p = p34()

        def function(x):
            np.sum(p * x).backward()
            q = p
            with tl.no_grad():
                q -= 0.1 * p.grad
            p.grad = None
            np.sum(np.hypot(np.maximum(p, x), x)).backward(create_graph=True)
            first, p.grad = p.grad, None
            np.sum(first * first).backward()
            second, p.grad = p.grad, None
            return first.detach(), second

        return function, [p]

    given = batches((3, 4), count=8)
    given[3][0][0] = 0
    given[4][0][1] = np.nan
    given[6][0][0] = 0
    assert len(followed(make, given, check).programs) > 1


def test_a_mask_that_is_returned_keeps_its_sense():
    where_not_0 = tl.primitive(lambda x: x * 1, lambda g, y, x: masked(g, x != 0), name="where_not_0")

    def make():
        p = p34()

        def function(x):
            mask = p != 0
            np.sum(where_not_0(p) * x).backward()
            gradient, p.grad = p.grad, None
            with tl.no_grad():
                p[...] = np.round(x)
            return mask, gradient

        return function, [p]

    compiled = followed(make, batches((3, 4)))
    assert compiled.source.count("np.not_equal") == 1


def test_interp_on_fixed_points_follows_its_argument():
    leaf = lambda x: tl.tensor(x, requires_grad=True)
    function = lambda x, y: (np.interp(leaf(3 * x), [-1.0, 0.5, 2.0], leaf(y)).detach(),)
    followed(lambda: (function, []), batches((5,), (3,)))


@pytest.mark.parametrize("shapes", [((9,), (4,)), ((3,), (8,))])
def test_a_convolution_of_two_sequences_follows_both(shapes):
    def function(a, v):
        leaves = [tl.tensor(x, requires_grad=True) for x in (a, v)]
        made = [f(*leaves, mode) for f in (np.convolve, np.correlate) for mode in ("full", "same", "valid")]
        sum(np.sum(y**2) for y in made).backward()
        return *made, *(x.grad for x in leaves)

    compiled = followed(lambda: (function, []), batches(*shapes))
    assert "np.correlate" not in compiled.source


def test_numbers_that_are_nan_or_infinite_keep_their_dtype():
    def function(x):
        return x * np.float32(np.nan), x + np.float64(np.inf), np.where(x > 0, np.float16(-np.inf), x)

    followed(lambda: (function, []), [[x.astype(np.float32)] for (x,) in batches((3, 4))])


def test_arrays_without_axes_come_back_as_arrays_and_numbers_as_numbers():
    def function(x):
        row = x[0]
        return row[..., 0], row[0], np.where(row[0] > 0, row[0], 1.0), x.sum(), x[:1, :1].reshape(())

    followed(lambda: (function, []), batches((3, 4)))


def test_the_sign_of_nan_is_no_difference():
    a, b = np.array([np.nan, 1]), np.array([-np.nan, 1])
    assert are_the_same(a, b) and not are_the_same(a, np.array([np.nan, -1])) and not are_the_same(a, np.ones(2))
    assert not are_the_same(np.array([0.0]), np.array([-0.0])) and not are_the_same(np.array([1]), np.array([2]))
