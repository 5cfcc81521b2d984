# %% [markdown]
# # E3. Speech: which vowel was that?
#
# How does a sound wave become something that a network can read, and can it tell *heed* from *hood* whoever speaks?
#
# You make a vowel by hand, turn it into a picture of its tones over time, and let a convolution read that picture. This
# page is off the way: an excursion that you may skip, since nothing later needs it.
#
# *You need:* convolution ([lesson 16](16_convolution.py)) and the confusion matrix of
# [lesson 9](09_digits.py). (`compile=True` only makes training faster, see [lesson 15](15_your_step_as_a_program.py).)

# %%
import tempfile
import wave
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F
from tinydl.data import speech

FORMANTS = speech.FORMANTS  # word → three numbers for men, women and children each, in Hz
print("heed:", FORMANTS["heed"], "\nhood:", FORMANTS["hood"])

# %% [markdown]
# ## A vowel by hand
#
# A sound is the pressure of the air, so many numbers a second: the **sampling rate**. We take 8,000, as old telephones
# do. When a man says *heed*, his vocal cords let out a puff of air some 125 times a second (125 hertz, Hz). That is the
# **pitch**. Then throat and mouth make some frequencies loud, as a bottle does when you blow across it. These are the
# **formants** F1, F2 and F3, and they make the vowel. Above you see them, as Peterson and Barney measured them in 1952,
# averaged over many people.
#
# What answers to one frequency $f$ is a **resonator**. Each number $y_t$ that comes out is made of the one that comes
# in, $x_t$, and the last two that came out:
#
# $$ \begin{aligned} y_t &= (1 - c + r^2)\, x_t + c\, y_{t-1} - r^2\, y_{t-2} \\
#    c &= 2 r \cos(2 \pi f / 8000) \end{aligned} \tag{1} $$
#
# After a push $y$ swings $f$ times a second and dies away: after each sample the share $r$ of the swing is left, a
# little less than 1. The factor before $x_t$ lets a constant through unchanged.


# %%
def resonate(x, frequency, bandwidth):
    r = np.exp(-np.pi * bandwidth / 8000)  # a large bandwidth dies away soon
    c = 2 * r * np.cos(2 * np.pi * frequency / 8000)
    y = [0.0, 0.0]
    for value in x.tolist():
        y.append((1 - c + r * r) * value + c * y[-1] - r * r * y[-2])  # formula (1)
    return np.array(y[2:])


def say(formants, pitch):  # 0.4 s
    sound = np.zeros(3200)
    sound[:: round(8000 / pitch)] = 1  # the puffs: a 1, many zeros, a 1, …
    for frequency, bandwidth in zip(formants, (60, 90, 120), strict=True):
        sound = resonate(sound, frequency, bandwidth)
    return sound / np.abs(sound).max()


# %% [markdown]
# Which frequencies are in it? The **spectrum** says how much of each has to be added up to make the sound: the Fourier
# transform, `np.fft.rfft`. We give it 0.2 s from the middle.
#
# > **Predict.** Say both words at 125 Hz, and at 250. Does the pitch move the loudest frequency, or do the formants?


# %%
def spectrum(sound):
    return np.abs(np.fft.rfft(sound[800:2400])), np.fft.rfftfreq(1600, 1 / 8000)  # how much, and of which frequency


loudest, figure, axes = {}, *plt.subplots(2, 2, figsize=(7.4, 4.4), width_ratios=(1, 1.3))
for (left, right), word, color in zip(axes, ("heed", "hood"), (BLUE, ORANGE), strict=True):
    for pitch in (250, 125):  # the last is drawn
        sound = say(FORMANTS[word][0], pitch)
        much, frequency = spectrum(sound)
        loudest[word, pitch] = int(frequency[much.argmax()])
    left.plot(np.arange(320) / 8, sound[1600:1920], color=color, linewidth=1)
    left.set(xlabel="time (ms)", ylabel="pressure", title=f"{word}, 40 ms of it")
    right.vlines(frequency[::25], -60, 20 * np.log10(much[::25] / much.max()), color=color)  # one every 125 Hz
    right.plot(FORMANTS[word][0], (4, 4, 4), "v", color=GRAY)
    right.set(xlabel="frequency (Hz)", ylabel="loudness (dB)", ylim=(-60, 9), title=f"{word}, its spectrum")
