"""Saving: what is written comes back, in both formats and to PyTorch; what is damaged or foreign changes nothing."""

import os
import pickle
import stat
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from written_before_groups import CASES, FILES, SUFFIXES, steps
from written_before_groups import network as frozen_in_part

from tinydl import nn, optim
from tinydl.engine.files import replacing
from tinydl.engine.tensor import tensor
from tinydl.nn import Module
from tinydl.training.saving import load, save

FORMATS = [".npz", ".safetensors"]


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"model{request.param}"


def network():
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def trained(steps, model=None, optimizer=None):
    """A network and its Adam after some steps; their states can no longer be an initial one."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(size=(7, 2)).astype(np.float32)
    model = model or network()
    optimizer = optimizer or optim.Adam(model.parameters(), lr=0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).sum().backward()
        optimizer.step()
    return model, optimizer


def everything(*things):
    """State dicts as one flat list of (path, dtype, shape, bytes)."""

    def walk(name, value):
        if isinstance(value, list):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            for key in value:
                yield from walk(f"{name}/{key}", value[key])
        else:
            array = np.asarray(value)
            yield name, str(array.dtype), array.shape, array.tobytes()

    return [entry for i, thing in enumerate(things) for entry in walk(str(i), thing.state_dict())]


class Box(Module):
    """A model that is nothing but the arrays it is given."""

    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


# ---- there and back


def test_a_saved_model_comes_back_to_the_bit(path):
    model, _ = trained(3)
    save(model, path)
    other = network()
    kept = dict(other.named_parameters())
    load(other, str(path))
    load(other, path)
    assert everything(other) == everything(model)
    assert all(kept[name] is p for name, p in other.named_parameters())


def test_training_goes_on_as_if_it_had_not_been_interrupted(path):
    model, optimizer = trained(3)
    save(model, path, optimizer)
    other = network()
    other_optimizer = optim.Adam(other.parameters(), lr=1.0)
    load(other, path, optimizer=other_optimizer)
    assert everything(other, other_optimizer) == everything(model, optimizer)
    trained(4, model, optimizer)
    trained(4, other, other_optimizer)
    assert everything(other, other_optimizer) == everything(model, optimizer)


def test_an_optimizer_that_has_not_stepped_comes_back_too(path):
    model, optimizer = trained(0)
    save(model, path, optimizer)
    other, other_optimizer = trained(2)
    load(other, path, other_optimizer)
    assert everything(other, other_optimizer) == everything(model, optimizer)


def test_the_optimizer_in_a_file_is_left_alone_unless_asked_for(path):
    model, optimizer = trained(3)
    save(model, path, optimizer)
    other, other_optimizer = trained(1)
    before = everything(other_optimizer)
    load(other, path)
    assert everything(other) == everything(model) and everything(other_optimizer) == before


@given(
    array=hnp.arrays(
        st.sampled_from(["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u2", "bool", ">f4", ">i8"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    layout=st.sampled_from(["C", "F", "reversed", "strided"]),
    suffix=st.sampled_from(FORMATS),
)
@settings(max_examples=60)
def test_every_shape_dtype_and_layout_survives(tmp_path_factory, array, layout, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    if layout == "F":
        array = np.asfortranarray(array) if array.ndim else array
    elif layout == "reversed" and array.ndim:
        array = array[::-1]
    elif layout == "strided" and array.ndim:
        array = np.repeat(array, 2, axis=-1)[..., ::2]

    class Plain:
        def __init__(self, value):
            self.value = value

        def state_dict(self):
            return {"file": self.value, "second.name": np.float64(3)}  # np.savez can't hold an array called file

        def load_state_dict(self, state):
            self.value = state["file"]
            assert state["second.name"].shape == () and state["second.name"] == 3

    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    save(Plain(array), path)
    back = Plain(None)
    load(back, path)
    assert back.value.shape == array.shape and back.value.dtype == array.dtype.newbyteorder("=")
    assert back.value.dtype.isnative and back.value.tobytes() == array.astype(back.value.dtype).tobytes()


def test_equal_models_give_equal_files(path, tmp_path):
    model, optimizer = trained(2)
    save(model, path, optimizer)
    other = tmp_path / f"other{path.suffix}"
    save(model, other, optimizer)
    assert path.read_bytes() == other.read_bytes()


def test_numpy_reads_the_npz_file(tmp_path):
    model, optimizer = trained(2)
    save(model, tmp_path / "m.npz", optimizer)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(file[name], value)
        assert file["optimizer/lr"] == 0.03 and file["optimizer/state/0/step"] == 2


def test_a_file_that_numpy_wrote_can_be_loaded(tmp_path, rng):
    weight, bias = rng.normal(size=(2, 3)), rng.normal(size=2)
    np.savez_compressed(tmp_path / "m.npz", bias=bias, weight=weight)
    layer = nn.Linear(3, 2)
    load(layer, tmp_path / "m.npz")
    np.testing.assert_array_equal(layer.weight.data, weight.astype(np.float32))


def square():
    """A network whose parameters are of one shape, so that nothing but their names tells them apart."""
    return Box(a=nn.Linear(3, 3, bias=False), b=nn.Linear(3, 3, bias=False), c=nn.Linear(3, 3, bias=False))


def trained_square(make, steps=3, model=None, optimizer=None):
    model = model or square()
    optimizer = optimizer or make(model)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(7, 3)).astype(np.float32)
    for _ in range(steps):
        model.zero_grad()
        (model.c(model.b(model.a(x))) ** 2).sum().backward()
        optimizer.step()
    return model, optimizer


ORDERS = {
    "reversed": lambda m: optim.Adam([*m.parameters()][::-1], lr=0.5),
    "named": lambda m: optim.Adam([*m.named_parameters()][::-1], lr=0.5),
    "called otherwise": lambda m: optim.Adam([("a.weight", m.c.weight), ("x", m.a.weight), ("y", m.b.weight)], lr=0.5),
}


@pytest.mark.parametrize("there", ORDERS)
@pytest.mark.parametrize("here", ORDERS)
def test_each_parameter_gets_the_state_of_its_name_in_the_model_whatever_the_order(path, there, here):
    first, saved_from = trained_square(lambda m: optim.Adam(m.parameters(), lr=0.1))
    save(first, path, saved_from)
    second, second_from = trained_square(ORDERS[there], 0)
    load(second, path, second_from)
    save(second, path, second_from)
    third, third_from = trained_square(ORDERS[here], 0)
    load(third, path, third_from)
    for model, optimizer in ((first, saved_from), (second, second_from), (third, third_from)):
        assert optimizer.lr == 0.1
        trained_square(None, 2, model, optimizer)
    assert everything(first) == everything(second) == everything(third)
    assert third_from.names == ORDERS[here](third).names


def test_an_optimizer_of_other_parameters_of_the_same_shapes_is_told_by_their_names(path):
    model, optimizer = trained_square(lambda m: optim.Adam([m.a.weight, m.b.weight], lr=0.1))
    save(model, path, optimizer)
    for make, says in [
        (
            lambda m: optim.Adam([m.a.weight, m.c.weight]),
            r"it has b\.weight, unknown here, and lacks c\.weight",
        ),
        (lambda m: optim.Adam([m.b.weight]), r"it has a\.weight, unknown here$"),
        (lambda m: optim.Adam(m.parameters()), r"lacks c\.weight"),
    ]:
        other, wrong = trained_square(make, 1)
        before = everything(other, wrong)
        with pytest.raises(ValueError, match=rf"{path.name} doesn't fit: .*{says}"):
            load(other, path, wrong)
        assert everything(other, wrong) == before


def test_groups_come_back_with_their_rates_in_whatever_order(path):
    def make(*numbers):
        def made(m):
            groups = [
                {"params": [m.a.weight], "lr": 0.1}, {"params": [m.c.weight, m.b.weight], "lr": 0.01}, {"params": []},
            ]  # fmt: skip
            return optim.SGD([groups[i] for i in numbers], lr=1.0, momentum=0.9, nesterov=True)

        return made

    model, optimizer = trained_square(make(0, 1, 2))
    optimizer.lr = 0.05
    save(model, path, optimizer)
    other, second = trained_square(make(2, 1, 0), 1)
    load(other, path, second)
    assert [group["lr"] for group in second.groups] == pytest.approx([0.5, 0.005, 0.05])
    for m, o in ((model, optimizer), (other, second)):
        trained_square(None, 2, m, o)
    assert everything(model) == everything(other)
    with np.load(path) if path.suffix == ".npz" else open(os.devnull) as file:
        if path.suffix == ".npz":
            assert file["optimizer/groups/2/params"].dtype == np.int64
            assert file["optimizer/groups/1/params"].tolist() == [1, 2] and file["optimizer/groups/1/lr"] == 0.005
            assert bytes(file["optimizer/names"]).decode().split("\0") == ["a.weight", "c.weight", "b.weight"]


def test_parameters_that_the_model_lacks_are_known_by_their_place_or_their_own_name(path):
    model, extra = square(), [tensor(np.ones((3, 3), np.float32), requires_grad=True) for _ in range(2)]

    def made(named, order):
        params = [*model.named_parameters(), ("first", extra[0]), ("second", extra[1])]
        return optim.Adam([params[i] if named else params[i][1] for i in order])

    for named in (False, True):
        _, optimizer = trained_square(lambda m, named=named: made(named, range(5)), 1, model)
        save(model, path, optimizer)
        load(model, path, made(named, [2, 1, 0, 3, 4]))
        moved = made(named, [3, 0, 1, 2, 4])
        if named:
            load(model, path, moved)
        else:
            with pytest.raises(ValueError, match=r"it has 3 \(not in the model\), unknown here, and lacks 0 \(not in"):
                load(model, path, moved)


def test_a_model_that_is_no_module_leaves_an_optimizer_its_own_names(path):
    class Plain:
        def __init__(self):
            self.w = [tensor(np.ones(2), requires_grad=True) for _ in range(2)]

        def state_dict(self):
            return {"w": np.array([w.data for w in self.w])}

        def load_state_dict(self, state):
            for w, value in zip(self.w, state["w"], strict=True):
                w.data = value

    a, b = Plain(), Plain()
    for w, g in zip(a.w, ([1.0, 2.0], [-3.0, 4.0]), strict=True):
        w.grad = tensor(np.array(g))
    first = optim.Adam(zip(["a", "b"], a.w, strict=True))
    first.step()
    save(a, path, first)
    second = optim.Adam(zip(["b", "a"], b.w[::-1], strict=True))
    load(b, path, second)
    for i in range(2):
        expected = first.state_dict()["state"][i]["exp_avg"]
        np.testing.assert_array_equal(second.state_dict()["state"][1 - i]["exp_avg"], expected)
    nameless = optim.Adam(a.w)
    nameless.load_state_dict(first.state_dict())
    save(a, path, nameless)
    load(b, path, third := optim.Adam(b.w))
    assert everything(third) == everything(nameless)


@pytest.mark.parametrize("changed", [
    {"groups": np.zeros(2)}, {"groups/x/lr": np.zeros(())}, {"groups/0/params": np.array([0.5])},
    {"groups/0/params": np.zeros(4, int)}, {"groups/1/params": np.arange(4)}, {"groups/0/lr": np.zeros(2)},
    {"names": np.zeros(2)}, {"names": np.full(3, 255, np.uint8)}, {"names": np.frombuffer(b"0.bias", np.uint8)},
    {"names/x": np.zeros(3)},
], ids=repr)  # fmt: skip
def test_groups_and_names_of_another_form_are_damage(tmp_path, changed):
    model, optimizer = trained(2)
    save(model, tmp_path / "m.npz", optimizer)
    before = everything(model, optimizer)
    with np.load(tmp_path / "m.npz") as file:
        arrays = {name: file[name] for name in file.files}
    for name in changed:
        first = f"optimizer/{name.split('/')[0]}"
        arrays = {n: a for n, a in arrays.items() if name.count("/") == 2 or not f"{n}/".startswith(f"{first}/")}
    np.savez(tmp_path / "m.npz", **(arrays | {f"optimizer/{name}": array for name, array in changed.items()}))
    with pytest.raises(ValueError, match=r"m\.npz"):
        load(model, tmp_path / "m.npz", optimizer)
    assert everything(model, optimizer) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", CASES)
def test_what_was_written_before_optimizers_had_groups_loads_as_it_did(name, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    model = frozen_in_part()
    optimizer = CASES[name](model)
    settings = {n: v for n, v in optimizer.groups[0].items() if n not in ("params", "lr")}
    optimizer.lr = 1.0
    steps(model, optimizer, 1)
    load(model, FILES / f"{name}{suffix}", optimizer)
    with np.load(FILES / f"{name}.npz") as file:
        kept = {n: file[n] for n in file.files}
    state = optimizer.state_dict()
    assert optimizer.lr == state["lr"] == kept.pop("optimizer/lr") != 1
    assert {n: v for n, v in optimizer.groups[0].items() if n not in ("params", "lr")} == settings
    arrays = {f"optimizer/state/{i}/{n}": v for i, memory in state["state"].items() for n, v in memory.items()}
    arrays |= model.state_dict()
    assert set(arrays) == set(kept)
    for n in kept:
        np.testing.assert_array_equal(arrays[n], kept[n])
    steps(model, optimizer, 2)
    with np.load(FILES / f"{name}_later.npz") as file:
        for n, value in model.state_dict().items():
            np.testing.assert_allclose(value, file[n], rtol=1e-5, atol=1e-6)


# ---- PyTorch


def torch_and_ours():
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors.torch")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    ours = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2))
    return torch, theirs, ours


def test_a_safetensors_file_goes_from_pytorch_to_tinydl(tmp_path, rng):
    torch, theirs, ours = torch_and_ours()
    from safetensors.torch import save_file

    x = rng.normal(2, 3, (9, 3)).astype(np.float32)
    theirs(torch.tensor(x))  # moves the running statistics
    save_file(theirs.state_dict(), tmp_path / "m.safetensors")
    load(ours, tmp_path / "m.safetensors")
    for name, value in theirs.state_dict().items():
        mine = ours.state_dict()[name]
        assert mine.shape == tuple(value.shape) and str(mine.dtype) == str(value.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(mine, value.numpy())
    assert ours.state_dict()["1.num_batches_tracked"] == 1
    y, expected = ours.eval()(x).numpy(), theirs.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_a_safetensors_file_goes_from_tinydl_to_pytorch(tmp_path, rng):
    torch, theirs, ours = torch_and_ours()
    from safetensors.torch import load_file

    x = rng.normal(2, 3, (9, 3)).astype(np.float32)
    ours(x)
    ours(x)
    save(ours, tmp_path / "m.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "m.safetensors"), strict=True)
    assert theirs[1].num_batches_tracked.item() == 2 and theirs[1].num_batches_tracked.dtype == torch.int64
    y, expected = ours.eval()(x).numpy(), theirs.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


def test_a_file_that_pytorch_wrote_again_with_our_metadata_left_out_loads(tmp_path):
    _, _, ours = torch_and_ours()
    from safetensors.torch import load_file, save_file

    save(ours, tmp_path / "m.safetensors")
    state = load_file(tmp_path / "m.safetensors")
    state["0.bias"] += 1
    save_file(state, tmp_path / "m.safetensors")
    before = ours.state_dict()["0.bias"]
    load(ours, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(ours.state_dict()["0.bias"], before + 1)


def test_pytorchs_bfloat16_becomes_float32(tmp_path, rng):
    torch, theirs, ours = torch_and_ours()
    from safetensors.torch import save_file

    halved = theirs.to(torch.bfloat16)
    with torch.no_grad():
        halved[0].bias[:3] = torch.tensor([torch.inf, -0.0, 1e-39], dtype=torch.bfloat16)
    save_file({**halved.state_dict(), "1.running_mean": torch.arange(5.0)}, tmp_path / "m.safetensors")
    load(ours, tmp_path / "m.safetensors")
    for name, value in halved.state_dict().items():
        mine, expected = ours.state_dict()[name], value.float().numpy()
        expected = np.arange(5.0) if name == "1.running_mean" else expected
        np.testing.assert_array_equal(mine, expected)
        np.testing.assert_array_equal(np.signbit(mine), np.signbit(expected))
        assert mine.dtype == np.float32 or name == "1.num_batches_tracked"
    save_file({"a": torch.tensor(-2.5, dtype=torch.bfloat16)}, tmp_path / "one.safetensors")
    one = Box(a=np.zeros((), np.float64))
    load(one, tmp_path / "one.safetensors")
    assert one.a == -2.5 and one.a.shape == () and one.a.dtype == np.float64


@pytest.mark.parametrize("kind, named", [("float8_e4m3fn", "F8_E4M3"), ("complex64", "C64")])
def test_a_dtype_that_numpy_lacks_is_named_and_not_called_damage(tmp_path, kind, named):
    torch, _, _ = torch_and_ours()
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(2).to(getattr(torch, kind)), "b": torch.zeros(1)}, tmp_path / "m.safetensors")
    model = Box(w=np.zeros(2), b=np.ones(1))
    with pytest.raises(ValueError, match=rf"m\.safetensors.*w.*{named}") as caught:
        load(model, tmp_path / "m.safetensors")
    assert "damaged" not in str(caught.value)
    assert model.b == 1


def test_a_npy_file_called_npz_is_told_apart_from_damage(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 2)))
    os.rename(tmp_path / "a.npy", tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz.*one array without a name.*\.npy") as caught:
        load(nn.Linear(2, 2), tmp_path / "a.npz")
    assert "context manager" not in str(caught.value)


# ---- damage


def unchanged_by(path, content, says=None):
    """Loading this content raises ValueError, which names the file, and changes neither model nor optimizer."""
    model, optimizer = trained(1)
    before = everything(model, optimizer)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says) as caught:
        load(model, path, optimizer)
    assert path.name in str(caught.value)
    assert everything(model, optimizer) == before


def saved(path):
    model, optimizer = trained(3)
    save(model, path, optimizer)
    return model, optimizer, path.read_bytes()


def test_a_file_cut_off_anywhere_changes_nothing(path):
    _, _, whole = saved(path)
    for end in [*range(0, len(whole), 61), 1, 2, 8, 9, len(whole) - 1]:
        unchanged_by(path, whole[:end])


def test_a_flipped_bit_anywhere_is_noticed_or_harmless(path):
    saved_model, saved_optimizer, whole = saved(path)
    model, optimizer = trained(1)
    before, right = everything(model, optimizer), everything(saved_model, saved_optimizer)
    noticed = 0
    for i in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[i] ^= 1 << i % 8
        path.write_bytes(damaged)
        try:
            load(model, path, optimizer)
        except ValueError:
            noticed += 1
            assert everything(model, optimizer) == before
        else:  # a date in the zip archive, say
            assert everything(model, optimizer) == right
            model, optimizer = trained(1)
            before = everything(model, optimizer)
    assert noticed > (0.9 if path.suffix == ".safetensors" else 0.5) * len(whole) / 11


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x80\x04K\x01.", pickle.dumps({"0.weight": 1}), b"PK\x03\x04", b"\xff" * 100, b"\x00" * 100],
    ids=range(7),
)
def test_a_foreign_file_changes_nothing(path, content):
    unchanged_by(path, content)


def test_nothing_in_a_file_is_ever_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    array = np.empty((), dtype=object)
    array[()] = Bomb()
    np.savez(tmp_path / "bomb.npz", weight=array)
    with pytest.raises(ValueError):
        load(nn.Linear(2, 2), tmp_path / "bomb.npz")
    assert not (tmp_path / "ran").exists()


def test_an_npz_that_holds_something_else_changes_nothing(tmp_path):
    layer = nn.Linear(2, 2)
    before = everything(layer)
    np.savez(tmp_path / "text.npz", weight=np.array([["a", "b"], ["c", "d"]]), bias=np.zeros(2))
    np.savez(tmp_path / "complex.npz", weight=np.zeros((2, 2), complex), bias=np.zeros(2))
    with zipfile.ZipFile(tmp_path / "raw.npz", "w") as archive:
        archive.writestr("weight", b"0000")
        archive.writestr("bias", b"00")
    np.save(tmp_path / "array.npy", np.zeros(3))
    os.rename(tmp_path / "array.npy", tmp_path / "array.npz")
    header = (
        np.lib.format.magic(1, 0)
        + b"\x76\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}"
    )
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("weight.npy", header.ljust(127) + b"\n")
    for name in ("text", "complex", "raw", "array", "huge"):
        with pytest.raises(ValueError, match=f"{name}.npz"):
            load(layer, tmp_path / f"{name}.npz")
        assert everything(layer) == before


def test_another_models_file_changes_nothing_and_says_what_differs(path):
    layer = nn.Linear(3, 2)
    before = everything(layer)
    for other, says in [
        (nn.Linear(3, 4), r"\(4, 3\).*\(2, 3\)"),
        (nn.Linear(3, 2, bias=False), "bias"),
        (network(), r"0\.weight"),
    ]:
        save(other, path)
        with pytest.raises(ValueError, match=says):
            load(layer, path)
        assert everything(layer) == before


def test_an_optimizer_that_does_not_fit_changes_neither_it_nor_the_model(path):
    model, optimizer = trained(3)
    save(model, path, optimizer)
    for make in (
        lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
        lambda m: optim.Adam([m[0].weight], lr=0.1),
        lambda m: optim.Adam([{"params": m[0].parameters()}, {"params": m[2].parameters()}], lr=0.1),
    ):
        other = network()
        wrong = make(other)
        trained(1, other, wrong)
        before = everything(other, wrong)
        with pytest.raises(ValueError, match=path.name):
            load(other, path, wrong)
        assert everything(other, wrong) == before


def test_a_model_that_does_not_fit_leaves_its_fitting_optimizer_as_it_was(path):
    model, _ = trained(3)
    adam = optim.Adam([model[0].weight], lr=0.1)
    adam.step()
    save(Box(other_name=model[0].weight), path, adam)
    weight = tensor(np.zeros((5, 3), np.float32), requires_grad=True)
    ours, our_adam = Box(weight=weight), optim.Adam([weight], lr=0.5)
    weight.grad = tensor(np.full((5, 3), 2, np.float32))
    our_adam.step()
    before = everything(ours, our_adam)
    with pytest.raises(ValueError, match="other_name"):
        load(ours, path, our_adam)
    assert everything(ours, our_adam) == before


def test_a_file_without_the_optimizer_says_so(path):
    model, optimizer = trained(2)
    save(model, path)
    before = everything(model, optimizer)
    with pytest.raises(ValueError, match="no optimizer's state"):
        load(model, path, optimizer)
    assert everything(model, optimizer) == before


def test_an_optimizers_state_of_another_form_is_damage(tmp_path):
    model, optimizer = trained(2)
    state = model.state_dict()
    before = everything(model, optimizer)
    for names in (
        ["a", "a/b"],
        ["a/b", "a"],
        ["a", "a/b/c/d"],
        ["lr", "state"],
        ["lr", "state/0"],
        ["lr", "state/x/step"],
    ):
        np.savez(tmp_path / "m.npz", **state, **{f"optimizer/{name}": np.zeros(2) for name in names})
        with pytest.raises(ValueError, match=r"m\.npz"):
            load(model, tmp_path / "m.npz", optimizer)
        assert everything(model, optimizer) == before
    good = {
        f"optimizer/state/{i}/{k}": v
        for i, memory in optimizer.state_dict()["state"].items()
        for k, v in memory.items()
    }
    for bad in (
        {"optimizer/lr": 0.1, "optimizer/state/0/exp_avg": np.full((5, 3), 1j)},
        {"optimizer/lr/x": 1, "optimizer/lr": 0.1},
    ):
        np.savez(tmp_path / "m.npz", **state, **(good | bad))
        with pytest.raises(ValueError, match=r"m\.npz"):
            load(model, tmp_path / "m.npz", optimizer)
        assert everything(model, optimizer) == before


def test_an_optimizers_state_keeps_its_structure(path):
    class Kept(Box):
        def state_dict(self):
            return {"lr": 0.1, "state": {0: {"step": 3, "exp_avg": np.arange(6.0).reshape(2, 3)}, 12: {"step": 4}}}

        def load_state_dict(self, state):
            self.loaded = state

    layer, kept = nn.Linear(2, 2), Kept()
    save(layer, path, kept)
    load(layer, path, kept)
    assert set(kept.loaded) == {"lr", "state"} and kept.loaded["lr"] == 0.1 and set(kept.loaded["state"]) == {0, 12}
    assert kept.loaded["state"][0]["step"] == 3 and kept.loaded["state"][12]["step"] == 4
    np.testing.assert_array_equal(kept.loaded["state"][0]["exp_avg"], np.arange(6.0).reshape(2, 3))


# ---- files


def test_a_failing_save_leaves_the_older_file_and_no_other(path, monkeypatch):
    model, _, whole = saved(path)

    def broken(*_):
        raise OSError("the disk is full")

    for what in ("os.fsync", "os.replace"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="disk is full"):
            patch.setattr(what, broken)
            save(model, path)

    class Odd(Box):
        def state_dict(self):
            return {"fine": np.zeros(3), "odd": np.zeros(2, complex)}

    with pytest.raises(TypeError, match="complex"):
        save(Odd(), path)
    assert path.read_bytes() == whole and os.listdir(path.parent) == [path.name]


def test_whoever_reads_during_a_save_sees_the_old_file_whole(tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["m.npz"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_saved_file_has_the_permissions_that_any_new_file_gets_and_keeps_its_own(path):
    (path.parent / "ordinary").write_bytes(b"")
    save(nn.Linear(2, 2), path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((path.parent / "ordinary").stat().st_mode)
    path.chmod(0o640)
    save(nn.Linear(2, 2), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / path.name
    real.write_bytes(b"")
    try:
        path.symlink_to(real)
    except OSError:
        pytest.skip("links can't be made here")
    save(nn.Linear(2, 2), path)
    assert path.is_symlink() and real.stat().st_size > 100


def test_mistakes_are_answered_in_sentences(path, tmp_path, monkeypatch):
    layer = nn.Linear(2, 2)
    with pytest.raises(FileNotFoundError, match=r"there is no file .*tl\.save"):
        load(layer, path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        save(layer, tmp_path / "nowhere" / path.name)
    for use in (save, load):
        with pytest.raises(ValueError, match=r"\.npz or ….safetensors, not 'm\.pt'"):
            use(layer, "m.pt")
        with pytest.raises(TypeError, match="order is"):
            use(str(path), layer)
        with pytest.raises(TypeError, match="state_dict"):
            use({"weight": np.zeros(2)}, path) if use is save else use({}, path)
    with pytest.raises(TypeError, match="the optimizer should"):
        save(layer, path, optimizer=0.1)
    with pytest.raises(ValueError, match="kept for the optimizer"):
        save(Box(values={"a": np.zeros(1)}, **{"optimizer/x": np.zeros(2)}), path)


def test_a_folder_in_the_files_place_is_told(path):
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=f"{path.name} is a folder"):
        save(nn.Linear(2, 2), path)
    with pytest.raises(IsADirectoryError):
        load(nn.Linear(2, 2), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="longdouble is float64 here")
def test_a_dtype_that_safetensors_lacks_is_named(tmp_path):
    pytest.importorskip("safetensors")
    with pytest.raises(ValueError, match=r"wide has dtype .*\.npz"):
        save(Box(wide=np.ones(2, np.longdouble), b=np.ones(1)), tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def test_without_the_library_a_sentence_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for use in (save, load):
        with pytest.raises(ImportError, match=r'in the clone .*pip install "\.\[safetensors\]"'):
            use(nn.Linear(2, 2), tmp_path / "m.safetensors")
    save(nn.Linear(2, 2), tmp_path / "m.npz")


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_part_of_a_file_is_loaded_where_that_is_asked_for(tmp_path, suffix):
    if suffix == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"part.{suffix}"
    source, model = nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    save(source, path)
    with pytest.raises(ValueError, match=r"strict=False loads .*missing: 1\.weight, 1\.bias$"):
        load(model, path)
    assert load(model, path, strict=False) == (["1.weight", "1.bias"], [])
    np.testing.assert_array_equal(model[0].weight.data, source[0].weight.data)
    with pytest.raises(ValueError, match=rf"prefix '0\.', write .*; state is dict\(.*load.*part\.{suffix}'\)\)"):
        load(source[0], path)
