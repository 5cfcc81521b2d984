"""Eleven gradient checkers, fed right and wrong derivative rules: who lets errors pass, and who rejects what is right?

``python benchmarks/checkers.py`` runs every case with 40 seeds, prints the share of rules that each checker rejected,
and writes results/checkers.json and checkers.png beside this file (``--output DIR`` elsewhere). The peers' methods are
re-implemented here with their default numbers; PyTorch's and HIPS autograd's own checkers run on the same cases where
they are installed. ``--relu 10000`` instead looks for false alarms of ours on that many random relu networks,
``--attack`` for its misses and false alarms among more than a thousand wrong and hundreds of right rules (attack.py).
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402

import tinydl as tl  # noqa: E402

Case = tuple[str, Callable[[np.random.Generator], tuple[Callable[..., Any], list[np.ndarray], Callable[..., Any]]]]


# ---- The cases: a name that says BUG or OK, and what draws (f, inputs, rule) ----


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def elementwise(name, f, slope, draw):
    return name, lambda rng: (f, [draw(rng)], lambda g, x: g * slope(x))


def normal(*shape):
    return lambda rng: rng.standard_normal(shape)


def uniform(low, high, *shape):
    return lambda rng: rng.uniform(low, high, shape)


def tanh_slope(x):
    return 1 - np.tanh(x) ** 2


def overwrites(g, x):
    out = np.zeros_like(x)
    out[[0, 0, 1]] = g
    return out


def relu_mlp(rng):
    w1, b1, w2 = rng.standard_normal((6, 16)) / 2, rng.standard_normal(16) / 2, rng.standard_normal((16, 1)) / 4

    def f(x):
        return np.maximum(x @ w1 + b1, 0) @ w2

    return f, [rng.standard_normal((8, 6))], lambda g, x: ((g @ w2.T) * (x @ w1 + b1 > 0)) @ w1.T


def one_of_200(rng):
    place = rng.integers(200)
    return (
        np.tanh,
        [rng.standard_normal(200)],
        lambda g, x: g * tanh_slope(x) * np.where(np.arange(200) == place, 1.5, 1),
    )


CASES: list[Case] = [
    ("BUG softmax vjp = 0", lambda rng: (softmax, [rng.standard_normal((3, 5))], lambda g, x: 0 * x)),
    ("BUG x − mean(x): vjp = 0", lambda rng: (lambda x: x - x.mean(), [rng.standard_normal(12)], lambda g, x: 0 * x)),
    ("BUG transpose uses forward axes (cube)", lambda rng: (
        lambda x: np.transpose(x, (1, 2, 0)), [rng.standard_normal((3, 3, 3))],
        lambda g, x: np.transpose(g, (1, 2, 0)))),
    ("BUG tanh ignores upstream g", lambda rng: (np.tanh, [rng.standard_normal((3, 4))], lambda g, x: tanh_slope(x))),
    ("BUG matmul gW uses mean(g)", lambda rng: (
        np.matmul, [rng.standard_normal((4, 3)), rng.standard_normal((3, 2))],
        lambda g, x, w: (g @ w.T, x.T @ np.full_like(g, g.mean())))),
    ("BUG bias grad summed over wrong axis", lambda rng: (
        lambda x, b: x + b, [rng.standard_normal((4, 4)), rng.standard_normal(4)], lambda g, x, b: (g, g.sum(1)))),
    elementwise("BUG tanh ×1.0005", np.tanh, lambda x: 1.0005 * tanh_slope(x), normal(3, 4)),
    elementwise("BUG tanh ×1.00005", np.tanh, lambda x: 1.00005 * tanh_slope(x), normal(3, 4)),
    ("BUG one of 200 entries ×1.5", one_of_200),
    ("BUG x[[0,0,1]] overwrites duplicates", lambda rng: (
        lambda x: x[[0, 0, 1]], [rng.standard_normal(3)], overwrites)),
    elementwise("BUG 1e-8·sin: vjp = 0", lambda x: 1e-8 * np.sin(x), lambda x: 0 * x, normal(3, 4)),
    elementwise("BUG log(a+1e5): vjp = 0", lambda x: np.log(x + 1e5), lambda x: 0 * x, uniform(-100, 100, 3, 4)),
    ("BUG max: both ties get all of g", lambda rng: (
        np.max, [np.array([1.0, 0.5, 1.0, rng.uniform(-1, 0.9)])], lambda g, x: g * (x == x.max()))),
    elementwise("OK relu at exactly 0", lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0,
                lambda rng: np.zeros((3, 4))),
    ("OK sum(x²) at 1e8", lambda rng: (
        lambda x: (x * x).sum(), [1e8 * rng.standard_normal(10)], lambda g, x: 2 * g * x)),
    elementwise("OK sqrt, x in 1e-6…1e-3", np.sqrt, lambda x: 0.5 / np.sqrt(x), uniform(1e-6, 1e-3, 3, 4)),
    elementwise("OK x+1e10 (cancellation)", lambda x: x + 1e10, np.ones_like, normal(3, 4)),
    elementwise("OK exp, x in 10…14", np.exp, np.exp, uniform(10, 14, 3, 4)),
    ("OK relu MLP 6-16-1", relu_mlp),
    elementwise("OK tanh", np.tanh, tanh_slope, normal(3, 4)),
    elementwise("OK tanh, saturated at 20…25", np.tanh, tanh_slope, uniform(20, 25, 3, 4)),
    elementwise("OK tanh computed in float32", lambda x: np.tanh(x.astype(np.float32)), tanh_slope, normal(3, 4)),
]  # fmt: skip


# ---- The checkers: each says whether it accepts ----


def as_list(gradients):
    return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]


def differences(f, inputs, i, v, eps):
    """Central differences of v·f for every element of one input, as the peers take them."""
    numeric = np.zeros_like(inputs[i])
    for index in np.ndindex(inputs[i].shape):
        up, down = [x.copy() for x in inputs], [x.copy() for x in inputs]
        up[i][index] += eps
        down[i][index] -= eps
        numeric[index] = (np.sum(v * f(*up)) - np.sum(v * f(*down))) / (2 * eps)
    return numeric


def dezero(f, inputs, rule, rng):
    """Every element, f's sum, eps 1e-4, np.allclose(atol=1e-5, rtol=1e-4)."""
    ones = np.ones_like(f(*inputs))
    for i, g in enumerate(as_list(rule(ones, *inputs))):
        if not np.allclose(g, differences(f, inputs, i, ones, 1e-4), atol=1e-5, rtol=1e-4):
            return False
    return True


