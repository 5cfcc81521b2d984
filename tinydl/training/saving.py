"""A model's parameters and buffers in a file and back: .npz for NumPy, .safetensors for everybody else.

Stands on a model's `state_dict` and `load_state_dict`, which name its arrays as PyTorch does. A file is written whole
or not at all, read without pickle (nothing in it can run), and checked in full before the model changes.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from ..engine.arrays import Array, on_host
from ..engine.files import replacing
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..optim.state import arranged

if TYPE_CHECKING:
    from pathlib import Path


# pathlib, zipfile and safetensors are imported where they are used, so that `import tinydl` stays quick

_OPTIMIZER = "optimizer/"  # what the names of an optimizer's arrays begin with; a model's have no slash there


class Stateful(Protocol):
    """What can be saved: it gives a copy of its state as a dict, and takes such a dict, or raises and is unchanged."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Any, /) -> Any: ...


def save(model: Stateful, path: str | os.PathLike[str], optimizer: Stateful | None = None) -> None:
    """Write a model's ``state_dict()``, and an optimizer's, to a .npz or .safetensors file.

    Names, shapes and dtypes are those of the state_dict, so ``np.load`` and safetensors' own loaders read the file too:
    ``torch_model.load_state_dict(safetensors.torch.load_file(path))`` works for the same model in PyTorch (save without
    the optimizer for that: its arrays, under the names "optimizer/…", would be unexpected there). An optimizer's state
    is written with the model's names of its parameters, by which `load` gives it back. Weights that were quantised
    (`tl.compress.quantise`) are written as int8, each with its "…_scale" of floats, by which they are multiplied; not
    so with an optimizer, which is to train on from what lies between the levels. The file appears under its name when
    it is complete; if anything fails, an older file of that name is untouched. Raises ValueError for another suffix,
    ImportError for .safetensors without that library, OSError where the folder can't be written to.
    """
    file, write, _ = format_of(path)
    _check(model, "model")
    state = model.state_dict()
    if optimizer is None and isinstance(model, Module):
        state |= _as_integers(model, state)
    content = {name: _plain(name, array) for name, array in state.items()}
    for name in content:
        if name.startswith(_OPTIMIZER):
            raise ValueError(f"the model's name {name!r} begins with {_OPTIMIZER!r}, which is kept for the optimizer's")
    if optimizer is not None:
        _check(optimizer, "optimizer")
        content |= _flat(_written(model, optimizer), _OPTIMIZER)
    with replacing(file) as temporary:
        write(temporary, content)


def load(
    model: Stateful, path: str | os.PathLike[str], optimizer: Stateful | None = None, *, strict: bool = True
) -> Any:
    """Read what `save` wrote, or any .npz or .safetensors file with the right names, into a model (and an optimizer).

    Names and shapes must be exactly the model's, but for what its forward keeps, which is left out with a warning;
    numbers are cast to its dtypes (bfloat16 comes as float32). int8 weights with scales are multiplied by them, be the
    model quantised or not: it predicts what the saved one did, to the bit. With ``strict=False`` a part of the names is
    enough, as in `Module.load_state_dict`, whose answer, ``missing_keys`` and ``unexpected_keys``, is given back. All
    is checked before anything changes: when it raises, model and optimizer are as they were. Tensors keep their
    identity, so an optimizer made before goes on with them. An optimizer's state in the file is left alone unless
    `optimizer` is given; each of its parameters then gets the state of its name, whatever the order (a file from before
    there were names is read in order). Raises FileNotFoundError; ValueError for a damaged or foreign file, another
    model's, one without the optimizer's state where that is wanted or with that of other parameters, and for another
    suffix than .npz and .safetensors; ImportError as `save`.
    """
    file, _, read = format_of(path)
    _check(model, "model")
    if not file.exists():
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r} to load; tl.save(model, path) writes one")
    return loaded(model, file, read(file), optimizer, strict=strict)


def loaded(
    model: Stateful, file: Path, found: dict[str, Array], optimizer: Stateful | None, *, strict: bool = True
) -> Any:
    """What `load` does with the arrays that it found in a file."""
    arrays = {name: array for name, array in found.items() if not name.startswith(_OPTIMIZER)}
    options: Any = {} if strict else {"strict": False}  # which another's load_state_dict needn't know
    if optimizer is None:
        return _give(model, _as_floats(model, arrays), file, **options)
    _check(optimizer, "optimizer")
    state = _nested(file, found)
    if not state:
        raise ValueError(
            f"{file} holds no optimizer's state; load it without optimizer=, or write it with "
            "tl.save(model, path, optimizer=optimizer)"
        )
    before = optimizer.state_dict()
    _give(optimizer, state, file, _names(model, optimizer))
    try:
        return _give(model, _as_floats(model, arrays), file, **options)
    except Exception:
        optimizer.load_state_dict(before)
        raise


