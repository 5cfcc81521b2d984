"""Numerical differentiation with an error bar: the slope of a function along a line, and how well it is known.

A slope is extrapolated from central differences at four steps, each half of the one before (Romberg's table). Such
windows are laid at many scales; what the finer ones say bounds the error of the coarser. The even part of the same
differences tells the two one-sided slopes apart, hence a smooth point from a kink. Needs only arrays; gradcheck.py asks
the questions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array, euclidean_norm

RELATIVE = 1e-6  # agreement asked for where noise permits, as a part of the derivative itself
EPS = 2.0**-52
FIRST = 8.0  # the coarsest window's longest step is the scale of the coordinate divided by this
RATIO = 8.0  # between windows
WINDOWS = 14  # down to 2^-45 of the scale
UPWARDS = 8  # windows above the scale, tried where rounding noise hides the slope
DECISIVE = 0.1  # an error bar of more than this part of the derivative decides nothing
ROUNDING = 3e-6  # steps in f of more than this part of its value are its nature, not rounding (float32 has 1e-7)


@dataclass(eq=False)
class Window:
    """Differences at the steps 8h, 4h, 2h and h, extrapolated to the step 0, and how much that moved in the last
    stage."""

    h: float
    sides: int  # 2: both; 1: only to the right, -1: only to the left, because f is undefined on the other side
    slope: float
    spread: float
    right: float = 0.0
    left: float = 0.0
    jump: float = 0.0  # right minus left slope, from the even part: it vanishes at a smooth point
    jump_spread: float = 0.0
    side_spread: float = 0.0
    reach: float = 0.0  # the steepest slope seen at any of its steps
    rounding: float = 0.0  # what rounding f's values to float64 may do to v·f within the window


@dataclass(eq=False)
class Slope:
    """A verdict on one derivative: the numerical value, its error bar, and the one-sided slopes where they differ."""

    value: float
    bar: float
    verdict: str
    left: float = math.nan
    right: float = math.nan
    h: float = 0.0
    remark: str = ""


def romberg(column: Sequence[Any], powers: Sequence[int]) -> tuple[Any, Any]:
    """Eliminate terms in h**powers from values at steps h, h/2, h/4, …; the limit, and the last stage's change."""
    table = list(column)
    change: Any = math.inf
    for power in powers:
        factor = 2.0**power
        if len(table) == 2:
            change = abs(table[1] - table[0])
        table = [(factor * b - a) / (factor - 1) for a, b in itertools.pairwise(table)]
    return table[0], change


def scale_of(x: Array) -> Array:
    """How far each element may be moved: its own size, or where it is 0 that of the others, or 1."""
    size = np.abs(x)
    some = size[size > 0]
    return np.where(size > 0, size, float(np.median(some)) if some.size else 1.0)


