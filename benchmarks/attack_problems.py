"""The functions of the attack on the gradient checker: each at some inputs, with its right derivative rule.

A family is a generator of `Problem`s that draws its inputs and constants from a seeded generator. Where a rule is more
than a line of calculus, it is the engine's gradient (`by_engine`), and mistakes in it are made as people make them: a
part of the function is taken for constant (`still`). attack.py breaks these rules and asks the checker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from checkers import relu_network

import tinydl as tl

Rule = Callable[..., Any]
Random = np.random.Generator
Problems = Iterator["Problem"]
EPS = 2.0**-52
FAMILIES: dict[str, Callable[[Random], Problems]] = {}


@dataclass(eq=False)
class Problem:
    """A function of arrays, inputs, and ``rule(g, *inputs)``, its right gradient: one array, or a tuple of them."""

    name: str
    f: Callable[..., Any]
    inputs: list[np.ndarray]
    rule: Rule
    kinks: bool = False  # f has kinks, ties or steps at the inputs: what is wrong there, only `wrong` says
    noise: float = EPS  # how far f's results are rounded, as a part of them
    engine: bool = True  # whether f may be given Tensors
    wrong: dict[str, Rule] = field(default_factory=dict)  # mistakes that this function invites
    variants: dict[str, Rule] = field(
        default_factory=dict
    )  # functions of Tensors of which some mistakes are the gradient


def kinked(name: str, f: Callable[..., Any], inputs: list[np.ndarray], rule: Rule, **options: Any) -> Problem:
    """A problem whose inputs are at kinks, ties or steps of f, or whose gradient is chosen by comparisons."""
    return Problem(name, f, inputs, rule, kinks=True, **options)


def family(name: str) -> Callable[[Callable[[Random], Problems]], Callable[[Random], Problems]]:
    """Register a generator of problems under this name."""

    def register(make: Callable[[Random], Problems]) -> Callable[[Random], Problems]:
        FAMILIES[name] = make
        return make

    return register


def by_engine(f: Callable[..., Any]) -> Rule:
    """The engine's gradient of f as a rule; of an f that holds parts of itself `still`, a wrong one."""
    return lambda g, *inputs: tl.vjp(f, *inputs)[1](g)


def still(x: Any) -> Any:
    """x, taken for a constant."""
    return x.detach() if isinstance(x, tl.Tensor) else x


def composed(name: str, f: Callable[..., Any], inputs: list[np.ndarray], **wrong: Callable[..., Any]) -> Problem:
    """A problem whose rule, and whose mistakes, are the engine's gradients of f and of functions like it."""
    variants = {mistake.replace("_", " "): variant for mistake, variant in wrong.items()}
    rules = {mistake: by_engine(variant) for mistake, variant in variants.items()}
    return Problem(name, f, inputs, by_engine(f), wrong=rules, variants=variants)


# From here on a problem is the row of a table.
# fmt: off

# ---- functions that work element by element ----


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


SMOOTH: dict[str, tuple[Rule, Rule, float, float]] = {  # f, its slope, and between what its inputs lie
    "exp": (np.exp, np.exp, -2, 2),
    "log": (np.log, lambda x: 1 / x, 0.2, 4),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), 0.2, 4),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, -2, 2),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)), -3, 3),
    "softplus": (lambda x: np.log1p(np.exp(x)), sigmoid, -3, 3),
    "sin": (np.sin, np.cos, -3, 3),
    "cos": (np.cos, lambda x: -np.sin(x), -3, 3),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2, 0.2, 4),
    "x²": (lambda x: x**2, lambda x: 2 * x, -3, 3),
    "x³": (lambda x: x**3, lambda x: 3 * x**2, -3, 3),
    "x⁵ − x": (lambda x: x**5 - x, lambda x: 5 * x**4 - 1, -2, 2),
    "arctan": (np.arctan, lambda x: 1 / (1 + x**2), -3, 3),
    "arcsinh": (np.arcsinh, lambda x: 1 / np.sqrt(1 + x**2), -3, 3),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), -0.5, 3),
    "expm1": (np.expm1, np.exp, -2, 2),
    "1/(1 + x²)": (lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2, -3, 3),
    "x exp(−x²)": (lambda x: x * np.exp(-x * x), lambda x: (1 - 2 * x * x) * np.exp(-x * x), -2, 2),
    "swish": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), -3, 3),
    "sinh": (np.sinh, np.cosh, -2, 2),
    "arcsin": (np.arcsin, lambda x: 1 / np.sqrt(1 - x**2), -0.9, 0.9),
    "tan": (np.tan, lambda x: 1 + np.tan(x) ** 2, -1.2, 1.2),
    "xˣ": (lambda x: x**x, lambda x: x**x * (np.log(x) + 1), 0.2, 3),
    "2ˣ": (lambda x: 2.0**x, lambda x: np.log(2) * 2.0**x, -3, 3),
    "logit": (lambda x: np.log(x / (1 - x)), lambda x: 1 / (x * (1 - x)), 0.05, 0.95),
    "√(1 + x²)": (lambda x: np.sqrt(1 + x * x), lambda x: x / np.sqrt(1 + x * x), -3, 3),
}

FORGOTTEN = {  # a term or factor of the slope lost, or the slope of a neighbour
    "tanh": {"not squared": lambda x: 1 - np.tanh(x), "of the output": lambda x: 1 - np.tanh(np.tanh(x)) ** 2},
    "sigmoid": {"(1 − σ) lost": sigmoid, "of the output": lambda x: sigmoid(sigmoid(x)) * (1 - sigmoid(sigmoid(x)))},
    "sqrt": {"without the half": lambda x: 1 / np.sqrt(x), "times the root": lambda x: 0.5 * np.sqrt(x)},
    "1/x": {"not squared": lambda x: -1 / x, "without the sign": lambda x: 1 / x**2},
    "x³": {"x for x²": lambda x: 3 * x, "without the 3": lambda x: x**2},
    "x⁵ − x": {"without the −1": lambda x: 5 * x**4, "5x⁵": lambda x: 5 * x**5 - 1},
    "1/(1 + x²)": {"not squared": lambda x: -2 * x / (1 + x**2), "without the x": lambda x: -2 / (1 + x**2) ** 2},
    "x exp(−x²)": {
        "second term lost": lambda x: np.exp(-x * x), "first term lost": lambda x: -2 * x * x * np.exp(-x * x)},
    "swish": {"second term lost": sigmoid, "first term lost": lambda x: x * sigmoid(x) * (1 - sigmoid(x))},
    "arcsin": {"1 + x²": lambda x: 1 / np.sqrt(1 + x**2)},
    "arctan": {"1 − x²": lambda x: 1 / (1 - x**2)},
    "tan": {"not squared": lambda x: 1 + np.tan(x)},
    "xˣ": {"as a power": lambda x: x * x ** (x - 1), "as an exponential": lambda x: x**x * np.log(x)},
    "2ˣ": {"without log 2": lambda x: 2.0**x, "as a power": lambda x: x * 2.0 ** (x - 1)},
    "logit": {"1/x": lambda x: 1 / x, "(1 − x) lost": lambda x: 1 / x - 1 / (1 - x)},
    "√(1 + x²)": {"a 2 too much": lambda x: 2 * x / np.sqrt(1 + x * x), "without x": lambda x: 1 / np.sqrt(1 + x * x)},
    "cos": {"without the sign": np.sin, "of sin": np.cos},
    "log1p": {"of log": lambda x: 1 / x},
    "expm1": {"of the output": np.expm1},
    "softplus": {"of relu": lambda x: 1.0 * (x > 0)},
}


def pointwise(slope: Rule) -> Rule:
    """The rule of a function that works element by element."""
    return lambda g, x: g * slope(x)


@family("elementwise")
def elementwise(rng: Random) -> Problems:
    for name, (f, slope, low, high) in SMOOTH.items():
        wrong = {mistake: pointwise(other) for mistake, other in FORGOTTEN.get(name, {}).items()}
        yield Problem(name, f, [rng.uniform(low, high, (3, 4))], pointwise(slope), wrong=wrong)


def _in_float32(f: Rule) -> Rule:
    return lambda x: f(x.astype(np.float32))


def _rounded_rule(slope: Rule) -> Rule:
    return lambda g, x: (g * slope(x)).astype(np.float32)


# What a function, its slope and range become: f, x, the rule and, where f isn't as exact as float64, its noise.
REGIMES: dict[str, Callable[[Random, Rule, Rule, float, float], tuple[Any, ...] | None]] = {
    "near 0": lambda r, f, s, low, high: (f, r.uniform(-1e-8, 1e-8, 8), pointwise(s)) if low < 0 else None,
    "over many orders": lambda r, f, s, low, high: (
        f, 10 ** r.uniform(-8, np.log10(high), (2, 5)) * (r.choice([-1, 1], (2, 5)) if low < 0 else 1), pointwise(s)),
    "float32 inputs": lambda r, f, s, low, high: (f, r.uniform(low, high, (3, 4)).astype(np.float32), pointwise(s)),
    "computed in float32": lambda r, f, s, low, high: (
        _in_float32(f), r.uniform(low, high, (3, 4)), pointwise(s), 1e-7),
    "a gradient in float32": lambda r, f, s, low, high: (f, r.uniform(low, high, (3, 4)), _rounded_rule(s)),
    "plus 1e8": lambda r, f, s, low, high: (lambda x: f(x) + 1e8, r.uniform(low, high, (3, 4)), pointwise(s)),
    "times 1e−150": lambda r, f, s, low, high: (
        lambda x: 1e-150 * f(x), r.uniform(low, high, (3, 4)), pointwise(lambda x: 1e-150 * s(x))),
    "times 1e150": lambda r, f, s, low, high: (
        lambda x: 1e150 * f(x), r.uniform(low, high, (3, 4)), pointwise(lambda x: 1e150 * s(x))),
    "a number": lambda r, f, s, low, high: (f, r.uniform(low, high, ()), pointwise(s)),
    "no elements": lambda r, f, s, low, high: (f, r.uniform(low, high, (0, 3)), pointwise(s)),
    "one element": lambda r, f, s, low, high: (f, r.uniform(low, high, (1, 1)), pointwise(s)),
    "of 60,000 times its argument": lambda r, f, s, low, high: (
        lambda x: f(6e4 * x), r.uniform(low, high, 9) / 6e4, pointwise(lambda x: 6e4 * s(6e4 * x))),
    "summed": lambda r, f, s, low, high: (lambda x: np.sum(f(x)), r.uniform(low, high, (2, 5)), pointwise(s)),
    "averaged": lambda r, f, s, low, high: (
        lambda x: np.mean(f(x)), r.uniform(low, high, (2, 5)), pointwise(lambda x: s(x) / x.size)),
    "of a thousand": lambda r, f, s, low, high: (f, r.uniform(low, high, 1000), pointwise(s)),
    "of two factors": lambda r, f, s, low, high: (
        lambda x: f(x) * np.cos(x), r.uniform(low, high, 7), pointwise(lambda x: s(x) * np.cos(x) - f(x) * np.sin(x))),
    "over another": lambda r, f, s, low, high: (
        lambda x: f(x) / (3 + np.sin(x)), r.uniform(low, high, 7),
        pointwise(lambda x: (s(x) * (3 + np.sin(x)) - f(x) * np.cos(x)) / (3 + np.sin(x)) ** 2)),
}
IN_FLOAT32 = ("computed in float32", "a gradient in float32")


@family("elementwise, other sizes")
def regimes(rng: Random) -> Problems:
    names = list(SMOOTH)
    for regime, make in REGIMES.items():
        for name in rng.permutation(names)[:6].tolist():
            f, slope, low, high = SMOOTH[name]
            made = make(rng, f, slope, low, high)
            if made is not None:
                noise = made[3] if len(made) > 3 else EPS
                yield Problem(f"{name}, {regime}", made[0], [made[1]], made[2], noise=noise,
                    engine=regime not in IN_FLOAT32)