def needle(f, inputs, rule, rng):
    """Every element, f's sum, eps 1e-4, the sum of the errors' norms below 1e-6."""
    ones = np.ones_like(f(*inputs))
    gradients = as_list(rule(ones, *inputs))
    return sum(np.linalg.norm(g - differences(f, inputs, i, ones, 1e-4)) for i, g in enumerate(gradients)) < 1e-6


def minitorch(f, inputs, rule, rng):
    """One random element per input, f's sum, eps 1e-6, np.testing.assert_allclose(rtol=1e-2, atol=1e-2)."""
    ones = np.ones_like(f(*inputs))
    for i, g in enumerate(as_list(rule(ones, *inputs))):
        index = tuple(int(rng.integers(n)) for n in inputs[i].shape)
        up, down = [x.copy() for x in inputs], [x.copy() for x in inputs]
        up[i][index] += 1e-6
        down[i][index] -= 1e-6
        slope = (np.sum(f(*up)) - np.sum(f(*down))) / 2e-6
        if not np.allclose(g[index], slope, rtol=1e-2, atol=1e-2):
            return False
    return True


def hips(f, inputs, rule, rng):
    """One random direction and cotangent, eps 1e-6, 1e-6 absolute or relative."""
    v = rng.standard_normal(np.shape(f(*inputs)))
    directions = [rng.standard_normal(x.shape) for x in inputs]
    up = f(*(x + 5e-7 * d for x, d in zip(inputs, directions, strict=True)))
    down = f(*(x - 5e-7 * d for x, d in zip(inputs, directions, strict=True)))
    slope = np.sum(v * ((up - down) / 1e-6))
    ours = sum(np.sum(g * d) for g, d in zip(as_list(rule(v, *inputs)), directions, strict=True))
    return bool(abs(ours - slope) < 1e-6 or abs(ours - slope) / abs(ours + slope) < 1e-6)