def _as_integers(model: Module, state: dict[str, Array]) -> dict[str, Array]:
    """The weights of quantised layers as they are written, with their scales, by every name that they have."""
    layers = {id(vars(layer)): layer for layer in model.modules()}
    found: dict[str, Array] = {}
    for name, holder, key, _ in model._entries():
        integers = getattr(layers.get(id(holder)), "integers", None)  # what exporting/compression.py gives a layer
        if integers is not None and f"{name}_scale" not in state and (both := integers(key)) is not None:
            found[name], found[f"{name}_scale"] = both
    return found


def _as_floats(model: Stateful, arrays: dict[str, Array]) -> dict[str, Array]:
    """The inverse: names that the model hasn't are scales if they are called so and stand beside int8."""
    scales = {f"{name}_scale": name for name, array in arrays.items() if array.dtype == np.int8}
    scales = {scale: name for scale, name in scales.items() if scale in arrays}
    if scales:
        scales = {scale: name for scale, name in scales.items() if scale not in model.state_dict()}
    left = {name: array for name, array in arrays.items() if name not in scales}
    return left | {name: arrays[name] * arrays[scale] for scale, name in scales.items()}


def _give(thing: Stateful, state: dict[str, Any], file: Path, names: list[str] | None = None, **options: bool) -> Any:
    load: Callable[..., Any] = thing.load_state_dict
    try:
        return load(_read(state, names) if isinstance(thing, Optimizer) else state, **options)
    except (ValueError, TypeError, AttributeError) as error:  # the last two from an optimizer's state of another form
        read = "np.load" if file.suffix.lower() == ".npz" else "safetensors.numpy.load_file"
        where = f"; state is dict({read}({str(file)!r}))" if "state.items()" in str(error) else ""
        raise ValueError(f"what is in {file} doesn't fit: {error}{where}") from error


def _names(model: Stateful, optimizer: Stateful) -> list[str] | None:
    """What the model calls the optimizer's parameters; those that it lacks are called by their name or place there."""
    if not isinstance(model, Module) or not isinstance(optimizer, Optimizer):
        return None
    known = {p: name for name, p in model.named_parameters()}
    own = optimizer.names or range(len(optimizer.params))
    return [known.get(p, f"{name} (not in the model)") for p, name in zip(optimizer.params, own, strict=True)]


def _written(model: Stateful, optimizer: Stateful) -> dict[str, Any]:
    """An optimizer's state as dicts of numbers: groups by their place, the names in UTF-8 with a 0 between."""
    state = optimizer.state_dict()
    if isinstance(optimizer, Optimizer):
        groups = ({**group, "params": np.array(group["params"], np.int64)} for group in state["groups"])
        names = _names(model, optimizer) or state.pop("names")
        state["groups"] = dict(enumerate(groups))
        state["names"] = names and np.frombuffer("\0".join(names).encode(), np.uint8)
    return {name: value for name, value in state.items() if value is not None}


def _read(state: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    """The inverse of `_written`, its parameters in the order of `names`. Raises ValueError for what can't be one."""
    state = dict(state)
    if "groups" in state:
        state["groups"] = [group for _, group in sorted(state["groups"].items())]
    if "names" in state:
        state["names"] = state["names"].tobytes().decode().split("\0")
    return state if names is None else arranged(state, names) | {"names": None}


def _check(thing: Any, name: str) -> None:
    if not (callable(getattr(thing, "state_dict", None)) and callable(getattr(thing, "load_state_dict", None))):
        raise TypeError(
            f"the {name} should have a state_dict and a load_state_dict, as every nn.Module and optimizer has; "
            f"a {type(thing).__name__} has not. The order is tl.save(model, path, optimizer) and the same for tl.load"
        )


def _plain(name: str, value: Any) -> Array:
    """A C-contiguous array in this machine's byte order: the one form that both formats keep as it is."""
    array = np.array(on_host(value), order="C")  # not np.ascontiguousarray, which would make a 0-d array 1-d
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}; a file holds arrays of real numbers and booleans")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _flat(state: dict[Any, Any], prefix: str) -> dict[str, Array]:
    """The numbers and arrays in nested dicts, each under its path: {"state": {0: {"step": 5}}} → "state/0/step"."""
    found: dict[str, Array] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}/")
        else:
            found[f"{prefix}{key}"] = _plain(f"{prefix}{key}", value)
    return found


def _nested(file: Path, arrays: dict[str, Array]) -> dict[Any, Any]:
    """The inverse of `_flat`, for the arrays of the optimizer; a key of digits becomes an integer again."""
    state: dict[Any, Any] = {}
    for name, array in arrays.items():
        if name.startswith(_OPTIMIZER):
            *outer, last = (int(key) if key.isdecimal() else key for key in name.split("/")[1:])
            inner: Any = state
            for key in outer:
                inner = inner.setdefault(key, {}) if isinstance(inner, dict) else None
            if not isinstance(inner, dict) or last in inner:
                raise ValueError(
                    f"the optimizer's state in {file} is damaged: {name} is both an array and a dict of them"
                )
            inner[last] = array
    return state


