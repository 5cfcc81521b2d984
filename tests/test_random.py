"""The default Generator: seeded for good by manual_seed, for a while and in one thread by seeded."""

import threading

import numpy as np

import tinydl as tl
from tinydl.engine import random


def drawn(n=3):
    return random.generator().random(n)


def test_seeded_is_for_a_while_and_the_generator_goes_on_where_it_stood():
    tl.manual_seed(7)
    expected = np.random.default_rng(7).random(6)
    assert np.array_equal(drawn(), expected[:3])
    with random.seeded(5):
        assert np.array_equal(drawn(), np.random.default_rng(5).random(3))
        with random.seeded(6):
            assert np.array_equal(drawn(), np.random.default_rng(6).random(3))
        assert np.array_equal(drawn(), np.random.default_rng(5).random(6)[3:])
    assert np.array_equal(drawn(), expected[3:])


def test_seeded_with_none_changes_nothing():
    tl.manual_seed(7)
    with random.seeded(None):
        assert np.array_equal(drawn(), np.random.default_rng(7).random(3))
        tl.manual_seed(8)
    assert np.array_equal(drawn(), np.random.default_rng(8).random(3))


def test_manual_seed_inside_seeded_holds_until_its_end():
    tl.manual_seed(7)
    with random.seeded(5):
        tl.manual_seed(8)
        assert np.array_equal(drawn(), np.random.default_rng(8).random(3))
    assert np.array_equal(drawn(), np.random.default_rng(7).random(3))


def test_threads_do_not_disturb_each_others_seeded():
    found, turn = {}, threading.Barrier(3)

    def run(seed):
        with random.seeded(seed):
            turn.wait()
            found[seed] = [drawn()]
            turn.wait()
            found[seed].append(drawn())

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(np.ravel(found[s]), np.random.default_rng(s).random(6)) for s in (1, 2, 3))
