"""Models with fewer weights, or with fewer bits for each: which are set to 0, and the grid that they are rounded to.

compressed.py, on which this stands, says how a layer comes to compute with that. Read shrinking.py next.
"""

from __future__ import annotations

import numpy as np

from ..engine.arrays import Array, beside, on_host
from ..engine.checks import real, whole
from ..engine.tensor import Tensor
from ..nn.module import Module
from .compressed import mask_of, see_through, weights_of


def prune(model: Module, amount: float) -> Module:
    """Set the smallest weights of the whole model to 0 for good, ``round(amount · n)`` of its n; gives the model back.

    Weights are all parameters of two or more axes, frozen ones too, but those of Embedding and norms; biases stay. What
    is smallest is asked once for all layers together, so that a layer that has more to spare loses more; of equal ones
    the first go. Each layer keeps a mask beside each weight, ``weight_mask`` in the `state_dict`, through which its
    forward sees the weight from now on: what is masked counts as 0 and gets no gradient, whatever optimizer trains the
    rest. (Make the optimizer after pruning: what an older one has still in motion moves a masked weight, unseen, until
    the next call of `prune`.) A weight that two layers share has one mask. To prune again prunes further: `amount` is
    the part of all weights that is gone then; what was gone stays so. Zeros make neither a file smaller nor a model
    quicker by themselves: a file of them can be packed, and `shrink` takes out whole units.

    >>> model = tl.compress.prune(nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10)), 0.9)
    >>> sum(int((layer.weight.data == 0).sum()) for layer in (model[0], model[2]))
    6660

    Files and copies carry the masks; a state with masks is loaded into a model that was pruned too, by any amount.
    Raises ValueError for an amount outside of 0 … 1 and for a model without weights, TypeError for what is no Module.
    Han et al., arXiv:1506.02626, 2015.
    """
    found = weights_of("prune", model)
    part = real("prune's amount", amount)
    if not 0 <= part <= 1:
        raise ValueError(f"prune's amount is the part of the weights that becomes 0, from 0 to 1, not {amount}")
    tensors = {place.tensor: mask_of(place) for place in found}
    sizes = np.concatenate([_sizes(t, mask) for t, mask in tensors.items()])
    gone = np.zeros(len(sizes), bool)
    gone[np.argsort(sizes, kind="stable")[: round(part * len(sizes))]] = True
    gone |= sizes < 0
    ends = np.cumsum([t.size for t in tensors])[:-1]
    for t, lost in zip(tensors, np.split(gone, ends), strict=True):
        mask = beside(~lost.reshape(t.shape), t._data)
        t.data = np.where(mask, t._data, 0)
        for place in (place for place in found if place.tensor is t):
            setattr(place.layer, f"{place.name}_mask", mask)
            see_through(place)
    return model


def _sizes(t: Tensor, mask: Array | None) -> Array:
    """How large the weights are; −1 for those that are gone."""
    sizes = np.abs(on_host(t._data)).ravel()
    return sizes if mask is None else np.where(on_host(mask).ravel(), sizes, -1)


def quantise(model: Module, bits: int) -> Module:
    r"""Put a model's weights on a grid of 2\ :sup:`bits` − 1 levels, as its forward sees them; gives the model back.

    :math:`w \to s \cdot \text{round}(w / s)` with the scale :math:`s = \max|w| / (2^{\text{bits} - 1} - 1)` of each
    output: of each row of a weight (out, in), each channel of a kernel. So the levels are symmetric about 0, and no
    weight is moved by more than :math:`\max|w| / (2^\text{bits} - 2)`; halves go to the even level. Weights are those
    that `prune` counts; biases, norms, Embedding and what flows between the layers stay floats. `bits` is from 2 to 8.

    The parameters stay what they are, and each forward rounds them anew, with the slope of what isn't rounded. So to go
    on training is quantisation-aware training, and to quantise again, with other bits, is the same as with those alone.
    ``tl.save(model, path)`` writes the weights as int8, with their scales beside them: about a quarter of the file.

    >>> model = tl.compress.quantise(nn.Sequential(nn.Linear(4, 3)), 2)
    >>> seen = model(np.eye(4, dtype=np.float32)) - model[0].bias  # the weights: in each column −s, 0 and s
    >>> len(np.unique(seen.data[:, 0])) <= 3
    True

    Raises ValueError for other bits and for a model without weights, TypeError for what is no Module. Jacob et al.,
    arXiv:1712.05877, 2018; the slope: Bengio et al., arXiv:1308.3432, 2013.
    """
    found = weights_of("quantise", model)
    if not 2 <= (number := whole("quantise's bits", bits, 2)) <= 8:
        raise ValueError(f"quantise's bits are from 2 to 8, not {bits}; a float32 has 24 of them, which you have now")
    for place in found:
        place.layer._bits = number
        see_through(place)
    return model
