"""What checks `mine.py`, the engine that you write in the lesson `build_it_yourself`: one check for each step.

`check(4, globals())` looks at what your file has defined so far, at step 4 and at all that worked before. It prints a
sentence: what is right, what comes next, or what is wrong; and unless all is right, it ends the program there.
"""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

import tinydl as tl
from tinydl.engine.terminal import shown

Engine = dict[str, Any]  # the names that the learner's file has defined
PRIMITIVES = ("add", "subtract", "multiply", "divide", "matmul", "negative", "exp", "tanh", "transpose")
OPERATORS = ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "matmul", "rmatmul", "neg")
TO_WRITE: dict[int, tuple[str, ...]] = {
    1: PRIMITIVES,
    2: ("Tensor.__init__", "remember"),
    3: ("push",),
    4: ("collect", "gradients"),
    5: ("sum_to_shape", "gradients"),
    6: (*(f"Tensor.__{name}__" for name in OPERATORS), "array_ufunc"),
    7: ("sum_tensor", "gradients"),
    8: ("assign", "collect"),
}
TITLES = {
    1: "rules, before there is an engine",
    2: "an array that remembers",
    3: "back along every path",
    4: "every operation once",
    5: "broadcasting",
    6: "to write mathematics",
    7: "derivatives of derivatives",
    8: "what changed in between",
}
RIGHT = {
    1: "Nine primitives, and each rule agrees with numerical derivatives.",
    2: "Your Tensors remember what made them.",
    3: "push finds the gradient, along every path.",
    4: "A thousand doublings, and each operation is visited once.",
    5: "Each gradient has the shape of its input.",
    6: "Your engine differentiates formulas in NumPy, and refuses what it has no rule for.",
    7: "Three derivatives of tanh, and second ones through a broadcast bias.",
    8: "What changed in between is refused. This was the last step: you have written an engine.",
}


class Wrong(Exception):
    """What is wrong, as a sentence."""


def check(step: int, names: Engine) -> bool:
    """Say whether `step` is right in the file that has these names; unless it is, the program ends here."""
    left = gaps(step, names)
    if left:
        print(shown(f"step {step} comes next: {TITLES[step]}. Still to write: {', '.join(left)}."))
        raise SystemExit(1)
    for number in (step, *range(2, step)):  # what rules say (step 1) can't have changed
        problem = trouble(number, names)
        if problem:
            lost = "" if number == step else f"what step {number} checks worked before, and doesn't now: "
            print(shown(f"step {step}: {lost}{problem}"))
            raise SystemExit(1)
    print(shown(f"step {step}: right. {RIGHT[step]}"))
    return True


def gaps(step: int, names: Engine) -> list[str]:
    """What of this step is still to be written."""
    return [name for name in TO_WRITE[step] if is_gap(find(name, names))]


def find(name: str, names: Engine) -> Any:
    """``Tensor.__init__`` and the like."""
    first, *rest = name.split(".")
    return reduce(lambda owner, part: getattr(owner, part, None), rest, names.get(first))


def is_gap(value: Any) -> bool:
    """Whether this is `...`, has it in the place of a rule, or on a line of its code."""
    if value is None or value is ... or ... in getattr(value, "rules", ()):
        return True
    try:
        source = inspect.getsource(value) if inspect.isfunction(value) else ""
    except OSError:  # typed into an interpreter that keeps no text
        return False
    return re.search(r"^\s+(return |[\w.]+ = )?\.\.\.\s*(#.*)?$", source, re.MULTILINE) is not None


def trouble(step: int, names: Engine) -> str:
    """What is wrong in this step; nothing if it is right."""
    try:
        CHECKS[step](names)
    except Wrong as wrong:
        return str(wrong)
    except RecursionError:
        if step == 3:
            return "push calls itself without end: call it for the inputs of t, and not for t."
        return "the calls go too deep. No function here should call itself: go through a list, in a loop."
    except Exception as error:
        return f"your program stopped with {described(error, step)}{where(error, names)}."
    return ""


