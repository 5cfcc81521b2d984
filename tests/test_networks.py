"""The experiments of benchmarks/networks: a tenth of their steps is enough to leave chance far behind."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl

NETWORKS = Path(__file__).resolve().parent.parent / "benchmarks" / "networks"
SCRIPTS = sorted(path.stem for path in NETWORKS.glob("*.py") if path.stem != "common")

# experiment → number → what it must at least reach by a tenth of the steps; beside it, what chance gives
AFTER_A_TENTH = {
    "clothes": {"test accuracy": 0.6, "test accuracy, BatchNorm": 0.65},  # 0.1
    "depth": {"training loss, depth 20 with skips": -1.7},  # at most; log 10 = 2.3
    "detection": {"found, right, IoU ≥ ½": 0.2},  # below 0.01
    "digits": {"test accuracy": 0.8},  # 0.1
    "inception": {"test accuracy": 0.85},  # 0.1
    "letters_gpt": {"held-out loss": -2.85},  # at most; 4.2, by the letters' frequencies 3.41
    "masked_letters": {"test top-1": 0.15},  # 0.04, for the commonest letter 0.12
    "names": {"balanced test accuracy": 0.6},  # 0.5
    "vowels": {"test accuracy": 0.6},  # 0.1
}


@pytest.fixture
def script(monkeypatch):
    """Imports a script of the folder by its name, and forgets it afterwards: names.py is another's name, too."""
    monkeypatch.syspath_prepend(str(NETWORKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in {"common", *SCRIPTS}:
            del sys.modules[name]


def test_every_experiment_has_a_bound():
    assert sorted(AFTER_A_TENTH) == SCRIPTS


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_experiment_leaves_chance_behind_in_a_tenth_of_its_steps(name, script, tmp_path, capsys):
    module, picture, found = script(name), tmp_path / "learned.png", {}

    def experiment(seed, share):
        numbers, kept = module.experiment(seed, share)
        found.update(numbers)
        return numbers, kept

    common = script("common")
    assert common.main(experiment, module.TARGETS, module.draw, ["--quick", "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    for number, bound in AFTER_A_TENTH[name].items():
        assert found[number] <= -bound if bound < 0 else found[number] >= bound, json.dumps(found)
    assert module.TARGETS.keys() <= found.keys()


def test_the_verdict_is_by_the_mean_over_the_seeds(script, capsys):
    common = script("common")
    experiment = lambda seed, share: ({"accuracy": 0.9 + 0.01 * seed, "loss": 2.0}, None)
    seeds = ["--seeds", "3"]
    assert common.main(experiment, {"accuracy": ("≥", 0.909), "loss": ("≤", 2.0)}, None, seeds) == 0
    assert "0.910 ± 0.010" in capsys.readouterr().out
    assert common.main(experiment, {"accuracy": ("≥", 0.911)}, None, seeds) == 1
    assert "MISSED" in capsys.readouterr().out
    assert common.main(experiment, {"loss": ("≤", 1.9)}, None, seeds) == 1
    assert common.main(experiment, {"accuracy": ("≥", 0.911)}, None, [*seeds, "--quick"]) == 0


def test_the_three_parts_share_no_example_and_have_each_class_in_the_same_share(script):
    y = np.repeat([0, 1], [300, 100])
    parts = script("common").three_parts(tl.data.Dataset(np.arange(400), y), validation=40, test=80, seed=3)
    assert [len(part) for part in parts] == [280, 40, 80]
    assert sorted(np.concatenate([part.x for part in parts])) == list(range(400))
    assert [int(part.y.sum()) for part in parts] == [70, 10, 20]


def test_boxes_come_back_from_their_grid(script):
    detection = script("detection")
    _, boxes = tl.data.scenes(20, seed=5)
    y = detection.grid(boxes)
    outputs = np.zeros((20, 13, 4, 4))
    outputs[:, 0] = np.where(y[:, 0] == 1, 1, -1)
    outputs[:, 1:11] = np.arange(10)[:, None, None] == y[:, 1:2]
    place = np.clip(y[:, 2:].astype(float), 1e-9, 1 - 1e-9)
    outputs[:, 11:] = np.log(place / (1 - place))
    back = detection.boxes_of(outputs)
    assert sum(map(len, boxes)) == sum(map(len, back)) > 20
    for here, there in zip(boxes, back, strict=True):
        np.testing.assert_allclose(sorted(map(tuple, there)), sorted(here), atol=1e-6)
    assert detection.share_found(boxes, back) == 1
    moved = [[(label, x + 5, y, w, h) for label, x, y, w, h in found] for found in back]
    assert detection.share_found(boxes, moved) < 0.1  # IoU 3/13


def test_the_overlap_of_boxes_is_intersection_over_union(script):
    detection = script("detection")
    assert detection.iou((0, 0, 0, 8, 8), (3, 2, 4, 8, 8)) == pytest.approx(24 / 104)
    assert detection.iou((0, 0, 0, 8, 8), (0, 9, 0, 8, 8)) == 0


def test_names_and_words_are_encoded_with_dots_where_they_are_short(script):
    vocabulary = tl.data.Vocabulary(".abcdefghijklmnopqrstuvwxyz")
    assert script("names").encoded(["ada", "maribelle"], vocabulary).tolist() == [
        [0] * 8 + [1, 4, 1],
        [0, 0, 13, 1, 18, 9, 2, 5, 12, 12, 5],
    ]
    masked = script("masked_letters")
    assert masked.encoded(["q_iet"]).tolist() == [[18, 0, 10, 6, 21] + [1] * 7]
    words = masked.encoded(["strength"] * 500)
    hidden = masked.with_hidden(words, np.random.default_rng(0))
    assert np.array_equal(hidden.x == 0, hidden.y != -100) and (words[hidden.x == 0] == hidden.y[hidden.y >= 0]).all()
    assert (hidden.y >= 0)[:, :8].mean() == pytest.approx(0.2, abs=0.02) and (hidden.y[:, 8:] == -100).all()
