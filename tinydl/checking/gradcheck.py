"""Is this gradient right? `gradcheck` compares a gradient with numerical derivatives, and says why when they differ.

This file asks the questions. problems.py says what is checked, numerical.py measures slopes, rounding.py says how well
the claimed gradient knows its numbers, causes.py names the mistake, report.py says what came out.
They stand on the derivatives alone and know no layer: a Module is whatever has `named_parameters`.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.arrays import Array
from .numerical import EPS, RELATIVE, Line, Slope, Surveyor, estimate, judge_line, scale_of
from .problems import Problem, float64_copies, gradient_of, in_float64, names_of, of_arrays, of_tensors
from .report import Label, Report, Row, verdict_of
from .rounding import noise_of_rule, precisions, told


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    vjp: Callable[..., Any] | None = None,
    grad: Callable[..., Any] | None = None,
    loss: Callable[..., Any] | None = None,
    module: Any = None,
    order: int = 1,
    seed: int = 0,
    coordinates: int = 200,
    directions: int = 6,
    allow_undecided: bool = False,
) -> Report:
    """Compare the gradient of `f` at `inputs` with numerical derivatives; the Report is true when all of it agrees.

    - ``gradcheck(f, *inputs)``: `f` gets Tensors and gives a Tensor of any shape; the engine's gradient is checked.
    - ``gradcheck(f, *inputs, vjp=rule)``: plain NumPy; ``rule(g, *inputs)`` gives ∑ᵢ gᵢ ∂fᵢ/∂input for each input.
    - ``gradcheck(f, *inputs, grad=rule)``: plain NumPy, scalar `f`; ``rule(*inputs)`` gives ∂f/∂input for each input.
      Rules return a tuple or list with one gradient per input, or for a single input the gradient itself.
    - ``gradcheck(model, x, loss=lambda out: …)``: a Module, over its parameters and x; so does
      ``gradcheck(lambda x: loss(model(x), y), x, module=model)``, where `f` may also take no input at all.

    What is compared is v·f for a random cotangent v (never ones), with `order=2` also the derivatives of its gradient;
    where f gives a single number it is shown divided by v, so that the rows are the derivatives. A vjp rule is asked
    for a cotangent of another sign and size too. A gradient in float32 is judged as such, and the report says so.
    Inputs of at most `coordinates` elements are checked at every element, of larger ones a sample; all of
    them along `directions` random directions as well. Each numerical derivative carries an error bar, measured, and the
    tolerance is relative to it and to the derivative, nothing absolute. At a kink a gradient between the two one-sided
    slopes is accepted. Derivatives that drown in rounding noise are "undecided", which passes with `allow_undecided`
    only. Everything is computed on float64 copies: inputs, weights and buffers keep their values.

    Raises TypeError for integer inputs (close over them: ``lambda x: f(x, labels)``) and for functions that don't
    return one Tensor (one array for vjp= and grad=), and for a rule written without g, or with g last; ValueError for a
    wrong number of gradients, or a non-scalar f with grad=.
    Method: Ridders, Adv. Eng. Software 4 (1982), 75–76, with the noise measured; see numerical.py.
    """
    if vjp is not None and grad is not None:
        raise TypeError("gradcheck takes vjp= or grad=, not both")
    if order not in (1, 2):
        raise ValueError(f"order= is 1 or 2, not {order!r}")
    if order == 2 and (vjp is not None or grad is not None):
        raise ValueError(
            "order=2 differentiates the engine's own gradient; a rule in plain NumPy has no second derivative"
        )
    if module is None and hasattr(f, "named_parameters"):
        f = module = copy.deepcopy(f)
    if module is not None and (vjp is not None or grad is not None):
        raise TypeError("a Module's gradient comes from the engine: check it without vjp= and grad=")
    if not inputs and module is None:
        raise TypeError("gradcheck needs inputs at which to check f: gradcheck(f, x)")
    whole = f if loss is None else lambda *given: loss(f(*given))
    values, notes = float64_copies(inputs, names_of(f, len(inputs)), module is not None)
    rng = np.random.default_rng(seed)
    with in_float64(module) as parameters, np.errstate(all="ignore"):
        n, trained = len(inputs), list(parameters.values())
        names = [*names_of(f, n, {*parameters, "cotangent"}), *parameters]
        labels: list[Label] = [*range(n), *parameters]
        values += [p.data.copy() for p in trained]
        rule = vjp if vjp is not None else grad
        problem = of_tensors(whole, n, trained) if rule is None else of_arrays(whole, rule, vjp is not None, names)
        asked = _Asked(labels, names, values, coordinates, directions)
        checked = _check(problem, asked, rng)
        if order == 2 and checked.verdict == "right":
            cotangent = rng.standard_normal(np.shape(problem.value(values)))
            second = of_tensors(gradient_of(whole, trained), n + 1, trained)
            more = _check(second, asked.of_second_order(n, cotangent), rng)
            checked.rows += more.rows
            checked.causes += [(code, f"In the derivative of the gradient: {text}") for code, text in more.causes]
            checked.notes += more.notes
            checked.verdict = more.verdict
    shapes = {label: value.shape for label, value in zip(labels, values, strict=True)}
    return Report(checked.rows, checked.causes, notes + checked.notes, shapes, checked.verdict, allow_undecided)


# ---- Checking it ----


@dataclass(eq=False)
class _Asked:
    """Of which inputs the derivatives are asked for, how to call them, and how many are checked one by one.

    `shares` are what the derivatives are shown divided by, beside the cotangent of an f that gives a single number.
    """

    labels: list[Label]
    names: list[str]
    values: list[Array]
    coordinates: int
    directions: int
    order: int = 1
    shares: Sequence[float] = ()

    def of_second_order(self, n: int, cotangent: Array) -> _Asked:
        """The same for the gradient, of which the cotangent is one more input, after the first n."""
        share = cotangent.item() if cotangent.size == 1 else 1.0
        before, after = [share] * n, [share] * (len(self.values) - n)
        return replace(
            self, labels=[*self.labels[:n], "cotangent", *self.labels[n:]],
            names=[*self.names[:n], "cotangent", *self.names[n:]],
            values=[*self.values[:n], cotangent, *self.values[n:]], order=2, shares=[*before, 1.0, *after],
        )  # fmt: skip


@dataclass(eq=False)
class _Checked:
    rows: list[Row]
    causes: list[tuple[str, str]]
    notes: list[str]
    verdict: str = ""

    def count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)


UNREPEATABLE = (
    "f is not repeatable: called twice with the same inputs it gave different results. If it drops out or samples, "
    "call model.eval() first, or seed it anew inside f (tl.manual_seed(0) or np.random.default_rng(0))."
)
UNSTEADY = (
    "The gradient is not repeatable: called twice with the same arguments it came out different. Does the rule draw "
    "random numbers, or change what it keeps from one call to the next?"
)
STRETCHES = (-64.0, 64.0)  # the cotangent's, by powers of two, so that what is linear in it is so to the last bit


def _check(problem: Problem, asked: _Asked, rng: np.random.Generator) -> _Checked:
    values = asked.values
    y, again = np.array(problem.value(values)), np.array(problem.value(values))
    if y.shape != again.shape or not np.array_equal(y, again, equal_nan=True):
        return _Checked([], [], [UNREPEATABLE], "undecided")
    where = "is {} at index {}: derivatives are taken at finite numbers"
    for name, x, sentence in (
        *((name, x, where) for name, x in zip(asked.names, values, strict=True)),
        ("f itself", y, "gives {} at output index {}: choose inputs inside its domain"),
    ):
        for bad in np.argwhere(~np.isfinite(x))[:1].tolist():
            return _Checked([], [("not_finite", f"{name} {sentence.format(x[tuple(bad)], bad)}")], [], "undecided")
    v = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape) if problem.upstream else np.ones(y.shape)
    claimed = [np.array(g) for g in problem.gradients(values, v)]
    repeated = problem.gradients(values, v)
    steady = _same(repeated, claimed, 1e-10)
    exam = _Examination(problem, asked, y, v, claimed, rng)
    exam.allow(repeated)
    checked = _Checked(*exam.of_all())
    if steady and not exam.linear and not checked.count("wrong"):  # for another cotangent it claims something else
        for others in exam.stretched:
            if not checked.count("wrong"):
                rows = _Examination(problem, asked, y, v, others, rng).of_all()[0]
                checked.rows = rows if verdict_of(rows) == "wrong" else checked.rows
    checked.verdict = verdict_of(checked.rows)
    if checked.count("wrong"):
        checked.causes = exam.causes([row for row in checked.rows if row.verdict == "wrong"], steady)
        if not checked.causes:
            alone = [row for row in checked.rows if isinstance(row.index, tuple) and row.verdict == "wrong"]
            worst = max(alone or checked.rows, key=lambda row: row.gravity).where
            checked.notes.insert(0, f"None of the usual mistakes explains the numbers; worst at {worst}.")
    if precision := told(exam.units, asked.names, checked.verdict == "right", exam.agreement(checked.rows)):
        checked.notes.append(precision)
    if at_kinks := checked.count("kink"):
        between = "there any gradient between the two one-sided slopes is accepted"
        checked.notes.append(f"{at_kinks} at a kink of f: {between}.")
    if unsure := checked.count("undecided"):
        checked.notes.append(f"{unsure} undecided: rounding noise in f is larger than the derivative there.")
    if not steady:
        checked.notes.insert(0, UNSTEADY)
        checked.verdict = "wrong" if checked.verdict == "wrong" else "undecided"
    return checked


class _Examination:
    """What the questions about one function share: its value, the cotangent, the claimed gradients and their noise."""

    def __init__(
        self, problem: Problem, asked: _Asked, y: Array, v: Array, claimed: list[Array], rng: np.random.Generator
    ) -> None:
        self.problem, self.asked, self.claimed = problem, asked, claimed
        self.labels, self.names, self.values = asked.labels, asked.names, asked.values
        self.y, self.v, self.rng = y, v, rng
        usable = [g.shape == x.shape and g.dtype.kind in "fciub" for g, x in zip(claimed, self.values, strict=True)]
        self.ours = [np.real(g).astype(np.float64) if good else np.zeros(x.shape)
                     for g, x, good in zip(claimed, self.values, usable, strict=True)]  # fmt: skip
        self.finite = [np.where(np.isfinite(g), g, 0.0) for g in self.ours]
        self.stretched = [_per_unit(problem.gradients(self.values, times * v), times)
                          for times in (STRETCHES if problem.upstream else ())]  # fmt: skip
        self.bent = [any(_bent(others[i], g) for others in self.stretched) for i, g in enumerate(self.ours)]
        self.linear = not any(self.bent)
        self.units = precisions(problem, self.values, v, claimed, self.bent, rng)
        self.noise = noise_of_rule(problem, self.values, y, v, self.finite, self.units, self.linear, rng)
        self.sizes = [scale_of(x) for x in self.values]
        self.slopes: dict[int, dict[tuple[int, ...], Slope]] = {}
        self.share = float(v.item()) if v.size == 1 else 1.0  # the rows of a single number are its derivatives

    def allow(self, repeated: Sequence[Array]) -> None:
        """Count as noise by how little a gradient differs when it is asked for once more."""
        for i, (again, g) in enumerate(zip(repeated, self.finite, strict=True)):
            if again.shape == g.shape and again.dtype.kind == "f" and g.size:
                change = np.abs(again - g)
                self.noise[i] = np.maximum(self.noise[i], np.where(change <= 1e-3 * np.max(np.abs(g)), 8 * change, 0.0))

    def of_all(self) -> tuple[list[Row], list[tuple[str, str]], list[str]]:
        """Check all inputs, one after the other and together: the rows, no causes yet, and what was left out."""
        rows, notes, covered = self.malformed(), list[str](), True
        coordinates, directions = self.asked.coordinates, self.asked.directions
        for i, (name, x) in enumerate(zip(self.names, self.values, strict=True)):
            chosen: Any = range(x.size)
            if x.size > coordinates:
                chosen = np.sort(self.rng.choice(x.size, min(SAMPLE, coordinates), replace=False))
                notes.append(
                    f"Skipped: {x.size - len(chosen):,} of the {x.size:,} elements of {name} were not checked "
                    f"one by one, but all of them along {directions + 1} directions."
                )
            found, complete = self.of_input(i, list(map(int, chosen)), directions)
            rows += found
            covered = covered and complete
        if len(self.values) > 1:
            rows += self.together(covered, any(row.verdict == "kink" for row in rows))
        return rows, [], notes

    def row(self, i: int | None, index: tuple[int, ...] | str, ours: float, slope: Slope) -> Row:
        """What was found of input i, or with None of all together, as it is shown: by each unit of the cotangent of a
        single number."""
        share = self.share * (self.asked.shares[i] if self.asked.shares and i is not None else 1.0)
        remark = slope.remark
        if not remark and math.isfinite(slope.left):
            left, right = slope.left / share + 0.0, slope.right / share + 0.0  # + 0.0 for the sign of 0
            remark = f" ({left:.6g} on the left, {right:.6g} on the right)"
        label, name = ("all inputs", "all inputs") if i is None else (self.labels[i], self.names[i])
        value, bar = slope.value / share + 0.0, slope.bar / abs(share)
        return Row(label, index, ours / share + 0.0, value, bar, slope.verdict, self.asked.order, remark, name)

    def agreement(self, rows: Sequence[Row]) -> float:
        """The largest error of a gradient in low precision that is right, as a part of its largest derivative."""
        found = 0.0
        for label, unit in zip(self.labels, self.units, strict=True):
            known = [row for row in rows if row.input == label and isinstance(row.index, tuple)]
            largest = max((abs(row.numerical) for row in known), default=0.0)
            errors = [abs(row.ours - row.numerical) for row in known if row.verdict == "right"]
            found = max(found, max(errors, default=0.0) / largest if unit > EPS and largest else 0.0)
        return found

    def malformed(self) -> list[Row]:
        """A row for every gradient that has the wrong shape or dtype."""
        rows = []
        for i, (x, g) in enumerate(zip(self.values, self.claimed, strict=True)):
            fault = "shape" if g.shape != x.shape else "dtype" if g.dtype.kind != "f" else ""
            if fault:
                nothing = Slope(math.nan, math.nan, "wrong", remark=f" ({fault})")
                rows.append(self.row(i, "as a whole", math.nan, nothing))
        return rows

    def line(self, moves: dict[int, Any], predicted: Sequence[Array] | None = None) -> Line:
        """v·f along these moves."""
        return Line(self.problem.value, self.values, self.y, self.v, moves, predicted)

    def of_input(self, i: int, chosen: Sequence[int], directions: int) -> tuple[list[Row], bool]:
        """Check one input: the chosen elements, and directions; and whether the elements alone say all there is."""
        x, size = self.values[i], self.sizes[i]
        typical = float(np.median(size)) if x.size else 1.0
        surveyor = Surveyor(self.line({i: _random_direction(self.rng, size)}, self.finite))
        rows = []
        for j in chosen:
            index = tuple(map(int, np.unravel_index(j, x.shape)))
            ours = float(self.ours[i][index])
            slope = self.element(i, j, ours, typical, surveyor)
            rows.append(self.row(i, index, ours, slope))
            self.slopes.setdefault(i, {})[index] = slope
        rows = _beside_the_largest(rows, size)
        complete = len(chosen) == x.size and not {row.verdict for row in rows} & {"undecided", "skipped"}
        kinks = any(row.verdict == "kink" for row in rows)
        ways = {f"direction {number}": _random_direction(self.rng, size) for number in range(directions)}
        ways["all together"] = _alike(size, typical)
        largest = float(np.max(np.abs(self.finite[i]), initial=0.0))
        if kinks and largest:  # what is outside of all that is legitimate at a kink shows along itself
            ways["along itself"] = self.finite[i] / largest * typical
        if kinks:
            ways |= _along_no_kink(self.rng, x, size)
        for name, d in ways.items() if x.size > 1 else ():
            for d_ in (d, np.abs(d), -np.abs(d)):  # at the edge of its domain f may be defined on one side only
                slope, ours = self.direction({i: d_}, surveyor, kinks)
                if slope.verdict != "skipped":
                    break
            if not (complete and slope.verdict in ("undecided", "skipped")):  # it can't add to what the elements say
                rows.append(self.row(i, name, ours, slope))
        return rows, complete

    def element(self, i: int, j: int, ours: float, typical: float, surveyor: Surveyor) -> Slope:
        """Judge the derivative by one element, given by its flat index."""
        line, scale = self.line({i: j}), float(self.sizes[i].reshape(-1)[j])
        line.rounding_of_ours = float(self.noise[i].reshape(-1)[j])
        longer = _larger(scale, typical)
        slope = judge_line(line, ours if math.isfinite(ours) else 0.0, scale, surveyor, longer)
        if not math.isfinite(ours):
            return Slope(slope.value, slope.bar, "wrong", remark=" (not finite)")
        if slope.verdict == "undecided":  # kinks on the surveyor's way may look like noise; on its own there are few
            again = judge_line(line, ours, scale, Surveyor(self.line({i: j})), longer)
            slope = again if again.verdict == "right" else slope
        if slope.verdict == "wrong":
            at_kink = math.isfinite(slope.left) and _nearby(line, ours, slope.bar, self.rng)
            if at_kink or (self.tied and _among_ties(line, ours, slope, surveyor, self.rng)):
                slope = replace(slope, verdict="kink")
        return self.with_witness(slope, line, ours)

    def direction(self, moves: dict[int, Any], surveyor: Surveyor | None, kinks: bool) -> tuple[Slope, float]:
        """Judge the derivative along a direction; and what is claimed for it.

        Where kinks of several elements meet in it, a gradient that is legitimate for each may lie outside the bracket
        of the line's own two slopes; what counts then are the slopes at points nearby (see `_nearby`)."""
        line, ours = self.line(moves, self.finite), _dot(self.finite, moves)
        line.rounding_of_ours = sum(float(np.sum(self.noise[i] * np.abs(d))) for i, d in moves.items())
        surveyor = surveyor or Surveyor(line)
        slope = judge_line(line, ours, 1.0, surveyor, _UPWARD)
        if slope.verdict == "wrong" and slope.h:
            inside, apart = _hull(line, slope, ours)
            if not inside and (apart or kinks or math.isfinite(slope.left) or self.tied):
                inside = _nearby(line, ours, slope.bar, self.rng)
            if inside or (self.tied and _among_ties(line, ours, slope, surveyor, self.rng)):
                slope = replace(slope, verdict="kink")
        return self.with_witness(slope, line, ours), ours

    def together(self, covered: bool, kinks: bool) -> list[Row]:
        """Directions in which all inputs move at once."""
        rows = []
        typical = float(np.median(np.concatenate([size.reshape(-1) for size in self.sizes])))
        for number, name in enumerate(("direction 0", "direction 1", "all together")):
            moves = {i: _alike(size, typical) if number == 2 else _random_direction(self.rng, size)
                     for i, size in enumerate(self.sizes)}  # fmt: skip
            slope, ours = self.direction(moves, None, kinks)
            if not (covered and slope.verdict in ("undecided", "skipped")):
                rows.append(self.row(None, name, ours, slope))
        return rows

    @functools.cached_property
    def tied(self) -> bool:
        """Whether f has kinks at x itself, in whatever direction: slopes right beside x differ."""
        line = self.line({i: _random_direction(self.rng, size) for i, size in enumerate(self.sizes)})
        noise = 8 * Surveyor(line).floor(line)
        for radius in (1e-9, 1e-7):  # further away noise is less
            low, high, unsure = _beside(line, self.rng, 8, radius, noise)
            if high - low > 20 * unsure + 1e-6 * max(abs(low), abs(high)):
                return True
        return False

    def with_witness(self, slope: Slope, line: Line, ours: float) -> Slope:
        """The verdict, with the complex step as a witness where noise leaves it undecided."""
        if self.problem.plain and slope.verdict == "undecided" and _witness(line, ours):
            return replace(slope, verdict="right", remark=" (by the complex step)")
        return slope

    def causes(self, wrong: Sequence[Row], steady: bool) -> list[tuple[str, str]]:
        """Why these derivatives are wrong: what is wrong by itself first, else what shows along directions only."""
        from .causes import find_causes, ties
        from .evidence import Evidence

        def element(i: int, index: tuple[int, ...], v: Array) -> Line:
            j = int(np.ravel_multi_index(index, self.values[i].shape)) if index else 0
            return Line(self.problem.value, self.values, self.y, v, {i: j})

        @functools.cache
        def contributions(i: int, index: tuple[int, ...]) -> Array:
            line, h = element(i, index, self.v), float(self.sizes[i][index]) / 512
            slopes = []
            for step in (h, h / 2):
                up, down = line.evaluate(step), line.evaluate(-step)
                if up is None or down is None:
                    return np.zeros(0)
                slopes.append((up[0] - down[0]) / (up[1] - down[1]))
            return np.ravel(self.v * (4 * slopes[1] - slopes[0]) / 3)

        def numerical(i: int, places: Sequence[tuple[int, ...]], v: Array) -> list[float]:
            few = [contributions(i, p) for p in places] if v.size <= SEVERAL else []
            if few and all(map(len, few)):
                return [float(np.sum(uses * (v / self.v).reshape(-1))) for uses in few]
            return [estimate(element(i, p, v), float(self.sizes[i][p])) for p in places]

        evidence = Evidence(
            self.problem, numerical, contributions, self.values, self.names, self.y, self.v, self.claimed,
            [steady and bent for bent in self.bent], self.slopes,
        )  # fmt: skip
        alone = {row.input for row in wrong if isinstance(row.index, tuple) or row.index == "as a whole"}
        found = find_causes(evidence, {i for i, label in enumerate(self.labels) if label in alone})
        anywhere = {row.input for row in wrong}
        every = anywhere == {"all inputs"}
        return found or ties(evidence, {i for i, label in enumerate(self.labels) if every or label in anywhere})