class Line:
    """t ↦ v·(f(x + t d) − f(x)), less t times the slope that was predicted: rounding of x + t d then cancels.

    `moves` says d for each input that moves: an array, or for a single element its flat index.
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
        self.known: dict[float, tuple[float, float] | None] = {}
        self.weights = v.reshape(-1)
        self.windows: dict[float, Window | None] = {}
        self.rounding_of_ours = 0.0
        self.history: dict[float, tuple[Array, float]] | None = None  # every output's change, where it is kept
        self.longest = np.zeros(y.shape)  # f's change over the last step taken, which within a window is the longest

    def moved(self, t: float) -> tuple[list[Array], float, float]:
        """x + t d, the true step, and v·f's change over it that was predicted."""
        values, step, expected = list(self.values), t, 0.0
        for i, d in self.moves.items():
            x = values[i]
            if isinstance(d, np.ndarray):
                values[i] = np.asarray(x + t * d)
                if self.predicted is not None:
                    expected += float(np.sum(self.predicted[i] * (values[i] - x)))
            else:
                values[i] = x.copy()
                values[i].reshape(-1)[d] += t
                step = float(values[i].reshape(-1)[d] - x.reshape(-1)[d])
        return values, step, expected

    def evaluate(self, t: float) -> tuple[Array, float, float] | None:
        """f's change from 0 to t, the true step and the predicted change; None where f is undefined."""
        values, step, expected = self.moved(t)
        try:
            y = self.f(values)
        except Exception:  # outside its domain f may raise anything
            return None
        if y.shape != self.y.shape or not step or not np.isfinite(y).all():
            return None
        change = np.asarray(y - self.y, dtype=np.float64)
        self.changed = self.changed | (change != 0)
        return change, step, expected

    def at(self, t: float) -> tuple[float, float] | None:
        """The change of v·f, less the predicted one, and the true step."""
        if t not in self.known:
            found = self.evaluate(t)
            self.known[t] = None
            if found is not None:
                change, step, expected = found
                total = float(np.dot(self.weights, change.reshape(-1))) - expected
                self.longest = change
                if self.history is not None:
                    self.history[t] = change.reshape(-1), step
                if math.isfinite(total):
                    self.known[t] = total, step
        return self.known[t]

    def rounding(self) -> float:
        """What rounding of f's values at x may do to v·f: of those elements that move, or if none was seen to, of
        all."""
        return EPS * euclidean_norm((self.v * self.y)[self.changed] if self.changed.any() else self.v * self.y)

    def probe(self, scale: float) -> None:
        """Find out by long steps which outputs depend on the input at all, though rounding hid it at short ones."""
        for step in (1.0, 8.0, 64.0):
            self.evaluate(step * scale)
            self.evaluate(-step * scale)

    def window(self, h: float) -> Window | None:
        """Measure at ±8h … ±h; one-sided where f is defined on one side only, None where on neither."""
        if h not in self.windows:
            self.windows[h] = self._window(h)
        return self.windows[h]

    def _window(self, h: float) -> Window | None:
        steps = (8 * h, 4 * h, 2 * h, h)
        ups = [point for point in map(self.at, reversed(steps)) if point is not None][::-1]
        downs = [point for point in map(self.at, (-t for t in reversed(steps))) if point is not None][::-1]
        right, right_spread = romberg([p[0] / p[1] for p in ups], (1, 2, 3)) if len(ups) == 4 else (math.nan, math.inf)
        left, left_spread = (
            romberg([p[0] / p[1] for p in downs], (1, 2, 3)) if len(downs) == 4 else (math.nan, math.inf)
        )
        rounding = EPS * euclidean_norm(
            self.v * np.where(self.longest != 0, np.abs(self.y) + np.abs(self.longest), 0.0)
        )
        reach = max((abs(p[0] / p[1]) for p in (*ups, *downs)), default=0.0)
        if len(ups) == len(downs) == 4:
            pairs = list(zip(ups, downs, strict=True))
            slope, spread = romberg([(up[0] - down[0]) / (up[1] - down[1]) for up, down in pairs], (2, 4, 6))
            jump, jump_spread = romberg([up[0] / up[1] - down[0] / down[1] for up, down in pairs], (1, 3, 5))
            side_spread = max(right_spread, left_spread)
            return Window(h, 2, slope, spread, right, left, jump, jump_spread, side_spread, reach, rounding)
        if len(ups) == 4:
            return Window(h, 1, right, 2 * right_spread, right, left, reach=reach, rounding=rounding)
        if len(downs) == 4:
            return Window(h, -1, left, 2 * left_spread, right, left, reach=reach, rounding=rounding)
        return None


def _plateau(scatter: Sequence[float]) -> float:
    """The largest scatter that doesn't fall, over three windows, as that of a smooth function or at a kink must."""
    triples = [(*sorted(t), t[2]) for t in zip(scatter, scatter[1:], scatter[2:], strict=False)]
    noisy = [mid for low, mid, high, last in triples if last >= high / 7 and not 0.99 * high < low]
    return max(noisy, default=0.0)  # (what stays the same to a percent comes from a kink or a step nearby)