def described(error: Exception, step: int = 0) -> str:
    if isinstance(error, KeyError):  # which says only where in memory a Tensor is
        key = error.args[0] if error.args else None
        if isinstance(key, np.ufunc):
            return f"KeyError: TABLE has no rule for np.{key.__name__}; raise a TypeError then"
        hint = "found.get(t, 0) gives 0 for what isn't there" if step == 3 else "is the order right?"
        return f"KeyError: what you look up isn't in your dict, or not yet ({hint})"
    if isinstance(error, TypeError) and "unhashable" in str(error):
        return f"{error} (an array can't be looked up in a dict or a set: first ask isinstance(x, Tensor))"
    return f"{type(error).__name__}: {error}".rstrip(".")


def where(error: Exception, names: Engine) -> str:
    """In which line of the learner's file this happened."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "__file__" in names and frame.filename == names["__file__"]]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno}, in {own[-1].name})" if own else ""


def demand(condition: Any, sentence: str) -> None:
    if not condition:
        raise Wrong(sentence)


def close(given: Any, wanted: Any) -> bool:
    given = getattr(given, "data", given) if not isinstance(given, np.ndarray) else given
    return np.shape(given) == np.shape(wanted) and np.allclose(given, wanted, rtol=1e-9, atol=1e-12)


def rounded(value: Any) -> str:
    """A number with four digits, an array as a list of such."""
    return str(np.round(np.asarray(getattr(value, "data", value), dtype=float), 4).tolist())


# ---- step 1 ----


def check_rules(e: Engine) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(4, 3)), rng.uniform(1, 2, size=(4, 3))
    for name in PRIMITIVES:
        inputs = (a,) if name in ("negative", "exp", "tanh", "transpose") else (a, b)
        check_primitive(name, e[name], (a, rng.normal(size=(3, 5))) if name == "matmul" else inputs)


def check_primitive(name: str, primitive: Any, inputs: tuple[Any, ...]) -> None:
    rules = len(primitive.rules)
    demand(rules == len(inputs), f"`{name}` has {len(inputs)} inputs and needs a rule for each, but has {rules}.")
    for i, rule in enumerate(primitive.rules):
        which = ("first", "second")[i] if len(inputs) == 2 else "only"

        def forward(x: Any, i: int = i) -> Any:
            return primitive.forward(*inputs[:i], x, *inputs[i + 1 :])

        def vjp(g: Any, x: Any, i: int = i, rule: Callable[..., Any] = rule) -> Any:
            return rule(g, forward(x), *inputs[:i], x, *inputs[i + 1 :])

        try:
            report = tl.gradcheck(forward, inputs[i], vjp=vjp)
        except Exception as error:
            shapes = ", ".join(str(x.shape) for x in (forward(inputs[i]), *inputs))
            raise Wrong(
                f"the rule of `{name}` for its {which} input stops with {described(error)}. "
                f"It was tried with g and inputs of shapes {shapes}."
            ) from error
        cause = report.causes[0][1] if report.causes else "its numbers aren't the numerical derivatives."
        demand(report.verdict == "right", f"the rule of `{name}` for its {which} input is wrong: {cause}")
        values = [Plain(value) for value in (np.ones(np.shape(forward(inputs[i]))), forward(inputs[i]), *inputs)]
        try:
            stays = isinstance(rule(*values), Plain)
            why = "what it gives isn't made of what it was given"
        except (TypeError, AttributeError, ValueError) as error:
            stays, why = False, str(error).rstrip(".")
        demand(
            stays,
            f"the rule of `{name}` for its {which} input has the right numbers, but uses more than + - * / @, .T, "
            f"np.exp and np.tanh ({why}). In step 7 rules are given Tensors, which know nothing else.",
        )


class Plain(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that knows only what Tensors will know in step 7: so a rule that needs more is found in step 1."""

    known = (np.add, np.subtract, np.multiply, np.divide, np.matmul, np.negative, np.exp, np.tanh)

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array, dtype=float)
        self.shape, self.size = self.array.shape, self.array.size

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Plain:
        if method != "__call__" or options or ufunc not in self.known:
            raise TypeError(f"{'**' if ufunc is np.power else f'np.{ufunc.__name__}'} isn't among them")
        return Plain(ufunc(*[x.array if isinstance(x, Plain) else x for x in inputs]))

    @property
    def T(self) -> Plain:
        return Plain(self.array.T)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f".{name} isn't among them")