_UPWARD = [8.0**k for k in range(1, 11)]
SAMPLE = 64  # elements of a large input that are checked one by one
SEVERAL = 4096  # outputs whose part in a derivative is looked at one by one, where a cause is searched for


def _nearby(line: Line, ours: float, bar: float, rng: np.random.Generator) -> bool:
    """Whether ours lies between the slopes along the same line at points very near x, where the kinks are resolved one
    way or another: Clarke's generalised derivative, to which what backpropagation gives at a kink belongs. A tie
    counted twice doesn't: however ties are broken, the slope is that of one of them."""
    low, high, noise = _beside(line, rng, 24, 1e-6, 8 * line.rounding())
    margin = bar + 1e-2 * (high - low) + 1e-5 * max(abs(low), abs(high)) + line.rounding_of_ours + noise
    return low - margin <= ours <= high + margin  # False if f was undefined at all of them


def _among_ties(line: Line, ours: float, slope: Slope, surveyor: Surveyor, rng: np.random.Generator) -> bool:
    """The same for a line that is itself smooth, as the median is along each of three equal elements: much nearer, as
    near as the line is known to be smooth, and only if the slopes there differ for all to see."""
    size = min((float(scale_of(line.values[i]).reshape(-1)[d]) for i, d in line.moves.items() if isinstance(d, int)),
               default=1.0)  # fmt: skip
    radius = min(1e-9, 1e-3 * slope.h / size)
    low, high, noise = _beside(line, rng, 24, radius, 8 * surveyor.floor(line))
    apart = high - low
    if not apart > max(20 * noise, 0.05 * max(abs(low), abs(high))):
        return False
    margin = slope.bar + 1e-2 * apart + line.rounding_of_ours
    return low - margin <= ours <= high + margin


