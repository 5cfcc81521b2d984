"""Numerical differentiation with an error bar: the slope of a function along a line, and how well it is known.

A slope is extrapolated from central differences at four steps, each half of the one before (Romberg's table). Such windows
are laid at many scales; what the finer ones say bounds the error of the coarser. The even part of the same differences
tells the two one-sided slopes apart, hence a smooth point from a kink. Needs only arrays; gradcheck.py asks the questions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import Array

RELATIVE = 1e-6  # agreement asked for where noise permits, as a part of the derivative itself
EPS = 2.0**-52
FIRST = 8.0  # the coarsest window's longest step is the scale of the coordinate divided by this
RATIO = 8.0  # between windows
WINDOWS = 14  # down to 2^-45 of the scale
UPWARDS = 8  # windows above the scale, tried where rounding noise hides the slope
DECISIVE = 0.1  # an error bar of more than this part of the derivative decides nothing
ROUNDING = 3e-6  # steps in f of more than this part of its value are its nature, not rounding (float32 has 1e-7)


@dataclass(frozen=True)
class Window:
    """Differences at the steps 8h, 4h, 2h and h, extrapolated to the step 0, and how much that moved in the last stage."""

    h: float
    sides: int  # 2: both; 1: only to the right, -1: only to the left, because f is undefined on the other side
    slope: float
    spread: float
    right: float = 0.0
    left: float = 0.0
    jump: float = 0.0  # right minus left slope, from the even part: it vanishes at a smooth point
    jump_spread: float = 0.0
    side_spread: float = 0.0


@dataclass(frozen=True)
class Slope:
    """A verdict on one derivative: the numerical value, its error bar, and the one-sided slopes where they differ."""

    value: float
    bar: float
    verdict: str
    left: float = math.nan
    right: float = math.nan
    h: float = 0.0
    remark: str = ""


def romberg(column: Sequence[float], powers: Sequence[int]) -> tuple[float, float]:
    """Eliminate terms in h**powers from values at steps h, h/2, h/4, …; the limit, and the last stage's change."""
    table = list(column)
    change = math.inf
    for power in powers:
        factor = 2.0**power
        if len(table) == 2:
            change = abs(table[1] - table[0])
        table = [(factor * b - a) / (factor - 1) for a, b in zip(table, table[1:], strict=False)]
    return table[0], change


class Line:
    """t ↦ v·(f(x + t d) − f(x)), less t times the slope that was predicted: rounding of x + t d then cancels.

    `moves` says d for each input that moves: an array, or for a single element (its flat index, 1.0).
    """

    def __init__(
        self,
        f: Callable[[Sequence[Array]], Array],
        values: Sequence[Array],
        y: Array,
        v: Array,
        moves: dict[int, Array | int],
        predicted: Sequence[Array] | None = None,
    ) -> None:
        self.f, self.values, self.y, self.v, self.moves, self.predicted = f, values, y, v, moves, predicted
        self.changed = np.zeros(y.shape, dtype=bool)
        self.magnitude = np.abs(y)
        self.known: dict[float, tuple[float, float] | None] = {0.0: (0.0, 0.0)}
        self.evaluations = 0
        self.memory: dict[float, Window | None] = {}

    def moved(self, t: float) -> tuple[list[Array], float, float]:
        """x + t d, the true step, and v·f's change over it that was predicted."""
        values, step, expected = list(self.values), t, 0.0
        for i, d in self.moves.items():
            x = values[i]
            if isinstance(d, np.ndarray):
                values[i] = x + t * d
                if self.predicted is not None:
                    expected += float(np.sum(self.predicted[i] * (values[i] - x)))
            else:
                values[i] = x.copy()
                values[i].reshape(-1)[d] += t
                step = float(values[i].reshape(-1)[d] - x.reshape(-1)[d])
        return values, step, expected

    def raw(self, t: float) -> tuple[Array, float, float] | None:
        """f's change from 0 to t, the true step and the predicted change; None where f is undefined."""
        values, step, expected = self.moved(t)
        self.evaluations += 1
        try:
            y = self.f(values)
        except Exception:  # outside its domain f may raise anything
            return None
        if y.shape != self.y.shape or not step or not np.isfinite(y).all():
            return None
        change = np.asarray(y - self.y, dtype=np.float64)
        self.changed = self.changed | (change != 0)
        self.magnitude = np.maximum(self.magnitude, np.abs(y))
        return change, step, expected

    def at(self, t: float) -> tuple[float, float] | None:
        """The change of v·f, less the predicted one, and the true step."""
        if t not in self.known:
            found = self.raw(t)
            if found is None:
                self.known[t] = None
            else:
                change, step, expected = found
                total = float(np.sum(self.v * change)) - expected
                self.known[t] = (total, step) if math.isfinite(total) else None
        return self.known[t]

    def rounding(self) -> float:
        """What rounding of f's values may do to v·f: of those elements that move at all, or if none does, of all."""
        size = self.v * self.magnitude
        if self.changed.any():
            size = size[self.changed]
        return EPS * float(np.sqrt(np.sum(size * size)))

    def window(self, h: float) -> Window | None:
        """Measure at ±8h … ±h; one-sided where f is defined on one side only, None where on neither."""
        if h not in self.memory:
            self.memory[h] = self._window(h)
        return self.memory[h]

    def _window(self, h: float) -> Window | None:
        steps = [8 * h, 4 * h, 2 * h, h]
        ups = [self.at(t) for t in steps]
        downs = [self.at(-t) for t in steps]
        right = left = math.nan
        side_spread = math.inf
        one_sided = []
        for side in (ups, downs):
            slopes = [point[0] / point[1] for point in side if point is not None]
            if len(slopes) == 4:
                value, change = romberg(slopes, (1, 2, 3))
                one_sided.append((value, change))
            else:
                one_sided.append((math.nan, math.inf))
        (right, right_spread), (left, left_spread) = one_sided
        if math.isnan(right) and math.isnan(left):
            return None
        if math.isnan(left):
            return Window(h, 1, right, right_spread, right, left)
        if math.isnan(right):
            return Window(h, -1, left, left_spread, right, left)
        side_spread = max(right_spread, left_spread)
        odd, even = [], []
        for up, down in zip(ups, downs, strict=True):
            assert up is not None and down is not None
            odd.append((up[0] - down[0]) / (up[1] - down[1]))
            even.append(up[0] / up[1] - down[0] / down[1])
        slope, spread = romberg(odd, (2, 4, 6))
        jump, jump_spread = romberg(even, (1, 3, 5))
        return Window(h, 2, slope, spread, right, left, jump, jump_spread, side_spread)


