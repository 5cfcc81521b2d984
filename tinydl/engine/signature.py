"""What the engine needs to know about plain functions: what their parameters are called, and which are inputs.

Whether an argument came by position or by name, a primitive finds its inputs and options here. Read tensor.py next.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def _same(a: Any, b: Any) -> bool:
    return a is b or (a.__class__ is b.__class__ and bool(np.all(a == b)))


class Signature:
    """The parameters of a primitive: its inputs, one per rule, and the options that all its rules take."""

    def __init__(
        self, name: str, forward: Callable[..., Any], rules: Sequence[Callable[..., Any] | None], each: bool
    ) -> None:
        self.name, self.each, self.count = name, each, len(rules)
        known = [self._of_rule(rule) for rule in rules if rule is not None]
        self.inputs = known[0][0]
        self.options = tuple(n for n in known[0][1] if all(n in options for _, options in known))
        self.parameters: tuple[str, ...] = (*self.inputs, *self.options)
        self.defaults: dict[str, Any] = {}
        if isinstance(forward, np.ufunc):
            if forward.nin != len(rules):
                raise TypeError(f"{name} takes {forward.nin} inputs and needs a rule for each, not {len(rules)}")
            return
        try:
            declared = inspect.signature(forward).parameters.values()
        except (ValueError, TypeError):  # written in C and without a signature: the rule's names serve
            return
        given = {p.name: p.default for p in declared if p.default is not p.empty}
        self.defaults = {name: value for name, value in given.items() if repr(value) != "<no value>"}  # NumPy's "unset"
        for rule in rules:
            self._refuse_other_defaults(rule)
        if not each:
            variadic = any(p.kind is p.VAR_POSITIONAL for p in declared)
            named = tuple(p.name for p in declared if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
            if variadic:
                return
            if len(named) < len(rules):
                raise TypeError(f"{name} has {len(rules)} rules, but its forward function takes {len(named)} inputs")
            self.parameters, self.inputs = named, named[: len(rules)]

    def _refuse_other_defaults(self, rule: Callable[..., Any] | None) -> None:
        for p in inspect.signature(rule).parameters.values() if rule is not None else ():
            own = self.defaults.get(p.name, p.default)
            if p.name in self.options and not _same(own, p.default):
                said = "no default" if p.default is p.empty else f"the default {p.default!r}"
                raise TypeError(
                    f"{self.name}: {p.name} has the default {own!r} in the forward function, but {said} in a rule"
                )

    def _of_rule(self, rule: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        parameters = list(inspect.signature(rule).parameters.values())
        names = tuple(p.name for p in parameters)
        if self.each:
            return (), tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return tuple(f"x{i}" for i in range(self.count)), ()
        if len(names) < 2 + self.count:
            raise TypeError(f"a rule of {self.name} must take (g, y, and {self.count} inputs), not {names}")
        return names[2 : 2 + self.count], names[2 + self.count :]

    def bind(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort a call's arguments into inputs and options, whether they came by position or by name."""
        if self.each or len(args) == self.count:
            return args, self._checked(options)
        if len(args) > len(self.parameters):
            raise TypeError(f"{self.name} takes at most {len(self.parameters)} arguments, not {len(args)}")
        given = dict(zip(self.parameters, args, strict=False))
        for key, value in options.items():
            if key in given:
                raise TypeError(f"{self.name} got two values for {key}=")
            given[key] = value
        missing = [n for n in self.inputs if n not in given and n not in self.defaults]
        if missing:
            raise TypeError(f"{self.name} needs a value for {' and '.join(missing)}")
        inputs = tuple(given.pop(n) if n in given else self.defaults[n] for n in self.inputs)
        return inputs, self._checked(given)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is said by default; an option that the rules don't take would change only the value."""
        options = {}
        for key, value in given.items():
            by_default = key in self.defaults and value is self.defaults[key]
            if key not in self.options:
                if key in self.inputs:
                    raise TypeError(f"{self.name} got two values for {key}=")
                if not by_default:
                    takes = ", ".join(f"{k}=" for k in self.options) or "no options"
                    raise TypeError(f"{self.name} of Tensors doesn't take {key}= (it takes {takes})")
            elif not by_default:
                options[key] = value
        return options