def _beside(
    line: Line, rng: np.random.Generator, tried: int, radius: float, noise: float
) -> tuple[float, float, float]:
    """The least and the greatest slope along this line at points at this distance from x, and how sure these are when
    v·f has this noise."""
    sizes = [scale_of(x) for x in line.values]
    low, high, unsure = math.inf, -math.inf, 0.0
    scale = max(float(np.max(np.abs(d))) if isinstance(d, np.ndarray) else 1.0 for d in line.moves.values())
    h = 1e-2 * radius * min((float(np.median(s)) for s in sizes if s.size), default=1.0) / scale
    for number in range(tried):
        signs = [np.full(x.shape, 2.0 * number - 1) if number < 2 else rng.choice([-1.0, 1.0], x.shape) for x in sizes]
        values = [x + radius * r * s * rng.uniform(0.5, 1.5, s.shape)
                  for x, r, s in zip(line.values, signs, sizes, strict=True)]  # fmt: skip
        try:
            near = Line(line.f, values, np.array(line.f(values)), line.v, line.moves)
        except Exception:  # outside the domain of f
            continue
        up, down = near.at(h), near.at(-h)
        if up is None or down is None:
            continue
        found = (up[0] - down[0]) / (up[1] - down[1])
        low, high = min(low, found), max(high, found)
        unsure = max(unsure, max(noise, 8 * line.rounding()) / h)
    return low, high, unsure