class Surveyor:
    """Judges the derivatives of one input, and remembers which scale served last and how noisy f is."""

    def __init__(self, line: Line | None) -> None:
        self.start = 0
        self.line = line  # along which to measure the noise, once it matters
        self.known_noise = 4.0
        self.touched: Array | None = None  # the outputs that this input was ever seen to change
        self.absolute = np.zeros(0)  # the noise of each output, which in a sum that cancels is far above its rounding

    def noise(self) -> float:
        """The noise of v·f, in units of the rounding of f's results."""
        if self.line is not None:
            line, self.line = self.line, None
            self._survey(line)
        return self.known_noise

    def _survey(self, line: Line) -> None:
        """Measure f's noise along a line. Where the finer windows scatter by as much as the coarser ones although their
        steps are shorter, it is noise; it counts as such up to the size that rounding to float32 inside f can have."""
        line.probe(1.0)
        line.history = {} if line.y.size <= 256 else None
        scatter, rounding = [], 0.0
        for k in range(WINDOWS):
            w = line.window(_step(1.0, k))
            if w is None or w.sides != 2:
                scatter.append(0.0)
                continue
            scatter.append(w.spread * w.h if w.spread * w.h <= ROUNDING / EPS * w.rounding else 0.0)
            rounding = max(rounding, w.rounding if k else 0.0)
        rounding = max(rounding, line.rounding())
        if rounding:
            self.known_noise = max(self.known_noise, 4 * _plateau(scatter) / rounding)
        self.touched = line.changed
        self.absolute = _noise_of_outputs(line) if line.history is not None else np.zeros(line.y.size)

    def floor(self, line: Line) -> float:
        """The noise of v·f along this line; along a direction, of all outputs that the input was seen to change."""
        noise = self.noise()
        if line.predicted is not None and self.touched is not None:
            line.changed = line.changed | self.touched
        relevant = line.changed.reshape(-1) if line.changed.any() else np.ones(line.y.size, dtype=bool)
        absolute = euclidean_norm((line.weights * self.absolute)[relevant]) if self.absolute.size else 0.0
        return max(noise * line.rounding(), absolute)


def _noise_of_outputs(line: Line) -> Array:
    """As `_survey` finds it for v·f, for each output of f by itself, from the same evaluations."""
    assert line.history is not None
    scatter = []
    for k in range(WINDOWS):
        h = _step(1.0, k)
        steps = (8 * h, 4 * h, 2 * h, h)
        if not all(t in line.history and -t in line.history for t in steps):
            scatter.append(np.zeros(line.y.size))
            continue
        pairs = [(line.history[t], line.history[-t]) for t in steps]
        _, spread = romberg([(up[0] - down[0]) / (up[1] - down[1]) for up, down in pairs], (2, 4, 6))
        size = np.abs(line.y.reshape(-1)) + np.abs(pairs[0][0][0])
        scatter.append(np.where(spread * h <= ROUNDING * size, spread * h, 0.0))
    return 4 * np.array([_plateau(column) for column in np.array(scatter).T])


def _step(scale: float, k: int) -> float:
    return scale / FIRST / 8 / RATIO**k


def judge_line(line: Line, ours: float, scale: float, surveyor: Surveyor, larger: Sequence[float] = ()) -> Slope:
    """Is `ours` the slope of this line? (Of what is left of it, if a slope was predicted: see Line.)

    Looks at one window first, and at many scales only if that one doesn't settle the matter. Nothing is called wrong
    before the finest window that could still tell ours from the measured slope has been heard.
    """
    hearing = _Hearing(line, ours, scale, surveyor, larger)
    return hearing.found_early() or hearing.found_in_the_end()