@family("steep")
def steep(rng: Random) -> Problems:
    """Where a step of ordinary length goes wrong."""
    some = lambda low, high: [rng.uniform(low, high, 8)]
    small = lambda low, high: [10 ** rng.uniform(low, high, 8)]
    yield Problem("exp(20x)", lambda x: np.exp(20 * x), some(-1, 1), pointwise(lambda x: 20 * np.exp(20 * x)),
        wrong={"without the 20": pointwise(lambda x: np.exp(20 * x))})
    yield Problem("exp(−300x)", lambda x: np.exp(-300 * x), some(-1, 1), pointwise(lambda x: -300 * np.exp(-300 * x)))
    yield Problem("1/x near 0", lambda x: 1 / x, small(-9, -3), pointwise(lambda x: -1 / x**2))
    yield Problem("1/x over eighteen orders", lambda x: 1 / x, small(-12, 6), pointwise(lambda x: -1 / x**2))
    yield Problem("√x near 0", np.sqrt, small(-12, -4), pointwise(lambda x: 0.5 / np.sqrt(x)))
    yield Problem("log near 0", np.log, small(-15, -3), pointwise(lambda x: 1 / x))
    yield Problem("tan near its pole", np.tan, [np.pi / 2 - x for x in small(-4, -1)],
        pointwise(lambda x: 1 / np.cos(x) ** 2))
    yield Problem("tanh(100x)", lambda x: np.tanh(100 * x), some(-0.05, 0.05),
        pointwise(lambda x: 100 / np.cosh(100 * x) ** 2))
    yield Problem("a sharp peak", lambda x: 1 / (1 + 1e6 * x * x), some(-1, 1),
        pointwise(lambda x: -2e6 * x / (1 + 1e6 * x * x) ** 2))
    yield Problem("x²⁰", lambda x: x**20, some(0.5, 3), pointwise(lambda x: 20 * x**19))
    yield Problem("x⁻⁸", lambda x: x**-8.0, some(0.1, 3), pointwise(lambda x: -8 * x**-9.0))
    yield Problem("arcsin near 1", np.arcsin, [1 - x for x in small(-9, -2)],
        pointwise(lambda x: 1 / np.sqrt((1 - x) * (1 + x))))
    yield Problem("exp(exp(x))", lambda x: np.exp(np.exp(x)), some(0, 3), pointwise(lambda x: np.exp(np.exp(x) + x)))
    yield Problem("1/(x − 1) near 1", lambda x: 1 / (x - 1), [1 + x for x in small(-5, -1)],
        pointwise(lambda x: -1 / (x - 1) ** 2), noise=1e-11)
    yield Problem("log |sin x|", lambda x: np.log(np.abs(np.sin(x))), some(-3, 3), pointwise(lambda x: 1 / np.tan(x)))
    yield Problem("∛x near 0", np.cbrt, small(-9, -3), pointwise(lambda x: 1 / (3 * np.cbrt(x) ** 2)))
    yield Problem("x log x near 0", lambda x: x * np.log(x), small(-9, -1), pointwise(lambda x: np.log(x) + 1),
        wrong={"without the 1": pointwise(np.log)})
    yield Problem("x^0.1", lambda x: x**0.1, small(-9, 3), pointwise(lambda x: 0.1 * x**-0.9))
    yield Problem("exp at 600", np.exp, some(500, 650), pointwise(np.exp))
    yield Problem("a narrow bell", lambda x: np.exp(-((x - 0.5) ** 2) / 2e-4), some(0.45, 0.55),
        pointwise(lambda x: -(x - 0.5) / 1e-4 * np.exp(-((x - 0.5) ** 2) / 2e-4)))
    yield Problem("a steep sigmoid", lambda x: sigmoid(500 * (x - 0.3)), some(0.29, 0.31),
        pointwise(lambda x: 500 * sigmoid(500 * (x - 0.3)) * (1 - sigmoid(500 * (x - 0.3)))))


@family("oscillating")
def oscillating(rng: Random) -> Problems:
    x = rng.uniform(-3, 3, 9)
    tones = rng.uniform(1, 60, 8)
    yield Problem("sin(50x)", lambda x: np.sin(50 * x), [x], pointwise(lambda x: 50 * np.cos(50 * x)))
    yield Problem("sin(1000x)", lambda x: np.sin(1000 * x), [x], pointwise(lambda x: 1000 * np.cos(1000 * x)))
    yield Problem("cos(x²) at 10", lambda x: np.cos(x * x), [x + 10], pointwise(lambda x: -2 * x * np.sin(x * x)))
    yield Problem("sin(1/x)", lambda x: np.sin(1 / x), [rng.uniform(0.02, 0.1, 9)],
        pointwise(lambda x: -np.cos(1 / x) / x**2))
    yield Problem("sin x · sin 31x", lambda x: np.sin(x) * np.sin(31 * x), [x],
        pointwise(lambda x: np.cos(x) * np.sin(31 * x) + 31 * np.sin(x) * np.cos(31 * x)),
        wrong={"first term lost": pointwise(lambda x: 31 * np.sin(x) * np.cos(31 * x)),
        "second term lost": pointwise(lambda x: np.cos(x) * np.sin(31 * x))})
    yield Problem("a sum of tones", lambda x: np.sum(np.sin(x[:, None] * tones), 1), [x],
        lambda g, x: g * np.sum(tones * np.cos(x[:, None] * tones), 1))
    yield Problem("a ripple on a slope", lambda x: x + 1e-3 * np.sin(1000 * x), [x],
        pointwise(lambda x: 1 + np.cos(1000 * x)), wrong={"the ripple lost": pointwise(np.ones_like)})
    yield Problem("a small fast ripple", lambda x: x**2 + 1e-6 * np.sin(1e4 * x), [x],
        pointwise(lambda x: 2 * x + 1e-2 * np.cos(1e4 * x)), wrong={"the ripple lost": pointwise(lambda x: 2 * x)})
    yield Problem("sin of exp", lambda x: np.sin(np.exp(x)), [x + 2],
        pointwise(lambda x: np.exp(x) * np.cos(np.exp(x))))


# ---- kinks, ties and steps ----


def _winner(count: int, rng: Random) -> np.ndarray:
    """For each of `count` rows of three the one that gets all."""
    return np.eye(3)[rng.integers(0, 3, count)]


@family("kinks")
def kinks(rng: Random) -> Problems:
    """Inputs at kinks: what lies between the slopes of the two sides is right, and each element chooses for itself."""
    zeros, many = np.zeros((3, 4)), np.zeros(60)
    slopes, share = rng.standard_normal(60), rng.uniform(-1, 1, 60)
    signs = np.sign(share)
    x = rng.standard_normal((4, 5))
    some = np.where(rng.random((4, 5)) < 0.4, 0.0, x)
    bounds = rng.choice([-1.0, 1.0, 0.3, 2.0, -3.0], 12)
    relu = lambda x: np.maximum(x, 0)
    yield kinked("relu at 0, flat", relu, [zeros], lambda g, x: g * (x > 0),
        wrong={"more than steep": lambda g, x: 1.3 * g, "less than flat": lambda g, x: -0.2 * g})
    yield kinked("relu at 0, steep", relu, [zeros], lambda g, x: g * (x >= 0))
    yield kinked("relu at 0, half", relu, [zeros], lambda g, x: g * ((x > 0) + 0.5 * (x == 0)))
    yield kinked("relu, some at 0", relu, [some], lambda g, x: g * (x > 0),
        wrong={"≥ where ≤": lambda g, x: g * (x <= 0), "everywhere": lambda g, x: g,
        "|x|'s": lambda g, x: g * np.sign(x)})
    yield kinked("relu of 60 slopes at 0", lambda x: relu(slopes * x), [many],
        lambda g, x: g * slopes * (slopes * x > 0), wrong={"of the wrong sign": lambda g, x: -0.5 * g * slopes})
    yield kinked("relu of 60 slopes at 0, summed", lambda x: np.sum(relu(slopes * x)), [many], lambda g, x: 0 * x,
        wrong={"all twice": lambda g, x: 2 * g * slopes})
    yield kinked("relu in relu in relu", lambda x: relu(relu(relu(x))), [some], lambda g, x: g * (x > 0))
    yield kinked("relu(x) − relu(−x) at 0", lambda x: relu(x) - relu(-x), [some], lambda g, x: g,
        wrong={"0 at 0": lambda g, x: g * (x != 0), "half at 0": lambda g, x: g * (1 - 0.5 * (x == 0))})
    yield kinked("|x| at 0", np.abs, [some], lambda g, x: g * np.sign(x),
        wrong={"1.5 at 0": lambda g, x: g * np.where(x == 0, 1.5, np.sign(x)), "unsigned": lambda g, x: g})
    yield kinked("|x| at sixty 0s, any slopes", np.abs, [many], lambda g, x: g * share,
        wrong={"one of them 1.4": lambda g, x: g * np.where(np.arange(60) == 7, 1.4, share)})
    yield kinked("|x| at sixty 0s, any signs", np.abs, [many], lambda g, x: g * signs)
    yield kinked("Σ|x| at sixty 0s, any signs", lambda x: np.sum(np.abs(x)), [many], lambda g, x: g * signs,
        wrong={"all 1.2": lambda g, x: 1.2 * g * signs})
    yield kinked("|x| very near 0", np.abs, [10 ** rng.uniform(-12, -1, 9) * rng.choice([-1, 1], 9)],
        lambda g, x: g * np.sign(x),
        wrong={"0 nearby": lambda g, x: g * np.sign(x) * (abs(x) > 1e-6),
        "unsigned nearby": lambda g, x: g * np.where(abs(x) < 1e-5, 1, np.sign(x))})
    yield kinked("|x − 1| within 1e−11 of 1", lambda x: np.sum(np.abs(x - 1)), [1 + 1e-11 * rng.uniform(0.2, 1, 5)],
        lambda g, x: g * np.sign(x - 1))
    yield kinked("clip on its bounds, open", lambda x: np.clip(x, -1, 1), [bounds], lambda g, x: g * (abs(x) < 1),
        wrong={"not clipped": lambda g, x: g, "outside": lambda g, x: g * (abs(x) > 1)})
    yield kinked("clip on its bounds, closed", lambda x: np.clip(x, -1, 1), [bounds], lambda g, x: g * (abs(x) <= 1))
    yield kinked("relu6 at 0 and 6", lambda x: np.clip(x, 0, 6), [rng.choice([0.0, 6, 3, 7, -1], 10)],
        lambda g, x: g * ((x > 0) & (x < 6)),
        wrong={"without the 6": lambda g, x: g * (x > 0), "with −6": lambda g, x: g * (abs(x) < 6)})
    yield kinked("leaky relu at 0", lambda x: np.where(x > 0, x, 0.1 * x), [some],
        lambda g, x: g * np.where(x > 0, 1, 0.1),
        wrong={"0 at 0": lambda g, x: g * np.where(x > 0, 1, np.where(x < 0, 0.1, 0)),
        "sides exchanged": lambda g, x: g * np.where(x > 0, 0.1, 1)})
    yield kinked("elu at 0", lambda x: np.where(x > 0, x, np.expm1(np.where(x > 0, 0, x))), [some],
        lambda g, x: g * np.where(x > 0, 1, np.exp(np.minimum(x, 0))),
        wrong={"0 at 0": lambda g, x: g * np.where(x > 0, 1, np.where(x < 0, np.exp(np.minimum(x, 0)), 0))})
    yield kinked("relu² at 0", lambda x: relu(x) ** 2, [some], lambda g, x: 2 * g * relu(x),
        wrong={"1 at 0": lambda g, x: g * (2 * relu(x) + (x == 0)), "not squared": lambda g, x: g * (x > 0)})
    yield kinked("Huber at its border", lambda x: np.where(np.abs(x) <= 1, 0.5 * x * x, np.abs(x) - 0.5), [bounds],
        lambda g, x: g * np.clip(x, -1, 1),
        wrong={"quadratic everywhere": lambda g, x: g * x, "linear everywhere": lambda g, x: g * np.sign(x),
        "0 at the border": lambda g, x: g * np.clip(x, -1, 1) * (abs(x) != 1)})
    yield kinked("soft threshold on it", lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0), [bounds],
        lambda g, x: g * (abs(x) > 1),
        wrong={"shrunk": lambda g, x: g * np.maximum(1 - 1 / abs(x), 0),
        "0.5 below": lambda g, x: g * (0.5 + 0.5 * (abs(x) > 1))})
    yield kinked("hinge loss at its margin", lambda x: np.sum(relu(1 - x)), [bounds], lambda g, x: -g * (x < 1),
        wrong={"without the sign": lambda g, x: g * (x < 1), "margin 0": lambda g, x: -g * (x < 0)})
    yield kinked("total variation, equal neighbours", lambda x: np.sum(np.abs(np.diff(x))),
        [np.repeat(rng.standard_normal(5), 4)],
        lambda g, x: g * (np.append(0, np.sign(np.diff(x))) - np.append(np.sign(np.diff(x)), 0)),
        wrong={"one side only": lambda g, x: g * np.append(0, np.sign(np.diff(x)))})
    yield kinked("‖x‖ at 0", lambda x: np.sqrt(np.sum(x * x)), [zeros], lambda g, x: 0 * x, engine=False,
        wrong={"ones": lambda g, x: g * np.ones_like(x)})
    yield kinked("|x|^(4/3) at 0", lambda x: np.cbrt(x) ** 4, [np.array([0.0, 1e-4, -1])],
        lambda g, x: 4 / 3 * g * np.cbrt(x), engine=False,
        wrong={"0.1 at 0": lambda g, x: g * (4 / 3 * np.cbrt(x) + 0.1 * (x == 0))})
    yield kinked("x^1.5 at the edge of its domain", lambda x: x**1.5, [np.array([0.0, 2, 0, 1])],
        lambda g, x: 1.5 * g * np.sqrt(x), wrong={"x^0.5": lambda g, x: g * np.sqrt(x)})
    near, far = rng.standard_normal(6), 1 + 1e-5 * rng.standard_normal(6)
    yield kinked("two relus that nearly cancel, at 0", lambda x: relu(np.sum(x * near)) - relu(np.sum(x * near * far)),
        [np.zeros(6)], lambda g, x: 0 * x, wrong={"one of them": lambda g, x: g * near})
    yield kinked("|a·x| − |b·x|, b nearly a, at 0",
        lambda x: np.stack([np.abs(np.sum(x * near)), -np.abs(np.sum(x * near * far))]), [np.zeros(6)],
        lambda g, x: g[0] * near - g[1] * near * far, wrong={"twice the one": lambda g, x: 2 * g[0] * near})
    yield kinked("a knot of straight pieces", lambda x: np.interp(x, [-1, 0, 1, 2], [0, 1, -1, 3]),
        [np.array([0.0, 1, 0.5, 1.5])], lambda g, x: g * np.where(x < 0, 1, np.where(x < 1, -2, 4)), engine=False,
        wrong={"beyond the knot": lambda g, x: g * np.where(x <= 0, 2, np.where(x < 1, -2, 4)),
        "neighbouring piece": lambda g, x: g * np.where(x < 1, 1, -2)})
    yield kinked("hard sigmoid on its bounds", lambda x: np.clip(x / 6 + 0.5, 0, 1), [rng.choice([-3.0, 3, 1, -5], 8)],
        lambda g, x: g / 6 * (abs(x) < 3), wrong={"without the 6": lambda g, x: g * (abs(x) < 3)})
    yield kinked("the larger of x² and x³ at 1", lambda x: np.maximum(x**2, x**3), [np.array([1.0, 0, 2, 0.5])],
        lambda g, x: g * np.where(x > 1, 3 * x * x, 2 * x),
        wrong={"the smaller's": lambda g, x: g * np.where(x < 1, 3 * x * x, 2 * x)})