def _hull(line: Line, slope: Slope, ours: float) -> tuple[bool, float]:
    """Whether ours lies between the least and the greatest sum of left or right slopes, chosen for each output apart,
    and how far apart these sums are: 0 but for rounding where nothing has a kink."""
    sides = []
    for sign in (1.0, -1.0):
        found = [line.evaluate(sign * 2**k * slope.h) for k in (3, 2, 1, 0)]
        if any(point is None for point in found):
            return False, 0.0
        table = [line.v * point[0] / point[1] for point in found if point is not None]
        for power in (1, 2, 3):
            table = [(2**power * b - a) / (2**power - 1) for a, b in itertools.pairwise(table)]
        sides.append(table[0])
    right, left = sides
    low, high = float(np.sum(np.minimum(left, right))), float(np.sum(np.maximum(left, right)))
    slack = 2 * slope.bar + line.rounding_of_ours
    apart = high - low if high - low > 2 * slack + RELATIVE * max(abs(low), abs(high)) else 0.0
    return apart > 0 and low - slack <= ours <= high + slack, apart


def _dot(gradients: Sequence[Array], moves: dict[int, Any]) -> float:
    return sum(float(np.sum(gradients[i] * d)) for i, d in moves.items())


def _per_unit(stretched: Sequence[Array], times: float) -> list[Array]:
    """What was claimed for a stretched cotangent, by what it was stretched."""
    return [np.asarray(g / times) if g.dtype.kind in "fc" else g for g in stretched]