def chainer(f, inputs, rule, rng):
    """One random unit direction whose components aren't tiny, a random cotangent, eps 1e-3, atol 1e-5, rtol 1e-4."""
    v = rng.standard_normal(np.shape(f(*inputs)))
    directions = [rng.standard_normal(x.shape) for x in inputs]
    length = np.sqrt(sum(np.sum(d * d) for d in directions))
    directions = [
        np.where(np.abs(d) < 0.1 * length / np.sqrt(d.size), np.copysign(0.1, d), d) / length for d in directions
    ]
    up = f(*(x + 1e-3 * d for x, d in zip(inputs, directions, strict=True)))
    down = f(*(x - 1e-3 * d for x, d in zip(inputs, directions, strict=True)))
    slope = np.sum(v * (up - down)) / 2e-3
    ours = sum(np.sum(g * d) for g, d in zip(as_list(rule(v, *inputs)), directions, strict=True))
    return bool(np.allclose(ours, slope, atol=1e-5, rtol=1e-4))


def jacobians_agree(f, inputs, rule, eps, atol, rtol, dtype):
    inputs = [x.astype(dtype) for x in inputs]
    y = np.asarray(f(*inputs))
    rows = []
    for k in range(y.size):
        basis = np.zeros(y.size, dtype=dtype)
        basis[k] = 1
        rows.append(as_list(rule(basis.reshape(y.shape), *inputs)))
    for i, x in enumerate(inputs):
        ours = np.array([np.ravel(row[i]) for row in rows])
        for column, index in enumerate(np.ndindex(x.shape)):
            up, down = [a.copy() for a in inputs], [a.copy() for a in inputs]
            up[i][index] += dtype(eps)
            down[i][index] -= dtype(eps)
            numeric = np.ravel(f(*up) - f(*down)) / (2 * eps)
            if not np.allclose(ours[:, column], numeric, atol=atol, rtol=rtol):
                return False
    return True


def torch_like(f, inputs, rule, rng):
    """The whole Jacobian in float64, eps 1e-6, atol 1e-5, rtol 1e-3."""
    return jacobians_agree(f, inputs, rule, 1e-6, 1e-5, 1e-3, np.float64)


def tinygrad(f, inputs, rule, rng):
    """The whole Jacobian in float32, eps 1e-3, atol 1e-3, rtol 1e-3."""
    return jacobians_agree(f, inputs, rule, 1e-3, 1e-3, 1e-3, np.float32)


def mygrad(f, inputs, rule, rng):
    """The complex step 1e-20 at every element, central differences where f isn't complex; atol 1e-8, rtol 1e-8."""
    v = rng.standard_normal(np.shape(f(*inputs)))
    for i, g in enumerate(as_list(rule(v, *inputs))):
        numeric = np.zeros_like(inputs[i])
        for index in np.ndindex(inputs[i].shape):
            moved = [x.astype(complex) if k == i else x for k, x in enumerate(inputs)]
            moved[i][index] += 1e-20j
            numeric[index] = np.sum(v * np.imag(f(*moved))) / 1e-20
        if not np.any(numeric) and np.any(g):
            numeric = differences(f, inputs, i, v, 1e-6)
        if not np.allclose(g, numeric, atol=1e-8, rtol=1e-8):
            return False
    return True


def real_torch(f, inputs, rule, rng):
    """torch.autograd.gradcheck itself, on an autograd.Function made of f and the rule."""
    import torch

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(context, *tensors):
            context.save_for_backward(*tensors)
            return torch.as_tensor(np.array(f(*(t.detach().numpy() for t in tensors)), dtype=np.float64))

        @staticmethod
        def backward(context, g):
            gradients = as_list(rule(g.detach().numpy(), *(t.detach().numpy() for t in context.saved_tensors)))
            return tuple(torch.as_tensor(np.array(gradient, dtype=np.float64)) for gradient in gradients)

    return torch.autograd.gradcheck(
        Function.apply, tuple(torch.tensor(x, requires_grad=True) for x in inputs), raise_exception=False
    )