@family("ties")
def ties(rng: Random) -> Problems:
    """Elements that tie: they may share one gradient, or one of them gets it; not each all, nor none."""
    pair, other = np.round(rng.standard_normal((2, 12))), np.ones(12)
    rows, wins = np.ones((20, 3)), _winner(20, rng)
    won = rng.integers(0, 2, 40)
    five = np.array([1.0, 3, 3, 3, 7])
    order = rng.permutation(8)
    images = np.maximum(rng.standard_normal((2, 4, 4)) - 1, 0)
    blocks = lambda x: np.reshape(x, (2, 2, 2, 2, 2)).transpose(0, 1, 3, 2, 4).reshape(2, 2, 2, 4)
    unblocked = lambda b: b.reshape(2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(2, 4, 4)
    yield kinked("max with ties, shared", np.max, [np.array([1.0, 3, 3, 2])], lambda g, x: g * (x == 3) / 2,
        wrong={"both all": lambda g, x: g * (x == 3), "none": lambda g, x: 0 * x,
        "the second largest": lambda g, x: g * (x == 2)})
    yield kinked("max with ties, the first", np.max, [np.array([1.0, 3, 3, 2])], lambda g, x: g * np.eye(4)[1])
    yield kinked("min of all equal, the last", np.min, [np.ones(7)], lambda g, x: g * np.eye(7)[6],
        wrong={"all of them": lambda g, x: g * np.ones(7), "none": lambda g, x: 0 * x})
    yield kinked("max of rows of three ties, shared", lambda x: np.max(x, 1), [rows],
        lambda g, x: g[:, None] * np.ones((20, 3)) / 3,
        wrong={"all of them": lambda g, x: g[:, None] * np.ones((20, 3)), "none": lambda g, x: 0 * x})
    yield kinked("max of rows of three ties, one", lambda x: np.max(x, 1), [rows], lambda g, x: g[:, None] * wins)
    yield kinked("maximum of ties, shared", np.maximum, [other, other], lambda g, a, b: (g / 2, g / 2),
        wrong={"both all": lambda g, a, b: (g, g), "none": lambda g, a, b: (0 * g, 0 * g),
        "exchanged": lambda g, a, b: (1.5 * g, -0.5 * g)})
    yield kinked("maximum of ties, the first", np.maximum, [np.ones(40), np.ones(40)], lambda g, a, b: (g, 0 * g))
    yield kinked("maximum of ties, either", np.maximum, [np.ones(40), np.ones(40)],
        lambda g, a, b: (g * won, g * (1 - won)))
    yield kinked("maximum, some ties", np.maximum, [pair[0], pair[1]], lambda g, a, b: (g * (a >= b), g * (a < b)),
        wrong={"minimum's": lambda g, a, b: (g * (a < b), g * (a >= b)),
        "both at ties": lambda g, a, b: (g * (a >= b), g * (a <= b)),
        "none at ties": lambda g, a, b: (g * (a > b), g * (a < b))})
    yield kinked("the median of three ties, shared", np.median, [five], lambda g, x: g * (x == 3) / 3,
        wrong={"all of them": lambda g, x: g * (x == 3), "none": lambda g, x: 0 * x,
        "two of them": lambda g, x: g * np.array([0, 1, 1, 0, 0.0])})
    yield kinked("the median of three ties, one", np.median, [five], lambda g, x: g * np.eye(5)[2])
    yield kinked("the median of rows of three ties, shared", lambda x: np.median(x, 1), [rows],
        lambda g, x: g[:, None] * np.ones((20, 3)) / 3,
        wrong={"all of them": lambda g, x: g[:, None] * np.ones((20, 3))})
    yield kinked("the median of rows of three ties, one", lambda x: np.median(x, 1), [rows],
        lambda g, x: g[:, None] * wins)
    yield kinked("the median of four, two tied", np.median, [np.array([0.0, 2, 2, 5])], lambda g, x: g * (x == 2) / 2,
        wrong={"one of them": lambda g, x: g * np.eye(4)[0], "both all": lambda g, x: g * (x == 2)})
    yield kinked("the middle of three equal inputs",
        lambda a, b, c: np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)),
        [np.ones(2), np.ones(2), np.ones(2)], lambda g, a, b, c: (g / 3, g / 3, g / 3),
        wrong={"all of them": lambda g, a, b, c: (g, g, g), "none": lambda g, a, b, c: (0 * g, 0 * g, 0 * g)})
    yield kinked("the second largest of ties", lambda x: np.sort(x)[-2], [np.array([4.0, 4, 4, 1])],
        lambda g, x: g * np.eye(4)[1], wrong={"three of them": lambda g, x: g * (x == 4)})
    yield kinked("two largest of three, summed", lambda x: np.sum(np.sort(x)[-2:]), [np.array([4.0, 4, 4, 1])],
        lambda g, x: g * (x == 4) * 2 / 3, wrong={"three of them": lambda g, x: g * (x == 4)})
    yield kinked("a trimmed mean, ties at the border", lambda x: np.mean(np.sort(x)[1:-1]),
        [np.array([1.0, 1, 2, 3, 3, 3])], lambda g, x: g / 4 * np.array([0.5, 0.5, 1, 2 / 3, 2 / 3, 2 / 3]),
        wrong={"as the mean": lambda g, x: g * np.ones(6) / 6, "all at the border": lambda g, x: g * np.ones(6) / 4})
    yield kinked("sort of ties", np.sort, [np.array([2.0, 1, 2, 0])],
        lambda g, x: g[np.argsort(np.argsort(x, kind="stable"))],
        wrong={"the inverse order": lambda g, x: g[np.argsort(x, kind="stable")], "as if sorted": lambda g, x: g})
    yield kinked("sort of rows of three ties", lambda x: np.sort(x, 1), [rows], lambda g, x: g)
    yield kinked("weighted sort of ties", lambda x: np.sum(np.sort(x) * order), [np.ones(8)], lambda g, x: g * order,
        wrong={"one a thousand times": lambda g, x: g * np.where(np.arange(8) == 3, 1000.0, order)})
    yield kinked("the range of equal elements", np.ptp, [np.ones(5)], lambda g, x: g * (np.eye(5)[1] - np.eye(5)[3]),
        wrong={"one end only": lambda g, x: g * np.eye(5)[1],
        "beyond": lambda g, x: 3 * g * (np.eye(5)[1] - np.eye(5)[3])})
    yield kinked("max pooling of relu's zeros", lambda x: np.max(blocks(x), 3), [images],
        lambda g, x: unblocked(g[..., None] * np.eye(4)[np.argmax(blocks(x), 3)]),
        wrong={"all ties": lambda g, x: unblocked(g[..., None] * (blocks(x) == blocks(x).max(3, keepdims=True))),
        "argmin": lambda g, x: unblocked(g[..., None] * np.eye(4)[np.argmin(blocks(x), 3)])})
    yield kinked("the largest of equal eigenvalues", lambda a: np.linalg.eigvalsh((a + a.T) / 2)[-1], [np.eye(3)],
        lambda g, x: g * np.eye(3) / 3, engine=False,
        wrong={"all of them": lambda g, x: g * np.eye(3), "none": lambda g, x: 0 * x})
    yield kinked("the middle one of equal eigenvalues", lambda a: np.linalg.eigvalsh((a + a.T) / 2)[1], [np.eye(3)],
        lambda g, x: g * np.eye(3) / 3, engine=False, wrong={"all of them": lambda g, x: g * np.eye(3)})
    yield kinked("the largest of equal singular values", lambda a: np.linalg.svd(a, compute_uv=False)[0],
        [2 * np.eye(3)], lambda g, x: g * np.eye(3) / 3, engine=False,
        wrong={"all of them": lambda g, x: g * np.eye(3)})
    yield kinked("max |x| of ±1", lambda x: np.max(np.abs(x)), [np.array([1.0, -1, 0.5, -1])],
        lambda g, x: g * np.sign(x) * (abs(x) == 1) / 3,
        wrong={"unsigned": lambda g, x: g * (abs(x) == 1) / 3,
        "all of them": lambda g, x: g * np.sign(x) * (abs(x) == 1)})


@family("steps")
def steps(rng: Random) -> Problems:
    """Pieces that are flat or straight, between their steps and on them."""
    x, whole = rng.uniform(-3, 3, 12), np.array([1.0, 2.5, -3, 0])
    straight, flat = lambda g, x: g, lambda g, x: 0 * g
    yield kinked("floor", np.floor, [x], flat, engine=False, wrong={"straight through": straight})
    yield kinked("round", np.round, [x], flat, engine=False, wrong={"straight through": straight})
    yield kinked("floor on its steps", np.floor, [whole], flat, engine=False,
        wrong={"straight through": straight, "between them": lambda g, x: g * (x == 2.5)})
    yield kinked("sign", np.sign, [x], flat, engine=False, wrong={"straight through": lambda g, x: g * (abs(x) < 1)})
    yield kinked("x > 0", lambda x: np.where(x > 0, 1.0, 0.0), [x], flat, engine=False,
        wrong={"relu's": lambda g, x: g * (x > 0)})
    yield kinked("x − floor(x)", lambda x: x - np.floor(x), [x], straight, wrong={"0": flat})
    yield kinked("round(x) + x", lambda x: np.round(x) + x, [x], straight, wrong={"twice": lambda g, x: 2 * g})
    yield kinked("x mod 0.3", lambda x: np.remainder(x, 0.3), [x], straight,
        wrong={"0": flat, "0.3": lambda g, x: 0.3 * g})
    yield kinked("a step of 1 beside x", lambda x: np.where(x > 0.5, x * x + 1, x * x), [x], lambda g, x: 2 * g * x,
        wrong={"the step counted": lambda g, x: g * (2 * x + (x > 0.5))})
    yield kinked("a line with a step at x", lambda x: np.where(x > 1, 3 * x + 1, 3 * x), [np.array([1.0, 2, 0])],
        lambda g, x: 3 * g, wrong={"0 at the step": lambda g, x: 3 * g * (x != 1)})
    yield kinked("which is largest", lambda x: np.eye(12)[np.argmax(x)], [x], lambda g, x: 0 * x, engine=False,
        wrong={"softmax's": lambda g, x: softmax(x) * (g - np.sum(g * softmax(x)))})
    yield kinked("the order", lambda x: np.argsort(x).astype(float), [x], lambda g, x: 0 * x, engine=False,
        wrong={"the permuted g": lambda g, x: g[np.argsort(x)]})
    yield kinked("how many are positive", lambda x: np.sum(x > 0) * 1.0, [x], lambda g, x: 0 * x, engine=False,
        wrong={"the mask": lambda g, x: g * (x > 0)})
    yield kinked("a staircase on a slope", lambda x: np.floor(4 * x) / 4 + 0.1 * x, [x], lambda g, x: 0.1 * g,
        wrong={"the mean slope": lambda g, x: 1.1 * g})
    yield kinked("rows chosen by a threshold", lambda x: np.sum(np.where(x > 0, x, 0.0)), [x], lambda g, x: g * (x > 0),
        wrong={"another threshold": lambda g, x: g * (x > 0.8), "all": lambda g, x: g * np.ones_like(x)})
    yield kinked("a dead zone", lambda x: np.where(np.abs(x) < 1, 0.0, x), [x], lambda g, x: g * (abs(x) >= 1),
        wrong={"alive": straight, "reversed": lambda g, x: g * (abs(x) < 1)})