def _bent(other: Array, g: Array) -> bool:
    """Whether a rule isn't linear: per unit of a stretched cotangent it gives another gradient. (What overflows, as
    float16 does soon, says nothing.)"""
    return other.dtype.kind in "fc" and bool(np.isfinite(other).all()) and not _same([other], [g], 1e-12)


def _same(found: Sequence[Any], expected: Sequence[Array], tolerance: float) -> bool:
    """Whether these gradients are equal, as far as they are numbers of one shape."""

    def size(b: Array) -> float:
        return float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))

    return all(
        a.shape != b.shape or a.dtype.kind not in "fciub"
        or np.allclose(a, b, tolerance, tolerance * size(b), equal_nan=True)
        for a, b in zip(found, expected, strict=True)
    )  # fmt: skip


def _witness(line: Line, ours: float) -> bool:
    """Whether Im f(x + ihd)/h, which knows no cancellation, agrees. (Heard for the defence only: where f isn't
    analytic, as abs and max aren't, it is wrong in silence; 0 says nothing: f may have dropped the imaginary part.)"""
    moved: list[Any] = list(line.values)
    for i, d in line.moves.items():
        moved[i] = moved[i].astype(complex)
        if isinstance(d, np.ndarray):
            moved[i] += 1e-100j * d
        else:
            moved[i].reshape(-1)[d] += 1e-100j
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a dropped imaginary part
            slope = float(np.sum(line.v * np.imag(line.f(moved)))) / 1e-100
    except Exception:
        return False
    return slope != 0 and abs(ours - slope) <= RELATIVE * abs(slope)