# ---- step 2 ----


def check_tensors(e: Engine) -> None:
    Tensor, multiply, tanh = e["Tensor"], e["multiply"], e["tanh"]
    x = Tensor([1, -2], requires_grad=True)
    is_float = isinstance(x.data, np.ndarray) and x.data.dtype == float
    demand(is_float, "Tensor([1, -2]).data must be an array of floats: np.asarray(data, dtype=float).")
    demand(not Tensor(1.0).requires_grad, "a Tensor requires a gradient only if asked to: keep what was given.")
    demand(x.requires_grad, "Tensor(..., requires_grad=True) has forgotten that it requires a gradient.")
    is_number = isinstance(x.stamp, (int, float))
    demand(is_number, "a stamp must be a number: next(stamps) is the counter's next one, stamps the counter itself.")
    demand(Tensor(1.0).stamp > x.stamp, "a later Tensor must have a larger stamp: take next(stamps) for each.")
    u = multiply(x, 3.0)
    demand(isinstance(u, Tensor), f"multiply(x, 3.0) with a Tensor x must give a Tensor, not {type(u).__name__}.")
    demand(close(u, [3.0, -6.0]), f"multiply(x, 3.0) with x = [1, -2] gives {rounded(u)}, not [3, -6].")
    demand(u.primitive is e["multiply"], "multiply(x, 3.0) must remember its primitive, which is multiply.")
    remembers = len(u.inputs) == 2 and u.inputs[0] is x and u.inputs[1] is not x and close(u.inputs[1], 3.0)
    demand(remembers, "multiply(x, 3.0) must remember its inputs as they were given: x itself, and 3.0.")
    demand(u.requires_grad, "a result requires a gradient if one of its inputs does: multiply(x, 3.0) must.")
    demand(u.stamp > x.stamp, "a result must have a larger stamp than its inputs: take next(stamps) for each Tensor.")
    v = tanh(Tensor(1.0))
    demand(not v.requires_grad, "tanh(t) mustn't require a gradient if t doesn't.")
    forgets = v.primitive is None and len(v.inputs) == 0
    demand(forgets, "tanh(t) mustn't remember anything if t requires no gradient: that would only hold memory.")
    plain = tanh(np.ones(2))
    demand(not isinstance(plain, Tensor), "tanh of an array must give an array: without Tensors nothing is remembered.")
    demand(close(plain, np.tanh(np.ones(2))), f"tanh(np.ones(2)) gives {rounded(plain)}.")


# ---- steps 3 and 4 ----


def doubled(e: Engine, n: int) -> tuple[Any, Any]:
    leaf = t = e["Tensor"](1.0, requires_grad=True)
    for _ in range(n):
        t = e["add"](t, t)
    return leaf, t