# ---- offsets, scales and cancellation ----


@family("scales")
def scales(rng: Random) -> Problems:
    mixed = 10 ** rng.uniform(-8, 8, 10) * rng.choice([-1, 1], 10)
    x, weights = rng.standard_normal(8), 10 ** rng.uniform(-6, 6, 8)
    columns = 10.0 ** np.arange(-8, 9, 4)
    data = rng.standard_normal((6, 5))
    square = lambda g, x: 2 * g * x
    yield Problem("x² over sixteen orders", lambda x: x**2, [mixed], square)
    yield Problem("Σx² over sixteen orders", lambda x: np.sum(x * x), [mixed], square)
    yield Problem("Σx² at 1e8", lambda x: np.sum(x * x), [1e8 * x], square)
    yield Problem("Σx² at 1e−8", lambda x: np.sum(x * x), [1e-8 * x], square)
    yield Problem("x³ over sixteen orders", lambda x: x**3, [mixed], lambda g, x: 3 * g * x**2)
    yield Problem("weights of twelve orders", lambda x: weights * np.sin(x), [x], lambda g, x: g * weights * np.cos(x))
    yield Problem("a sum weighted by twelve orders", lambda x: np.sum(weights * np.sin(x)), [x],
        lambda g, x: g * weights * np.cos(x))
    yield Problem("columns of other units", lambda x: np.tanh(data @ (x / columns)), [columns * rng.standard_normal(5)],
        lambda g, x: data.T @ (g * (1 - np.tanh(data @ (x / columns)) ** 2)) / columns,
        wrong={"units forgotten": lambda g, x: data.T @ (g * (1 - np.tanh(data @ (x / columns)) ** 2))})
    yield Problem("a huge and a tiny input", lambda a, b: a * b, [1e8 * x, 1e-8 * rng.standard_normal(8)],
        lambda g, a, b: (g * b, g * a))
    yield Problem("1e−150 sin", lambda x: 1e-150 * np.sin(x), [x], lambda g, x: 1e-150 * g * np.cos(x))
    yield Problem("1e300 sin", lambda x: 1e300 * np.sin(x), [x], lambda g, x: 1e300 * g * np.cos(x))
    yield Problem("a thousandth of a thousandth", lambda x: 1e-3 * np.tanh(1e-3 * x), [x],
        lambda g, x: 1e-6 * g / np.cosh(1e-3 * x) ** 2, wrong={"1e−3": lambda g, x: 1e-3 * g / np.cosh(1e-3 * x) ** 2})
    yield Problem("log over eighteen orders", np.log, [10 ** rng.uniform(-12, 6, 10)], lambda g, x: g / x)
    yield Problem("hypot of unequal sides", lambda a, b: np.sqrt(a * a + b * b), [1e5 * x, x + 3],
        lambda g, a, b: (g * a / np.sqrt(a * a + b * b), g * b / np.sqrt(a * a + b * b)),
        wrong={"not divided": lambda g, a, b: (g * a, g * b)})


@family("offsets")
def offsets(rng: Random) -> Problems:
    x = rng.uniform(-2, 2, 9)
    for offset in (1e6, 1e8, 1e10, -1e12):
        yield Problem(f"sin x + {offset:g}", lambda x, o=offset: np.sin(x) + o, [x], lambda g, x: g * np.cos(x))
    yield Problem("x + 1e16", lambda x: x + 1e16, [x], lambda g, x: g)
    yield Problem("1e12 + Σx", lambda x: 1e12 + np.sum(x), [x], lambda g, x: g * np.ones_like(x))
    yield Problem("log(x + 1e5)", lambda x: np.log(x + 1e5), [50 * x], lambda g, x: g / (x + 1e5))
    yield Problem("√(x + 1e6)", lambda x: np.sqrt(x + 1e6), [x], lambda g, x: 0.5 * g / np.sqrt(x + 1e6))
    yield Problem("tanh at 8 to 12", np.tanh, [x + 10], lambda g, x: g / np.cosh(x) ** 2)
    yield Problem("tanh at 20", np.tanh, [x + 22], lambda g, x: g * (1 - np.tanh(x) ** 2))
    yield Problem("sigmoid at 15 to 19", sigmoid, [x + 17], lambda g, x: g * sigmoid(x) * sigmoid(-x))
    yield Problem("x² + 1e9 x", lambda x: x * x + 1e9 * x, [x], lambda g, x: g * (2 * x + 1e9))
    yield Problem("variance around 1e6", np.var, [1e6 + x], lambda g, x: g * 2 * (x - np.mean(x)) / x.size, noise=1e-9)
    yield Problem("distance from a far point", lambda x: np.sqrt(np.sum((x - 1e6) ** 2)), [x],
        lambda g, x: g * (x - 1e6) / np.sqrt(np.sum((x - 1e6) ** 2)))
    yield Problem("one output large", lambda x: np.sin(x) + 1e9 * (np.arange(9) == 4), [x], lambda g, x: g * np.cos(x))


@family("cancellation")
def cancellation(rng: Random) -> Problems:
    """Differences of large numbers: f's own rounding is far above that of its results."""
    x = rng.uniform(0.5, 2, 6)
    a, point = 1e6 * rng.standard_normal((6, 6)), rng.standard_normal(6)
    b, b_small, target = a @ point, (a @ point) / 1e6, rng.standard_normal(6)
    parts = lambda x: a * x
    levels, spread, close = 10.0 ** np.arange(1, 7), rng.standard_normal((6, 5)), 1 + 1e-3 * rng.standard_normal((6, 6))
    yield Problem("1 − cos x near 0", lambda x: 1 - np.cos(x), [1e-3 * x], pointwise(np.sin), noise=1e-9)
    yield Problem("exp(x) − 1 near 0", lambda x: np.exp(x) - 1, [1e-4 * x], pointwise(np.exp), noise=1e-11)
    yield Problem("log(1 + x) near 0", lambda x: np.log(1 + x), [1e-5 * x], pointwise(lambda x: 1 / (1 + x)),
        noise=1e-10)
    yield Problem("√(1 + x²) − 1", lambda x: np.sqrt(1 + x * x) - 1, [1e-2 * x],
        pointwise(lambda x: x / np.sqrt(1 + x * x)), noise=1e-11)
    yield Problem("(sin x + 1e6) − 1e6", lambda x: (np.sin(x) + 1e6) - 1e6, [x], pointwise(np.cos), noise=1e-9)
    yield Problem("(tanh x + 1e8) − 1e8", lambda x: (np.tanh(x) + 1e8) - 1e8, [x],
        pointwise(lambda x: 1 - np.tanh(x) ** 2), noise=1e-7)
    yield Problem("x − mean around 1e6", lambda x: x - np.mean(x), [1e6 + x], lambda g, x: g - np.mean(g), noise=1e-9)
    yield Problem("residuals near the solution", lambda x: a @ x - b, [point], lambda g, x: a.T @ g, noise=1e-3,
        wrong={"without .T": lambda g, x: a @ g})
    yield Problem("tanh of residuals near the solution", lambda x: np.tanh(a @ x / 1e6 - b_small), [point],
        lambda g, x: a.T @ (g * (1 - np.tanh(a @ x / 1e6 - b_small) ** 2)) / 1e6, noise=1e-3)
    yield Problem("tanh of steep residuals", lambda x: np.tanh(a @ x - b), [point],
        lambda g, x: a.T @ (g * (1 - np.tanh(a @ x - b) ** 2)), noise=1e-3)
    yield Problem("rows that cancel", lambda x: np.sum(parts(x), 1) - a @ x + np.sin(x), [point],
        lambda g, x: g * np.cos(x), noise=1e-6)
    yield Problem("one output that cancels",
        lambda x: np.stack([np.sum(np.sin(x)), (1e8 + np.sin(x[0])) - 1e8, x[1] ** 2]), [x],
        lambda g, x: np.cos(x) * (g[0] + g[1] * (np.arange(6) == 0)) + 2 * g[2] * x * (np.arange(6) == 1), noise=1e-7,
        wrong={"that output lost": lambda g, x: np.cos(x) * g[0] + 2 * g[2] * x * (np.arange(6) == 1)})
    yield Problem("some outputs that cancel", lambda x: (np.sin(x) + 10.0 ** np.arange(3, 9)) - 10.0 ** np.arange(3, 9),
        [x], pointwise(np.cos), noise=1e-7)
    yield Problem("a difference of squares", lambda x: (1e4 + x) ** 2 - 1e8 - 2e4 * x, [x], pointwise(lambda x: 2 * x),
        noise=1e-6)
    yield Problem("a third difference", lambda x: np.diff(1e6 + np.sin(x), 3), [np.sort(x)],
        lambda g, x: np.cos(x) * np.convolve(g, [-1.0, 3, -3, 1]), noise=1e-7)
    yield Problem("Newton's residual", lambda x: (x * x - target**2) * 1e8, [target * (1 + 1e-7)],
        pointwise(lambda x: 2e8 * x), noise=1e-8)
    yield Problem("log-sum-exp of large logits", lambda x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x), [700 * x],
        lambda g, x: g * softmax(x))
    yield Problem("a sum that cancels but for one",
        lambda x: np.stack([np.sum(1e6 * x) - 1e6 * np.sum(x) + x[0], x[1]]), [rng.standard_normal(50)],
        lambda g, x: g[0] * np.eye(50)[0] + g[1] * np.eye(50)[1], noise=1e-8)
    yield Problem("a sum that cancels, but for 1e−3 of one",
        lambda x: np.stack([np.sum(1e6 * x) - 1e6 * np.sum(x) + 1e-3 * x[0], x[1]]), [rng.standard_normal(50)],
        lambda g, x: g[0] * 1e-3 * np.eye(50)[0] + g[1] * np.eye(50)[1], noise=1e-5)
    yield Problem("A(Bx) − (AB)x, and sin x", lambda x: a @ (a.T @ x) - (a @ a.T) @ x + 1e6 * np.sin(x), [point],
        lambda g, x: 1e6 * g * np.cos(x), noise=1e-8)
    yield Problem("variances of rows around other means", lambda x: np.var(x + levels[:, None], 1), [spread],
        lambda g, x: g[:, None] * 2 * (x - np.mean(x, 1, keepdims=True)) / 5, noise=1e-8)
    yield Problem("columns centred around other means", lambda x: (x + levels) - np.mean(x + levels, 0), [spread.T],
        lambda g, x: g - np.mean(g, 0), noise=1e-8)
    yield Problem("(x − 1)⁶, multiplied out, and x",
        lambda x: np.stack([x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1, x]), [1 + 0.3 * (x - 1)],
        lambda g, x: g[0] * 6 * (x - 1) ** 5 + g[1], noise=1e-9)
    yield Problem("a small output from large sums, and a large one",
        lambda x: np.stack([np.sum(1e5 * (1 + x)) - np.sum(1e5 * x) - 6e5 + x[0], np.sum(x * x) * 1e3]), [x],
        lambda g, x: g[0] * (np.arange(6) == 0) + 2e3 * g[1] * x, noise=1e-8)
    yield Problem("the inverse times the matrix, and x",
        lambda x: np.linalg.inv(close + np.diag(x)) @ (close + np.diag(x)) @ x, [x], lambda g, x: g, noise=1e-9)
    many, offset = rng.standard_normal(24), 10.0 ** rng.uniform(3, 9, 24)
    first = np.arange(24) < 12
    yield Problem("outputs that cancel beside larger ones",
        lambda x: np.where(first, (np.sin(x) + offset) - offset, 1e9 * np.cos(x)), [many],
        lambda g, x: g * np.where(first, np.cos(x), -1e9 * np.sin(x)), noise=1e-7)
    yield Problem("outputs of float32 beside larger ones",
        lambda x: np.where(first, np.sin(x.astype(np.float32)).astype(np.float64), 1e4 * np.sin(x)), [many],
        lambda g, x: g * np.where(first, 1, 1e4) * np.cos(x), noise=1e-7, engine=False)
    yield Problem("squares that cancel", lambda x: (x + np.sqrt(offset)) ** 2 - offset - 2 * np.sqrt(offset) * x,
        [many], pointwise(lambda x: 2 * x), noise=1e-6)
    yield Problem("hidden below rounding", lambda x: 1 + 1e-19 * np.sin(x), [x], lambda g, x: 1e-19 * g * np.cos(x),
        engine=False)