def real_hips(f, inputs, rule, rng):
    """autograd.test_util.check_grads itself (reverse mode, first order), on a primitive made of f and the rule."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    made = primitive(lambda *x: np.asarray(f(*x), dtype=np.float64))
    defvjp(made, *[lambda y, *x, i=i: lambda g: as_list(rule(g, *x))[i] for i in range(len(inputs))])
    np.random.seed(int(rng.integers(2**31)))
    try:
        check_grads(made, tuple(range(len(inputs))), modes=["rev"], order=1)(*inputs)
    except AssertionError:
        return False
    return True


def ours(f, inputs, rule, rng):
    """tl.gradcheck; "undecided" counts as rejection of a right rule and as acceptance of a wrong one."""
    return tl.gradcheck(f, *inputs, vjp=rule, seed=int(rng.integers(2**31))).verdict


CHECKERS: dict[str, Callable[..., Any]] = {
    "DeZero": dezero, "needle": needle, "minitorch": minitorch, "HIPS": hips, "chainer": chainer, "torch": torch_like,
    "tinygrad": tinygrad, "MyGrad": mygrad, "PyTorch itself": real_torch, "autograd itself": real_hips, "tinydl": ours,
}  # fmt: skip


def rejected(checker: str, case: Case, seed: int) -> bool:
    """Whether the checker rejects the case's rule; an exception counts as rejection."""
    rng = np.random.default_rng(seed)
    f, inputs, rule = case[1](rng)
    try:
        answer = CHECKERS[checker](f, inputs, rule, rng)
    except Exception:
        return True
    if isinstance(answer, str):
        return answer != "right" if case[0].startswith("OK") else answer == "wrong"
    return not answer


def available(checker: str) -> bool:
    try:
        if checker == "PyTorch itself":
            import torch

            torch.set_num_threads(1)
        elif checker == "autograd itself":
            import autograd  # noqa: F401
    except ImportError:
        return False
    return True


def bake_off(seeds: int, output: Path) -> int:
    names = [name for name in CHECKERS if available(name)]
    for name in CHECKERS:
        if name not in names:
            print(f"skipped: {name} (not installed)")
    table: dict[str, dict[str, float]] = {}
    started = time.perf_counter()
    width = max(len(name) for name, _ in CASES)
    print(f"share of rules rejected, in %, {seeds} seeds (BUG: 100 is right, OK: 0 is right)\n")
    print(" " * width, *(name.rjust(max(9, len(name))) for name in names))
    for case in CASES:
        table[case[0]] = {
            name: 100 * float(np.mean([rejected(name, case, seed) for seed in range(seeds)])) for name in names
        }
        cells = [f"{table[case[0]][name]:.0f}".rjust(max(9, len(name))) for name in names]
        print(case[0].ljust(width), *cells, flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s")
    output.mkdir(parents=True, exist_ok=True)
    (output / "checkers.json").write_text(
        json.dumps({"seeds": seeds, "rejected_percent": table}, indent=1, ensure_ascii=False)
    )
    picture(table, names, seeds, output / "checkers.png")
    print(f"written: {output / 'checkers.json'} and checkers.png")
    errors = sum(abs(row["tinydl"] - 100 * case.startswith("BUG")) for case, row in table.items())
    return int(errors > 0)


def picture(table: dict[str, dict[str, float]], names: list[str], seeds: int, path: Path) -> None:
    """The share of wrong answers, as colours, with the share rejected written in."""
    from matplotlib.figure import Figure

    cases = list(table)
    answers = np.array([[table[case][name] for name in names] for case in cases])
    bugs = np.array([case.startswith("BUG") for case in cases])[:, None]
    figure = Figure(figsize=(2.6 + 0.85 * len(names) + 1.6, 0.36 * len(cases) + 2.2), layout="constrained")
    ax = figure.subplots()
    image = ax.imshow(np.where(bugs, 100 - answers, answers), cmap="RdYlBu_r", vmin=-40, vmax=140, aspect="auto")
    for (row, column), value in np.ndenumerate(answers):
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9)
    for line in np.arange(0.5, len(cases) - 1):
        ax.axhline(line, color="white", linewidth=1)
    ax.axhline(int(bugs.sum()) - 0.5, color="black", linewidth=2)
    ax.axvline(len(names) - 1.5, color="black", linewidth=2)
    ax.set_xticks(range(len(names)), names, rotation=35, ha="left")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(cases)), cases)
    ax.set_title(f"Gradient checkers: % of rules rejected ({seeds} seeds). BUG should be 100, OK should be 0", pad=14)
    bar = figure.colorbar(image, label="% wrong answers", shrink=0.6)
    bar.ax.set_ylim(0, 100)
    figure.savefig(path, dpi=130)


