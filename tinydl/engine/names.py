"""What to write here for the names that users of PyTorch and Keras type, and that tinydl hasn't.

A name that is missing stays missing, by an AttributeError, as hasattr, copies and notebooks expect; only its sentence
says more. The tables are data: TENSOR for ``x.name``, TORCH for ``tl.name``; those of layers, optimizers and the rest
stand in their rooms. Of the engine this file knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn

_ON_THE_CPU = "leave it out; for a GPU write model.to(cupy.asarray), and data move with the model"
_NO_UPDATE = "write `with tl.no_grad(): p {} …` for a parameter p, t = t {} … for any other"
_WANTS_A_HOOK = (
    "tinydl has no hooks: after loss.backward(retain_grads=True) each Tensor that was computed has its .grad"
)

TENSOR = {  # x.name → what to write
    "view": "write x.reshape(2, -1)", "view_as": "write x.reshape(y.shape)", "reshape_as": "write x.reshape(y.shape)",
    "unsqueeze": "write x[None] or x[:, None], or np.expand_dims(x, axis)", "permute": "write x.transpose(0, 2, 1)",
    "t": "write x.T", "contiguous": "leave it out", "clone": "write x.copy()", "type_as": "write x.astype(y.dtype)",
    "cuda": _ON_THE_CPU, "cpu": _ON_THE_CPU, "device": _ON_THE_CPU, "is_cuda": _ON_THE_CPU,
    "to": f"{_ON_THE_CPU}; for another dtype write x.astype(np.float32)", "numel": "write x.size",
    "nelement": "write x.size", "dim": "write x.ndim", "ndimension": "write x.ndim", "type": "write x.astype(dtype)",
    "float": "write x.astype(np.float32)", "double": "write x.astype(np.float64)", "half": "write x.astype(np.float16)",
    "long": "write x.astype(np.int64)", "int": "write x.astype(int)", "bool": "write x.astype(bool)",
    "expand": "leave it out where broadcasting does it, or write np.broadcast_to(x, shape)",
    "expand_as": "leave it out where broadcasting does it, or write np.broadcast_to(x, y.shape)",
    "masked_fill": "write np.where(mask, value, x)", "masked_fill_": "write x = np.where(mask, value, x)",
    "masked_select": "write x[mask]", "index_select": "write np.take(x, indices, axis)",
    "gather": "write np.take_along_axis(x, indices, axis)", "scatter": "write np.where(mask, value, x)",
    "scatter_": "write np.where(mask, value, x)", "scatter_add": "write F.one_hot(indices).T @ x",
    "topk": "write np.sort(x)[..., -k:], or x.argsort()[..., -k:] for where they are",
    "norm": "write np.linalg.norm(x)", "inverse": "write np.linalg.inv(x)", "det": "write np.linalg.det(x)",
    "svd": "write np.linalg.svd(x)", "cholesky": "write np.linalg.cholesky(x)", "logsumexp": "write F.logsumexp(x)",
    "softmax": "write F.softmax(x)", "log_softmax": "write F.log_softmax(x)", "clamp": "write x.clip(low, high)",
    "clamp_": "write x = x.clip(low, high)", "pow": "write x**2", "add": "write x + y", "sub": "write x - y",
    "mul": "write x * y", "div": "write x / y", "neg": "write -x", "abs": "write abs(x)", "mm": "write x @ y",
    "mv": "write x @ y", "bmm": "write x @ y", "matmul": "write x @ y", "eq": "write x == y", "ne": "write x != y",
    "gt": "write x > y", "ge": "write x >= y", "lt": "write x < y", "le": "write x <= y", "unbind": "write a, b = x",
    "chunk": "write np.split(x, parts)", "repeat_interleave": "write x.repeat(times, axis)",
    "amax": "write x.max(axis)", "amin": "write x.min(axis)", "nonzero": "write np.nonzero(x.data)",
    "unique": "write np.unique(x.data)", "sort": "write np.sort(x)", "fill": "write np.full_like(x, value)",
    "new_zeros": "write np.zeros(shape, x.dtype)", "new_ones": "write np.ones(shape, x.dtype)",
    "flat": "write x.ravel()", "strides": "write x.data.strides",
    "tobytes": "write x.data.tobytes()", "add_": _NO_UPDATE.format("+=", "+"),
    "sub_": _NO_UPDATE.format("-=", "-"), "mul_": _NO_UPDATE.format("*=", "*"), "div_": _NO_UPDATE.format("/=", "/"),
    "zero_": "write x.grad = None for a gradient, p.data = np.zeros(p.shape) for a parameter",
    "fill_": "write p.data = np.full(p.shape, value)", "copy_": "write p.data = array",
    "normal_": "write nn.init.normal_(p)", "uniform_": "write nn.init.uniform_(p, low, high)",
    "assign": "write p.data = array", "assign_sub": "write `with tl.no_grad(): p -= …`",
    "assign_add": "write `with tl.no_grad(): p += …`", "detach_": "write x = x.detach()",
    "requires_grad_": "write x.requires_grad = True", "is_leaf": "write x.primitive is None",
    "grad_fn": "write x.primitive, x.inputs for the operation that made it, or tl.explain(x)",
    "register_hook": _WANTS_A_HOOK, "retain_grad": _WANTS_A_HOOK, "retains_grad": _WANTS_A_HOOK,
    "register_post_accumulate_grad_hook": _WANTS_A_HOOK,
}  # fmt: skip

_RANDOM = "write tl.tensor(np.random.default_rng(seed).{})"
_DTYPE = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "bfloat16": "float32"}
TORCH = {  # tl.name → what to write; of names that NumPy or a room of tinydl has too, `instead` says which
    **{name: f"write np.{dtype}" for name, dtype in _DTYPE.items()},
    "int": "write int", "bool": "write bool", "dtype": "write np.dtype", "Size": "write tuple",
    "from_numpy": "write tl.tensor(array)", "as_tensor": "write tl.tensor(data)", "Variable": "write tl.tensor(data)",
    "constant": "write tl.tensor(data)", "FloatTensor": "write tl.tensor(data)", "LongTensor": "write tl.tensor(data)",
    "Parameter": "write tl.tensor(array, requires_grad=True, dtype=np.float32)",
    "is_tensor": "write isinstance(x, tl.Tensor)",
    "randn": _RANDOM.format("normal(size=(2, 3))"), "rand": _RANDOM.format("random((2, 3))"),
    "normal": _RANDOM.format("normal(size=(2, 3))"), "randint": _RANDOM.format("integers(0, 10, (2, 3))"),
    "randperm": "write np.random.default_rng(seed).permutation(n)", "rand_like": _RANDOM.format("random(x.shape)"),
    "randn_like": _RANDOM.format("normal(size=x.shape)"), "cat": "write np.concatenate([t, u])",
    "concat": "write np.concatenate([t, u])", "mm": "write x @ y", "bmm": "write x @ y", "mul": "write x * y",
    "sub": "write x - y", "div": "write x / y", "clamp": "write np.clip", "unsqueeze": "write np.expand_dims",
    "permute": "write np.transpose", "gather": "write np.take_along_axis", "topk": "write np.sort(x)[..., -k:]",
    "norm": "write np.linalg.norm", "flatten": "write np.ravel(x), or x.reshape(len(x), -1)",
    "chunk": "write np.split(x, parts)", "masked_select": "write x[mask]", "multinomial": "write rng.choice",
    "inference_mode": "write tl.no_grad()", "layers": "write tl.nn", "F": "write tl.functional",
    "optimizers": "write tl.optim",
    "set_grad_enabled": "write tl.no_grad() or tl.enable_grad()", "stop_gradient": "write x.detach()",
    "GradientTape": "leave it out, for every operation is recorded: write loss.backward()",
    "autograd": "write tl.grad(f) for the gradient of a function, loss.backward() for that of a Tensor",
    "cuda": _ON_THE_CPU, "device": _ON_THE_CPU, "backends": _ON_THE_CPU, "seed": "write tl.manual_seed(seed)",
    "utils": "write tl.data.batches(dataset, batch_size) for a DataLoader", "losses": "write tl.functional",
    "set_default_tensor_type": "write tl.set_default_dtype(np.float64)", "jit": "leave it out",
    "vmap": "leave it out, for functions of NumPy take leading axes",
    "func": "write tl.grad, tl.vjp, tl.jvp, tl.jacobian, tl.hessian",
    "set_printoptions": "write np.set_printoptions", "Generator": "write np.random.default_rng(seed)",
}  # fmt: skip


_OF_EVERY_MODULE = ("__all__", "__doc__", "__file__", "__name__", "__package__", "__path__", "__spec__")


def instead(name: str, table: Mapping[str, str], rooms: Mapping[str, ModuleType]) -> str:
    """What to write for a missing name: what the table says, or where else it is; "" if nobody knows."""
    if name in table:
        return table[name]
    return next((f"write {written}.{name}" for written, room in rooms.items() if name in room.__all__), "")


def answers(
    module: str, public: Sequence[str], table: Mapping[str, str], rooms: Mapping[str, ModuleType] | None = None
) -> tuple[Callable[[str], NoReturn], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a module: what to write for the names it hasn't, and those that it has."""

    def missing(name: str) -> NoReturn:
        advice = instead(name, table, rooms or {})
        raise AttributeError(f"module {module!r} has no attribute {name!r}{advice and f': {advice}'}")

    return missing, lambda: sorted([*public, *_OF_EVERY_MODULE])