show(figure, "e3_speech_1", "Left the waves of heed and hood: every 8 ms the same swing, for heed with fine ripples. "
     "Right their spectra, lines every 125 Hz, tall around three formants, marked by triangles.")  # fmt: skip

# %%
print(loudest)
assert loudest["heed", 125] == loudest["heed", 250] == 250 and loudest["hood", 125] == loudest["hood", 250] == 500
assert np.delete(much, np.s_[::25]).max() < 0.001 * much.max()  # between the lines there is nothing

# %% [markdown]
# Look at the spectra: only multiples of the pitch are there, and they stand tall around the formants (triangles; 20
# decibels, dB, less is a tenth). With twice the pitch there are half as many lines, and the loudest is still the one by
# F1. (Here it is the very same, since 250 and 500 are multiples of both pitches.) So the formants shape the vowel, and
# the pitch is how densely you see that shape.
#
# ## From a wave to a picture
#
# In words the formants move, so one spectrum of the whole isn't enough. Cut the sound into overlapping **frames** of
# 25 ms, one every 10 ms, and take the spectrum of each. A cut makes edges that no voice has; so each frame fades in and
# out, multiplied by a smooth bump, a **window** (`np.hanning`). This is the short-time Fourier transform.
#
# Two steps more are borrowed from the ear. For it 300 and 400 Hz are further apart than 3,000 and 3,100. Equal steps
# for the ear are equal steps in **mel**; with $f$ in Hz,
#
# $$ m = 2595\, \log_{10}\!\left(1 + \frac{f}{700}\right) . \tag{2} $$
#
# We add up the power (the amount, squared) in 24 **bands**, evenly spaced in mel from 80 to 4,000 Hz, each a triangle
# that overlaps its neighbours. And the ear hears *ratios* of power, so we take the **logarithm**. The result, bands by
# frames, is a log-mel **spectrogram**.


# %%
def mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)  # formula (2)


edges = 700 * (10 ** (np.linspace(mel(80), mel(4000), 26) / 2595) - 1)  # and back: 26 edges make 24 triangles
low, centres, high = edges[:-2], edges[1:-1], edges[2:]


def log_mel(sound, rate=8000):
    size, step, padded = (round(ms * rate / 1000) for ms in (25, 10, 32))  # zeros up to 32 ms make finer spectra
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::step] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, padded)) ** 2
    f = np.fft.rfftfreq(padded, 1 / rate)[:, None]
    triangles = np.maximum(0, np.minimum((f - low) / (centres - low), (high - f) / (high - centres)))
    return np.log(power @ triangles + 1e-6).T  # 1e-6: there is no logarithm of 0


# %%
def recorded(word, who, noise=0.5):  # who: 0 a man, 1 a woman, 2 a child
    said = say(FORMANTS[word][who], pitch=(132, 223, 264)[who])
    sound = noise * said.std() * np.random.default_rng(who).standard_normal(4800)  # 0.6 s of noise
    sound[800:4000] += said
    return sound


sound = recorded("heed", 0)
picture = log_mel(sound)
ratio = np.exp(picture.max() - np.median(picture))
print(f"{picture.shape}; largest power {ratio:.0f} times the middle one; bands below 1,000 Hz: {sum(centres < 1000)}")
assert ratio > 20 and sum(centres < 1000) == 10 and picture.shape == (24, 58)
assert np.allclose(picture, speech.log_mel(sound[None])[0])  # the library's: so data.vowels makes its pictures