# ---- sums, broadcasting, shapes ----


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)


@family("reductions")
def reductions(rng: Random) -> Problems:
    x, positive, long = rng.standard_normal((3, 4)), rng.uniform(0.5, 2, (3, 4)), rng.standard_normal(1500)
    c = rng.standard_normal(1500)
    full = lambda g, x: g * np.ones_like(x)
    yield Problem("sum", np.sum, [x], full)
    yield Problem("sum of rows", lambda x: np.sum(x, 1), [x], lambda g, x: g[:, None] * np.ones_like(x))
    yield Problem("mean", np.mean, [x], lambda g, x: full(g, x) / x.size,
        wrong={"of rows": lambda g, x: full(g, x) / 3})
    yield Problem("mean of columns", lambda x: np.mean(x, 0), [x], lambda g, x: full(g, x) / 3,
        wrong={"by the columns": lambda g, x: full(g, x) / 4})
    yield Problem("mean of squares", lambda x: np.mean(x**2), [x], lambda g, x: g * 2 * x / x.size,
        wrong={"without the 2": lambda g, x: g * x / x.size})
    yield Problem("variance", np.var, [x], lambda g, x: g * 2 * (x - np.mean(x)) / x.size,
        wrong={"mean constant 0": lambda g, x: g * 2 * x / x.size,
        "n − 1": lambda g, x: g * 2 * (x - np.mean(x)) / (x.size - 1)})
    yield Problem("standard deviation", np.std, [x], lambda g, x: g * (x - np.mean(x)) / x.size / np.std(x),
        wrong={"not divided": lambda g, x: g * (x - np.mean(x)) / x.size,
        "by the variance": lambda g, x: g * (x - np.mean(x)) / x.size / np.var(x)})
    yield Problem("product", np.prod, [positive], lambda g, x: g * np.prod(x) / x,
        wrong={"not divided": lambda g, x: full(g * np.prod(x), x)})
    yield Problem("product of rows", lambda x: np.prod(x, 1), [positive], lambda g, x: (g * np.prod(x, 1))[:, None] / x)
    yield Problem("cumulative sum", lambda x: np.cumsum(x, 1), [x],
        lambda g, x: np.flip(np.cumsum(np.flip(g, 1), 1), 1),
        wrong={"forwards": lambda g, x: np.cumsum(g, 1),
        "the other axis": lambda g, x: np.flip(np.cumsum(np.flip(g, 0), 0), 0)})
    yield composed("cumulative product", lambda x: np.cumprod(x, 1), [positive])
    yield Problem("norm", lambda x: np.sqrt(np.sum(x * x)), [x], lambda g, x: g * x / np.sqrt(np.sum(x * x)),
        wrong={"not divided": lambda g, x: g * x, "2x": lambda g, x: 2 * g * x})
    yield Problem("norms of rows", lambda x: np.sqrt(np.sum(x * x, 1)), [x],
        lambda g, x: (g / np.sqrt(np.sum(x * x, 1)))[:, None] * x,
        wrong={"by the whole norm": lambda g, x: g[:, None] * x / np.sqrt(np.sum(x * x))})
    yield Problem("log-sum-exp", lambda x: np.log(np.sum(np.exp(x), 1)), [x], lambda g, x: g[:, None] * softmax(x),
        wrong={"not divided": lambda g, x: g[:, None] * np.exp(x),
        "the other axis": lambda g, x: g[:, None] * softmax(x, 0),
        "log of softmax": lambda g, x: g[:, None] * np.log(softmax(x))})
    yield Problem("p-norm", lambda x: np.sum(x**3) ** (1 / 3), [positive],
        lambda g, x: g * x**2 * np.sum(x**3) ** (-2 / 3), wrong={"outer factor lost": lambda g, x: g * x**2})
    yield Problem("harmonic mean", lambda x: 1 / np.mean(1 / x), [positive],
        lambda g, x: g / np.mean(1 / x) ** 2 / x**2 / x.size,
        wrong={"x⁻¹": lambda g, x: g / np.mean(1 / x) ** 2 / x / x.size})
    yield kinked("max, no ties", np.max, [x], lambda g, x: g * (x == np.max(x)),
        wrong={"argmin": lambda g, x: g * (x == np.min(x)), "shared by all": lambda g, x: full(g, x) / x.size,
        "1.001": lambda g, x: 1.001 * g * (x == np.max(x))})
    yield kinked("max of columns", lambda x: np.max(x, 0), [x], lambda g, x: g * (x == np.max(x, 0)),
        wrong={"of rows": lambda g, x: g * (x == np.max(x, 1, keepdims=True)), "all": lambda g, x: full(g, x)})
    yield kinked("median, no ties", lambda x: np.median(x, 1), [rng.standard_normal((3, 5))],
        lambda g, x: g[:, None] * (x == np.median(x, 1)[:, None]),
        wrong={"mean's": lambda g, x: g[:, None] * np.ones_like(x) / 5,
        "max's": lambda g, x: g[:, None] * (x == x.max(1, keepdims=True))})
    yield kinked("sort", np.sort, [rng.standard_normal(9)], lambda g, x: g[np.argsort(np.argsort(x))],
        wrong={"the inverse order": lambda g, x: g[np.argsort(x)], "unsorted": lambda g, x: g,
        "reversed": lambda g, x: g[::-1]})
    yield Problem("a sum of 1500 sines", lambda x: np.sum(np.sin(x)), [long], lambda g, x: g * np.cos(x))
    yield Problem("a mean of 1500 squares", lambda x: np.mean(x * x), [long], lambda g, x: 2 * g * x / 1500)
    yield Problem("log-sum-exp of 1500", lambda x: np.log(np.sum(np.exp(x))), [long], lambda g, x: g * softmax(x))
    yield Problem("a dot product of 1500", lambda x: np.sum(x * c), [long], lambda g, x: g * c)
    yield Problem("a product of 300 near 1", np.prod, [1 + 0.05 * rng.standard_normal(300)],
        lambda g, x: g * np.prod(x) / x)
    yield Problem("a norm of 1500", lambda x: np.sqrt(np.sum(x * x)), [long],
        lambda g, x: g * x / np.sqrt(np.sum(x * x)))
    yield Problem("entropy", lambda x: -np.sum(x * np.log(x)), [positive], lambda g, x: -g * (np.log(x) + 1),
        wrong={"without the 1": lambda g, x: -g * np.log(x)})
    yield Problem("softmax-weighted mean", lambda x: np.sum(softmax(x) * x, 1), [x],
        lambda g, x: g[:, None] * softmax(x) * (1 + x - np.sum(softmax(x) * x, 1, keepdims=True)),
        wrong={"weights constant": lambda g, x: g[:, None] * softmax(x)})


@family("broadcasting")
def broadcasting(rng: Random) -> Problems:
    x, row, column, one = (rng.standard_normal(s) for s in ((5, 4), (4,), (5, 1), ()))
    square, r4 = rng.standard_normal((4, 4)), rng.uniform(1, 2, 4)
    cube = rng.standard_normal((2, 3, 4))
    yield Problem("x + row", np.add, [x, row], lambda g, x, b: (g, g.sum(0)),
        wrong={"not summed": lambda g, x, b: (g, g), "the first row's": lambda g, x, b: (g, g[0]),
        "mean": lambda g, x, b: (g, g.mean(0))})
    yield Problem("square + row", np.add, [square, row], lambda g, x, b: (g, g.sum(0)),
        wrong={"the wrong axis": lambda g, x, b: (g, g.sum(1)), "the diagonal": lambda g, x, b: (g, np.diag(g))})
    yield Problem("x × row", np.multiply, [x, row], lambda g, x, b: (g * b, (g * x).sum(0)),
        wrong={"sums multiplied": lambda g, x, b: (g * b, g.sum(0) * x.sum(0)),
        "without x": lambda g, x, b: (g * b, g.sum(0)), "not summed": lambda g, x, b: (g * b, g * x),
        "without row": lambda g, x, b: (g, (g * x).sum(0))})
    yield Problem("x × column", np.multiply, [x, column], lambda g, x, b: (g * b, (g * x).sum(1, keepdims=True)),
        wrong={"keepdims forgotten": lambda g, x, b: (g * b, (g * x).sum(1)),
        "mean": lambda g, x, b: (g * b, (g * x).mean(1, keepdims=True))})
    yield Problem("x / row", np.divide, [x, r4], lambda g, x, b: (g / b, (-g * x / b**2).sum(0)),
        wrong={"not squared": lambda g, x, b: (g / b, (-g * x / b).sum(0)),
        "without the sign": lambda g, x, b: (g / b, (g * x / b**2).sum(0)),
        "divided by x": lambda g, x, b: (g / b, (-g / b**2).sum(0))})
    yield Problem("x × number", np.multiply, [x, one], lambda g, x, b: (g * b, (g * x).sum()),
        wrong={"mean": lambda g, x, b: (g * b, (g * x).mean()), "the first": lambda g, x, b: (g * b, (g * x)[0, 0])})
    yield Problem("x − number", np.subtract, [x, one], lambda g, x, b: (g, -g.sum()),
        wrong={"the sign": lambda g, x, b: (g, g.sum())})
    yield Problem("cube × column", lambda x, b: x * b[:, None], [cube, rng.standard_normal(3)],
        lambda g, x, b: (g * b[:, None], (g * x).sum((0, 2))),
        wrong={"first batch": lambda g, x, b: (g * b[:, None], (g * x)[0].sum(1)),
        "last axis lost": lambda g, x, b: (g * b[:, None], (g * x).sum(0)[:, -1])})
    bent = lambda x, b: 1 - np.tanh(x + b) ** 2
    yield Problem("tanh(x + row)", lambda x, b: np.tanh(x + b), [x, row],
        lambda g, x, b: (g * bent(x, b), (g * bent(x, b)).sum(0)),
        wrong={"slope after the sum": lambda g, x, b: (g * bent(x, b), g.sum(0) * bent(x, b).mean(0))})
    yield Problem("row ** column", lambda a, b: a**b, [r4, rng.uniform(0.5, 2, (3, 1))],
        lambda g, a, b: ((g * b * a ** (b - 1)).sum(0), (g * a**b * np.log(a)).sum(1, keepdims=True)),
        wrong={"b for b − 1": lambda g, a, b: ((g * b * a**b).sum(0), (g * a**b * np.log(a)).sum(1, keepdims=True)),
        "log of b": lambda g, a, b: ((g * b * a ** (b - 1)).sum(0), (g * a**b * np.log(b)).sum(1, keepdims=True))})
    yield Problem("outer sum", lambda a, b: a[:, None] + b, [rng.standard_normal(3), row],
        lambda g, a, b: (g.sum(1), g.sum(0)))
    apart = lambda g, a, b: 2 * g[..., None] * (a[:, None] - b)
    yield Problem("pairwise squared distances", lambda a, b: np.sum((a[:, None] - b) ** 2, 2), [cube[0], cube[1]],
        lambda g, a, b: (apart(g, a, b).sum(1), -apart(g, a, b).sum(0)),
        wrong={"axes exchanged": lambda g, a, b: (apart(g, a, b).sum(0), -apart(g, a, b).sum(1)),
        "without the sign": lambda g, a, b: (apart(g, a, b).sum(1), apart(g, a, b).sum(0))})
    yield Problem("x − mean of rows", lambda x: x - np.mean(x, 1, keepdims=True), [x],
        lambda g, x: g - g.mean(1, keepdims=True),
        wrong={"mean constant": lambda g, x: g, "the other axis": lambda g, x: g - g.mean(0),
        "sum for mean": lambda g, x: g - g.sum(1, keepdims=True)})
    yield Problem("masked sum", lambda x: np.sum(x * (np.arange(20).reshape(5, 4) % 3 > 0), 0), [x],
        lambda g, x: g * (np.arange(20).reshape(5, 4) % 3 > 0),
        wrong={"≥ for >": lambda g, x: g * (np.arange(20).reshape(5, 4) % 3 >= 0),
        "the others": lambda g, x: g * (np.arange(20).reshape(5, 4) % 3 == 0)})
    labels = rng.integers(0, 2, (5, 4)).astype(bool)
    rest = lambda g, x: (g * np.where(labels, 0, x)).sum(0)
    yield Problem("where by a mask", lambda x, b: np.where(labels, x * x, x * b), [x, row],
        lambda g, x, b: (g * np.where(labels, 2 * x, b), rest(g, x)),
        wrong={"branches exchanged": lambda g, x, b: (g * np.where(labels, b, 2 * x), rest(g, x)),
        "mask ignored": lambda g, x, b: (g * np.where(labels, 2 * x, b), (g * x).sum(0))})