def check_push(e: Engine) -> None:
    Tensor, multiply, tanh = e["Tensor"], e["multiply"], e["tanh"]
    check_what_rules_are_handed(e)
    x = Tensor(0.5, requires_grad=True)
    right = 3 * (1 - np.tanh(1.5) ** 2)
    found: dict[Any, Any] = {}
    e["push"](tanh(multiply(x, 3.0)), 1.0, found)
    demand(x in found, "push(tanh(3 x), 1.0, found) must put the gradient of the leaf x into found.")
    demand(set(found) == {x}, "push puts only leaves into found: Tensors that no primitive made.")
    demand(close(found[x], right), f"the gradient of tanh(3 x) at 0.5 is {right:.4f}; push found {rounded(found[x])}.")
    found = {}
    e["push"](multiply(x, x), 1.0, found)
    demand(close(found[x], 1.0), f"in x·x the leaf is used twice: its gradients add up to 1, not {rounded(found[x])}.")
    constant, found = Tensor(2.0), {}
    e["push"](multiply(x, constant), 1.0, found)
    demand(constant not in found, "push must leave out inputs that don't require a gradient.")
    leaf, t = doubled(e, 3)
    found = {}
    calls = e["push"](t, 1.0, found)
    demand(close(found[leaf], 8.0), f"three doublings have the gradient 8; push found {rounded(found[leaf])}.")
    demand(calls == 15, f"push must give the number of calls, its own and all that it makes: 15 here, not {calls}.")

    def by_push(loss: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        e["push"](loss, np.ones(2), found)
        return found

    check_that_no_gradient_is_changed_in_place(e, by_push, "found[t] = found[t] + g")


def check_what_rules_are_handed(e: Engine) -> None:
    """That push calls a rule with g and arrays: a Tensor there ends in a TypeError that says nothing of it."""
    handed: list[tuple[Any, ...]] = []

    def rule(*arguments: Any) -> Any:
        handed.append(arguments)
        return arguments[0]

    x = e["Tensor"]([0.5, 2.0], requires_grad=True)
    e["push"](e["Primitive"](np.multiply, rule, rule)(x, 3.0), np.ones(2), {})
    call = "a rule is called as rule(g, t.data, *values), with the arrays of all inputs"
    demand(handed, f"push must call the rule of each input that requires a gradient: {call}.")
    for arguments in handed:
        tensors = [value for value in arguments if isinstance(value, e["Tensor"])]
        demand(not tensors, "push hands a Tensor to a rule: hand the rule arrays, by array_of, and t.data.")
        number = len(arguments)
        demand(number == 4, f"push calls a rule of multiply with {number} arguments, not with g, y, a and b: {call}.")


def check_that_no_gradient_is_changed_in_place(e: Engine, gradients: Callable[[Any], Any], better: str) -> None:
    """The rules of add hand the same array to both inputs."""
    Tensor, add, multiply = e["Tensor"], e["add"], e["multiply"]
    p, q = Tensor([0.5, 2.0], requires_grad=True), Tensor([1.0, 3.0], requires_grad=True)
    sums = {"add(add(p, q), p)": (add(add(p, q), p), 2), "p·2 + (p + q)": (add(multiply(p, 2.0), add(p, q)), 3)}
    for text, (loss, right) in sums.items():
        found = gradients(loss)
        demand(
            close(found[p], [right, right]) and close(found[q], [1.0, 1.0]),
            f"in {text} with arrays all elements of p have the gradient {right}, and of q 1; you have "
            f"{rounded(found[p])} and {rounded(found[q])}. `+=` on an array changes it in place, and the other input "
            f"holds the same one: write {better}.",
        )


def check_order(e: Engine) -> None:
    Tensor, add, tanh = e["Tensor"], e["add"], e["tanh"]
    x, constant = Tensor(0.5, requires_grad=True), Tensor(2.0)
    a = tanh(x)
    c = tanh(tanh(a))
    loss = add(add(a, c), constant)
    order = list(e["collect"](loss))
    demand(len(order) == len(set(order)), "collect gives a Tensor twice: add only what hasn't been found yet.")
    demand(constant not in order, "collect must leave out Tensors that don't require a gradient.")
    demand(loss in order and x in order, "collect must give the loss itself and all that it depends on, to the leaves.")
    demand(len(order) == 6, f"collect found {len(order)} Tensors, where the loss depends on 6, itself among them.")
    for i, t in enumerate(order):
        early = [x for x in t.inputs if isinstance(x, Tensor) and x in order[:i]]
        demand(not early, "the order is wrong: collect gives a Tensor before one that was made from it. Latest first.")
    found = e["gradients"](loss)
    demand(isinstance(found, dict), "gradients must give a dict, from each leaf to its gradient.")
    demand(set(found) == {x}, "gradients must give the leaves that require a gradient, and nothing else.")
    right = tl.grad(lambda x: np.tanh(x) + np.tanh(np.tanh(np.tanh(x))))(np.array(0.5))
    got = found[x]
    demand(close(got, right), f"x reaches the loss in two ways, with gradient {right:.4f}; yours is {rounded(got)}.")
    v = Tensor([0.5, -1.0], requires_grad=True)
    got = e["gradients"](tanh(v))[v]
    demand(close(got, 1 - np.tanh(v.data) ** 2), f"the gradient of tanh at {rounded(v)} can't be {rounded(got)}.")
    got = e["gradients"](add(v, 1.0))[v]
    demand(close(got, [1.0, 1.0]), "begin with an array of ones that has the shape of the loss.")
    got = e["gradients"](add(v, np.array([3.0, 4.0])))  # an array among the inputs
    demand(set(got) == {v}, "an array among the inputs gets no gradient: gradients must give leaves only.")
    check_that_no_gradient_is_changed_in_place(e, e["gradients"], "arrived[x] = arrived[x] + part")
    check_that_paths_are_left_alone(e)
    for n in (12, 1000):
        leaf, t = doubled(e, n)
        demand(len(e["collect"](t)) == n + 1, f"{n} doublings are {n + 1} Tensors, and collect gives another number.")
        demand(close(e["gradients"](t)[leaf], 2.0**n), f"{n} doublings must have the gradient 2 to the {n}.")


def check_that_paths_are_left_alone(e: Engine) -> None:
    """That collect looks at the inputs of each Tensor once; otherwise a thousand doublings would never end."""
    looked = []

    class Watched(tuple[Any, ...]):
        def __iter__(self) -> Any:
            looked.append(self)
            return super().__iter__()

    leaf, t = doubled(e, 10)
    last = t
    while t is not leaf:
        t.inputs = Watched(t.inputs)
        t = t.inputs[0]
    e["collect"](last)
    message = "collect looks at the inputs of a Tensor again and again, along every path"
    demand(len(looked) <= 20, f"{message}: leave out what has been found already.")


# ---- step 5 ----


def by_engine(e: Engine, f: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for tl.gradcheck that asks the learner's engine."""

    def rule(g: Any, *inputs: Any) -> Any:
        leaves = [e["Tensor"](array, requires_grad=True) for array in inputs]
        found = e["gradients"](e["multiply"](f(*leaves), g))
        return [e["array_of"](found[leaf]) for leaf in leaves]

    return rule


def check_broadcasting(e: Engine) -> None:
    rng = np.random.default_rng(5)
    for long, short in [((4, 3), (3,)), ((4, 3), (4, 1)), ((4, 3), ()), ((2, 5, 3), (5, 1)), ((4, 3), (4, 3))]:
        g = rng.normal(size=long)
        right = np.zeros(short)
        for index in np.ndindex(*long):  # where was each element copied from?
            own = index[len(long) - len(short) :]
            right[tuple(i if length > 1 else 0 for i, length in zip(own, short, strict=True))] += g[index]
        got = e["sum_to_shape"](g, short)
        said = f"sum_to_shape of a gradient of shape {long} to the shape {short}"
        demand(np.shape(got) == short, f"{said} gives the shape {np.shape(got)}.")
        demand(close(got, right), f"{said} gives the right shape, but other numbers than the sums.")
    x, w = rng.normal(size=(4, 3)), rng.normal(size=(3, 5))
    layer = layer_of(e)
    for b in (rng.normal(size=5), rng.normal(size=(4, 1))):
        leaf = e["Tensor"](b, requires_grad=True)
        shape = np.shape(e["array_of"](e["gradients"](layer(x, w, leaf))[leaf]))
        demand(shape == b.shape, f"gradients gives {shape} to a bias of shape {b.shape}: call sum_to_shape there.")
        report = tl.gradcheck(layer, x, w, b, vjp=by_engine(e, layer))
        demand(report.verdict == "right", f"the gradients of tanh(x @ w + b) are wrong: {cause_of(report)}")


def layer_of(e: Engine) -> Callable[..., Any]:
    return lambda x, w, b: e["tanh"](e["add"](e["matmul"](x, w), b))


def cause_of(report: Any) -> str:
    return str(report.causes[0][1]) if report.causes else "they aren't the numerical derivatives."


# ---- step 6 ----


def check_operators(e: Engine) -> None:
    Tensor = e["Tensor"]
    for name in OPERATORS:
        is_primitive = isinstance(getattr(Tensor, f"__{name}__"), e["Primitive"])
        wanted = "lambda t: ...(t)" if name == "neg" else "lambda a, b: ...(a, b)"
        demand(
            not is_primitive,
            f"Tensor.__{name}__ is a Primitive, which Python would call without the Tensor. Write {wanted}.",
        )
    t, m = Tensor([2.0, 4.0]), Tensor([[1.0, 2.0], [3.0, 4.0]])
    square = np.array([[0.0, 1.0], [2.0, 3.0]])
    results = {
        "t + 1": (t + 1, [3, 5]), "1 + t": (1 + t, [3, 5]), "t - 1": (t - 1, [1, 3]), "1 - t": (1 - t, [-1, -3]),
        "t * 3": (t * 3, [6, 12]), "3 * t": (3 * t, [6, 12]), "t / 2": (t / 2, [1, 2]), "8 / t": (8 / t, [4, 2]),
        "m @ array": (m @ square, m.data @ square), "array @ m": (square @ m, square @ m.data), "-t": (-t, [-2, -4]),
        "np.exp(t)": (np.exp(t), np.exp(t.data)), "np.tanh(t)": (np.tanh(t), np.tanh(t.data)),
        "array - t": (np.array([1.0, 1.0]) - t, [-1, -3]), "list @ m": (square.tolist() @ m, square @ m.data),
    }  # fmt: skip
    for text, (got, wanted) in results.items():
        demand(isinstance(got, Tensor), f"{text} must give a Tensor, not {type(got).__name__}.")
        demand(close(got, np.array(wanted, float)), f"{text} gives {rounded(got)}, not {rounded(np.array(wanted))}.")
    refused(lambda: np.floor(t), "np.floor has no rule here, so array_ufunc must raise a TypeError")
    refused(lambda: np.add.outer(t, t), 'np.add.outer isn\'t np.add: unless method is "__call__", raise a TypeError')
    refused(lambda: np.tanh(t, where=[True, False]), "options such as where= would be lost: raise a TypeError")
    rng = np.random.default_rng(6)
    x, w, v = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(5, 2))
    report = tl.gradcheck(two_layers, x, w, v, vjp=by_engine(e, two_layers))
    demand(report.verdict == "right", f"the gradients of two layers in NumPy are wrong: {cause_of(report)}")


def two_layers(x: Any, w: Any, v: Any) -> Any:
    return np.tanh(x @ w + 1) @ v / (2 + np.exp(-x @ w @ v))


def refused(run: Callable[[], Any], sentence: str) -> None:
    try:
        got = run()
    except TypeError:
        return
    except KeyError as error:
        raise Wrong(f"{sentence}. It stopped with {described(error)}.") from error
    raise Wrong(f"{sentence}; it gave {got!r}.")


# ---- step 7 ----


def check_higher(e: Engine) -> None:
    Tensor = e["Tensor"]

    def gradients(loss: Any) -> Any:
        try:
            return e["gradients"](loss)
        except Exception as error:
            message = "sum_to_shape is for arrays, and was given a Tensor: in gradients call sum_tensor in its place"
            demand(not was_given_a_tensor(e, error), f"{message}.")
            raise

    value = np.array(0.7)
    x = Tensor(value, requires_grad=True)
    y, f = np.tanh(x), np.tanh
    for name in ("first", "second", "third"):
        depends = isinstance(y, Tensor) and y.requires_grad and x in (found := gradients(y))
        demand(depends, f"the {name} derivative of tanh can't be taken: what is differentiated has forgotten x.")
        y, f = found[x], tl.grad(f)
        demand(isinstance(y, Tensor), "gradients must give Tensors, which remember how they were computed.")
        right = f(value)
        demand(close(y, right), f"the {name} derivative of tanh at 0.7 is {right:.4f}; yours is {rounded(y)}.")
    got = gradients(e["add"](x, 1.0))[x]
    demand(isinstance(got, Tensor), "gradients must give Tensors from the beginning: the ones, too, are a Tensor.")
    t = Tensor(np.ones((4, 2)), requires_grad=True)
    total = e["sum_tensor"](t, (2,))
    remembers = isinstance(total, Tensor) and total.requires_grad
    demand(remembers, "sum_tensor must give a Tensor that remembers: make a Primitive of sum_to_shape and call it.")
    got = gradients(total)[t]
    demand(close(got, np.ones((4, 2))), f"summing forwards is copying backwards; sum_tensor hands back {rounded(got)}.")
    rng = np.random.default_rng(7)
    inputs, weight, bias = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)

    def loss(w: Any, b: Any) -> Any:
        return np.tanh(inputs @ w + b).mean()

    w, b = Tensor(weight, requires_grad=True), Tensor(bias, requires_grad=True)
    slope = gradients(loss(w, b))[b]
    remembers = isinstance(slope, Tensor) and slope.requires_grad
    demand(remembers, "the gradient of a broadcast bias has forgotten how it was made: call sum_tensor in gradients.")
    found = gradients((slope * slope).mean())
    right = tl.grad(lambda w: (tl.grad(loss, argnums=1)(w, bias) ** 2).mean())(weight)
    demand(w in found and close(found[w], right), "a second derivative through a broadcast bias is wrong.")


