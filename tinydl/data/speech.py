"""Words of one vowel by synthetic speakers: recordings without a microphone, as the ear's bands of frequency over time.

No set of real speech was found that is small, free and by many people, so this one is computed, by the textbook's
model of a voice: the larynx gives a train of pulses, and throat and mouth, a resonator for each formant, make some
frequencies loud; which ones is what makes the vowel. Stands on dataset.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import real, whole
from ..engine.random import generator
from .dataset import Dataset, Seed

# word → F1, F2, F3 in Hz, averages of men, women and children: table II of Peterson and Barney (1952)
FORMANTS = {
    "heed": ((270, 2290, 3010), (310, 2790, 3310), (370, 3200, 3730)),
    "hid": ((390, 1990, 2550), (430, 2480, 3070), (530, 2730, 3600)),
    "head": ((530, 1840, 2480), (610, 2330, 2990), (690, 2610, 3570)),
    "had": ((660, 1720, 2410), (860, 2050, 2850), (1010, 2320, 3320)),
    "hod": ((730, 1090, 2440), (850, 1220, 2810), (1030, 1370, 3170)),
    "hawed": ((570, 840, 2410), (590, 920, 2710), (680, 1060, 3180)),
    "hood": ((440, 1020, 2240), (470, 1160, 2680), (560, 1410, 3310)),
    "who'd": ((300, 870, 2240), (370, 950, 2670), (430, 1170, 3260)),
    "hud": ((640, 1190, 2390), (760, 1400, 2780), (850, 1590, 3360)),
    "heard": ((490, 1350, 1690), (500, 1640, 1960), (560, 1820, 2160)),
}
VOWELS = tuple(FORMANTS)
SPEAKERS = ("men", "women", "children")
_PITCH = (132, 223, 264)  # in Hz, F0 of the same table, averaged over the vowels
_TRACT = (1, 1.15, 1.35)  # how much higher the resonances are in the shorter throat of women and of children
_NEUTRAL = (500, 1500, 2500)  # formants in Hz of a man's mouth at rest, with which each word begins and ends
_BANDWIDTHS = (60, 90, 120)  # of the three resonators, in Hz

_RATE = 8_000  # samples a second, as on the telephone
_WORD = 3_200  # samples in a word, 0.4 s
_ROOM = 1_600  # samples around it, 0.2 s
_FRAME, _HOP, _BANDS = 200, 80, 24  # 25 ms every 10 ms
_AT_ONCE = 256  # words: what a block of them takes of memory doesn't grow with n


def vowels(
    n: int = 600,
    noise: float = 0.5,
    seed: Seed = 0,
    speakers: str | Sequence[str] = SPEAKERS,
    pitch: float | None = None,
) -> Dataset:
    """Spoken words that differ in their vowel, heed, hid, head, had, hod, hawed, hood, who'd, hud, heard, in noise.

    Only the vowel is heard, no h and d. Each word has a speaker of its own, a man, a woman or a child, whose pitch and
    size vary (standard deviations of 12 % and 6 %, and 4 % more for each formant). The mouth goes from rest to the
    vowel and back in 0.4 s while the pitch falls; the word begins somewhere in the first 0.2 s of 0.6 s, and white
    noise is added with `noise` times the word's standard deviation. What a model gets is log-mel: for each of 58
    frames, one every 10 ms, the logarithm of the power in 24 bands, evenly spaced in mel from 80 to 4,000 Hz.

    Shapes: x (n, 24, 58) float32, (n, bands, frames), natural logarithms, not standardized; y (n,) int64, equally many
    of each class up to one, in random order; `data.VOWELS` names the classes. `speakers` is one or more of "men",
    "women" and "children"; `pitch`, in Hz, is everybody's average pitch; by default men have 132, women 223, children
    264. It takes about 1 ms a word. Trained on 600, two linear layers with 128 units are right on
    0.91 of new words (0.89 to 0.93 over seeds), two convolutions over time and the largest value in time on 0.93 (0.90
    to 0.96); of 600 men, the latter learn nothing about children (0.13).
    Raises ValueError for n < 1, a negative noise, another speaker, or a pitch not between 20 and 2,000 Hz.

    Source: G. E. Peterson and H. L. Barney (1952), Control methods used in a study of the vowels, Journal of the
    Acoustical Society of America 24, 175-184, table II: average pitch and formants of 33 men, 28 women, 15 children;
    D. H. Klatt (1980), Software for a cascade/parallel formant synthesizer, ibid. 67, 971-995: the resonator.
    """
    n = whole("n", n, 1)
    if not 0 <= real("noise", noise) < np.inf:
        raise ValueError(f"noise is a standard deviation in those of the word, a number ≥ 0, not {noise}")
    if pitch is not None and not 20 <= real("pitch", pitch) <= 2000:
        raise ValueError(f"pitch is the average of all speakers, 20 to 2,000 Hz, not {pitch}")
    pitches = np.array(_PITCH if pitch is None else (pitch,) * len(_PITCH))
    chosen = _numbers_of(speakers)
    rng = generator(seed)
    y = rng.permutation(np.arange(n, dtype=np.int64) % len(VOWELS))
    who = rng.choice(chosen, n)
    blocks = [slice(i, i + _AT_ONCE) for i in range(0, n, _AT_ONCE)]
    x = np.concatenate([log_mel(_recorded(_said(y[block], who[block], pitches, rng), noise, rng)) for block in blocks])
    return Dataset(x.astype(np.float32), y, classes=VOWELS)


def _numbers_of(speakers: str | Sequence[str]) -> list[int]:
    given = [speakers] if isinstance(speakers, str) else list(speakers)
    unknown = [speaker for speaker in given if speaker not in SPEAKERS]
    if unknown or not given:
        raise ValueError(f'speakers are one or more of "men", "women" and "children", not {speakers!r}')
    return [k for k, speaker in enumerate(SPEAKERS) if speaker in given]


def _said(y: Array, who: Array, pitches: Array, rng: np.random.Generator) -> Array:
    """The sound of the words y by the speakers who, (n, samples); pitches are those of the kinds of speakers."""
    n = len(y)
    size = rng.normal(1, 0.06, (n, 1))
    vowel = np.array([FORMANTS[word] for word in VOWELS])[y, who] * size * rng.normal(1, 0.04, (n, 3))
    rest = np.array(_TRACT)[who, None] * _NEUTRAL * size
    # from rest to the vowel in the first third, back in the last
    towards = np.interp(np.linspace(0, 3, _WORD), [0, 1, 2, 3], [0, 1, 1, 0])[:, None]
    pitch = np.linspace(1.1, 0.85, _WORD)[:, None] * pitches[who] * rng.normal(1, 0.12, n)
    sound = np.diff(np.floor(np.cumsum(pitch / _RATE, axis=0)), axis=0, prepend=0.0)
    for k, bandwidth in enumerate(_BANDWIDTHS):
        formant = rest[:, k] + towards * (vowel[:, k] - rest[:, k])
        sound = _resonated(sound, formant, bandwidth)
    return np.asarray(sound.T)


def _resonated(sound: Array, frequency: Array, bandwidth: float) -> Array:
    """Sound (time, n) through a resonator whose frequency in Hz (time, n) moves.

    y[t] = (1 − c + r²) x[t] + c y[t − 1] − r² y[t − 2], with r = exp(−π bandwidth / rate), c = 2 r cos(2π frequency /
    rate); what doesn't change passes unchanged.
    """
    highest = 0.975 * _RATE / 2  # what is higher than half the rate would come back as lower
    r = np.exp(-np.pi * bandwidth / _RATE)
    c = 2 * r * np.cos(2 * np.pi * np.minimum(frequency, highest) / _RATE)
    driven = (1 - c + r * r) * sound
    y = np.zeros((len(sound) + 2, sound.shape[1]))
    for t in range(len(sound)):
        y[t + 2] = driven[t] + c[t] * y[t + 1] - r * r * y[t]
    return np.asarray(y[2:])


def _recorded(said: Array, noise: float, rng: np.random.Generator) -> Array:
    """The words at different loudnesses, somewhere in a longer recording with noise, (n, more samples)."""
    n, t = len(said), np.arange(_WORD)
    swell = np.minimum(1, np.minimum(t, _WORD - t) / (0.05 * _RATE))
    said = said / np.abs(said).max(axis=1, keepdims=True) * rng.uniform(0.3, 1, (n, 1)) * swell
    recorded = noise * said.std(axis=1, keepdims=True) * rng.standard_normal((n, _WORD + _ROOM))
    for recording, word, begin in zip(recorded, said, rng.integers(0, _ROOM, n).tolist(), strict=True):
        recording[begin : begin + _WORD] += word
    return np.asarray(recorded)


def log_mel(sound: Array) -> Array:
    """The logarithm of the power in each band of each frame: (n, samples) → (n, bands, frames)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME, axis=-1)[:, ::_HOP] * np.hanning(_FRAME)
    power = np.abs(np.fft.rfft(frames, 256)) ** 2
    frequency = np.fft.rfftfreq(256, 1 / _RATE)[:, None]
    edges = _hertz(np.linspace(_mel(80), _mel(_RATE / 2), _BANDS + 2))
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))  # a triangle each, half over its neighbours
    return np.asarray(np.log(power @ bands + 1e-6).swapaxes(1, 2))


def _mel(hertz: float) -> float:
    """Pitch as it is heard: equal distances sound equal. The formula is O'Shaughnessy's (1987)."""
    return 2595 * math.log10(1 + hertz / 700)


def _hertz(mel: Array) -> Array:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))