@family("shapes and indices")
def shapes(rng: Random) -> Problems:
    x, y, cube = rng.standard_normal((3, 4)), rng.standard_normal((2, 4)), rng.standard_normal((3, 3, 3))
    v, picked = rng.standard_normal(6), np.array([0, 0, 1, 3])
    mask = np.arange(12).reshape(3, 4) % 5 < 2

    def added_up(g: Any, x: Any) -> Any:
        out = np.zeros_like(x)
        np.add.at(out, picked, g)
        return out

    def overwritten(g: Any, x: Any) -> Any:
        out = np.zeros_like(x)
        out[picked] = g
        return out

    def scattered(g: Any, x: Any) -> Any:
        out = np.zeros_like(x)
        out[mask] = g
        return out

    yield Problem("transpose", np.transpose, [x], lambda g, x: g.T, wrong={"reshaped": lambda g, x: g.reshape(x.shape)})
    yield Problem("transpose of a cube", lambda x: np.transpose(x, (1, 2, 0)), [cube],
        lambda g, x: np.transpose(g, (2, 0, 1)),
        wrong={"forward axes": lambda g, x: np.transpose(g, (1, 2, 0)), "two axes": lambda g, x: np.swapaxes(g, 0, 1)})
    yield Problem("reshape", lambda x: np.reshape(x, (4, 3)) ** 2, [x], lambda g, x: 2 * x * g.reshape(3, 4),
        wrong={"transposed": lambda g, x: 2 * x * g.T})
    yield Problem("flip", lambda x: x[::-1] * np.arange(3.0)[:, None], [x],
        lambda g, x: g[::-1] * np.arange(3.0)[::-1, None],
        wrong={"not flipped": lambda g, x: g * np.arange(3.0)[:, None],
        "half flipped": lambda g, x: g[::-1] * np.arange(3.0)[:, None]})
    yield Problem("roll", lambda x: np.roll(x, 2) ** 3, [v], lambda g, x: 3 * np.roll(g, -2) * x**2,
        wrong={"the same way": lambda g, x: 3 * np.roll(g, 2) * x**2, "by one": lambda g, x: 3 * np.roll(g, -1) * x**2})
    yield Problem("pad", lambda x: np.pad(x, 1) ** 2, [x], lambda g, x: 2 * x * g[1:-1, 1:-1],
        wrong={"off by one": lambda g, x: 2 * x * g[:-2, 1:-1], "from the start": lambda g, x: 2 * x * g[:3, :4]})
    yield Problem("concatenate", lambda a, b: np.concatenate([a, b]), [x, y], lambda g, a, b: (g[:3], g[3:]),
        wrong={"overlapping": lambda g, a, b: (g[:3], g[2:4]), "from the end": lambda g, a, b: (g[2:], g[:2])})
    yield Problem("stack", lambda a, b: np.stack([a, b], 1), [x, x + 1], lambda g, a, b: (g[:, 0], g[:, 1]),
        wrong={"exchanged": lambda g, a, b: (g[:, 1], g[:, 0])})
    yield Problem("rows taken twice", lambda x: x[picked], [rng.standard_normal((5, 3))], added_up,
        wrong={"overwritten": overwritten})
    yield Problem("embedding of repeated words", lambda w: np.tanh(w[picked]), [rng.standard_normal((5, 3))],
        lambda g, w: added_up(g * (1 - np.tanh(w[picked]) ** 2), w),
        wrong={"overwritten": lambda g, w: overwritten(g * (1 - np.tanh(w[picked]) ** 2), w)})
    yield Problem("elements by a mask", lambda x: x[mask], [x], scattered, engine=False,
        wrong={"the others": lambda g, x: np.where(mask, 0, np.resize(g, x.shape)),
        "reversed": lambda g, x: scattered(g[::-1], x)})
    yield Problem("diagonal", lambda x: np.diag(x), [x[:, :3]], lambda g, x: np.diag(g),
        wrong={"a full row": lambda g, x: g * np.ones_like(x)})
    yield Problem("trace of a product", lambda a, b: np.trace(a @ b), [x, rng.standard_normal((4, 3))],
        lambda g, a, b: (g * b.T, g * a.T), wrong={"exchanged": lambda g, a, b: (g * a, g * b)})
    yield Problem("lower triangle", lambda x: np.tril(x) ** 2, [cube[0]], lambda g, x: 2 * g * np.tril(x),
        wrong={"the whole": lambda g, x: 2 * g * x, "without the diagonal": lambda g, x: 2 * g * np.tril(x, -1)})
    yield Problem("repeat", lambda x: np.repeat(x, 3) * np.arange(18.0), [v],
        lambda g, x: (g * np.arange(18.0)).reshape(6, 3).sum(1),
        wrong={"as tiled": lambda g, x: (g * np.arange(18.0)).reshape(3, 6).sum(0),
        "the first": lambda g, x: (g * np.arange(18.0))[::3]})
    yield Problem("tile", lambda x: np.tile(x, 3) * np.arange(18.0), [v],
        lambda g, x: (g * np.arange(18.0)).reshape(3, 6).sum(0),
        wrong={"as repeated": lambda g, x: (g * np.arange(18.0)).reshape(6, 3).sum(1)})
    yield Problem("differences", np.diff, [v], lambda g, x: np.append(0, g) - np.append(g, 0),
        wrong={"one side": lambda g, x: np.append(0, g), "the sign": lambda g, x: np.append(g, 0) - np.append(0, g)})
    yield Problem("every second", lambda x: x[::2] ** 2, [v],
        lambda g, x: 2 * x * np.repeat(g, 2) * (np.arange(6) % 2 == 0),
        wrong={"both": lambda g, x: 2 * x * np.repeat(g, 2),
        "the odd ones": lambda g, x: 2 * x * np.repeat(g, 2) * (np.arange(6) % 2)})
    yield Problem("einsum ij,kj→ik", lambda a, b: np.einsum("ij,kj->ik", a, b), [x, y],
        lambda g, a, b: (g @ b, g.T @ a))
    yield Problem("a windowed sum", lambda x: x[:-2] + 2 * x[1:-1] + x[2:], [v], lambda g, x: np.convolve(g, [1, 2, 1]),
        wrong={"without its edges": lambda g, x: np.pad(np.convolve(g, [1, 2, 1])[1:-1], 1)})


@family("linear algebra")
def linear_algebra(rng: Random) -> Problems:
    inv, T = np.linalg.inv, np.transpose
    a, b = rng.standard_normal((4, 4)) + 3 * np.eye(4), rng.standard_normal((4, 4))
    m, n, d = rng.standard_normal((3, 4)), rng.standard_normal((4, 2)), rng.standard_normal(4)
    batch = rng.standard_normal((2, 3, 3)) + 2 * np.eye(3)
    root = rng.standard_normal((4, 4))
    spread = rng.standard_normal((4, 4)) + np.diag([0.0, 5, 10, 15])
    sym = lambda x: (x + x.T) / 2
    spd = lambda x: sym(x) @ sym(x) + np.eye(4)

    def to_root(gs: Any, x: Any) -> Any:
        """The gradient of x, where gs is that of spd(x)."""
        return sym(gs @ sym(x) + sym(x) @ gs)

    def of_cholesky(g: Any, a: Any, half: bool = True) -> Any:
        low = np.linalg.cholesky(spd(a))
        p = np.tril(low.T @ g)
        p = p - np.diag(np.diag(p)) / 2 if half else p
        s = inv(low).T @ p @ inv(low)
        return to_root(sym(s), a)

    def of_series(series: Rule) -> Rule:
        """The rule of an analytic function of a matrix, from its value on a block triangular one."""

        def rule(g: Any, x: Any) -> Any:
            return series(np.block([[x.T, g], [0 * x, x.T]]))[: len(x), len(x) :]

        return rule

    def exponential(x: Any) -> Any:
        total = term = np.eye(len(x))
        for k in range(1, 30):
            term = term @ x / k
            total = total + term
        return total

    yield Problem("matmul", np.matmul, [m, n], lambda g, a, b: (g @ b.T, a.T @ g),
        wrong={"mean of g": lambda g, a, b: (g @ b.T, a.T @ np.full_like(g, g.mean())),
        "by the rows": lambda g, a, b: (g @ b.T, a.T @ g / 3)})
    yield Problem("square matmul", np.matmul, [a, b], lambda g, a, b: (g @ b.T, a.T @ g),
        wrong={".T missing on b": lambda g, a, b: (g @ b, a.T @ g), ".T missing on a": lambda g, a, b: (g @ b.T, a @ g),
        "order exchanged": lambda g, a, b: (b.T @ g, g @ a.T),
        "both transposed": lambda g, a, b: ((g @ b.T).T, (a.T @ g).T)})
    yield Problem("x xᵀ", lambda x: x @ T(x), [m], lambda g, x: (g + g.T) @ x,
        wrong={"one term": lambda g, x: g @ x, "twice one term": lambda g, x: 2 * g @ x})
    yield Problem("x x", lambda x: x @ x, [b], lambda g, x: g @ x.T + x.T @ g,
        wrong={"one term": lambda g, x: g @ x.T, ".T missing": lambda g, x: g @ x + x @ g})
    yield Problem("matrix times vector", np.matmul, [m, d], lambda g, a, x: (np.outer(g, x), a.T @ g))
    yield Problem("batched matmul", np.matmul, [batch, batch[::-1] + 1],
        lambda g, a, b: (g @ np.swapaxes(b, 1, 2), np.swapaxes(a, 1, 2) @ g),
        wrong={"the first batch": lambda g, a, b: (g @ b[0].T, np.swapaxes(a, 1, 2) @ g),
        ".T missing": lambda g, a, b: (g @ b, np.swapaxes(a, 1, 2) @ g)})
    yield Problem("batched matmul, one matrix shared", np.matmul, [batch, batch[0]],
        lambda g, a, b: (g @ b.T, (np.swapaxes(a, 1, 2) @ g).sum(0)),
        wrong={"mean over the batch": lambda g, a, b: (g @ b.T, (np.swapaxes(a, 1, 2) @ g).mean(0)),
        "last of the batch": lambda g, a, b: (g @ b.T, (np.swapaxes(a, 1, 2) @ g)[-1])})
    yield Problem("bilinear form", lambda x, a, y: x @ a @ y, [rng.standard_normal(3), m, d],
        lambda g, x, a, y: (g * (a @ y), g * np.outer(x, y), g * (a.T @ x)),
        wrong={"y for x": lambda g, x, a, y: (g * (a @ y), g * np.outer(x, np.roll(y, 1)), g * (a.T @ x))})
    yield Problem("quadratic form", lambda x, a: x @ a @ x, [d, a],
        lambda g, x, a: (g * ((a + a.T) @ x), g * np.outer(x, x)),
        wrong={"as if symmetric": lambda g, x, a: (2 * g * (a @ x), g * np.outer(x, x)),
        "one term": lambda g, x, a: (g * (a @ x), g * np.outer(x, x))})
    yield Problem("inverse", inv, [a], lambda g, a: -inv(a).T @ g @ inv(a).T,
        wrong={"without the sign": lambda g, a: inv(a).T @ g @ inv(a).T,
        ".T missing": lambda g, a: -inv(a) @ g @ inv(a), "one side": lambda g, a: -g @ inv(a).T})
    yield Problem("batched inverse", inv, [batch],
        lambda g, a: -np.swapaxes(inv(a), 1, 2) @ g @ np.swapaxes(inv(a), 1, 2))
    yield Problem("determinant", np.linalg.det, [a], lambda g, a: g * np.linalg.det(a) * inv(a).T,
        wrong={"without it": lambda g, a: g * inv(a).T, ".T missing": lambda g, a: g * np.linalg.det(a) * inv(a)})
    yield Problem("log |det|", lambda a: np.linalg.slogdet(a)[1], [a], lambda g, a: g * inv(a).T,
        wrong={"1/det": lambda g, a: g * inv(a).T / np.linalg.det(a),
        "the diagonal": lambda g, a: g * np.diag(1 / np.diag(a))})
    yield Problem("solve", np.linalg.solve, [a, n], lambda g, a, b: (-inv(a).T @ g @ (inv(a) @ b).T, inv(a).T @ g),
        wrong={"without the sign": lambda g, a, b: (inv(a).T @ g @ (inv(a) @ b).T, inv(a).T @ g),
        ".T missing": lambda g, a, b: (-inv(a).T @ g @ (inv(a) @ b).T, inv(a) @ g),
        "b for the solution": lambda g, a, b: (-inv(a).T @ g @ b.T, inv(a).T @ g)})
    yield Problem("solve for a vector", np.linalg.solve, [a, d],
        lambda g, a, b: (-np.outer(inv(a).T @ g, inv(a) @ b), inv(a).T @ g))
    yield Problem("cholesky", lambda a: np.linalg.cholesky(spd(a)), [root], of_cholesky,
        wrong={"diagonal not halved": lambda g, a: of_cholesky(g, a, False)})
    vectors = lambda a: np.linalg.eigh(sym(a))[1]
    yield Problem("eigenvalues", lambda a: np.linalg.eigvalsh(sym(a)), [spread],
        lambda g, a: (vectors(a) * g) @ vectors(a).T,
        wrong={"transposed vectors": lambda g, a: (vectors(a).T * g) @ vectors(a),
        "reversed": lambda g, a: (vectors(a) * g[::-1]) @ vectors(a).T})
    yield composed("squared eigenvectors", lambda a: np.linalg.eigh((a + T(a)) / 2)[1] ** 2, [spread])
    singular = lambda a: np.linalg.svd(a, compute_uv=False)
    weighted = lambda g, a: (lambda u, s, v: (u * g) @ v)(*np.linalg.svd(a, full_matrices=False))
    yield Problem("singular values", singular, [m], weighted, engine=False,
        wrong={"of the eigenvalues of aᵀa": lambda g, a: weighted(2 * g * singular(a), a),
        "reversed": lambda g, a: weighted(g[::-1], a)})
    yield Problem("nuclear norm", lambda a: np.sum(singular(a)), [m], weighted, engine=False,
        wrong={"a itself": lambda g, a: g * a})
    yield composed("pseudo-inverse", np.linalg.pinv, [m])
    yield Problem("cube of a matrix", lambda x: x @ x @ x, [b], of_series(lambda x: x @ x @ x),
        wrong={"as of a number": lambda g, x: 3 * (x @ x).T @ g,
        "two of three terms": lambda g, x: g @ (x @ x).T + (x @ x).T @ g})
    yield Problem("exponential of a matrix", exponential, [b / 2], of_series(exponential),
        wrong={"as of a number": lambda g, x: exponential(x).T @ g,
        ".T missing": lambda g, x: of_series(exponential)(g, x.T)})
    yield Problem("trace of the inverse", lambda a: np.trace(inv(a)), [a], lambda g, a: -g * (inv(a) @ inv(a)).T,
        wrong={"once": lambda g, a: -g * inv(a).T})
    yield Problem("squared Frobenius norm", lambda a, b: np.sum((a - b) ** 2), [m, m + 1],
        lambda g, a, b: (2 * g * (a - b), -2 * g * (a - b)),
        wrong={"the sign": lambda g, a, b: (2 * g * (a - b), 2 * g * (a - b))})
    pulled = lambda s, d: inv(spd(s)) @ d
    stretch = lambda s, d: to_root(0.5 * np.outer(pulled(s, d), pulled(s, d)), s)
    yield Problem("Gaussian log-likelihood", lambda s, d: -0.5 * (np.linalg.slogdet(spd(s))[1] + d @ inv(spd(s)) @ d),
        [root, d], lambda g, s, d: (g * (stretch(s, d) - to_root(0.5 * inv(spd(s)), s)), -g * pulled(s, d)),
        wrong={"log det lost": lambda g, s, d: (g * stretch(s, d), -g * pulled(s, d)),
        "exponent lost": lambda g, s, d: (-g * to_root(0.5 * inv(spd(s)), s), 0 * d)})
    yield Problem("kron", np.kron, [m[:, :2], n[:2]],
        lambda g, a, b: (np.einsum("ikjl,kl->ij", g.reshape(3, 2, 2, 2), b),
        np.einsum("ikjl,ij->kl", g.reshape(3, 2, 2, 2), a)))
    yield composed("least squares", lambda a, y: np.linalg.solve(T(a) @ a, T(a) @ y),
        [rng.standard_normal((6, 3)), rng.standard_normal(6)],
        normal_matrix_constant=lambda a, y: np.linalg.solve(still(T(a) @ a), T(a) @ y),
        data_constant=lambda a, y: np.linalg.solve(still(T(a) @ a), still(T(a)) @ y))
    yield Problem("large matmul", np.matmul, [rng.standard_normal((12, 20)), rng.standard_normal((20, 6))],
        lambda g, a, b: (g @ b.T, a.T @ g))
    yield Problem("determinant, nearly singular", np.linalg.det, [np.outer(d, d) + 1e-3 * b],
        lambda g, a: g * np.linalg.det(a) * inv(a).T, noise=1e-8)
    yield Problem("inverse, badly conditioned", inv, [np.diag([1.0, 1e-2, 1e-4, 1e-6]) @ (np.eye(4) + 0.1 * b)],
        lambda g, a: -inv(a).T @ g @ inv(a).T, noise=1e-9)


