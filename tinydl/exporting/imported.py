"""A model that was read from an ONNX file: its parameters, and its nodes, of which each is a line of a table.

Nothing here knows of files; opening.py reads them. The lines are in importing.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array, is_array
from ..engine.checks import array_of
from ..engine.tensor import Tensor, tensor, wrap
from ..functional.activations import as_input
from ..nn.module import Module
from .importing import LINES


@dataclass(frozen=True, eq=False)
class Step:
    """A node: its operator, what it takes ("" for nothing) and makes, by name, and its attributes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    last: tuple[str, ...] = ()  # what nobody wants any more afterwards

    @property
    def title(self) -> str:
        """As errors name it."""
        return f"the node {self.operator} that makes {next(filter(None, self.outputs), '')!r}"


@dataclass(frozen=True, eq=False)
class Body:
    """A graph within a node."""

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Declared:
    """What the file says of an input: its dtype, and its sizes, of which some are names."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Any, ...] | None

    @property
    def text(self) -> str:
        """As a person would write it: x (batch, 3)."""
        if self.shape is None:
            return self.name
        return f"{self.name} ({', '.join(map(str, self.shape))}{',' * (len(self.shape) == 1)})"


class Imported(Module):
    """What `tl.from_onnx` gives: a Module that computes what the file says, node by node.

    Its parameters and buffers are attributes under the names that they have in the file, with dots in them too; one
    whose name can't be an attribute's has it with _ at its end. `forward` takes the file's inputs in their order and
    gives its output, or a tuple of several.
    """

    def __init__(
        self,
        inputs: Sequence[Declared],
        outputs: Sequence[str],
        steps: Sequence[Step],
        parameters: Mapping[str, Array],
        buffers: Mapping[str, Array],
        constants: Mapping[str, Array],
        dtypes: Mapping[int, np.dtype[Any]],
    ) -> None:
        self._inputs, self._outputs, self._steps = tuple(inputs), tuple(outputs), tuple(steps)
        self._constants, self._dtypes, self._names = dict(constants), dict(dtypes), dict[str, str]()
        floats = {
            a.dtype for a in (*parameters.values(), *buffers.values(), *constants.values()) if a.dtype.kind == "f"
        }
        self._one_float = len(floats | {x.dtype for x in inputs if x.dtype.kind == "f"}) <= 1
        for name, array in {**parameters, **buffers}.items():
            self._names[name] = attribute = self._attribute(name)
            made = tensor(array, requires_grad=True) if name in parameters else np.array(array)
            setattr(self, attribute, made)

    def _attribute(self, name: str) -> str:
        """The name of the attribute for what the file calls so."""
        wanted = name.lstrip("_") or "value"
        while wanted in vars(self) or hasattr(type(self), wanted):
            wanted += "_"
        return wanted

    @property
    def input_names(self) -> list[str]:
        """What the file calls its inputs."""
        return [x.name for x in self._inputs]

    def forward(self, *inputs: Any) -> Any:
        if len(inputs) != len(self._inputs):
            wanted = ", ".join(x.text for x in self._inputs)
            raise TypeError(f"the file has the inputs {wanted}; {len(inputs)} were given")
        values = dict(self._constants)
        values.update({name: getattr(self, attribute) for name, attribute in self._names.items()})
        like = next((v for v in values.values() if isinstance(v, Tensor)), None)
        values.update({x.name: _taken(x, given, like) for x, given in zip(self._inputs, inputs, strict=True)})
        made = Running(self, values).steps(self._steps, self._outputs)
        return made[0] if len(made) == 1 else tuple(made)

    def extra_repr(self) -> str:
        """What goes in and out, and how often there is each operator."""
        counts = Counter(step.operator for step in self._steps)
        said = ", ".join(f"{n} {name}" if n > 1 else name for name, n in counts.items())
        return f"{', '.join(x.text for x in self._inputs)} → {', '.join(self._outputs)}: {said}"


def _taken(declared: Declared, x: Any, like: Any) -> Any:
    """What is given as the file takes it."""
    if declared.dtype.kind == "f":
        x = as_input(x, like if like is not None and like.dtype.kind == "f" else np.zeros((), declared.dtype))
    elif not isinstance(x, Tensor):
        x = x if is_array(x) else np.asarray(x)
    if array_of(x).dtype.kind == "f" != declared.dtype.kind:
        raise TypeError(f"the input {declared.text} is of {declared.dtype}, not of {array_of(x).dtype}")
    if declared.shape is not None and len(declared.shape) != x.ndim:
        raise ValueError(f"the input {declared.text} has {len(declared.shape)} axes, but x of shape {x.shape} is given")
    return x


class Running:
    """A run of the nodes: what their lines may ask of it."""

    def __init__(self, model: Imported, values: dict[str, Any]) -> None:
        self.model, self.values = model, values
        self.training, self.dtypes, self.one_float = model.training, model._dtypes, model._one_float
        self.step = Step("", (), ("",), {})

    def steps(self, steps: Sequence[Step], outputs: Sequence[str]) -> list[Any]:
        """Run these nodes, and give what is asked for."""
        values = self.values
        for step in steps:
            self.step = step
            given = [values[name] if name else None for name in step.inputs]
            try:
                made = LINES[step.operator](self, *given, **step.attributes)
            except (ValueError, TypeError, IndexError) as error:
                if len(error.args) <= 1:
                    error.args = (f"{step.title}: {error}",)
                raise
            except (KeyError, AttributeError, ArithmeticError) as error:
                raise ValueError(f"{step.title}: {error}") from error
            for name, value in zip(step.outputs, made if isinstance(made, tuple) else (made,), strict=False):
                if name:  # floats are Tensors, so that what is computed of them is seen by whoever looks on
                    values[name] = wrap(value) if is_array(value) and value.dtype.kind == "f" else value
            for name in step.last:
                values.pop(name, None)  # it may be within a node's graph
        return [values[name] for name in outputs]

    def run(self, body: Body, given: Sequence[Any]) -> list[Any]:
        """Run a graph within a node, which sees what is around it."""
        inner = Running(self.model, {**self.values, **dict(zip(body.inputs, given, strict=True))})
        return inner.steps(body.steps, body.outputs)

    def wants(self, i: int) -> bool:
        """Whether somebody uses this output of the node."""
        return i < len(self.step.outputs) and self.step.outputs[i] != ""

    def buffers(self, *places: int) -> list[str]:
        """The attributes that these inputs of the node are, if all are buffers of the model."""
        names = [self.model._names.get(self.step.inputs[i], "") for i in places]
        return names if all(name and is_array(vars(self.model).get(name)) for name in names) else []