def _beside_the_largest(rows: list[Row], sizes: Array) -> list[Row]:
    """Undecided derivatives that agree within an error bar which is nothing beside the largest derivative of the same
    input pass: neither they nor their error can be seen in f."""
    known = [row for row in rows if row.verdict in ("right", "kink") and isinstance(row.index, tuple)]
    largest = max((abs(row.numerical) for row in known), default=0.0)
    weightiest = max((abs(row.numerical) * float(sizes[row.index]) for row in known), default=0.0)
    made = []
    for row in rows:
        agrees = row.verdict == "undecided" and abs(row.ours - row.numerical) <= row.error_bar
        if agrees and row.error_bar <= 1e-3 * min(largest, weightiest / float(sizes[row.index])):
            row = replace(row, verdict="right", remark=" (lost in rounding beside the others)")
        made.append(row)
    return made


def _along_no_kink(rng: np.random.Generator, x: Array, size: Array) -> dict[str, Array]:
    """Directions that leave kinks alone which others cross: equal elements move as one, a matrix by multiples of the
    identity, so that differences and eigenvalues stay as equal as they are."""
    ways = {}
    values, first, group = np.unique(x, return_index=True, return_inverse=True)
    if 1 < len(values) < x.size:
        ways["equal ones as one"] = _random_direction(rng, size).reshape(-1)[first][group].reshape(x.shape)
    if x.ndim > 1 and x.shape[-1] == x.shape[-2] > 1:
        ways["along the identity"] = np.broadcast_to(np.eye(x.shape[-1]) * float(np.median(size)), x.shape)
    return ways


def _random_direction(rng: np.random.Generator, size: Array) -> Array:
    return np.asarray(rng.uniform(0.5, 1.5, size.shape) * rng.choice([-1.0, 1.0], size.shape) * size)


def _alike(size: Array, typical: float) -> Array:
    """The move of all by the same, but for those so small that no step for the others could be one for them."""
    return np.where(size < 1e-8 * typical, size, typical)


def _larger(scale: float, typical: float) -> list[float]:
    """Longer steps to try where rounding hides the slope at an element's own scale."""
    top = min(1e9 * max(scale, typical, 1.0), 1e300)  # up to which there are floats
    found = [s for s in sorted({typical, 1.0}) if s > 2 * scale]
    step = max(scale, typical, 1.0) * 8
    while step <= top:
        found.append(step)
        step *= 8
    return found