class Surveyor:
    """Judges derivatives of one input, and remembers which scale served last and how noisy f is."""

    def __init__(self) -> None:
        self.start = 0
        self.noise = 4.0  # of f in v·f, in units of the rounding of its results
        self.surveyed = False

    def survey(self, line: Line) -> None:
        """Measure f's noise along a line: what the finer windows scatter, if it has the size of rounding at all."""
        self.surveyed = True
        scatter = []
        for k in range(1, WINDOWS):
            w = line.window(_step(1.0, k))
            scatter.append(w.spread * w.h if w is not None and w.sides == 2 else 0.0)
        rounding = line.rounding()
        falling = next((i for i in range(len(scatter) - 1) if scatter[i] <= scatter[i + 1]), len(scatter) - 1)
        worst = max(scatter[falling:], default=0.0)
        if rounding and worst <= ROUNDING * rounding / EPS:
            self.noise = max(self.noise, 2 * worst / rounding)


def _step(scale: float, k: int) -> float:
    return scale / FIRST / 8 / RATIO**k


def judge_line(line: Line, ours: float, scale: float, surveyor: Surveyor, larger: Sequence[float] = ()) -> Slope:
    """Is `ours` the slope of this line? (Of what is left of it, if a slope was predicted: see Line.)

    Looks at one window first, and at many scales only if that one doesn't settle the matter.
    """
    offset = 0.0 if line.predicted is None else ours  # a line with a prediction measures the difference from it
    windows: list[Window] = []
    order = [surveyor.start, *(k for k in range(WINDOWS) if k != surveyor.start)]
    for k in order:
        w = line.window(_step(scale, k))
        if w is None:
            continue
        if _settles(w, ours - offset, ours):
            surveyor.start = k
            return Slope(w.slope + offset, max(w.spread, _floor(line, surveyor) / w.h), "right", h=w.h)
        windows.append(w)
        if len(windows) >= 5:
            found = _judge(line, sorted(windows, key=lambda w: -w.h), ours, offset, surveyor)
            if found.verdict == "wrong" and found.remark == "" and found.bar < 0.01 * abs(found.value - ours):
                return found
    for scale_ in larger:
        w = line.window(scale_ / FIRST / 8)
        if w is not None:
            if _settles(w, ours - offset, ours) and not any(_contradicts(w, o, line, surveyor) for o in windows):
                return Slope(w.slope + offset, max(w.spread, _floor(line, surveyor) / w.h), "right", h=w.h)
            windows.append(w)
    return _judge(line, sorted(windows, key=lambda w: -w.h), ours, offset, surveyor)