# ---- False alarms on relu networks ----


def relu_network(seed: int) -> tuple[Callable[..., Any], list[np.ndarray], Callable[..., Any]]:
    """A random relu network with a squared or a linear loss; its inputs, weights and biases (some of them 0) vary."""
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(1, 5)) for _ in range(rng.integers(3, 6))]
    x = rng.standard_normal((int(rng.integers(1, 6)), sizes[0]))
    weights = [rng.standard_normal((m, n)) * np.sqrt(2 / m) for m, n in itertools.pairwise(sizes)]
    biases = [np.zeros(n) if rng.random() < 0.3 else rng.standard_normal(n) * 0.3 for n in sizes[1:]]
    target = rng.standard_normal((len(x), sizes[-1]))
    squared = rng.random() < 0.5

    def forward(x, *parameters):
        layers = [x]
        for k in range(len(weights)):
            z = layers[-1] @ parameters[2 * k] + parameters[2 * k + 1]
            layers.append(np.maximum(z, 0) if k < len(weights) - 1 else z)
        return layers

    def f(*arguments):
        y = forward(*arguments)[-1]
        return np.mean((y - target) ** 2) if squared else y

    def rule(g, *arguments):
        layers, parameters = forward(*arguments), arguments[1:]
        g = g * 2 * (layers[-1] - target) / target.size if squared else g
        gradients: list[np.ndarray] = []
        for k in reversed(range(len(weights))):
            if k < len(weights) - 1:
                g = g * (layers[k + 1] > 0)
            gradients = [layers[k].T @ g, g.sum(0), *gradients]
            g = g @ parameters[2 * k].T
        return (g, *gradients)

    return f, [x, *(p for pair in zip(weights, biases, strict=True) for p in pair)], rule


def relu_verdict(seed: int) -> tuple[int, str]:
    f, inputs, rule = relu_network(seed)
    return seed, tl.gradcheck(f, *inputs, vjp=rule, seed=seed).verdict


def relu(count: int, processes: int, first: int = 0) -> int:
    started, alarms = time.perf_counter(), []
    with multiprocessing.Pool(processes) as pool:
        for done, (seed, verdict) in enumerate(pool.imap_unordered(relu_verdict, range(first, first + count), 20), 1):
            if verdict != "right":
                alarms.append((seed, verdict))
                print(f"false alarm: seed {seed}: {verdict}", flush=True)
            if done % 1000 == 0:
                print(f"{done} networks, {len(alarms)} false alarms, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{count} random relu networks: {len(alarms)} false alarms, {time.perf_counter() - started:.0f} s")
    return int(bool(alarms))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, help="default: 40, for the attack 1")
    parser.add_argument("--attack", action="store_true", help="instead attack tl.gradcheck alone; see attack.py")
    parser.add_argument("--relu", type=int, default=0, metavar="N", help="instead check N random relu networks")
    parser.add_argument("--first", type=int, default=0, help="the first of their seeds")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    if options.attack:
        from attack import attack

        return attack(options.seeds or 1, options.processes, options.output)
    if options.relu:
        return relu(options.relu, options.processes, options.first)
    return bake_off(options.seeds or 40, options.output)


if __name__ == "__main__":
    raise SystemExit(main())
