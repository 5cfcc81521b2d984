"""Data: sets, batches, splits, standardization, synthetic sets, real images from files and servers, augmentation."""

import gzip
import hashlib
import http.server
import math
import os
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinydl as tl
from tinydl import data
from tinydl.data import images as image_files
from tinydl.engine.random import manual_seed


def numbered(n, classes=3):
    """Examples that can be told apart: x counts them, y is a class."""
    return data.Dataset(np.arange(2 * n).reshape(n, 2), np.arange(n) % classes)


def ids(ds):
    return ds.x[:, 0] // 2


# ---- Dataset


def test_a_dataset_unpacks_into_x_and_y_and_counts_its_examples():
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4)
    ds = data.Dataset(x, y)
    a, b = ds
    assert a is x and b is y and len(ds) == 4 and len(list(ds)) == 2
    assert "4 examples" in repr(ds) and "(4, 3) float64" in repr(ds) and "(4,) int64" in repr(ds)


def test_an_integer_gives_a_pair_and_everything_else_a_dataset():
    ds = numbered(10)
    x, y = ds[3]
    assert x.tolist() == [6, 7] and y == 0
    assert ds[-1][0].tolist() == [18, 19] and ds[np.int64(2)][1] == 2
    for index, expected in [
        (slice(2, 9), range(2, 9)),
        (slice(None, None, -3), [9, 6, 3, 0]),
        ([4, 1, 4], [4, 1, 4]),
        (np.array([-1, 0]), [9, 0]),
        (np.arange(10) % 2 == 1, [1, 3, 5, 7, 9]),
        ([], []),
        (tl.tensor([3, 4]), [3, 4]),
    ]:
        chosen = ds[index]
        assert isinstance(chosen, data.Dataset)
        assert ids(chosen).tolist() == list(expected)
        assert chosen.y.tolist() == [i % 3 for i in expected]


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (10, IndexError),
        (-11, IndexError),
        ([0, 10], IndexError),
        (np.ones(9, bool), IndexError),
        ((1, 2), TypeError),
        ([0.5], TypeError),
        (True, TypeError),
        (None, TypeError),
        (np.zeros((2, 2), int), TypeError),
        ("x", TypeError),
    ],
)
def test_an_index_that_means_no_examples_is_refused(index, error):
    with pytest.raises(error, match=r"no example|the mask has 9|a Dataset is indexed by"):
        numbered(10)[index]


