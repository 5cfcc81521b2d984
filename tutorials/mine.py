"""Your own engine. Fill in the gaps, `...`, step by step, and run this file after each step:

    python mine.py

It says what is right, what is wrong, and what comes next. The lesson `build_it_yourself`, 14_build_it_yourself.py, says
what each step is for, and has an answer to each. The checks are in _mine.py, which must stand beside this file.
"""
# ruff: noqa: F811  (steps 5, 7 and 8 write a function anew; the last one counts)

import itertools

import numpy as np
from _mine import check

# ---- Step 1: rules, before there is an engine ----
#
# A rule makes the gradient of one input from g, the gradient of the output y: for a function of single elements that is
# g times the slope of y by this input, for @ and .T see the lesson on arrays. `add` shows how it is written. Use only
# + - * / @, .T, np.exp and np.tanh in rules (not **): from step 7 on they are given Tensors, which know nothing else.
# (For the second slope of divide write a / b as a b⁻¹: by b it is -a / b², and a / b is y.)


class Primitive:
    def __init__(self, forward, *rules):
        self.forward, self.rules = forward, rules  # a function of NumPy, and a rule for each of its inputs

    def __call__(self, *inputs):
        return remember(self, *inputs)  # you write this in step 2


add = Primitive(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = Primitive(np.subtract, ..., ...)
multiply = Primitive(np.multiply, ..., ...)
divide = Primitive(np.divide, ..., ...)
matmul = Primitive(np.matmul, ..., ...)
negative = Primitive(np.negative, ...)
exp = Primitive(np.exp, ...)
tanh = Primitive(np.tanh, ...)
transpose = Primitive(np.transpose, ...)

check(1, globals())

# ---- Step 2: an array that remembers ----

stamps = itertools.count()  # next(stamps) is 0, then 1, then 2, ...


class Tensor:
    def __init__(self, data, requires_grad=False, primitive=None, inputs=()):
        self.data = ...  # an array of floats: np.asarray(data, dtype=float)
        self.requires_grad, self.primitive, self.inputs = requires_grad, primitive, inputs
        self.stamp = ...

    shape = property(lambda self: self.data.shape)  # so that t.shape works without ()
    size = property(lambda self: self.data.size)


def array_of(x):
    return x.data if isinstance(x, Tensor) else x


def remember(primitive, *inputs):
    """Call primitive.forward with the arrays of the inputs. If one of the inputs is a Tensor, give a Tensor. If one of
    them requires a gradient, so does the result, and it remembers the primitive and the inputs; else it doesn't."""
    return ...


check(2, globals())

# ---- Step 3: back along every path ----


def push(t, g, found):
    """If t is a leaf (its primitive is None), add g to found[t]. Otherwise call push for each input of t that requires
    a gradient, with what its rule gives: rule(g, t.data, *values), where values are the arrays of all of t.inputs, not
    the Tensors: array_of(x). (An input can be a plain number or an array, too, which requires none.) Return the number
    of calls: 1, and those of the calls made from here."""
    return ...


check(3, globals())

# ---- Step 4: every operation once ----


def collect(loss):
    """A list of the loss, and of all Tensors that it was made of and that require a gradient: each once, the latest
    stamp first."""
    return ...


def gradients(loss):
    """A dict: the gradient of each leaf that requires one. The gradient of the loss is an array of ones, of its shape.
    Go through collect(loss): the gradient of each Tensor is complete when its turn comes. Call rules as in step 3."""
    return ...


check(4, globals())

# ---- Step 5: broadcasting ----


def sum_to_shape(array, shape):
    """Sum over the axes that broadcasting has put in front of `shape`, or stretched from length 1."""
    return ...


def gradients(loss):
    """As in step 4; and each gradient is summed to the shape of its input."""
    return ...


check(5, globals())

# ---- Step 6: to write mathematics ----

Tensor.__add__, Tensor.__radd__ = lambda a, b: add(a, b), lambda a, b: add(b, a)  # t + 1, and 1 + t
Tensor.__sub__, Tensor.__rsub__ = ..., ...
Tensor.__mul__, Tensor.__rmul__ = ..., ...
Tensor.__truediv__, Tensor.__rtruediv__ = ..., ...
Tensor.__matmul__, Tensor.__rmatmul__ = ..., ...
Tensor.__neg__ = ...  # a function, as above: negative itself is a Primitive
Tensor.T = property(lambda t: transpose(t))

mean = Primitive(np.mean, lambda g, y, x: g / x.size * np.ones(x.shape))
Tensor.mean = lambda t: mean(t)
TABLE = {p.forward: p for p in (add, subtract, multiply, divide, matmul, negative, exp, tanh)}


def array_ufunc(self, ufunc, method, *inputs, **options):
    """What NumPy calls for np.tanh(t): ufunc is np.tanh, method is "__call__". Give what our primitive gives. Raise a
    TypeError if the table has no rule for it; or with options, as in np.tanh(t, where=...); or with another method, as
    in np.add.outer(t, t), where ufunc is np.add and method "outer"."""
    return ...


Tensor.__array_ufunc__ = array_ufunc

check(6, globals())

# ---- Step 7: derivatives of derivatives ----


def sum_tensor(gradient, shape):
    """sum_to_shape for a Tensor: call a Primitive made here, whose forward is sum_to_shape with this shape. Its rule
    gives g, copied to the shape of the input: what was summed forwards is copied backwards."""
    return ...


def gradients(loss):
    """As in step 5, but rules are given Tensors, t and t.inputs, so that the gradients are Tensors which remember."""
    return ...


check(7, globals())

# ---- Step 8: what changed in between ----


def assign(self, data):
    """Give the Tensor a new value, and a new stamp."""
    return ...


Tensor.assign = assign


def collect(loss):
    """As in step 4; but an input with a later stamp than what was made from it is refused with a RuntimeError."""
    return ...


check(8, globals())