def _floor(line: Line, surveyor: Surveyor) -> float:
    return surveyor.noise * line.rounding()


def _settles(w: Window, ours: float, size: float) -> bool:
    """Whether this one window leaves no doubt that ours is right: smooth, converged, in agreement."""
    size = max(abs(size), abs(w.slope))
    if w.sides != 2:
        return False
    return (
        abs(ours - w.slope) <= RELATIVE * size
        and w.spread <= 1e-2 * size
        and abs(w.jump) <= 1e-5 * size + 3 * w.jump_spread
        and w.jump_spread <= 1e-2 * size
    )


def _contradicts(coarse: Window, fine: Window, line: Line, surveyor: Surveyor) -> bool:
    floor = _floor(line, surveyor)
    return abs(coarse.slope - fine.slope) > coarse.spread + fine.spread + 2 * floor / fine.h


def _judge(line: Line, windows: Sequence[Window], ours: float, offset: float, surveyor: Surveyor) -> Slope:
    """The verdict of all windows together, coarse to fine: the best-known slope that no finer window contradicts."""
    floor = _floor(line, surveyor)
    n = len(windows)
    if not n:
        return Slope(math.nan, math.inf, "skipped", remark=" (f is undefined on both sides)")
    bars = []
    for k, w in enumerate(windows):
        finer = [f.spread * f.h for f in windows[k + 1 : k + 4]]
        bars.append(2 * w.spread + 2 * max([floor, *finer]) / w.h)
    best = -1
    for k, w in enumerate(windows):
        if w.sides == 2 and abs(w.jump) > 2 * w.jump_spread + 4 * floor / w.h + RELATIVE * max(abs(w.left), abs(w.right)):
            continue
        if any(abs(w.slope - windows[f].slope) > bars[k] + bars[f] for f in range(k + 1, n)):
            continue
        if best < 0 or bars[k] < bars[best]:
            best = k
    value, bar = (windows[best].slope, bars[best]) if best >= 0 else (math.nan, math.inf)
    size = max(abs(value + offset), abs(ours))
    if best >= 0 and bar <= DECISIVE * size:
        agrees = abs(ours - offset - value) <= max(RELATIVE * size, bar)
        return Slope(value + offset, bar, "right" if agrees else "wrong", h=windows[best].h)
    kink = _kink(windows, bars, floor, ours, offset)
    if kink is not None:
        return kink
    if best < 0:
        finest = windows[-1]
        return Slope(finest.slope + offset, math.inf, "undecided", remark=" (the slopes don't converge)")
    agrees = abs(ours - offset - value) <= bar
    if not agrees:
        return Slope(value + offset, bar, "wrong", h=windows[best].h)
    flat = not line.changed.any()
    if flat and ours == 0:
        return Slope(0.0, bar, "right", h=windows[best].h)
    reach = max(max(abs(w.right), abs(w.left)) if w.sides == 2 else abs(w.slope) for w in windows)
    if bar <= 64 * line.rounding() / windows[best].h and reach > 1e4 * bar:
        return Slope(value + offset, bar, "right", h=windows[best].h)  # zero, as far as f's own digits go
    return Slope(value + offset, bar, "undecided", h=windows[best].h)


def _kink(windows: Sequence[Window], bars: Sequence[float], floor: float, ours: float, offset: float) -> Slope | None:
    """The bracket of the one-sided slopes, if they stay apart down to the finest scale that noise lets us see."""
    seen = [w for w in windows if w.sides == 2 and abs(w.jump) > 20 * floor / w.h and abs(w.jump) > 2 * w.jump_spread]
    if len(seen) < 2 or abs(seen[-1].jump - seen[-2].jump) > 0.2 * abs(seen[-1].jump):
        return None
    finest = seen[-1]
    later = [w for w in windows if w.h < finest.h and w.sides == 2 and floor / w.h < 0.05 * abs(finest.jump)]
    if later:  # finer windows could have seen the jump and did not: the kink is near, not here
        return None
    same = [w for w in seen if abs(w.jump - finest.jump) <= 0.2 * abs(finest.jump)]
    w = min(same, key=lambda w: w.side_spread + floor / w.h)
    bar = 2 * w.side_spread + 8 * floor / w.h
    low, high = min(w.left, w.right) + offset, max(w.left, w.right) + offset
    slack = max(RELATIVE * max(abs(low), abs(high)), bar)
    inside = low - slack <= ours <= high + slack
    return Slope((low + high) / 2, bar, "kink" if inside else "wrong", w.left + offset, w.right + offset, w.h,
                 f" ({w.left + offset:.6g} on the left, {w.right + offset:.6g} on the right)")  # fmt: skip