# %% [markdown]
# Why the logarithm? The largest power is more than 20 times the middle one (the median): without the logarithm the
# strongest formant drowns all else. Why mel? Ten of the 24 bands lie below 1,000 Hz, a quarter of the range: F1's.

# %%
figure, axes = plt.subplots(1, 3, figsize=(7.4, 3.1), sharey=True)
for ax, (word, who, name) in zip(axes, [("heed", 0, "man"), ("heed", 1, "woman"), ("hood", 0, "man")], strict=True):
    image = ax.imshow(log_mel(recorded(word, who, noise=0.1)), origin="lower", aspect="auto", cmap="magma", vmin=-5,
                      vmax=7, extent=(0.0075, 0.5875, -0.5, 23.5))  # fmt: skip
    ax.set(title=f"{word}, a {name}", xlabel="time (s)", xticks=(0.1, 0.3, 0.5))
hertz = np.array([250, 500, 1000, 2000, 3000])
axes[0].set_yticks(np.interp(mel(hertz), mel(centres), range(24)), hertz)
axes[0].set_ylabel("frequency (Hz)")
figure.colorbar(image, ax=axes, label="log power")
show(figure, "e3_speech_2", "Three spectrograms, 0.6 s by 24 bands, with bright level bars from 0.1 to 0.5 s in noise. "
     "Heed is bright below 500 and above 2,000 Hz, the woman's still higher up; hood below 1,200 Hz only.")  # fmt: skip

# %% [markdown]
# Look at the bright bars: the formants. *Heed* is bright below and above a wide gap, *hood* below only. But the woman's
# upper bars are where the man has little. (And her pitch is so high that one sees it: two thin bars below, at 222 and
# 444 Hz.) No single band tells the vowel; their arrangement does.
#
# ## A network that listens
#
# `data.vowels` says ten words as you just did. It varies people, pitch, loudness and beginning, and its mouth moves
# from rest to the vowel and back. We make 300 words to train on and others for the test. In each, the mean of the 20
# loudest frames is made 0, so that it doesn't matter how loudly it was said.
#
# `nn.Conv1d` is the convolution of [lesson 16](16_convolution.py) along one axis, here time. The bands are its
# channels: a kernel sees all bands of five frames. Then one number must be made of each channel's 58 answers. The
# *maximum* asks "was it there at any moment?", the *mean* "how much was there?". Beside both we put an MLP.


# %%
def prepared(x):
    loudness = np.sort(x.mean(axis=1), axis=1)[:, -20:].mean(axis=1)
    return ((x - loudness[:, None, None]) / 1.5).astype(np.float32)  # 1.5: about the spread of the numbers


class OverTime(nn.Module):
    def __init__(self, how):
        self.how = how  # np.max or np.mean

    def forward(self, x):  # (examples, channels, frames) → (examples, channels)
        return self.how(x, axis=2)


# %%
def convolution(how):
    return nn.Sequential(nn.Conv1d(24, 32, 5, padding=2), nn.ReLU(), nn.Conv1d(32, 32, 5, padding=2), nn.ReLU(),
                         OverTime(how), nn.Linear(32, 10))  # fmt: skip


def trained(model, words, lr, seed):
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(model, (prepared(words.x), words.y), loss=F.cross_entropy, optimizer=optimizer, epochs=20, seed=seed,
           schedule=optim.CosineAnnealingLR(optimizer, 20), progress=False, compile=True)  # fmt: skip
    return model


def longer(x, frames):  # with so many frames more of its own noise: random ones of its 12 quietest
    quiet = np.argsort(x.mean(axis=1), axis=1)[:, :12]
    chosen = np.take_along_axis(quiet, np.random.default_rng(0).integers(0, 12, (len(x), frames)), axis=1)
    return np.concatenate([x, np.take_along_axis(x, chosen[:, None], axis=2)], axis=2)


# %% [markdown]
# > **Predict.** Which of the three is best? And when the recording is longer, 2 s, with the same word in it?