def test_a_dataset_refuses_what_is_not_pairs_of_numbers():
    with pytest.raises(ValueError, match=r"x has 4 .*\(4, 2\).* y has 3 .*\(3,\)"):
        data.Dataset(np.zeros((4, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="different lengths"):
        data.Dataset([[1, 2], [3]], [0, 1])
    with pytest.raises(ValueError, match="single number"):
        data.Dataset(3.0, 4.0)
    with pytest.raises(TypeError, match="dtype <U1"):
        data.Dataset(["a", "b"], [0, 1])
    with pytest.raises(TypeError, match="detach"):
        data.Dataset(tl.tensor([1.0], requires_grad=True), [1])
    for wrong in [np.zeros((4, 2)), (1, 2, 3), None]:
        with pytest.raises(TypeError, match="a Dataset or a pair"):
            data.batches(wrong, 2)


def test_lists_with_a_float_get_the_default_dtype_and_arrays_keep_theirs():
    ds = data.Dataset([[1.5], [2.0]], [0, 1])
    assert ds.x.dtype == np.float32 and ds.y.dtype == np.int64
    assert data.Dataset(np.zeros(2), np.zeros(2, np.uint8)).x.dtype == np.float64


# ---- batches


@given(n=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 5), shuffle=st.booleans())
@settings(max_examples=40)
def test_an_epoch_of_batches_holds_every_example_once(n, size, seed, shuffle):
    epoch = data.batches(numbered(n), size, seed=seed, shuffle=shuffle)
    pairs = list(epoch)
    assert len(pairs) == len(epoch) == math.ceil(n / size)
    assert all(len(x) == len(y) == size for x, y in pairs[:-1])
    order = np.concatenate([x[:, 0] // 2 for x, _ in pairs])
    assert sorted(order) == list(range(n)) and (shuffle or order.tolist() == list(range(n)))
    assert all(np.array_equal(x[:, 0] // 2 % 3, y) for x, y in pairs)
    assert len(list(data.batches(numbered(n), size, drop_last=True))) == n // size


def orders(epochs, loader):
    return [np.concatenate([y for _, y in loader]).tolist() for _ in range(epochs)]


def test_a_batch_larger_than_any_float_holds_all_examples():
    for size, drop_last, count in ((10**400, False, 1), (10**400, True, 0), (3, False, 2), (3, True, 1), (4, True, 1)):
        given = data.batches((np.arange(4.0), np.arange(4)), size, drop_last=drop_last)
        assert len(given) == len(list(given)) == count


def test_batches_can_be_iterated_again_and_are_shuffled_anew_each_epoch():
    pair = (np.zeros((50, 1)), np.arange(50))
    first, second = orders(2, data.batches(pair, 8, seed=3))
    assert first != second and sorted(first) == sorted(second) == list(range(50))
    assert orders(2, data.batches(pair, 8, seed=3)) == [first, second]
    assert orders(1, data.batches(pair, 8, seed=4)) != [first]


def test_without_a_seed_batches_follow_manual_seed():
    loader = data.batches((np.zeros(30), np.arange(30)), 30)
    manual_seed(5)
    first = orders(1, loader)
    manual_seed(5)
    assert orders(1, loader) == first
    assert orders(1, loader) != first


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_arrays_of_their_own(shuffle):
    ds = numbered(7)
    for x, y in data.batches(ds, 3, shuffle=shuffle):
        assert not np.shares_memory(x, ds.x) and not np.shares_memory(y, ds.y)


def test_batches_refuse_sizes_that_are_none_and_empty_sets():
    with pytest.raises(ValueError, match="at least 1, not 0"):
        data.batches(numbered(3), 0)
    with pytest.raises(TypeError, match="whole number"):
        data.batches(numbered(3), 2.5)
    with pytest.raises(ValueError, match="empty"):
        data.batches(numbered(3)[:0], 2)


# ---- split, k_fold, standardize


@given(
    n=st.integers(2, 60),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 5),
    stratify=st.booleans(),
    classes=st.integers(1, 7),
)
@settings(max_examples=80)
def test_a_split_neither_loses_nor_duplicates_an_example(n, fraction, seed, stratify, classes):
    train, test = data.split(numbered(n, classes), fraction, seed=seed, stratify=stratify)
    assert sorted([*ids(train), *ids(test)]) == list(range(n))
    assert all(np.array_equal(ids(part) % classes, part.y) for part in (train, test))
    assert 1 <= len(train) <= n - 1
    assert abs(len(train) - n * fraction) <= 0.5 + 1e-9 or len(train) in (1, n - 1)


@given(labels=st.lists(st.integers(0, 4), min_size=4, max_size=60), fraction=st.floats(0.1, 0.9))
@settings(max_examples=60)
def test_a_stratified_split_keeps_the_shares_of_the_classes(labels, fraction):
    y = np.array(labels)
    train, _ = data.split((np.zeros((len(y), 1)), y), fraction, stratify=True)
    for k in range(5):
        share = (y == k).sum() * len(train) / len(y)
        assert math.floor(share) <= (train.y == k).sum() <= math.ceil(share)


def test_a_stratified_split_of_different_numbers_is_still_random():
    y = np.arange(100.0)  # every class has one example, so all remainders are equal
    train, _ = data.split((y, y), 0.5, seed=1, stratify=True)
    assert 30 < train.y.mean() < 70 and 10 < (train.y < 50).sum() < 40


def test_the_same_seed_gives_the_same_split_and_none_follows_manual_seed():
    ds = numbered(50)

    def first(**options):
        return ids(data.split(ds, 0.5, **options)[0]).tolist()

    assert first(seed=1) == first(seed=1) != first(seed=2)
    manual_seed(3)
    a = first(seed=None)
    b = first(seed=None)
    manual_seed(3)
    assert first(seed=None) == a != b


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5, float("nan"), 80])
def test_a_fraction_outside_0_to_1_is_refused(fraction):
    with pytest.raises(ValueError, match="between 0 and 1"):
        data.split(numbered(10), fraction)


def test_a_split_of_too_few_or_by_no_number_is_refused():
    with pytest.raises(ValueError, match="a Dataset of 1"):
        data.split(numbered(1), 0.5)
    with pytest.raises(TypeError, match="between 0 and 1"):
        data.split(numbered(10), "0.8")


@given(n=st.integers(2, 40), k=st.integers(2, 10), seed=st.integers(0, 3))
@settings(max_examples=40)
def test_k_folds_validate_every_example_once(n, k, seed):
    if k > n:
        with pytest.raises(ValueError, match="smaller k"):
            data.k_fold(numbered(n), k)
        return
    folds = list(data.k_fold(numbered(n), k, seed=seed))
    assert len(folds) == k
    assert sorted(i for _, valid in folds for i in ids(valid)) == list(range(n))
    for train, valid in folds:
        assert sorted([*ids(train), *ids(valid)]) == list(range(n))
        assert len(valid) in (n // k, n // k + 1)


def test_a_number_of_folds_below_two_is_refused_at_once():
    with pytest.raises(ValueError, match="at least 2"):
        data.k_fold(numbered(5), 1)


def test_standardize_learns_from_the_training_set_alone(rng):
    train, test = rng.normal(5, 3, (200, 4)), rng.normal(-7, 2, (50, 4))
    a, b = data.standardize((train, np.zeros(200)), (test, np.zeros(50)))
    np.testing.assert_allclose(a.x.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(a.x.std(0), 1, atol=1e-12)
    np.testing.assert_allclose(b.x, (test - train.mean(0)) / train.std(0), atol=1e-12)
    scaled_train, scaled_test = data.standardize(train, test)
    np.testing.assert_array_equal(scaled_train, a.x)
    np.testing.assert_array_equal(scaled_test, b.x)
    assert isinstance(data.standardize(data.Dataset(train, np.zeros(200))), data.Dataset)


def test_standardize_leaves_dtypes_targets_and_its_inputs_alone(rng):
    x = rng.normal(3, 2, (30, 2, 2)).astype(np.float32)
    before, y = x.copy(), np.arange(30)
    scaled = data.standardize((x, y))
    assert scaled.x.dtype == np.float32 and scaled.y is y and np.array_equal(x, before)
    assert data.standardize((np.arange(6).reshape(3, 2), [0, 1, 2])).x.dtype == np.float32


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1, -3e-20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_becomes_zero_and_is_not_divided_by_its_rounding_error(value, dtype, rng):
    x = np.full((777, 2), value, dtype)
    x[:, 1] = rng.normal(size=777)
    other = x[:3].copy()
    other[:, 0] += 2
    a, b = data.standardize(x, other)
    assert np.all(a[:, 0] == 0) and np.isfinite(a).all()
    np.testing.assert_allclose(b[:, 0], other[:, 0].astype(float) - float(dtype(value)), rtol=1e-6)


def test_a_standardizer_serves_data_that_come_later(rng):
    x = rng.normal(2, 5, (40, 3))
    scale = data.Standardizer(x)
    np.testing.assert_allclose(scale.mean, x.mean(0))
    np.testing.assert_allclose(scale(x[7]), (x[7] - x.mean(0)) / x.std(0))
    with pytest.raises(ValueError, match=r"\(3,\).*\(5, 4\)"):
        scale(np.zeros((5, 4)))


@pytest.mark.parametrize("size", [1e308, 1.7e308, 1e200, 1e-200, 1e-300, 5e-324])
def test_standardize_neither_overflows_nor_loses_the_largest_and_smallest_numbers(size):
    x = np.array([[1.0, 3.0], [-1.0, 3.0], [1.0, 3.0], [-1.0, 3.0]]) * [size, 1]
    scale = data.Standardizer(x)
    np.testing.assert_allclose(scale.std, [size, 1], rtol=1e-15)
    np.testing.assert_array_equal(scale.mean, [0, 3])
    np.testing.assert_allclose(scale(x), [[1, 0], [-1, 0], [1, 0], [-1, 0]], rtol=1e-15)
    shifted = np.array([[0.5], [1.0], [1.0], [0.5]]) * size if size > 1e-300 else x[:, :1]
    scale = data.Standardizer(shifted)
    np.testing.assert_allclose(scale.mean, [0.75 * size] if size > 1e-300 else [0])
    np.testing.assert_allclose(scale(shifted).std(axis=0), 1)
    if size > 1e-300:
        np.testing.assert_allclose(scale(-shifted[:2]), [[-5], [-7]])


def test_standardize_refuses_empty_sets_and_numbers_that_are_not_finite():
    with pytest.raises(ValueError, match="empty"):
        data.standardize((np.zeros((0, 2)), np.zeros(0)))
    bad = np.ones((3, 2))
    bad[1, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"\(1, 1\)"):
        data.standardize(bad)


# ---- synthetic sets


def test_the_line_is_the_documents():
    x, y = data.line()
    assert x.shape == y.shape == (100, 1) and x.dtype == y.dtype == np.float32
    x, y = data.line(n=20000, seed=1)
    assert 0 <= x.min() < 0.01 and 0.99 < x.max() < 1
    slope, intercept = np.polyfit(x[:, 0].astype(float), y[:, 0].astype(float), 1)
    assert abs(slope - 2) < 0.1 and abs(intercept - 1) < 0.05
    residual = y - 2 * x - 1
    assert abs(residual.std() - 1) < 0.02 and abs(residual.mean()) < 0.02
    np.testing.assert_allclose(data.line(noise=0).y, 2 * data.line(noise=0).x + 1, rtol=1e-6)


def test_moons_lie_on_two_half_circles():
    x, y = data.moons(101, noise=0)
    assert x.shape == (101, 2) and x.dtype == np.float32 and y.dtype == np.int64
    assert (y == 0).sum() == 51 and (y == 1).sum() == 50
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose((upper**2).sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(((lower - [1, 0.5]) ** 2).sum(1), 1, atol=1e-6)
    assert upper[:, 1].min() > -1e-6 and lower[:, 1].max() < 0.5 + 1e-6
    assert np.ptp(upper[:, 0]) == pytest.approx(2)


def test_spirals_wind_from_the_centre_to_the_unit_circle():
    x, y = data.spirals(90, noise=0, classes=3)
    assert x.dtype == np.float32 and np.bincount(y).tolist() == [30, 30, 30]
    r = np.hypot(*x.T.astype(float))
    assert r.min() == 0 and r.max() == pytest.approx(1)
    away = r > 0.1
    turn = np.arctan2(x[:, 1], x[:, 0]) - 4 * r - 2 * np.pi * y / 3
    np.testing.assert_allclose(np.cos(turn[away]), 1, atol=1e-6)


def test_blobs_lie_about_their_centres():
    x, y = data.blobs(4000, noise=0.5, classes=4)
    for k, centre in enumerate([(4, 0), (0, 4), (-4, 0), (0, -4)]):
        np.testing.assert_allclose(x[y == k].mean(0), centre, atol=0.06)
        np.testing.assert_allclose(x[y == k].std(0), 0.5, atol=0.04)


@pytest.mark.parametrize("make", [data.line, data.moons, data.spirals, data.blobs])
def test_synthetic_sets_are_seeded_shuffled_and_checked(make):
    assert all(np.array_equal(a, b) for a, b in zip(make(50, seed=1), make(50, seed=1), strict=True))
    assert not np.array_equal(make(50, seed=1).x, make(50, seed=2).x)
    assert len(make(51)) == 51
    manual_seed(1)
    a = make(20, seed=None)
    manual_seed(1)
    assert np.array_equal(a.x, make(20, seed=None).x)
    if make is not data.line:
        assert np.any(np.diff(make(50).y) < 0)
        assert not np.array_equal(make(50).y, np.arange(50) % (make(50).y.max() + 1))
    for wrong in ({"n": 0}, {"noise": -1}, {"noise": float("nan")}):
        with pytest.raises(ValueError):
            make(**wrong)
    with pytest.raises(TypeError):
        make(n=2.5)
    with pytest.raises(TypeError, match="noise must be a number"):
        make(noise="some")


# ---- digits


def test_the_digits_are_the_1797_of_uci_in_their_order():
    x, y = data.digits()
    assert x.shape == (1797, 64) and x.dtype == np.float32 and y.shape == (1797,) and y.dtype == np.int64
    assert x.min() == 0 and x.max() == 1
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # UCI's own description
    assert y[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    counts = x * 16
    assert np.array_equal(counts, np.rint(counts))
    first = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]  # as printed in scikit-learn's documentation
    assert counts[0, :16].astype(int).reshape(2, 8).tolist() == first
    pictures = data.digits(images=True)
    assert pictures.x.shape == (1797, 8, 8) and np.array_equal(pictures.x.reshape(1797, 64), x)


def test_the_digits_agree_with_scikit_learns_own():
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y = sklearn.load_digits(return_X_y=True)
    assert np.array_equal(data.digits().x * 16, x) and np.array_equal(data.digits().y, y)


def test_everybody_gets_digits_of_their_own():
    data.digits().x[:] = 7
    assert data.digits().x.max() == 1


def test_the_packaged_files_carry_their_source_and_licence():
    folder = os.path.dirname(image_files.__file__)
    with open(os.path.join(folder, "LICENSE-digits.txt"), encoding="utf-8") as file:
        licence = file.read()
    for text in (licence, image_files.__doc__, data.__doc__, data.digits.__doc__):
        assert "CC BY 4.0" in text and "10.24432/C50P49" in text and "Alpaydin" in text and "Kaynak" in text
    assert os.path.getsize(os.path.join(folder, "digits.npz")) < 60_000


# ---- MNIST's files


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


def small_mnist():
    """Contents of the four files, gzipped, and what they mean."""
    rng = np.random.default_rng(8)
    files, meaning = {}, []
    for part, n in (("train", 7), ("t10k", 4)):
        x, y = rng.integers(0, 256, (n, 28, 28)), rng.integers(0, 10, n)
        x[0, 0, 0] = 255
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(x), mtime=0)
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(y), mtime=0)
        meaning.append((x, y))
    return files, meaning


def write(folder, files, unpacked=()):
    for name, content in files.items():
        if name in unpacked:
            (folder / name[:-3]).write_bytes(gzip.decompress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("read", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize("unpacked", [0, 2, 4])
def test_idx_files_are_read_gzipped_or_not(tmp_path, read, unpacked):
    files, meaning = small_mnist()
    write(tmp_path, files, list(files)[:unpacked])
    for (flat, y), (pictures, _), (x, labels) in zip(
        read(tmp_path), read(str(tmp_path), images=True), meaning, strict=True
    ):
        assert flat.dtype == np.float32 and y.dtype == np.int64
        np.testing.assert_allclose(pictures, x / 255, rtol=1e-6)
        np.testing.assert_array_equal(flat, pictures.reshape(len(x), 784))
        np.testing.assert_array_equal(y, labels)
        assert pictures.max() == 1


def test_a_gz_name_on_an_unpacked_file_does_not_matter(tmp_path):
    files, _ = small_mnist()
    write(tmp_path, {name: gzip.decompress(content) for name, content in files.items()})
    assert len(data.mnist(tmp_path)[0]) == 7


DAMAGE = {
    "truncated gzip": lambda raw: gzip.compress(raw)[:-20],
    "gzip with a flipped bit": lambda raw: flipped(gzip.compress(raw), 60),
    "gzip with a tail": lambda raw: gzip.compress(raw) + b"tail",
    "truncated": lambda raw: raw[:-1],
    "too long": lambda raw: raw + b"\0",
    "header only in part": lambda raw: raw[:9],
    "empty": lambda raw: b"",
    "labels instead of images": lambda raw: idx(np.zeros(7)),
    "int32 values": lambda raw: raw[:2] + b"\x0c" + raw[3:],
    "a web page": lambda raw: b"<!doctype html><title>404</title>",
    "a pickle": lambda raw: pickle.dumps([1, 2, 3]),
    "a huge promise": lambda raw: raw[:4] + b"\xff" * 12 + raw[16:],
    "another count": lambda raw: idx(np.zeros((6, 28, 28))),
    "smaller images": lambda raw: idx(np.zeros((7, 10, 10))),
    "larger images": lambda raw: idx(np.zeros((7, 28, 29))),
}


def flipped(raw, i):
    return raw[:i] + bytes([raw[i] ^ 0x10]) + raw[i + 1 :]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_or_foreign_idx_file_is_named(tmp_path, damage):
    files, _ = small_mnist()
    write(tmp_path, files)
    victim = tmp_path / "train-images-idx3-ubyte.gz"
    victim.write_bytes(DAMAGE[damage](gzip.decompress(victim.read_bytes())))
    with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
        data.mnist(tmp_path)


@pytest.mark.parametrize("read", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_images_of_another_size_than_28_by_28_are_foreign(tmp_path, read, part):
    files, _ = small_mnist()
    write(tmp_path, files)
    name = f"{part}-images-idx3-ubyte"
    (tmp_path / f"{name}.gz").write_bytes(idx(np.zeros((7 if part == "train" else 4, 10, 10))))
    with pytest.raises(ValueError, match=rf"{name}.*10×10.*28×28"):
        read(tmp_path)


@pytest.mark.parametrize("length", [4, 9, 15])
def test_a_header_that_is_cut_short_is_told_as_that(tmp_path, length):
    files, _ = small_mnist()
    write(tmp_path, files)
    victim = tmp_path / "train-images-idx3-ubyte.gz"
    victim.write_bytes(gzip.decompress(victim.read_bytes())[:length])
    with pytest.raises(ValueError, match=f"is damaged: it ends after {length} bytes, within its header of 16"):
        data.mnist(tmp_path)


def test_labels_beyond_nine_are_damage(tmp_path):
    files, _ = small_mnist()
    write(tmp_path, files)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.array([1, 2, 10, 3])))
    with pytest.raises(ValueError, match=r"t10k-labels.*label 10"):
        data.mnist(tmp_path)


def test_a_missing_file_is_named_with_the_names_that_were_tried_and_the_way_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte\.gz.*download=True"):
        data.mnist(tmp_path)
    for tried in ("train-images.idx3-ubyte.gz", "a folder raw, gzip or of its own name"):
        with pytest.raises(FileNotFoundError, match=tried.replace(".", r"\.")):
            data.mnist(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no emnist-letters-train-images-idx3-ubyte in"):
        data.mnist(tmp_path, split="letters")


SPELLINGS = {
    "dots": lambda name: name.replace("-idx", ".idx"),
    "in folders": lambda name: f"{name}/{name}",
    "with dots, in folders": lambda name: f"{name.replace('-idx', '.idx')}/{name.replace('-idx', '.idx')}",
    "in raw": lambda name: f"raw/{name}",
    "in gzip, in folders, with dots": lambda name: f"gzip/{name}/{name.replace('-idx', '.idx')}",
    "with dots, in folders with hyphens": lambda name: f"{name}/{name.replace('-idx', '.idx')}",
}


@pytest.mark.parametrize("read", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_idx_files_are_found_in_the_spellings_that_people_have(tmp_path, read, packed, spelling):
    files, meaning = small_mnist()
    for name, content in files.items():
        path = tmp_path / (spelling(name[:-3]) + (".gz" if packed else ""))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if packed else gzip.decompress(content))
    for found, (x, labels) in zip(read(tmp_path, images=True), meaning, strict=True):
        np.testing.assert_allclose(found.x, x / 255, rtol=1e-6)
        np.testing.assert_array_equal(found.y, labels)


def test_the_spellings_may_be_mixed_and_a_download_leaves_all_of_them_be(tmp_path, served):
    server, files, meaning = served
    names = list(files)
    for name, spelling in zip(names[:3], ("dots", "in folders", "with dots, in folders"), strict=True):
        path = tmp_path / SPELLINGS[spelling](name[:-3])
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.decompress(files[name]))
    train, test = data.mnist(tmp_path, download=True, url=server.url)
    assert server.asked == names[3:]
    np.testing.assert_array_equal(train.y, meaning[0][1])
    np.testing.assert_array_equal(test.y, meaning[1][1])


def write_emnist(folder, split, first=0, dots=False):
    folder.mkdir(exist_ok=True)
    rng, made = np.random.default_rng(5), []
    for part, n in (("train", 6), ("test", 4)):
        x, y = rng.integers(0, 256, (n, 28, 28)), rng.permutation(10)[:n] + first
        y[1] = first
        made.append((x, y))
        for kind, values in (("images-idx3", x), ("labels-idx1", y)):
            name = f"emnist-{split}-{part}-{kind}-ubyte"
            (folder / (name.replace("-idx", ".idx") if dots else name)).write_bytes(idx(values))
    return made


@pytest.mark.parametrize("dots", [False, True])
@pytest.mark.parametrize(("split", "first"), [("letters", 1), ("letters", 17), ("digits", 0), ("byclass", 52)])
def test_emnist_is_read_upright_and_its_classes_begin_at_0(tmp_path, split, first, dots):
    made = write_emnist(tmp_path, split, first, dots)
    for found in (data.mnist(tmp_path, images=True), data.mnist(tmp_path, images=True, split=split)):
        for part, (x, y) in zip(found, made, strict=True):
            np.testing.assert_allclose(part.x, np.swapaxes(x, 1, 2) / 255, rtol=1e-6)
            np.testing.assert_array_equal(part.y, y - (split == "letters"))
            assert part.y.dtype == np.int64


def test_of_several_splits_of_emnist_one_is_chosen_and_mnists_own_files_come_first(tmp_path):
    write_emnist(tmp_path, "letters", 1)
    digits = write_emnist(tmp_path, "digits")
    with pytest.raises(ValueError, match="holds EMNIST's digits and letters; write split='digits'"):
        data.mnist(tmp_path)
    np.testing.assert_array_equal(data.mnist(tmp_path, split="digits")[0].y, digits[0][1])
    with pytest.raises(ValueError, match=r"split is one of EMNIST's, 'balanced', .*, not 'words'"):
        data.mnist(tmp_path, split="words")
    with pytest.raises(ValueError, match="EMNIST comes as one archive"):
        data.mnist(tmp_path, split="letters", download=True)
    files, meaning = small_mnist()
    write(tmp_path, files)
    np.testing.assert_array_equal(data.mnist(tmp_path)[0].y, meaning[0][1])


def test_labels_outside_of_their_classes_are_told_with_what_they_may_be(tmp_path):
    write_emnist(tmp_path / "zero", "letters", 0)
    with pytest.raises(ValueError, match=r"emnist-letters-.*holds a label 0, but the classes are 1…26"):
        data.mnist(tmp_path / "zero")
    files, _ = small_mnist()
    write(tmp_path, files)
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(idx(np.array([1, 2, 26, 3, 4, 5, 6])))
    with pytest.raises(
        ValueError, match=r"holds a label 26, but the classes are 0…9.*begin at 1.*emnist-letters-train"
    ):
        data.mnist(tmp_path)


# ---- downloads, from a server on this machine


class Server:
    """A web server that hands out `files` and remembers what it was asked for."""

    def __init__(self, files):
        self.files, self.asked = dict(files), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                outer.asked.append(name)
                if name not in outer.files:
                    self.send_error(404)
                    return
                content, promised = outer.files[name], getattr(outer, "promised", None)
                self.send_response(200)
                self.send_header("Content-Length", str(promised or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/folder/"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(monkeypatch):
    files, meaning = small_mnist()
    for name, content in files.items():
        for sums in (image_files.MNIST_MD5, image_files.FASHION_MNIST_MD5):
            monkeypatch.setitem(sums, name, hashlib.md5(content).hexdigest())
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(files) as server:
        yield server, files, meaning


@pytest.mark.parametrize("read", [data.mnist, data.fashion_mnist])
def test_a_download_fetches_each_file_once_and_then_uses_the_cache(tmp_path, served, read, capfd):
    server, files, meaning = served
    folder = tmp_path / "new" / "folder"
    train, test = read(folder, download=True, url=server.url)
    assert sorted(server.asked) == sorted(files)
    np.testing.assert_array_equal(train.y, meaning[0][1])
    np.testing.assert_allclose(test.x, meaning[1][0].reshape(4, 784) / 255, rtol=1e-6)
    read(folder, download=True, url=server.url.rstrip("/"))
    read(folder)
    assert len(server.asked) == 4
    assert sorted(p.name for p in folder.iterdir()) == sorted(files)
    assert capfd.readouterr() == ("", "")  # no bar where nobody looks


def test_a_download_repairs_a_damaged_copy_and_leaves_unpacked_files_be(tmp_path, served):
    server, files, _ = served
    names = list(files)
    write(tmp_path, files, unpacked=names[2:3])
    (tmp_path / names[1]).write_bytes(files[names[1]][:-5])
    assert len(data.mnist(tmp_path, download=True, url=server.url)[0]) == 7
    assert server.asked == [names[1]]


@pytest.mark.parametrize("trouble", ["other bytes", "cut short"])
def test_a_download_that_is_not_the_published_file_leaves_nothing(tmp_path, served, trouble):
    server, files, _ = served
    name = next(iter(files))
    if trouble == "other bytes":
        server.files[name] = b"not it"
    else:
        server.files[name], server.promised = files[name][:-10], len(files[name])
    with pytest.raises((ValueError, OSError), match=name):
        data.mnist(tmp_path, download=True, url=server.url)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_names_the_address_and_leaves_an_older_file(tmp_path, served):
    server, files, _ = served
    name = next(iter(files))
    del server.files[name]
    (tmp_path / name).write_bytes(b"older")
    with pytest.raises(OSError, match=f"{server.url}{name}.*404"):
        data.mnist(tmp_path, download=True, url=server.url)
    assert (tmp_path / name).read_bytes() == b"older" and len(list(tmp_path.iterdir())) == 1


def test_the_checksums_are_those_that_everybody_publishes():
    torchvision = pytest.importorskip("torchvision.datasets")
    assert dict(torchvision.MNIST.resources) == image_files.MNIST_MD5
    assert dict(torchvision.FashionMNIST.resources) == image_files.FASHION_MNIST_MD5


# ---- augmentation

CHANGES = {
    "rotate": lambda x, rng: data.rotate(x, 20, rng=rng),
    "scale": lambda x, rng: data.scale(x, (0.7, 1.4), rng=rng),
    "shift": lambda x, rng: data.shift(x, 2, rng=rng),
    "crop": lambda x, rng: data.crop(x, padding=2, rng=rng),
    "flip": lambda x, rng: data.flip(x, rng=rng),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64])
def test_augmentation_keeps_shape_dtype_and_the_given_images(change, dtype, rng):
    x = rng.integers(0, 256, (5, 7, 6)).astype(dtype)
    before = x.copy()
    y = change(x, 1)
    assert y.shape == x.shape and y.dtype == dtype and np.array_equal(x, before) and not np.shares_memory(x, y)
    assert not np.array_equal(x, y) and y.min() >= 0 and y.max() <= 255
    with_channels = change(np.stack([x, x], axis=1), 1)
    assert np.array_equal(with_channels, np.stack([y, y], axis=1))
    assert np.array_equal(change(np.asfortranarray(x), 1), y)
    assert change(x[:0], 1).shape == (0, 7, 6)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_image_is_changed_by_random_numbers_of_its_own_that_a_seed_repeats(change):
    x = np.repeat(np.arange(63.0).reshape(1, 9, 7), 40, axis=0)
    y = change(x, 1)
    assert len({image.tobytes() for image in y}) > 1
    assert np.array_equal(y, change(x, np.random.default_rng(1))) and not np.array_equal(y, change(x, 2))
    manual_seed(9)
    a = change(x, None)
    manual_seed(9)
    assert np.array_equal(a, change(x, None)) and not np.array_equal(a, change(x, None))


def looked_up(image, a, b):
    """Literally: pixel by pixel, the bilinear mean at A (p − centre) + centre in coordinates right and up."""
    h, w = image.shape
    result = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            right, up = j - (w - 1) / 2, (h - 1) / 2 - i
            row = (h - 1) / 2 - (a * up - b * right)
            column = (w - 1) / 2 + (a * right + b * up)
            for r in range(h):
                for c in range(w):
                    result[i, j] += max(0, 1 - abs(r - row)) * max(0, 1 - abs(c - column)) * image[r, c]
    return result


@pytest.mark.parametrize("degrees", [0, 13, -70, 45, 180, 200])
def test_rotation_is_counter_clockwise_about_the_centre_and_bilinear(degrees, rng):
    x = rng.random((2, 5, 8))
    y = data.rotate(x, (degrees, degrees))
    t = np.deg2rad(degrees)
    for image, rotated in zip(x, y, strict=True):
        np.testing.assert_allclose(rotated, looked_up(image, np.cos(t), np.sin(t)), atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_quarter_turn_is_numpys(k, rng):
    x = rng.random((3, 6, 6))
    np.testing.assert_allclose(data.rotate(x, (90 * k, 90 * k)), np.rot90(x, k, axes=(1, 2)), atol=1e-12)
    whole = rng.integers(0, 256, (3, 5, 5), dtype=np.uint8)
    np.testing.assert_array_equal(data.rotate(whole, (90 * k, 90 * k)), np.rot90(whole, k, axes=(1, 2)))


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.7, 3.0])
def test_scaling_magnifies_about_the_centre(factor, rng):
    x = rng.random((2, 7, 4))
    y = data.scale(x, (factor, factor))
    for image, scaled in zip(x, y, strict=True):
        np.testing.assert_allclose(scaled, looked_up(image, 1 / factor, 0), atol=1e-12)


def test_rotation_and_scaling_agree_with_torchs_grid_sample(rng):
    torch = pytest.importorskip("torch")
    x = rng.random((4, 2, 6, 6))
    for a, b, y in [
        (np.cos(0.4), np.sin(0.4), data.rotate(x, (np.rad2deg(0.4),) * 2)),
        (1 / 1.3, 0.0, data.scale(x, (1.3, 1.3))),
    ]:
        # torch's second coordinate points down
        theta = torch.tensor([[[a, -b, 0], [b, a, 0]]], dtype=torch.float64).expand(4, 2, 3)
        grid = torch.nn.functional.affine_grid(theta, x.shape, align_corners=True)
        expected = torch.nn.functional.grid_sample(torch.tensor(x), grid, align_corners=True)
        np.testing.assert_allclose(y, expected.numpy(), atol=1e-12)


def test_numpys_numbers_serve_as_angles_and_fractions(rng):
    x = rng.random((3, 5, 5))
    for degrees in (np.float32(10), np.int64(10), np.uint8(10)):
        np.testing.assert_array_equal(data.rotate(x, degrees, rng=1), data.rotate(x, 10, rng=1))
    assert len(data.split(numbered(10), np.float32(0.7))[0]) == 7


def test_angles_and_factors_fill_their_ranges():
    """A single bright pixel right of the centre shows where it went."""
    x = np.zeros((400, 21, 21))
    x[:, 10, 18] = 1
    rows, columns = np.arange(21) - 10, np.arange(21) - 10
    y = data.rotate(x, 30, rng=0)
    mass = y.sum((1, 2))
    angle = np.rad2deg(np.arctan2(-(y.sum(2) @ rows) / mass, (y.sum(1) @ columns) / mass))
    assert -31 < angle.min() < -28 and 28 < angle.max() < 31 and abs(angle.mean()) < 3
    z = data.scale(x, (0.5, 1.2), rng=0)
    radius = (z.sum(1) @ columns) / z.sum((1, 2))
    assert 3.8 < radius.min() < 4.3 and 9.2 < radius.max() < 9.8


def test_a_shift_moves_by_whole_pixels_in_both_directions_and_fills_with_zeros(rng):
    x = rng.random((300, 4, 5)) + 1
    seen = set()
    for image, moved in zip(x, data.shift(x, 2, rng=0), strict=True):
        fits = []
        for down in range(-2, 3):
            for right in range(-2, 3):
                expected = np.zeros((4, 5))
                for i in range(4):
                    for j in range(5):
                        if 0 <= i - down < 4 and 0 <= j - right < 5:
                            expected[i, j] = image[i - down, j - right]
                if np.array_equal(expected, moved):
                    fits.append((down, right))
        assert len(fits) == 1
        seen.update(fits)
    assert len(seen) == 25


def test_a_crop_is_a_window_of_the_padded_image(rng):
    x = rng.random((50, 2, 6, 7)) + 1
    y = data.crop(x, (3, 4), padding=1, rng=0)
    assert y.shape == (50, 2, 3, 4)
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    places = set()
    for image, window in zip(padded, y, strict=True):
        fits = [(i, j) for i in range(6) for j in range(6) if np.array_equal(image[:, i : i + 3, j : j + 4], window)]
        assert len(fits) >= 1
        places.update(fits)
    assert {i for i, _ in places} == {j for _, j in places} == set(range(6))
    assert data.crop(x, 6, rng=0).shape == (50, 2, 6, 6)


def test_a_flip_mirrors_left_to_right_with_its_probability(rng):
    x = rng.random((1000, 2, 3))
    y = data.flip(x, 0.3, rng=0)
    mirrored = np.array([np.array_equal(b, a[:, ::-1]) for a, b in zip(x, y, strict=True)])
    assert all(np.array_equal(a, b) for a, b in zip(x[~mirrored], y[~mirrored], strict=True))
    assert 0.24 < mirrored.mean() < 0.36
    assert np.array_equal(data.flip(x, 1), x[..., ::-1]) and np.array_equal(data.flip(x, 0), x)


CHANGES = {
    "rotate": lambda x, **layout: data.rotate(x, 40, rng=3, **layout),
    "scale": lambda x, **layout: data.scale(x, (0.7, 1.4), rng=3, **layout),
    "shift": lambda x, **layout: data.shift(x, 2, rng=3, **layout),
    "crop": lambda x, **layout: data.crop(x, (5, 4), padding=1, rng=3, **layout),
    "flip": lambda x, **layout: data.flip(x, 0.5, rng=3, **layout),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_with_channels_last_are_changed_as_with_channels_first_once_that_is_said(change, channels, dtype, rng):
    first = (rng.random((9, channels, 6, 8)) * 255).astype(dtype)
    last = np.moveaxis(first, 1, -1).copy()
    expected = change(first)
    for images in (last, np.moveaxis(first, 1, -1)):
        found = change(images, channels_last=True)
        assert found.dtype == dtype and found.flags.c_contiguous and not np.shares_memory(found, images)
        np.testing.assert_array_equal(found, np.moveaxis(expected, 1, -1))
    assert not np.array_equal(found[:, : min(6, found.shape[1])], last[:, : found.shape[1], : found.shape[2]])
    sentence = rf"\(9, 6, 8, {channels}\) look like .*channels_last=True.*channels_last=False .*have 6 channels"
    with pytest.raises(ValueError, match=sentence):
        change(last)
    np.testing.assert_array_equal(change(first, channels_last=False), expected)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_narrow_images_are_taken_with_channels_first_where_that_is_plain_or_said(change, rng):
    for shape in ((2, 3, 8, 4), (2, 1, 8, 3), (2, 4, 6, 5), (2, 7, 6, 5), (2, 8, 4), (0, 3, 8, 4)):
        x = rng.random(shape)
        np.testing.assert_array_equal(change(x), change(x, channels_last=False))
    narrow = rng.random((2, 7, 6, 4))  # seven channels of 6×4, or images of 7×6 in colours with transparency?
    with pytest.raises(ValueError, match="look like"):
        change(narrow)
    assert change(narrow, channels_last=False).shape[:2] == (2, 7)
    with pytest.raises(
        ValueError, match=r"with channels last have shape \(n, height, width, channels\), not \(2, 8, 4\)"
    ):
        change(rng.random((2, 8, 4)), channels_last=True)
    with pytest.raises(TypeError, match="channels_last is True, False or None, not 'yes'"):
        change(narrow, channels_last="yes")


HUGE = 10**400


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda x: data.rotate(x.reshape(2, 36), 5), ValueError, "height, width"),
        (lambda x: data.rotate(x, -5), ValueError, "≥ 0"),
        (lambda x: data.rotate(x, (5, -5)), ValueError, "low ≤ high"),
        (lambda x: data.rotate(x, "5"), TypeError, "degrees"),
        (lambda x: data.rotate(x, HUGE), ValueError, "degrees is an integer beyond what a float can hold"),
        (lambda x: data.rotate(x, (0, HUGE)), TypeError, "pair"),
        (lambda x: data.flip(x, HUGE), ValueError, "probability is an integer beyond"),
        (lambda x: data.rotate(x, (1, 2, 3)), TypeError, "pair"),
        (lambda x: data.rotate(x, float("nan")), ValueError, "finite"),
        (lambda x: data.scale(x, (0, 1)), ValueError, "above 0"),
        (lambda x: data.scale(x, 0.1), TypeError, "pair"),
        (lambda x: data.shift(x, -1), ValueError, "at least 0"),
        (lambda x: data.shift(x, 0.5), TypeError, "whole number"),
        (lambda x: data.crop(x, 9), ValueError, "doesn't fit"),
        (lambda x: data.crop(x, (3, 3, 3)), ValueError, "height, width"),
        (lambda x: data.crop(x, 0), ValueError, "at least 1"),
        (lambda x: data.flip(x, 1.5), ValueError, "0…1"),
        (lambda x: data.flip(x, "half"), TypeError, "probability must be a number, not 'half'"),
        (lambda x: data.flip(tl.tensor(x)), TypeError, r"\.data"),
        (lambda x: data.flip(x.astype(str)), TypeError, "real numbers"),
    ],
)
def test_an_augmentation_that_makes_no_sense_is_refused_in_a_sentence(change, error, says):
    with pytest.raises(error, match=says):
        change(np.ones((2, 6, 6)))
