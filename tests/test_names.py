"""Names that users of PyTorch and Keras type: what is missing says what to write, and is missing to whoever looks."""

import copy
import importlib
import inspect
import pickle
import re
import subprocess
import sys
import weakref

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.data.names import DATA
from tinydl.engine import names
from tinydl.functional.names import FUNCTIONS
from tinydl.nn.names import LAYERS, MODEL
from tinydl.optim.names import OPTIMIZER, OPTIMIZERS, SCHEDULE


def x(*shape):
    return tl.tensor(np.random.default_rng(0).normal(size=shape or (2, 3)), requires_grad=True)


def model():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def optimizer():
    return optim.SGD(model().parameters(), lr=0.1)


TYPED = {
    "Tensor": (x, {
        "view": "x.reshape", "unsqueeze": "x[None]", "permute": "x.transpose", "clone": "x.copy()",
        "cuda": "leave it out", "cpu": "leave it out", "to": "x.astype", "numel": "x.size", "dim": "x.ndim",
        "expand": "np.broadcast_to",
        "masked_fill": "np.where(mask, value, x)", "topk": "np.sort", "sub_": "with tl.no_grad(): p -=",
        "add_": "with tl.no_grad(): p +=", "zero_": "x.grad = None", "t": "x.T", "type": "x.astype",
        "float": "x.astype(np.float32)", "long": "x.astype(np.int64)", "register_hook": "retain_grads=True",
        "retain_grad": "retain_grads=True", "maximum": "np.maximum(x, …)", "norm": "np.linalg.norm(x)",
        "inv": "np.linalg.inv(x, …)", "softmax": "F.softmax(x)", "pad": "np.pad(x, …)",
    }),
    "tl": (lambda: tl, {
        "zeros": "np.zeros", "randn": "normal(size=(2, 3))", "from_numpy": "tl.tensor(array)", "cat": "np.concatenate",
        "stack": "np.stack", "matmul": "np.matmul", "where": "np.where", "float32": "np.float32", "linalg": "np.linalg",
        "relu": "tl.functional.relu", "Adam": "tl.optim.Adam", "Linear": "tl.nn.Linear", "cuda": "leave it out",
        "DataLoader": "data.batches", "Dense": "nn.Linear", "CrossEntropyLoss": "tl.functional.cross_entropy",
        "ModuleList": "write a list", "lr_scheduler": "optim.StepLR",
    }),
    "nn": (lambda: nn, {
        "CrossEntropyLoss": "tl.functional.cross_entropy", "MSELoss": "tl.functional.mse_loss",
        "BCEWithLogitsLoss": "tl.functional.binary_cross_entropy_with_logits", "ModuleList": "write a list",
        "ModuleDict": "write a dict", "Parameter": "tl.tensor(array, requires_grad=True", "Dense": "nn.Linear",
        "functional": "tl.functional", "relu": "tl.functional.relu",
    }),
    "functional": (lambda: F, {"mse": "F.mse_loss", "pad": "np.pad", "normalize": "np.linalg.norm"}),
    "optim": (lambda: optim, {"lr_scheduler": "optim.StepLR", "RMSProp": "optim.RMSprop"}),
    "data": (lambda: data, {"DataLoader": "data.batches", "TensorDataset": "data.Dataset"}),
    "Module": (model, {
        "fit": "tl.fit(model, (x, y)", "compile": "tl.fit", "predict": "tl.predict(model, x)",
        "summary": "tl.summary(model, x.shape[1:])", "evaluate": "tl.evaluate", "cuda": "leave it out",
        "half": "tl.default_dtype(np.float16)", "children": "model.named_modules()", "apply": "model.modules()",
        "register_forward_hook": "retain_grads=True",
    }),
    "Optimizer": (optimizer, {"param_groups": "optimizer.groups", "learning_rate": "optimizer.lr"}),
    "Schedule": (lambda: optim.StepLR(optimizer(), 3), {"get_last_lr": "optimizer.lr"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("holder", "name", "advice"), [(h, name, advice) for h, typed in TYPED.values() for name, advice in typed.items()]
)
def test_a_name_of_pytorchs_or_keras_answers_with_what_to_write(holder, name, advice):
    thing = holder()
    with pytest.raises(AttributeError, match=re.escape(advice)) as caught:
        getattr(thing, name)
    assert f"has no attribute {name!r}: " in str(caught.value)
    assert not hasattr(thing, name) and name not in dir(thing)


@pytest.mark.parametrize("thing", [x(), model(), tl, nn, F, optim, data], ids=lambda thing: type(thing).__name__)
@pytest.mark.parametrize("name", ["something", "_repr_html_", "_ipython_display_", "__wrapped__", "__fspath__"])
def test_any_other_name_is_missing_without_advice(thing, name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'$"):
        getattr(thing, name)


def test_no_table_names_what_is_there():
    for table, module in ((names.TORCH, tl), (LAYERS, nn), (FUNCTIONS, F), (OPTIMIZERS, optim), (DATA, data)):
        assert not [name for name in table if name in module.__all__]
    for kind, table in ((nn.Module, MODEL), (tl.Tensor, names.TENSOR)):
        assert not [name for name in table if hasattr(kind, name)]
    with pytest.raises(ValueError, match="has a forward"):
        names.lacks(nn.Module, {"forward": "write something else"})


def test_what_the_tables_say_to_write_is_there():
    rooms = {"np": np, "tl": tl, "F": F, "tl.functional": F, "nn": nn, "optim": optim, "data": data}
    tables = [names.TENSOR, names.TORCH, LAYERS, MODEL, FUNCTIONS, OPTIMIZERS, OPTIMIZER, SCHEDULE, DATA]
    found = 0
    for advice in (text for table in tables for text in table.values()):
        for room, name in re.findall(r"(?<![\w.])(np|tl\.functional|tl|F|nn|optim|data)\.(\w+)", advice):
            assert hasattr(rooms[room], name), advice
            found += 1
        for name in re.findall(r"(?<![\w.])x\.(\w+)", advice):
            assert hasattr(tl.Tensor, name) or name in ("x", "primitive"), advice
        for name in re.findall(r"(?<![\w.])model\.(\w+)", advice):
            assert hasattr(nn.Sequential, name) or name in ("npz", "to"), advice
    assert found > 100


# ---- it costs and changes nothing else ----


def test_what_a_subclass_an_instance_or_another_base_has_under_such_a_name_is_found():
    class Training:
        def fit(self):
            return "fitted"

    class Net(nn.Module, Training):
        half = 0.5

        def summary(self):
            return "short"

    net = Net()
    net.cuda = nn.Linear(2, 3)
    net.register_buffer("float", np.ones(2))
    assert (net.fit(), net.summary(), net.half) == ("fitted", "short", 0.5)
    assert list(net.state_dict()) == ["cuda.weight", "cuda.bias", "float"]
    assert {"fit", "summary", "half", "cuda", "float"} <= set(dir(net)) and "predict" not in dir(net)

    class Wrapped(nn.Module):
        def __getattr__(self, name):
            return f"the other's {name}"

    assert Wrapped().predict == "the other's predict"
    assert isinstance(nn.Sequential({"fit": nn.ReLU()}).fit, nn.ReLU)


def test_no_class_of_the_engine_or_of_layers_has_a_getattr_that_would_slow_every_attribute():
    for kind in (tl.Tensor, nn.Module, optim.Optimizer):
        assert not any("__getattr__" in vars(base) for base in kind.__mro__)


def test_copies_and_pickles_go_on():
    for thing in (x(), model(), optimizer()):
        assert type(copy.deepcopy(thing)) is type(pickle.loads(pickle.dumps(thing))) is type(thing)
    assert copy.deepcopy(tl.Tensor) is pickle.loads(pickle.dumps(tl.Tensor)) is tl.Tensor
    assert inspect.signature(tl.Tensor.backward)


def test_a_weak_reference_to_a_tensor_lasts_as_long_as_the_tensor():
    t = x()
    computed = weakref.WeakKeyDictionary({t * 2: 1})
    seen = weakref.ref(t)
    assert seen() is t and not computed
    del t
    assert seen() is None


ROOMS = ("tinydl", "tinydl.nn", "tinydl.functional", "tinydl.optim", "tinydl.data")


def test_dir_of_a_room_lists_its_public_names_and_no_others():
    code = f"import importlib; print(*(';'.join(dir(importlib.import_module(r))) for r in {ROOMS}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for room, listed in zip(ROOMS, done.stdout.split(), strict=True):
        public = {name for name in listed.split(";") if not name.startswith("_")}
        assert public == set(importlib.import_module(room).__all__)
        private = {name for name in listed.split(";") if name.startswith("_")}
        assert all(re.fullmatch(r"__\w+__", name) and hasattr(importlib.import_module(room), name) for name in private)


# ---- wrong calls of names that are there ----


@pytest.mark.parametrize("arguments", [([1.0, 2.0],), (), (2, 3)])
def test_calling_the_class_tensor_says_which_function_makes_one(arguments):
    with pytest.raises(TypeError, match=r"write tl\.tensor\(\[1\.0, 2\.0\]\)"):
        tl.Tensor(*arguments)


def test_exchanging_two_of_several_axes_is_named():
    with pytest.raises(ValueError, match=r"x\.swapaxes\(0, 2\)"):
        x(2, 3, 4).transpose(0, 2)
    assert x(2, 3).transpose(0, 1).shape == (2, 3) and x(2, 3).transpose(1, 0).shape == (3, 2)


@pytest.mark.parametrize("of", [model, optimizer])
def test_zero_grad_forgets_gradients_and_keeps_no_zeros(of):
    thing = of()
    parameters = list(thing.parameters()) if isinstance(thing, nn.Module) else thing.params
    for p in parameters:
        p.grad = tl.tensor(np.ones(p.shape, np.float32))
    with pytest.raises(ValueError, match="set_to_none=False isn't taken"):
        thing.zero_grad(set_to_none=False)
    thing.zero_grad(set_to_none=True)
    assert all(p.grad is None for p in parameters)


@pytest.mark.parametrize("target", ["cuda", "cpu", "float16", np.dtype(np.float16), None])
def test_what_is_said_of_a_device(target):
    with pytest.raises(TypeError) as raised:
        nn.Linear(2, 3).to(target)
    assert repr(target) in str(raised.value) and "tl.default_dtype(np.float64)" in str(raised.value)
    assert "model.to(cupy.asarray)" in str(raised.value)
