"""For test suites, ours and others': hypothesis strategies for arrays and calls of primitives, and mutations of rules.

The strategies (strategies.py) draw what a derivative rule must bear, the mutations (mutations.py) break a rule, so that
a test suite can itself be tested. What the strategies need, hypothesis, comes with ``python -m pip install ".[test]"``
in the clone; that is why ``import tinydl`` doesn't load this file.
"""

from .checking.mutations import Mutation, mutations, rule_mutations, source_mutations
from .checking.samples import SAMPLES, Draw, Sample, sample, sampler
from .checking.strategies import arrays, axes, broadcastable_shapes, draws, samples, shapes

__all__ = [
    "SAMPLES", "Draw", "Mutation", "Sample", "arrays", "axes", "broadcastable_shapes", "draws", "mutations",
    "rule_mutations", "sample", "sampler", "samples", "shapes", "source_mutations",
]  # fmt: skip