# %%
test = data.vowels(500, seed=200)
lengths = {0.6: test.x} | {seconds: longer(test.x, 100 * seconds - 60) for seconds in (1, 2, 4)}
found, networks = {"maximum": [], "mean": [], "MLP": []}, []
for seed in range(3):  # each with other words, too
    words = data.vowels(300, seed=seed)
    for name, how in [("maximum", np.max), ("mean", np.mean)]:
        tl.manual_seed(seed)
        model = trained(convolution(how), words, 0.005, seed)
        found[name].append([tl.accuracy(tl.predict(model, prepared(x)), test.y) for x in lengths.values()])
        networks += [model] * (name == "maximum")
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(24 * 58, 128), nn.ReLU(), nn.Linear(128, 10))
    trained(mlp, words, 0.003, seed)
    found["MLP"].append([tl.accuracy(tl.predict(mlp, prepared(test.x)), test.y)])
mean = {name: np.mean(scores, axis=0) for name, scores in found.items()}

# %%
figure, ax = plt.subplots(figsize=(6, 3.4))
for (name, scores), color, mark in zip(found.items(), (BLUE, ORANGE, GREEN), ("o-", "s-", "^"), strict=True):
    deviation = np.std(scores, axis=0, ddof=1)
    print(f"{name:<8}", "  ".join(f"{m:.3f} ± {d:.3f}" for m, d in zip(mean[name], deviation, strict=True)))
    ax.errorbar(list(lengths)[: len(deviation)], mean[name], deviation, fmt=mark, color=color, capsize=4, label=name)
ax.axhline(0.1, color=GRAY, linestyle=":", label="guessing")
ax.set(xlabel="length of the recording (s)", ylabel="test accuracy", xticks=list(lengths), ylim=(0, 1.02))
ax.legend(loc="center right", bbox_to_anchor=(1, 0.6))
show(figure, "e3_speech_3", "Test accuracy against the length of the recording, 0.6 to 4 s. At 0.6 s all three are "
     "near 0.9. Then the maximum stays level, while the mean falls to 0.4 at 2 s and 0.25 at 4 s.")  # fmt: skip
assert all(abs(mean[name][0] - said) < 0.03 for name, said in {"maximum": 0.91, "mean": 0.91, "MLP": 0.89}.items())
assert np.ptp(mean["maximum"]) < 0.03 and mean["mean"][2] < 0.55 and abs(mean["mean"][3] - 0.25) < 0.15
assert [round(100 * 40 / x.shape[2]) for x in lengths.values()] == [69, 41, 20, 10]  # the word's share of the frames

# %% [markdown]
# At 0.6 s, as in training, mean and maximum are equally good: about 91 %. The MLP has 89 %: a word begins at most 0.2 s
# after another, and it has met that. (The bars are standard deviations over three seeds, which make other words, too.)
#
# At 2 s the maximum is as good as before. The mean is right in less than half, at 4 s in about a quarter, very
# differently from seed to seed. (The MLP, whose weights are for 58 frames, can't read them at all.) Why? Of $T$ frames
# $w$ are the word. With $\bar h_w$ and $\bar h_n$ for a channel's mean over the word and over the noise,
#
# $$ \bar h = \frac{w}{T}\, \bar h_w + \left(1 - \frac{w}{T}\right) \bar h_n . \tag{3} $$
#
# Here $w$ is 40. At 0.6 s, $T = 58$, the word is 69 % of the mean; at 2 s it is 20 %, at 4 s 10 %.
#
# > **What goes wrong.** The vowel drowns in the mean. On recordings cut like those of training you see nothing of it.
# > How to notice: test with more silence before or behind the word.
#
# ## Which are taken for which?
#
# > **Predict.** The three networks with the maximum have made some 130 mistakes in 1,500 words. Which vowels do they
# > confuse?