class Missing:
    """An attribute that a class hasn't: asked for, it raises the AttributeError that says what to write.

    Not by a ``__getattr__`` of the class: with one, Python looks up *every* attribute of its instances two to four
    times as slowly. What a subclass, an instance or a class further along has under the name is found as ever.
    """

    def __init__(self, name: str, advice: str, owner: type) -> None:
        self.name, self.advice, self.owner = name, advice, owner

    def __get__(self, instance: Any, owner: type) -> Any:
        try:
            return getattr(super(self.owner, owner if instance is None else instance), self.name)
        except AttributeError:
            kind = f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object"
            raise AttributeError(f"{kind} has no attribute {self.name!r}: {self.advice}") from None

    def __repr__(self) -> str:
        return f"<missing: {self.advice}>"


def lacks(kind: type, table: Mapping[str, str]) -> None:
    """Have a class say what to write for these names, and not list them. ValueError for one that it has."""
    for name in table:
        if hasattr(kind, name):
            raise ValueError(f"{kind.__name__} has a {name}; nothing is to be written instead")
    for name, added in {"__dir__": _dir, **{name: Missing(name, table[name], kind) for name in table}}.items():
        setattr(kind, name, added)


def _dir(self: Any) -> list[str]:
    return present(self, object.__dir__(self))


def present(thing: Any, names: Iterable[str]) -> list[str]:
    """Those of the names that ``dir()`` finds that a class, or an instance, really has."""
    if isinstance(thing, type):
        return [name for name in names if hasattr(thing, name)]
    return [name for name in names if hasattr(type(thing), name) or name in getattr(thing, "__dict__", ())]


class TensorType(type):
    """The class of `Tensor`, so that calling that one says which function makes one; the engine calls past it."""

    def __call__(cls, *args: Any, **options: Any) -> NoReturn:
        raise TypeError("a Tensor is made by a function: write tl.tensor([1.0, 2.0]), with requires_grad=True to learn")

    def __dir__(cls) -> list[str]:
        return present(cls, super().__dir__())


def no_device(target: object) -> TypeError:
    """The error for ``model.to("cuda")``, ``model.to(np.float16)`` and whatever else is no function of arrays."""
    return TypeError(
        f"to() takes a function of an array, not {target!r}: write model.to(cupy.asarray) for a GPU and "
        "model.to(cupy.asnumpy) for the way back; for another dtype make the model within "
        "`with tl.default_dtype(np.float64):`"
    )