# ---- networks ----


@family("networks")
def networks(rng: Random) -> Problems:
    x, w, b = rng.standard_normal((6, 4)), rng.standard_normal((3, 4)), rng.standard_normal(3)
    labels, target = rng.integers(0, 4, 6), rng.standard_normal((6, 4))
    onehot, gain, shift = np.eye(4)[labels], rng.uniform(0.5, 1.5, 4), rng.standard_normal(4)
    probabilities = softmax(rng.standard_normal((6, 4)))
    kernel, signal = rng.standard_normal(3), rng.standard_normal(9)
    image, filters = rng.standard_normal((2, 2, 4, 4)), rng.standard_normal((2, 2, 3, 3))
    keep = (rng.random((6, 4)) < 0.7) / 0.7
    binary = rng.integers(0, 2, (6, 4)).astype(float)
    mean = lambda x, axis: np.mean(x, axis, keepdims=True)
    eps = 1e-2

    def windows(x: Any) -> Any:
        return np.stack([x[:, :, i : i + 2, j : j + 2] for i in range(3) for j in range(3)], 2)

    def convolution(x: Any, w: Any) -> Any:
        return np.einsum("nckij,ock->noij", windows(x), w.reshape(2, 2, 9))

    def of_convolution(g: Any, x: Any, w: Any, flipped: bool = True) -> Any:
        gx = np.zeros_like(x)
        for i in range(3):
            for j in range(3):
                at = w[:, :, i, j] if flipped else w[:, :, 2 - i, 2 - j]
                gx[:, :, i : i + 2, j : j + 2] += np.einsum("noij,oc->ncij", g, at)
        return gx, np.einsum("noij,nckij->ock", g, windows(x)).reshape(w.shape)

    def normalised(x: Any, axis: int, centre: Any = None, spread: Any = None) -> Any:
        c = mean(x, axis) if centre is None else centre(mean(x, axis))
        s = np.sqrt(mean((x - c) ** 2, axis) + eps)
        return (x - c) / (s if spread is None else spread(s))

    yield Problem("softmax", softmax, [x], lambda g, x: softmax(x) * (g - np.sum(g * softmax(x), -1, keepdims=True)),
        wrong={"diagonal only": lambda g, x: g * softmax(x) * (1 - softmax(x)),
        "sum constant": lambda g, x: g * softmax(x),
        "the other axis": lambda g, x: softmax(x, 0) * (g - np.sum(g * softmax(x, 0), 0, keepdims=True)),
        "summed over all": lambda g, x: softmax(x) * (g - np.sum(g * softmax(x)))})
    yield Problem("softmax of large logits", softmax, [100 * x],
        lambda g, x: softmax(x) * (g - np.sum(g * softmax(x), -1, keepdims=True)))
    yield Problem("log-softmax", lambda x: x - np.log(np.sum(np.exp(x), 1, keepdims=True)), [x],
        lambda g, x: g - softmax(x) * np.sum(g, 1, keepdims=True),
        wrong={"g for its sum": lambda g, x: g - softmax(x) * g, "sum constant": lambda g, x: g})
    yield Problem("cross entropy", lambda x: -np.mean(np.log(softmax(x))[np.arange(6), labels]), [x],
        lambda g, x: g * (softmax(x) - onehot) / 6,
        wrong={"not averaged": lambda g, x: g * (softmax(x) - onehot),
        "by the classes": lambda g, x: g * (softmax(x) - onehot) / 24,
        "labels off by one": lambda g, x: g * (softmax(x) - np.roll(onehot, 1, 1)) / 6,
        "without the labels": lambda g, x: g * softmax(x) / 6,
        "softmax twice": lambda g, x: g * (softmax(softmax(x)) - onehot) / 6,
        "the sign": lambda g, x: g * (onehot - softmax(x)) / 6})
    yield Problem("cross entropy with probabilities", lambda x: -np.sum(probabilities * np.log(softmax(x))), [x],
        lambda g, x: g * (softmax(x) - probabilities))
    yield Problem("binary cross entropy of logits", lambda x: np.mean(np.log1p(np.exp(x)) - binary * x), [x],
        lambda g, x: g * (sigmoid(x) - binary) / 24,
        wrong={"sigmoid's slope too": lambda g, x: g * (sigmoid(x) - binary) * sigmoid(x) * (1 - sigmoid(x)) / 24,
        "by the batch": lambda g, x: g * (sigmoid(x) - binary) / 6})
    yield Problem("mean squared error", lambda x: np.mean((x - target) ** 2), [x],
        lambda g, x: 2 * g * (x - target) / 24,
        wrong={"without the 2": lambda g, x: g * (x - target) / 24,
        "by the batch": lambda g, x: 2 * g * (x - target) / 6, "the sign": lambda g, x: 2 * g * (target - x) / 24})
    yield Problem("linear layer", lambda x, w, b: x @ w.T + b, [x, w, b], lambda g, x, w, b: (g @ w, g.T @ x, g.sum(0)),
        wrong={"bias averaged": lambda g, x, w, b: (g @ w, g.T @ x, g.mean(0)),
        "weights averaged": lambda g, x, w, b: (g @ w, g.T @ x / 6, g.sum(0)),
        "bias forgotten": lambda g, x, w, b: (g @ w, g.T @ x, None),
        "bias one row": lambda g, x, w, b: (g @ w, g.T @ x, g[0])})
    yield composed("layer norm", lambda x, a, c: normalised(x, 1) * a + c, [x, gain, shift],
        mean_constant=lambda x, a, c: normalised(x, 1, still) * a + c,
        variance_constant=lambda x, a, c: normalised(x, 1, None, still) * a + c,
        both_constant=lambda x, a, c: normalised(x, 1, still, still) * a + c,
        eps_left_out=lambda x, a, c: (x - mean(x, 1)) / np.sqrt(mean((x - mean(x, 1)) ** 2, 1)) * a + c,
        eps_outside=lambda x, a, c: (x - mean(x, 1)) / (np.sqrt(mean((x - mean(x, 1)) ** 2, 1)) + eps) * a + c,
        n_minus_1=lambda x, a, c: (x - mean(x, 1)) / np.sqrt(mean((x - mean(x, 1)) ** 2, 1) * 4 / 3 + eps) * a + c,
        the_other_axis=lambda x, a, c: normalised(x, 0) * a + c,
        gain_left_out=lambda x, a, c: normalised(x, 1) + 0 * a + c)
    yield composed("batch norm", lambda x, a, c: normalised(x, 0) * a + c, [x, gain, shift],
        mean_constant=lambda x, a, c: normalised(x, 0, still) * a + c,
        variance_constant=lambda x, a, c: normalised(x, 0, None, still) * a + c,
        both_constant=lambda x, a, c: normalised(x, 0, still, still) * a + c,
        eps_left_out=lambda x, a, c: (x - mean(x, 0)) / np.sqrt(mean((x - mean(x, 0)) ** 2, 0)) * a + c)
    yield composed("RMS norm", lambda x: x / np.sqrt(mean(x * x, 1) + eps), [x],
        root_constant=lambda x: x / still(np.sqrt(mean(x * x, 1) + eps)),
        eps_left_out=lambda x: x / np.sqrt(mean(x * x, 1)))
    slid = lambda x: np.stack([x[i : i + 7] for i in range(3)])
    yield Problem("convolution of a signal", lambda x, k: k @ slid(x), [signal, kernel],
        lambda g, x, k: (np.convolve(g, k), slid(x) @ g),
        wrong={"kernel flipped": lambda g, x, k: (np.convolve(g, k[::-1]), slid(x) @ g),
        "kernel's gradient flipped": lambda g, x, k: (np.convolve(g, k), (slid(x) @ g)[::-1]),
        "without its edges": lambda g, x, k: (np.pad(np.convolve(g, k)[1:-1], 1), slid(x) @ g)})
    yield Problem("convolution of images", convolution, [image, filters], of_convolution,
        wrong={"kernel flipped": lambda g, x, w: of_convolution(g, x, w, False),
        "first image": lambda g, x, w: (of_convolution(g, x, w)[0], of_convolution(g[:1], x[:1], w)[1]),
        "channels exchanged": lambda g, x, w: (of_convolution(g, x, w)[0][:, ::-1], of_convolution(g, x, w)[1])})
    spread_out = lambda g: g.repeat(2, 2).repeat(2, 3)
    yield Problem("average pooling", lambda x: np.mean(x.reshape(2, 2, 2, 2, 2, 2), (3, 5)), [image],
        lambda g, x: spread_out(g) / 4,
        wrong={"not divided": lambda g, x: spread_out(g), "shifted": lambda g, x: np.roll(spread_out(g), 1, 3) / 4})
    yield composed("attention", lambda q, k, v: softmax(q @ k.T / 2.0) @ v, [x, target, rng.standard_normal((6, 3))],
        scale_forgotten=lambda q, k, v: softmax(q @ k.T / 2.0 + (q @ k.T - still(q @ k.T)) / 2.0) @ v,
        weights_constant=lambda q, k, v: still(softmax(q @ k.T / 2.0)) @ v,
        keys_constant=lambda q, k, v: softmax(q @ still(k).T / 2.0) @ v,
        values_constant=lambda q, k, v: softmax(q @ k.T / 2.0) @ still(v))

    def recurrence(x: Any, u: Any, h: Any, cut: Any = lambda h: h) -> Any:
        for t in range(6):
            h = np.tanh(x[t] + cut(h) @ u)
        return h

    yield composed("recurrence", recurrence, [x, rng.standard_normal((4, 4)) / 2, shift],
        one_step_back=lambda x, u, h: recurrence(x, u, h, still), weights_of_the_last_step=_last_step)

    def gated(x: Any, u: Any, cut: Any = lambda z: z) -> Any:
        h = 0 * x[0]
        for t in range(4):
            z = cut(sigmoid(x[t] + h @ u))
            h = (1 - z) * h + z * np.tanh(x[t] - h @ u)
        return h

    yield composed("gated recurrence", gated, [x, rng.standard_normal((4, 4)) / 2],
        gate_constant=lambda x, u: gated(x, u, still))
    yield Problem("dropout by a kept mask", lambda x: x * keep, [x], lambda g, x: g * keep,
        wrong={"not scaled": lambda g, x: g * (keep > 0), "mask forgotten": lambda g, x: g,
        "dropped ones": lambda g, x: g * (keep == 0)})
    yield composed("cosine similarity", lambda a, c: np.sum(a * c, 1) / np.sqrt(np.sum(a * a, 1) * np.sum(c * c, 1)),
        [x, target], norms_constant=lambda a, c: np.sum(a * c, 1) / still(np.sqrt(np.sum(a * a, 1) * np.sum(c * c, 1))),
        one_norm_constant=lambda a, c: np.sum(a * c, 1) / np.sqrt(still(np.sum(a * a, 1)) * np.sum(c * c, 1)))
    norm = lambda v: np.sqrt(np.sum(v * v, 1, keepdims=True))
    yield composed("weight norm", lambda x, v, s: x @ np.transpose(v / norm(v) * s[:, None]), [x, w, b],
        norm_constant=lambda x, v, s: x @ np.transpose(v / still(norm(v)) * s[:, None]))
    hit = lambda x: softmax(x)[np.arange(6), labels]
    yield composed("focal loss", lambda x: -np.mean((1 - hit(x)) ** 2 * np.log(hit(x))), [x],
        weight_constant=lambda x: -np.mean(still((1 - hit(x)) ** 2) * np.log(hit(x))))
    yield composed("gated linear unit", lambda x: x[:, :2] * sigmoid(x[:, 2:]), [x],
        gate_constant=lambda x: x[:, :2] * still(sigmoid(x[:, 2:])),
        value_constant=lambda x: still(x[:, :2]) * sigmoid(x[:, 2:]))
    yield composed("contrastive loss", lambda a, c: -np.mean(np.log(np.diag(softmax(a @ c.T)))), [x / 2, target / 2],
        negatives_constant=lambda a, c: -np.mean(np.diag(a @ c.T) - np.log(still(np.sum(np.exp(a @ c.T), 1)))))
    yield composed("Gaussian negative log-likelihood", lambda m, s: np.mean(0.5 * ((target - m) / np.exp(s)) ** 2 + s),
        [x, x[::-1] / 3], without_the_log_scale=lambda m, s: np.mean(0.5 * ((target - m) / np.exp(s)) ** 2 + still(s)))
    yield composed("a reparametrised sample", lambda m, s: (m + np.exp(s) * target) ** 2, [x, x[::-1] / 3],
        spread_constant=lambda m, s: (m + still(np.exp(s)) * target) ** 2)
    yield composed("gelu", lambda x: 0.5 * x * (1 + np.tanh(0.79788456 * (x + 0.044715 * x**3))), [x],
        tanh_constant=lambda x: 0.5 * x * (1 + still(np.tanh(0.79788456 * (x + 0.044715 * x**3)))),
        cube_lost=lambda x: 0.5 * x * (1 + np.tanh(0.79788456 * (x + 0.044715 * still(x**3)))))