# -- files -------------------------------------------------------------------------------------------------------------


Writer: TypeAlias = "Callable[[IO[bytes], dict[str, Array]], None]"
Reader: TypeAlias = "Callable[[Path], dict[str, Array]]"


def format_of(path: Any) -> tuple[Path, Writer, Reader]:
    from pathlib import Path

    try:
        file = Path(path)
    except TypeError:
        raise TypeError(
            f"the path should be a string or a Path, not a {type(path).__name__}; "
            "the order is tl.save(model, path) and tl.load(model, path)"
        ) from None
    formats: dict[str, tuple[Writer, Reader]] = {
        ".npz": (_write_npz, _read_npz),
        ".safetensors": (_write_safetensors, _read_safetensors),
    }
    if file.suffix.lower() not in formats:
        raise ValueError(f"a file of a model is called ….npz or ….safetensors, not {file.name!r}")
    if file.suffix.lower() == ".safetensors":
        _safetensors()
    return (file, *formats[file.suffix.lower()])


def _write_npz(file: IO[bytes], arrays: dict[str, Array]) -> None:
    from zipfile import ZipFile, ZipInfo

    with ZipFile(file, "w") as archive:  # not np.savez, which can't hold an array called "file"
        for name, array in arrays.items():
            # a ZipInfo made by hand bears a fixed date, so equal models give equal files
            with archive.open(ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_npz(path: Path) -> dict[str, Array]:
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("it holds one array without a name, as a .npy file does")
            with archive:
                arrays = {name: archive[name] for name in archive.files}
            _must_be_numbers(arrays)
        except Exception as error:  # zipfile, zlib and NumPy's header parser have a dozen kinds for a damaged file
            raise ValueError(f"{path} is damaged, or not a .npz file of arrays: {error or repr(error)}") from error
    return arrays


def _write_safetensors(file: IO[bytes], arrays: dict[str, Array]) -> None:
    for name, array in arrays.items():
        if array.dtype.name not in _HELD.values():
            raise ValueError(f"{name} has dtype {array.dtype}, which .safetensors lacks; save it as .npz")
    file.write(_safetensors().numpy.save(arrays, metadata={_CHECKSUM: _checksum(arrays)}))


def _read_safetensors(path: Path) -> dict[str, Array]:
    safetensors = _safetensors()
    with open(path, "rb"):  # a file that may not be read is an OSError, not a damaged file
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as archive:
            names: list[str] = archive.keys()
            dtypes = {name: str(archive.get_slice(name).get_dtype()) for name in names}
            arrays = {name: np.array(archive.get_tensor(name)) for name, kind in dtypes.items() if kind in _HELD}
            checksum = (archive.metadata() or {}).get(_CHECKSUM)
        if "BF16" in dtypes.values():
            raw = dict(safetensors.deserialize(path.read_bytes()))
            arrays |= {name: _widened(raw[name]) for name, kind in dtypes.items() if kind == "BF16"}
    except Exception as error:
        raise ValueError(f"{path} is damaged, or not a .safetensors file that NumPy can hold: {error!r}") from error
    foreign = [f"{name} ({kind})" for name, kind in dtypes.items() if name not in arrays]
    if foreign:
        raise ValueError(f"{path} holds arrays of a dtype that a tinydl model can't have: {', '.join(foreign)}")
    if checksum is not None and checksum != _checksum(arrays):
        raise ValueError(f"{path} is damaged: its arrays aren't those that were saved (their checksum differs)")
    return arrays


_HELD = {  # the dtypes that both a .safetensors file and a model can have
    "F64": "float64", "F32": "float32", "F16": "float16", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
}  # fmt: skip


def _widened(bfloat16: dict[str, Any]) -> Array:
    """A float32 whose upper half is the bfloat16, and the lower half 0."""
    upper = np.frombuffer(bfloat16["data"], "<u2").astype(np.uint32)
    return (upper << 16).view(np.float32).reshape(bfloat16["shape"])


_CHECKSUM = "tinydl.crc32"  # safetensors has no checksum of its own, as a .npz file has


def _checksum(arrays: dict[str, Array]) -> str:
    crc = 0
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), crc)
        crc = zlib.crc32(array.tobytes(), crc)
    return f"{crc:08x}"


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files ending in .safetensors need the safetensors library; in the clone of tinydl write "
            'python -m pip install ".[safetensors]". Files ending in .npz need nothing'
        ) from error
    return safetensors


def _must_be_numbers(arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            raise ValueError(f"{name} isn't an array of real numbers")