# %%
said = np.concatenate([tl.predict(model, prepared(test.x)).argmax(axis=1) for model in networks])
true = np.tile(test.y, 3)
figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.6, 8.6), height_ratios=(1.3, 1))
plots.confusion_matrix(true, said, upper, classes=data.VOWELS)
for word, formants in FORMANTS.items():
    f1, f2, _ = np.transpose(formants)
    lower.plot(f1, f2, color=GRAY, linewidth=0.8)
    offset = {"head": (-31, -4), "hud": (-25, -4)}.get(word, (5, -11))
    lower.annotate(word, (f1[0], f2[0]), offset, textcoords="offset points", fontsize=9)
for who, (name, color) in enumerate([("men", BLUE), ("women", ORANGE), ("children", GREEN)]):
    lower.plot(*np.transpose([formants[who][:2] for formants in FORMANTS.values()]), "o", color=color, label=name)
lower.set(xlabel="F1 (Hz)", ylabel="F2 (Hz)", ylim=(600, 3400))
lower.legend(loc="upper right")
show(figure, "e3_speech_4", "A confusion matrix of ten vowels, nearly all on its diagonal. Below, each vowel as a line "
     "of three dots, for men, women, children, in the plane of F1 and F2; neighbours are confused above.")  # fmt: skip

# %%
place = np.log([np.array(formants)[:, :2] for formants in FORMANTS.values()])  # (10 words, 3 speakers, F1 and F2)
apart = np.linalg.norm(place[:, None, :, None] - place[None, :, None], axis=-1).min(axis=(2, 3))  # of any two speakers
wrong = said != true
nearest = [(i, j) for i, j in zip(*np.unravel_index(apart.ravel().argsort(), (10, 10)), strict=True) if i < j][:3]
shares = [np.mean([{i, j} == {a, b} for a, b in zip(said[wrong], true[wrong], strict=True)]) for i, j in nearest]
print(", ".join(f"{data.VOWELS[i]}/{data.VOWELS[j]} {s:.0%}" for (i, j), s in zip(nearest, shares, strict=True)))
print(f"{sum(wrong)} mistakes, {sum(shares):.0%} of them in the three nearest of 45 pairs")
assert 90 < sum(wrong) < 165 and 0.3 < sum(shares) < 0.6
assert {data.VOWELS[i] for pair in nearest for i in pair} == {"head", "heard", "hood", "who'd", "hod", "hawed"}

# %% [markdown]
# Look at the red numbers, then at the plane: *heard* and *head*, *who'd* and *hood*, *hod* and *hawed*, of 45 pairs the
# three nearest, make four mistakes in ten. A child's *heard* (green) lies where a man's *head* (blue) is: there
# only F3 and the pitch, which the plane leaves out, can tell.
#
# So, does it read *whoever* speaks? It has heard all kinds of people. Here is a network that has heard only men:

# %%
tl.manual_seed(0)
of_men = trained(convolution(np.max), data.vowels(300, seed=0, speakers="men"), 0.005, seed=0)
for speakers, expected in [("men", 0.97), ("women", 0.65), ("children", 0.13)]:
    words = data.vowels(300, seed=200, speakers=speakers)
    of_all, share = (tl.accuracy(tl.predict(model, prepared(words.x)), words.y) for model in (networks[0], of_men))
    print(f"{speakers:<9} trained on all {of_all:.2f}, on men {share:.2f}")
    assert of_all > 0.8 and abs(share - expected) < (0.03 if speakers == "men" else 0.12)

# %% [markdown]
# Women in about two cases of three, children hardly better than by guessing. So: *whoever is like those in training*.
# Count the mistakes by kinds of people; in the mean over all they hide.
#
# ## Bring your own
#
# We found no real speech that is small, by many people, and free to pass on. But you may bring a recording. Python's
# `wave` reads .wav files; ours have one channel ("mono") and 16 bits a sample, whole numbers up to 32,767. (`ffmpeg -i
# mine.m4a -ac 1 -c:a pcm_s16le mine.wav` makes one.)