class _Hearing:
    """What is known about one slope: the windows that were heard so far, and what they say together."""

    def __init__(self, line: Line, ours: float, scale: float, surveyor: Surveyor, larger: Sequence[float]) -> None:
        self.line, self.ours, self.scale, self.surveyor, self.larger = line, ours, scale, surveyor, larger
        self.offset = (
            0.0 if line.predicted is None else ours
        )  # a line with a prediction measures the difference from it
        self.windows: dict[float, Window] = {}

    def settled(self, h: float) -> Slope | None:
        """Hear the window of this step; the verdict, if it alone is enough for one."""
        line, ours, offset, w = self.line, self.ours, self.offset, self.line.window(h)
        if w is None or h in self.windows:
            return None
        self.windows[h] = w
        if _settles(w, ours - offset, ours):
            if ours == 0 and not line.changed.any():
                hidden = _hidden(line, self.scale, self.larger, offset)
                if hidden is not None:
                    return hidden
            return Slope(w.slope + offset, 2 * w.spread + 4 * line.rounding() / w.h, "right", h=w.h)
        # neither ours nor the slope can be told from 0, in no window so far, and no long step says otherwise
        rounding = 4 * line.rounding()
        nothing = rounding / w.h
        flat = all(
            a.sides == 2 and abs(a.slope + offset) <= rounding / a.h and abs(a.jump) <= 4 * rounding / a.h
            for a in self.windows.values()
        )
        small = nothing * self.scale <= 1e-9 * euclidean_norm(line.v * line.y)
        if flat and abs(ours) <= line.rounding_of_ours and small:
            hidden = _hidden(line, self.scale, self.larger, offset)
            return hidden or Slope(w.slope + offset, nothing + line.rounding_of_ours, "right", h=w.h)
        return None

    def judged(self, noise: float = 0.0) -> Slope:
        """What all windows say together."""
        floor, windows = max(noise, self.surveyor.floor(self.line)), sorted(self.windows.values(), key=lambda w: -w.h)
        return _judge(self.line, windows, self.ours, self.offset, floor, self.surveyor.noise())

    def doubted(self, found: Slope) -> Slope:
        """The same once more, after looking where the verdict could be overturned."""
        line, scale = self.line, self.scale
        line.probe(scale)
        for _ in range(4):
            least = 30 * self.surveyor.floor(line) / abs(found.value - self.ours) if found.value != self.ours else 0.0
            fine = [k for k in range(WINDOWS) if _step(scale, k) >= least and _step(scale, k) < found.h]
            for k in {fine[-1], fine[-2], fine[len(fine) // 2]} if len(fine) > 1 else set(fine):
                better = self.settled(_step(scale, k))
                if better is not None:
                    return better
            again = self.judged()
            if again.verdict != "wrong" or again.h >= found.h:
                return again
            found = again
        return found

    def found_early(self) -> Slope | None:
        """A verdict from one window after the other, the first that serves being where others of this f found one."""
        start, scale, surveyor, ours = self.surveyor.start, self.scale, self.surveyor, self.ours
        for k in (start, *range(start + 1, WINDOWS), *range(start)):
            found = self.settled(_step(scale, k))
            if found is not None:
                surveyor.start = k
                return found
            w = self.line.window(_step(scale, k))
            if w is not None and surveyor.floor(self.line) / w.h > 10 * max(
                abs(ours), abs(w.slope + self.offset), w.reach
            ):
                for fine in (WINDOWS - 1, WINDOWS - 2) if ours else ():  # unless what looks like noise is a kink nearby
                    found = self.settled(_step(scale, fine))
                    if found is not None:
                        return found
                return None  # finer windows show nothing but noise
            if len(self.windows) >= 3 and self.judged().verdict == "wrong":
                found = self.doubted(self.judged())
                if found.verdict == "wrong" or found.verdict == "right":
                    return found
        return None

    def found_in_the_end(self) -> Slope:
        """The verdict of all windows, after longer steps where rounding hides the slope."""
        found = self.judged()
        if found.verdict in ("right", "kink"):
            return found
        for size in self.larger:
            w = self.line.window(size / FIRST / 8)
            if w is None or w.sides != 2:
                continue
            unsure = max(self.surveyor.floor(self.line), w.rounding) / w.h
            slope = abs(w.slope + self.offset)
            if slope > 20 * (w.spread + unsure) or abs(w.jump) > 20 * (w.jump_spread + unsure):
                self.windows[w.h] = w  # (far away f may be flat without being so here: a slope of 0 says nothing)
        found = self.judged()
        if found.verdict != "undecided":
            return found
        windows = sorted(self.windows.values(), key=lambda w: -w.h)
        local = _plateau([w.spread * w.h for w in windows])
        return self.judged(2 * local) if local <= ROUNDING * self.scale * max(w.reach for w in windows) else found


def estimate(line: Line, scale: float) -> float:
    """A slope without a verdict, for comparisons: that of the window which scatters least, of a few scales."""
    windows = [w for k in range(4) if (w := line.window(_step(scale, k))) is not None]
    return min(windows, key=lambda w: w.spread + 4 * line.rounding() / w.h).slope if windows else math.nan


def _hidden(line: Line, scale: float, larger: Sequence[float], offset: float) -> Slope | None:
    """The slope of a line that looks constant only because rounding hides it at short steps: one that two windows of
    long
    steps agree on, and that is too small to be seen at the short ones. None if there is none, as for a truly flat f."""
    far = next((found for step in (1e6, 1e3) if (found := line.evaluate(step * max(scale, 1.0))) is not None), None)
    if far is None or not far[0].any():
        return None
    rounding = line.rounding()
    visible = 512 * rounding / scale  # by short steps, if it were there
    if abs(float(np.sum(line.v * far[0])) / far[1]) > visible:
        return None
    last = 0.0
    for size in larger:
        w = line.window(size / FIRST / 8)
        if w is None or w.sides != 2:
            return None
        slope = w.slope + offset
        clear = w.spread + abs(w.jump) + 8 * max(rounding, w.rounding) / w.h <= 0.05 * abs(slope) <= 0.05 * visible
        if clear and abs(slope - last) <= 0.05 * abs(slope):
            return Slope(slope, 0.05 * abs(slope), "wrong", h=w.h)
        last = slope if clear else 0.0
    return None


def _settles(w: Window, ours: float, size: float) -> bool:
    """Whether this one window leaves no doubt that ours is right: smooth, converged, in agreement."""
    size = max(abs(size), abs(w.slope))
    return (
        w.sides == 2
        and abs(ours - w.slope) <= RELATIVE * size
        and w.spread <= 1e-2 * size
        and abs(w.jump) <= 1e-5 * size + 3 * w.jump_spread
        and w.jump_spread <= 1e-2 * size
    )


def _judge(line: Line, windows: Sequence[Window], ours: float, offset: float, base: float, times: float) -> Slope:
    """The verdict of all windows together, coarse to fine: the best-known slope that no finer window contradicts."""
    if not windows:
        return Slope(math.nan, math.inf, "skipped", remark=" (f is undefined on both sides)")
    noise = [max(base, times * w.rounding) / w.h for w in windows]
    bars, smooth = [], []
    for k, w in enumerate(windows):
        finer = max((f.spread * f.h for f in windows[k + 1 : k + 4]), default=0.0)
        bars.append(2 * w.spread + 2 * max(noise[k], finer / w.h))
        sides = max(abs(w.left), abs(w.right)) + abs(offset)
        smooth.append(w.sides != 2 or abs(w.jump) <= 2 * w.jump_spread + 4 * noise[k] + RELATIVE * sides)
    best = -1
    for k, w in enumerate(windows):
        if not smooth[k] or any(not smooth[f] and abs(windows[f].jump) > bars[k] for f in range(k + 1, len(windows))):
            continue
        if any(abs(w.slope - windows[f].slope) > bars[k] + bars[f] for f in range(k + 1, len(windows))):
            continue
        if best < 0 or bars[k] < bars[best]:
            best = k
    slack = line.rounding_of_ours
    if (
        line.predicted is not None
    ):  # t is relative, and a rule computed from f's own values can't be better than they are
        lengths = [float(np.median(np.abs(d))) for d in line.moves.values() if isinstance(d, np.ndarray)]
        slack += 8 * line.rounding() * max(1.0, *lengths)
    if best >= 0:
        value, bar, h = windows[best].slope + offset, bars[best], windows[best].h
        size = max(abs(value), abs(ours))
        agrees = abs(ours - value) <= max(RELATIVE * size, bar) + slack
        if bar <= DECISIVE * size and (agrees or abs(ours - value) > 5 * bar):
            return Slope(value, bar + slack, "right" if agrees else "wrong", h=h)
    kink = _kink(windows, noise, ours, offset, slack) or _step_of_f(line, windows, noise, ours, offset, slack)
    if kink is not None:
        return kink
    if best >= 0 and not agrees:
        return Slope(value, bar + slack, "wrong" if abs(ours - value) > 5 * bar else "undecided", h=h)
    if best < 0:
        return _shrinking(windows, noise, ours, offset, slack)
    reach = max(w.reach for w in line.windows.values() if w is not None)
    negligible = bar <= 1e-5 * reach or (bar <= 64 * line.rounding() / h and reach > 1e4 * bar) or bar <= slack
    if negligible or (ours == 0 and not line.changed.any()):
        return Slope(value, bar + slack, "right", h=h)  # zero, as far as f's own digits go
    return Slope(value, bar, "undecided", h=h)


def _kink(windows: Sequence[Window], noise: Sequence[float], ours: float, offset: float, slack: float) -> Slope | None:
    """The bracket of the one-sided slopes, if they stay apart down to the finest scale that noise lets us see."""
    both = [(w, n) for w, n in zip(windows, noise, strict=True) if w.sides == 2]
    seen = [(w, n) for w, n in both if abs(w.jump) > 5 * n and abs(w.jump) > 2 * w.jump_spread]
    if len(seen) < 2 or abs(seen[-1][0].jump - seen[-2][0].jump) > 0.3 * abs(seen[-1][0].jump):
        return None
    finest = seen[-1][0]
    if any(w.h < finest.h and n < 0.025 * abs(finest.jump) for w, n in both):
        return None  # finer windows could have seen the jump and did not: the kink is near, not here
    alike = [(w, n) for w, n in seen if abs(w.jump - finest.jump) <= 0.3 * abs(finest.jump)]
    w, n = min(alike, key=lambda pair: pair[0].side_spread + pair[1])
    left, right = w.left + offset, w.right + offset
    low, high = min(left, right), max(left, right)
    bar = 2 * w.side_spread + 4 * n
    margin = max(RELATIVE * max(abs(low), abs(high)), bar) + slack
    verdict = "kink" if low - margin <= ours <= high + margin else "wrong"
    return Slope((low + high) / 2, bar, verdict, left, right, w.h)


def _shrinking(windows: Sequence[Window], noise: Sequence[float], ours: float, offset: float, slack: float) -> Slope:
    """Slopes that converge, but more slowly than any extrapolation knows, as those of |x|^(4/3) at 0: what counts is
    whether ours stays between the two one-sided slopes while these approach each other."""
    seen = [w for w, n in zip(windows, noise, strict=True) if w.sides == 2 and abs(w.jump) > 5 * n]
    approaching = len(seen) > 3 and all(abs(fine.jump) < 0.8 * abs(w.jump) for w, fine in itertools.pairwise(seen[-4:]))
    if approaching:
        middle, apart = (seen[-1].left + seen[-1].right) / 2 + offset, abs(seen[-1].jump)
        off = abs(ours - middle) - slack
        if off <= 0.6 * apart or off > 5 * apart:
            return Slope(middle, apart, "right" if off <= 0.6 * apart else "wrong", h=seen[-1].h)
    return Slope(windows[-1].slope + offset, math.inf, "undecided", remark=" (the slopes don't converge)")


def _step_of_f(
    line: Line, windows: Sequence[Window], noise: Sequence[float], ours: float, offset: float, slack: float
) -> Slope | None:
    """The slopes beside a step of f that lies exactly here: f changes by as much however short the step is."""
    fine = [(w, n * w.h) for w, n in zip(windows, noise, strict=True) if w.sides == 2][-4:]
    seen = max(20 * fine[-1][1], ROUNDING * euclidean_norm(line.v * line.y)) if len(fine) == 4 else math.inf

    def steps(sign: float) -> bool:
        changes = [point[0] for w, _ in fine if (point := line.at(sign * w.h)) is not None]
        return len(changes) == 4 and min(map(abs, changes)) > seen and np.ptp(changes) <= 0.1 * abs(changes[-1])

    if math.isinf(seen) or not (steps(1.0) or steps(-1.0)):
        return None
    found = []
    for w, n in zip(windows, noise, strict=True):
        points = {k * s: line.at(k * s * w.h) for k in (1.0, 2.0, 4.0, 8.0) for s in (1.0, -1.0)}
        if all(point is not None for point in points.values()):
            change = {t: point[0] for t, point in points.items() if point is not None}
            pairs = [[(change[2 * k * s] - change[k * s]) / (k * s * w.h) for k in (4.0, 2.0, 1.0)] for s in (1, -1)]
            (right, one), (left, other) = (romberg(column, (1, 2)) for column in pairs)
            found.append((2 * max(one, other) + 4 * n, right + offset, left + offset, w.h))
    bar, right, left, h = min(found)
    low, high = min(left, right), max(left, right)
    margin = max(RELATIVE * max(abs(low), abs(high)), bar) + slack
    verdict = "kink" if low - margin <= ours <= high + margin else "wrong"
    return Slope((low + high) / 2, bar, verdict, left, right, h, " (f has a step here)")