def was_given_a_tensor(e: Engine, error: Exception) -> bool:
    """Whether the error arose in sum_to_shape, with a Tensor in it."""
    at = error.__traceback__
    while at is not None:
        inside = at.tb_frame.f_code is e["sum_to_shape"].__code__
        if inside and any(isinstance(value, e["Tensor"]) for value in at.tb_frame.f_locals.values()):
            return True
        at = at.tb_next
    return False


# ---- step 8 ----


def check_changes(e: Engine) -> None:
    Tensor, gradients = e["Tensor"], e["gradients"]
    w, factor = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    loss = (w * w * factor).mean()
    demand(close(gradients(loss)[w], w.data * factor.data), "nothing has changed, and yet the gradient is wrong.")
    before = w.stamp
    w.assign([5, 6])
    demand(close(w, [5.0, 6.0]) and w.data.dtype == float, "w.assign([5, 6]) must set w.data to [5.0, 6.0].")
    demand(w.stamp > before, "a new value needs a new stamp: assign must take next(stamps).")
    refuses(e, loss, "w")
    fresh = (w * w * factor).mean()
    demand(close(gradients(fresh)[w], w.data * factor.data), "a loss made after the change must be differentiated.")
    factor.assign([0.0, 0.0])
    refuses(e, fresh, "a factor that doesn't require a gradient")


def refuses(e: Engine, loss: Any, what: str) -> None:
    try:
        e["gradients"](loss)
    except RuntimeError:
        return
    except Exception as error:
        message = f"{what} has changed after the loss was made: raise a RuntimeError that says so"
        raise Wrong(f"{message}, instead of ending with {described(error)}.") from error
    raise Wrong(f"{what} has changed after the loss was made, and gradients says nothing: raise a RuntimeError.")


CHECKS: dict[int, Callable[[Engine], None]] = {
    1: check_rules,
    2: check_tensors,
    3: check_push,
    4: check_order,
    5: check_broadcasting,
    6: check_operators,
    7: check_higher,
    8: check_changes,
}