# %%
def read_wav(path):
    with wave.open(str(path)) as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise ValueError("one channel and 16 bits a sample, please")
        rate, samples = file.getframerate(), file.readframes(file.getnframes())
    return log_mel(np.frombuffer(samples, "<i2") / 32768, rate)


def write_wav(path, sound, rate=8000):  # to listen to what you have made
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(32767 * sound / np.abs(sound).max()).astype("<i2").tobytes())


with tempfile.TemporaryDirectory() as folder:
    write_wav(Path(folder) / "heed.wav", sound)
    heard = read_wav(Path(folder) / "heed.wav")

# %%
answer = data.VOWELS[tl.predict(networks[0], prepared(heard[None])).argmax()]
difference = np.abs(heard - log_mel(sound / np.abs(sound).max())).max()
print(f"from the file: {answer}; largest difference of the pictures {difference:.4f}")
tones = [np.sin(2 * np.pi * 1000 * np.arange(rate) / rate) for rate in (8000, 44_100)]  # 1,000 Hz at two sampling rates
peaks = [log_mel(tone, len(tone)).mean(axis=1).argmax() for tone in tones]  # each lasts a second
assert answer == "heed" and difference < 0.05 and peaks[0] == peaks[1]

# %% [markdown]
# Before you hope: **these networks know synthetic vowels only**, one to a word, in white noise. What could differ?
#
# > **Predict.** A word is a tenth as loud, and the loudness isn't made equal. The sampling rate is taken for twice what
# > it is. There is no noise. Which does the most harm, to words made by hand?

# %%
classes = np.repeat(np.arange(10), 3)
share = {}
for name, rate, noise, louder in [("as in training", 8000, 0.5, 1), ("a tenth as loud", 8000, 0.5, 0.1),
                                  ("another rate", 16_000, 0.5, 1), ("no noise", 8000, 0, 1)]:  # fmt: skip
    x = np.array([log_mel(recorded(word, who, noise), rate) for word in data.VOWELS for who in range(3)])
    x = prepared(x) + np.float32(np.log(louder**2) / 1.5)  # the logarithm of the power, as prepared divides it
    share[name] = np.mean([tl.accuracy(tl.predict(model, x), classes) for model in networks])
    print(f"{name:<16} {share[name]:.2f}")
assert share["as in training"] > 0.85 and share["a tenth as loud"] < 0.5
assert round(np.log(100) / 1.5) == 3 and share["another rate"] < 0.15 and 0.15 < share["no noise"] < 0.5

# %% [markdown]
# > **What goes wrong.** *The rate:* taken for 16,000, all formants are an octave too high, and nearly nothing is right.
# > Take it from the file, as `read_wav` does. *Loudness:* hardly better, since all numbers are 3 too small; `prepared`
# > mends it. *Noise:* the networks have never heard silence, and read less than half; add noise to yours. How
# > to notice: look at its spectrogram beside one of training.
#
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_frames`. You cut a sound into overlapping frames.
#
# 1. Can the mean be taught? Train with the maximum and with the mean on words of 2 s, `longer(words.x, 140)`, and test
#    at 0.6, 2 and 4 s.
#
# <details><summary>What you should find</summary>
#
# **1.** Partly. At 2 s the mean now has 90 %, the maximum 92. But the mean has learned the *length*: at 0.6 s it has
# about 65 %, at 4 s 50 to 60 %. The maximum has 92 or 93 % at all three.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/data/speech.py`: `vowels`; its `_resonated` is formula (1), with formants that move.
# - `tinydl/nn/convolution.py`: `Conv1d`; `tinydl/plots/training.py`: `confusion_matrix`.
# - `benchmarks/networks/vowels.py`: the same task with 600 words.
#
# Back to the way: [lesson 17](17_deep_networks.py) makes networks of convolutions deep, and
# [lesson 18](18_sequences.py) reads what comes in an order, letter by letter.
