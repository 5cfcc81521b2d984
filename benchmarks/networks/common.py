"""What the experiments of this folder share: a division in three, a run for each seed, and the verdict.

An experiment is a function of a seed and of the share of its steps that are to be taken; it gives its numbers by name,
and whatever its picture is drawn from. The seed decides which examples are held out, too, so that the standard
deviation tells of both. Settings were chosen by the validation numbers; the test numbers are looked at afterwards.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import data

Numbers = dict[str, float]
Experiment = Callable[[int, float], tuple[Numbers, Any]]
QUICK = 0.1  # the share of the steps that --quick takes


def three_parts(examples: data.Dataset, validation: int, test: int, seed: int) -> tuple[data.Dataset, ...]:
    """Examples to train on, to choose by, and to judge with; each class has the same share in all three."""
    rest, test_part = data.split(examples, 1 - test / len(examples), seed=seed, stratify=True)
    train, validation_part = data.split(rest, 1 - validation / len(rest), seed=seed, stratify=True)
    return train, validation_part, test_part


def as_maps(examples: data.Dataset) -> data.Dataset:
    """Grey images (n, height, width) with the axis of channels that a convolution wants, (n, 1, height, width)."""
    return data.Dataset(examples.x[:, None], examples.y, classes=examples.classes)


def shortened(share: float, steps: int) -> int:
    """So many of the steps, or epochs, but at least one."""
    return max(1, round(share * steps))


def confusion(ax: Any, said: Any, true: Any, names: Any) -> None:
    """How many examples of each class (row) were taken for which (column)."""
    n = len(names)
    counts = np.bincount(n * true + said, minlength=n * n).reshape(n, n)
    wrong = np.where(np.eye(n, dtype=bool), 0, counts)  # the colours are for the mistakes
    most = max(wrong.max(), 8)
    ax.imshow(wrong, cmap="Reds", vmin=0, vmax=most)
    for i, j in zip(*counts.nonzero(), strict=True):
        style = {"color": "white" if wrong[i, j] > 0.6 * most else "black", "weight": "bold" if i == j else "normal"}
        ax.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, **style)
    slanted = {"rotation": 45, "ha": "right"} if sum(map(len, names)) > 20 else {}
    ax.set_xticks(range(n), names, **slanted)
    ax.set_yticks(range(n), names)
    ax.set_xlabel("taken for")
    ax.set_ylabel("is")


def main(
    experiment: Experiment,
    targets: dict[str, tuple[str, float]],
    draw: Callable[[Any], Any],
    arguments: list[str] | None = None,
) -> int:
    """Run for each seed, say what came out beside its target, draw the first one; 1 where a target is missed.

    targets: name → ("≥" or "≤", number), which the mean over the seeds is to keep.
    """
    parser = argparse.ArgumentParser(description=(experiment.__doc__ or "").strip())
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 (default 1)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps, and no verdict")
    parser.add_argument("--output", type=Path, metavar="PICTURE", help="draw what the first seed learned")
    chosen = parser.parse_args(arguments)
    found: list[Numbers] = []
    for seed in range(chosen.seeds):
        started = time.process_time()
        with tl.engine.random.seeded(seed):
            numbers, kept = experiment(seed, QUICK if chosen.quick else 1.0)
        found.append(numbers)
        said = ", ".join(f"{name} {number:.3f}" for name, number in numbers.items())
        print(f"seed {seed}: {said}; {time.process_time() - started:.0f} s of CPU", flush=True)
        if chosen.output and seed == 0:
            draw(kept).savefig(chosen.output, dpi=120, bbox_inches="tight")
    missed = 0
    for name in found[0]:
        values = np.array([numbers[name] for numbers in found])
        spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
        line = f"{name:32} {values.mean():.3f}{spread}"
        if name in targets:
            sign, bound = targets[name]
            reached = values.mean() >= bound if sign == "≥" else values.mean() <= bound
            line += f"   target {sign} {bound}" + ("" if chosen.quick else ": reached" if reached else ": MISSED")
            missed += not reached
        print(line)
    return int(missed > 0 and not chosen.quick)