def _last_step(x: Any, u: Any, h: Any) -> Any:
    for t in range(6):
        h = np.tanh(x[t] + h @ (u if t == 5 else still(u)))
    return h


def _chain(slopes: np.ndarray, f: Rule, slope: Rule) -> tuple[Rule, Rule]:
    """Layers f(a·x) one after another; their rule, in which one slope may be forgotten, or all be taken too early."""

    def forward(x: Any) -> list[Any]:
        layers = [x]
        for a in slopes:
            layers.append(f(a * layers[-1]))
        return layers

    def rule(g: Any, x: Any, forgotten: int = -1, shift: int = 0) -> Any:
        layers = forward(x)
        for k in reversed(range(len(slopes))):
            g = g * slopes[k] * (1 if k == forgotten else slope(slopes[k] * layers[max(k - shift, 0)]))
        return g

    return (lambda x: forward(x)[-1]), rule


@family("deep")
def deep(rng: Random) -> Problems:
    for name, f, slope, size in (
        ("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2, 1.3),
        ("sin", np.sin, np.cos, 1.5),
        ("softplus", lambda x: np.log1p(np.exp(x)), sigmoid, 0.9),
    ):
        for depth in (5, 30):
            whole, rule = _chain(size * rng.uniform(0.8, 1.2, depth), f, slope)
            yield Problem(f"{depth} layers of {name}", whole, [rng.standard_normal(6)], rule,
                wrong={"one slope forgotten": lambda g, x, r=rule, d=depth: r(g, x, forgotten=d // 2),
                "activations of the layer before": lambda g, x, r=rule: r(g, x, shift=1)})
    weights = [rng.standard_normal((5, 5)) / 2 for _ in range(12)]

    def residual(x: Any, cut: Any = lambda h: h) -> Any:
        for w in weights:
            x = x + 0.3 * np.tanh(cut(x) @ w)
        return x

    yield composed("12 residual layers", residual, [rng.standard_normal((3, 5))],
        branches_constant=lambda x: residual(x, still))
    yield composed("a logistic map, 12 times", _logistic, [rng.uniform(0.1, 0.9, 6)])
    yield composed("Newton's method for a root", _newton, [rng.uniform(1, 4, 6)],
        guess_constant=lambda a: _newton(a, still))
    yield composed("Euler steps of a pendulum", _pendulum, [rng.standard_normal((2, 4))],
        force_constant=lambda z: _pendulum(z, still))


def _logistic(x: Any) -> Any:
    for _ in range(12):
        x = 3.6 * x * (1 - x)
    return x


def _newton(a: Any, cut: Any = lambda x: x) -> Any:
    x = a * 0 + 2.0
    for _ in range(2):
        x = 0.5 * (cut(x) + a / x)
    return x


def _pendulum(z: Any, cut: Any = lambda f: f) -> Any:
    angle, speed = z[0], z[1]
    for _ in range(20):
        speed = speed - 0.1 * cut(np.sin(angle))
        angle = angle + 0.1 * speed
    return angle


def _times(rule: Rule, which: int, factor: float) -> Rule:
    """The rule with one input's gradient multiplied."""
    return lambda g, *x: tuple(factor * r if i == which else r for i, r in enumerate(rule(g, *x)))


@family("relu networks")
def relu_networks(rng: Random) -> Problems:
    """Random ones, kinks included; four that once were false alarms; some without biases, padded with rows of 0."""
    for seed in (215, 402, 942, 3853, *rng.integers(10**6, size=16).tolist()):
        f, inputs, rule = relu_network(seed)
        yield kinked(f"network {seed}", f, inputs, rule,
            wrong={"first input's sign": _times(rule, 0, -1.0), "last bias twice": _times(rule, len(inputs) - 1, 2.0)})
    for number in range(4):
        rows, width = rng.integers(3, 9, 2)
        first, last = rng.standard_normal((width, width)), rng.standard_normal((width, 3))
        padded = rng.standard_normal((rows, width)) * (rng.random(rows) < 0.4)[:, None]
        network = lambda x, w=first, u=last: np.maximum(x @ w, 0) @ u
        yield kinked(f"no biases, padded rows, {number}", network, [padded],
            lambda g, x, w=first, u=last: ((g @ u.T) * (x @ w > 0)) @ w.T,
            wrong={"without relu": lambda g, x, w=first, u=last: g @ u.T @ w.T})


@family("constants and edges")
def edges(rng: Random) -> Problems:
    x, index = rng.standard_normal((3, 4)), np.array([2, 0, 1])
    flags = np.array([True, False, True])
    sides = [np.zeros((0, 3)), np.zeros((3, 2))]
    nothing = lambda g, x: 0 * x
    yield Problem("a constant", lambda x: np.full(3, 2.0), [x], nothing, engine=False,
        wrong={"ones": lambda g, x: np.ones_like(x), "1e−6": lambda g, x: np.full_like(x, 1e-6)})
    yield Problem("a number that doesn't move", lambda x: 2.0 + 0 * np.sum(x), [x], nothing,
        wrong={"ones": lambda g, x: np.ones_like(x)})
    yield Problem("0 · x", lambda x: 0 * x, [x], lambda g, x: 0 * g, wrong={"x": lambda g, x: g})
    yield Problem("one input unused", lambda a, b: np.sin(a), [x, x + 1], lambda g, a, b: (g * np.cos(a), 0 * b),
        wrong={"used": lambda g, a, b: (g * np.cos(a), g * np.cos(b))})
    yield Problem("one input unused, None", lambda a, b: np.sin(a), [x, x + 1], lambda g, a, b: (g * np.cos(a), None))
    yield Problem("the first element only", lambda x: x[0, 0] ** 2, [x],
        lambda g, x: 2 * g * x * (np.arange(12).reshape(3, 4) == 0),
        wrong={"the last": lambda g, x: 2 * g * x * (np.arange(12).reshape(3, 4) == 11), "all": lambda g, x: 2 * g * x})
    yield Problem("a matmul without rows", np.matmul, sides, lambda g, a, b: (g @ b.T, a.T @ g))
    yield Problem("a sum of nothing", np.sum, [np.zeros((0, 3))], lambda g, x: g * np.ones_like(x))
    yield Problem("a mean over one", lambda x: np.mean(x, 0), [x[:1]], lambda g, x: g[None])
    yield Problem("numbers", lambda a, b: a * np.sin(b), [np.array(0.7), np.array(-1.2)],
        lambda g, a, b: (g * np.sin(b), g * a * np.cos(b)),
        wrong={"exchanged": lambda g, a, b: (g * a * np.cos(b), g * np.sin(b))})
    yield Problem("rows by an index", lambda x: x[index] ** 2, [x], lambda g, x: (2 * g * x[index])[np.argsort(index)],
        wrong={"the same index": lambda g, x: (2 * g * x[index])[index]})
    yield Problem("rows by flags", lambda x: np.sum(x[flags] ** 2), [x], lambda g, x: 2 * g * x * flags[:, None],
        engine=False, wrong={"all rows": lambda g, x: 2 * g * x})
    yield Problem("integers inside", lambda x: x * np.arange(4), [x], lambda g, x: g * np.arange(4),
        wrong={"1 to 4": lambda g, x: g * np.arange(1, 5)})
    yield Problem("flags inside", lambda x: x * (np.arange(4) % 2 == 0), [x], lambda g, x: g * (np.arange(4) % 2 == 0),
        wrong={"the odd ones": lambda g, x: g * (np.arange(4) % 2)})
    yield Problem("four axes", lambda x: np.sum(x**2, (1, 3)), [x.reshape(1, 3, 2, 2)],
        lambda g, x: 2 * g[:, None, :, None] * x)
    yield Problem("not contiguous", lambda x: x**3, [x.T], lambda g, x: 3 * g * x**2)
    yield Problem("integers as inputs of type float", lambda x: x**2, [np.arange(-3.0, 4)], lambda g, x: 2 * g * x,
        wrong={"rounded": lambda g, x: np.round(g * x) * 2})
    yield Problem("float16 inputs", np.tanh, [x.astype(np.float16)], lambda g, x: g * (1 - np.tanh(x) ** 2))
    kept: dict[str, Any] = {}

    def keeping(x: Any) -> Any:
        kept["y"] = np.tanh(x)
        return kept["y"]

    yield Problem("a rule that keeps what the last forward pass gave", keeping, [x],
        lambda g, x: g * (1 - kept["y"] ** 2), engine=False)
