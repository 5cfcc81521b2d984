# %% [markdown]
# # E5. The bug lab, second ward
#
# Your convolution, your recurrent net, your transformer trains, and something is wrong with it. What is it this time?
#
# Three more patients, each with a mistake that people report again and again. This page is off the way: an excursion
# for whoever has done the lessons that it names, and nothing later needs it.
#
# *You need:* [lesson 13](13_bug_lab.py), whose rules hold here as well; convolution from
# [lesson 16](16_convolution.py), recurrent nets from [lesson 18](18_sequences.py) and attention from
# [lesson 19](19_attention.py).

# %%
import textwrap

import _bugs as bugs
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F


def tell(who, said):
    for line in f"{who}: {said or 'nothing to say'}".splitlines():
        print(textwrap.fill(line, 88, subsequent_indent="    "))


def with_bar(values):  # the mean and its standard error
    return f"{np.mean(values):.3f} ± {np.std(values) / np.sqrt(len(values)):.3f}"


# %% [markdown]
# For each patient there is a healthy program. `bugs.plant(21, …)` takes its text, exchanges one line, and gives it back
# ill; `bugs.reveal(21)` prints that line. Leave `_bugs.py` closed. Each visit goes the same way: the healthy program's
# text and the **symptom**, your guess, the **tool** that finds the mistake, the explanation, and the **cure**, with a
# number from before and from after.
#
# `with_bar` adds the error bar. Where answers are right or wrong, 1 or 0, it is $\sqrt{p(1-p)/n}$, as in
# [lesson 9](09_digits.py). It asks for $n$ cases that don't depend on each other.
#
# ## Patient 21: the reader
#
# A recurrent net reads Shakespeare and says after each letter which comes next. The text is cut into twenty
# **streams**, long pieces that are read side by side. Each batch is the next 25 letters of all twenty. So that the net
# knows what came before, the state in which it ends one batch is the state in which it begins the next.

# %%
text = data.shakespeare()[:60_000].lower()
vocabulary = data.Vocabulary(text)
streams = vocabulary.encode(text).reshape(20, 3000)
letters = len(vocabulary)


class Reader(nn.Module):
    def __init__(self):
        self.letter, self.out = nn.Embedding(letters, 24), nn.Linear(64, letters)
        self.gru = nn.GRU(24, 64, batch_first=True)

    def forward(self, x, state):
        states, state = self.gru(self.letter(x), state)
        return self.out(states), state


# %%
def read(batches=80):
    tl.manual_seed(0)
    model, state, losses = Reader(), None, []
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for start in range(0, 25 * batches, 25):
        x, y = streams[:, start : start + 25], streams[:, start + 1 : start + 26]
        logits, state = model(x, state)
        loss = F.cross_entropy(logits.reshape(-1, letters), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = state.detach()
        losses.append(loss.item())
    return losses


# %% [markdown]
# > **Predict.** Patient 21 differs in one line of `read`. Its first batch is fine, in the second `backward` stops with
# > an error. Which line could it be?


# %%
def complaint(program):
    try:
        with tl.strict():
            program()
    except (RuntimeError, ValueError) as error:
        return str(error)
    return ""


patient = bugs.plant(21, Reader=Reader, read=read)
assert complaint(lambda: patient.read(batches=1)) == ""
said = complaint(lambda: patient.read(batches=2))
tell("patient 21, second batch", said)
bugs.reveal(21)
assert "recurrent state carried over" in said and "h.detach()" in said

# %% [markdown]
# Here the tool is `backward` itself. The state that the first batch leaves remembers how it was computed. The second
# batch begins with it, so its loss hangs on *both* graphs, and `backward` walks through the first one again. But the
# step has changed the weights since: the gradients of the first graph would be computed with the wrong numbers. tinydl
# notices and names the cure. `detach` cuts the thread: the *numbers* of the state go on, its history doesn't.

# %%
reader = bugs.plant(0, Reader=Reader, read=read)
losses = reader.read()
print(f"before: stops in batch 2; after: {len(losses)} batches, loss {losses[0]:.2f} → {np.mean(losses[-10:]):.2f}")
assert abs(losses[0] - np.log(letters)) < 0.1 and abs(np.mean(losses[-10:]) - 2.2) < 0.12

# %% [markdown]
# Before, it stopped in the second batch. Now it reads all 80, and the loss falls from 3.7 to 2.2.
#
# In PyTorch the message speaks of going "through the graph a second time", and many answer with `retain_graph=True`,
# which keeps the graph. Where no step changes the weights in between, nothing stops at all. Then the second batch walks
# through two graphs, the third through three, and all $N$ together through
#
# $$ 1 + 2 + \dots + N = \frac{N (N + 1)}{2} . \tag{1} $$
#
# Count the operations behind the loss of each batch, without `detach` and with it:


# %%
def behind(loss):  # how many operations a backward pass from here would walk through
    seen, ahead = set(), [loss]
    while ahead:
        x = ahead.pop()
        if isinstance(x, tl.Tensor) and x.primitive is not None and id(x) not in seen:
            seen.add(id(x))
            ahead += x.inputs
    return len(seen)


# %%
for cut in (False, True):
    tl.manual_seed(0)
    model, state, counts = Reader(), None, []
    for start in range(0, 100, 25):
        logits, state = model(streams[:, start : start + 25], state)
        counts.append(behind(logits.sum()))
        state = state.detach() if cut else state
    print("detached" if cut else "not detached", counts)
    assert max(counts) - min(counts) <= 2 if cut else counts[3] > 3 * counts[0]

# %% [markdown]
# Memory grows with the first row, since all of it is kept. With `detach` nothing grows: the net hears of all that came
# before, but learns only from the last 25 letters.
#
# ## Patient 22: the writer
#
# The same text, read by attention. The writer's program is short: letters and places, one layer of attention, and the
# scores of the next letter. Each place is to predict the letter after it.


# %%
class Writer(nn.Module):
    def __init__(self):
        self.letter, self.place = nn.Embedding(letters, 32), nn.Embedding(25, 32)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.out = nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, letters))

    def forward(self, x):
        places = x.shape[1]
        forbidden = ~np.tri(places, dtype=bool)  # True: may not look
        h = self.letter(x) + self.place.weight[:places]
        h = h + self.attention(h, h, h, attn_mask=forbidden)[0]
        return self.out(h)


# %%
def write(batches=120):
    tl.manual_seed(0)
    model, losses = Writer(), []
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for start in range(0, 20 * batches, 20):
        x, y = streams[:, start : start + 25], streams[:, start + 1 : start + 26]
        loss = F.cross_entropy(model(x).reshape(-1, letters), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


# %% [markdown]
# > **Predict.** The picture shows the losses of the healthy writer and of patient 22. Which of the two would you
# > rather have?

# %%
writer, patient = (bugs.plant(number, Writer=Writer, write=write) for number in (0, 22))
(healthy, right), (ill, wrong) = writer.write(), patient.write()
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.plot(right, color=GRAY, ls="--", label="the healthy writer")
axes.plot(wrong, color=BLUE, label="patient 22")
axes.set(xlabel="step", ylabel="loss of the batch", ylim=(0, 4), title="Two writers")
axes.legend(loc="center right", bbox_to_anchor=(1, 0.4))
show(figure, "e5_second_ward_1", "Two losses over 120 steps, both from about 3.7. The healthy writer's falls to 2.4 "
     "and stays about there. The patient's goes on falling, far below it, to about 0.1.")  # fmt: skip
print(f"loss at the end: healthy {np.mean(right[-10:]):.2f}, patient 22 {np.mean(wrong[-10:]):.2f}")
assert 2.1 < np.mean(right[-10:]) < 2.6 and np.mean(wrong[-10:]) < 0.8

# %% [markdown]
# The patient's loss is wonderful, and that is the symptom. A table that knows one letter back has about 2.5, the GPT of
# [lesson 19](19_attention.py) about 1.8 after four plays. **Nobody predicts Shakespeare's next letter with 0.1.** So
# let strict mode look on, for one step:

# %%
said = complaint(lambda: patient.write(batches=1))
tell("patient 22", said)
bugs.reveal(22)
assert "looks ahead" in said and complaint(lambda: writer.write(batches=1)) == ""

# %% [markdown]
# A mask of True and False has two opposite meanings. In `F.scaled_dot_product_attention` True means *may look*, in
# `nn.MultiheadAttention` *may not*. PyTorch has it so, and tinydl keeps it, so that programs can be carried over.
# Whoever copies a mask from one to the other turns it upside down. Each place of the patient sees all later ones, the
# next letter among them, and copies it. Only the last place sees nothing but its own letter, which goes past the
# attention, in `h + …`. (There the attention gives zeros. PyTorch may give NaN, and then the mistake is loud.)
#
# There is a test by hand for every model that must not see the future: **change a later letter, and nothing before it
# may change.**


# %%
def sees_the_future(model):
    x = streams[:1, :25].copy()
    before = tl.predict(model, x)[0, :-1]
    x[0, -1] = (x[0, -1] + 1) % letters  # another last letter
    return not np.array_equal(before, tl.predict(model, x)[0, :-1])


print("sees the future: patient 22", sees_the_future(ill), "healthy", sees_the_future(healthy))
assert sees_the_future(ill) and not sees_the_future(healthy)

# %% [markdown]
# The cure is the `~`. Did it help? The loss of the batch went *up*, from 0.1 to 2.5. So ask for what counts when one
# writes: the letter after the last place, which nobody has seen. Take 2,000 pieces of a text that neither of them has
# read. They lie end to end: if they overlapped, they would share letters, and the error bar would be too small.
#
# > **Predict.** At the last place the healthy writer has a loss of about 2.5, as in training. And patient 22?


# %%
def losses_at(model, places):  # one number for each piece
    losses = F.cross_entropy(tl.predict(model, x).reshape(-1, letters), y.reshape(-1), reduction="none")
    return losses.reshape(2000, 25)[:, places].mean(axis=1)


pieces = vocabulary.encode(data.shakespeare()[60_000:112_000].lower()).reshape(2000, 26)
x, y = pieces[:, :-1], pieces[:, 1:]
last, others = slice(24, 25), slice(0, 24)
for who, model in (("before", ill), ("after", healthy)):
    print(f"{who:<6}  other places {with_bar(losses_at(model, others))}, last {with_bar(losses_at(model, last))}")
gain = losses_at(ill, last) - losses_at(healthy, last)  # piece by piece
print("at the last place the cure gains", with_bar(gain))
assert losses_at(ill, others).mean() < 0.1 and abs(losses_at(healthy, last).mean() - 2.5) < 0.12
assert abs(losses_at(ill, last).mean() - 2.7) < 0.2 and abs(gain.mean() - 0.25) < 0.15

# %% [markdown]
# Where the patient can see the next letter, its loss is nearly 0; where it can't, 2.7. After the cure it is 2.5 in all
# places. So the loss of the batch got worse, and the writer better: by about 0.25, many error bars.
#
# ## Patient 23: the watcher
#
# Two convolutions look at the digits. The network is made to fit whatever comes: it reads the number of channels, and
# what the last layer will get, from the examples.


# %%
def examples():
    digits = data.digits(images=True)
    return digits.x[:, None], digits.y  # (1797, 1, 8, 8): one channel, 8 rows, 8 columns


def watcher(x, seed):
    tl.manual_seed(seed)
    eyes = nn.Sequential(nn.Conv2d(x.shape[1], 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
    return nn.Sequential(eyes, nn.Flatten(), nn.Linear(eyes(x[:1]).size, 10))


def watch(seed=0):
    x, y = examples()
    model = watcher(x, seed)
    return model, hits(model, x, y)


# %%
def hits(model, x, y):  # trains on 1,200 digits; which of the 597 others does it know?
    adam = optim.Adam(model.parameters(), lr=0.003)
    tl.fit(model, (x[:1200], y[:1200]), loss=F.cross_entropy, optimizer=adam, epochs=6, seed=0, progress=False)
    return tl.predict(model, x[1200:]).argmax(axis=1) == y[1200:]


parts = {"examples": examples, "watcher": watcher, "watch": watch}
patient = bugs.plant(23, **parts)
sick, before = patient.watch()
tl.manual_seed(0)
plain = hits(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), *examples())
print("right: patient 23", with_bar(before), " one linear layer", with_bar(plain))
assert abs(before.mean() - 0.88) < 0.03 and abs(plain.mean() - 0.88) < 0.03

# %% [markdown]
# Nothing complains, and 88 % look well. The symptom shows beside something simpler: one linear layer has as many,
# within the error bars. So the two convolutions gain nothing.
#
# > **Predict.** One line of the three functions is to blame. Which would you look at?


# %%
def diagnosis(program):
    x, y = program.examples()
    model = program.watcher(x, seed=0)
    return tl.diagnose(model, (x[:50], y[:50]), F.cross_entropy, optim.Adam(model.parameters(), lr=0.003))


healthy_program = bugs.plant(0, **parts)
tell("patient 23", diagnosis(patient))
bugs.reveal(23)
assert [v.code for v in diagnosis(patient)] == ["channels_last"] and not diagnosis(healthy_program)

# %% [markdown]
# Image files, and many libraries, have the channels on the last axis: (examples, height, width, channels). `Conv2d`
# wants them second. Made for `x.shape[1]` channels, it takes the eight *rows* for eight channels, each with weights of
# its own, and moves its kernel over an image of 8 × 1. The idea of a convolution, the same question everywhere, is gone
# between rows.
#
# Without any tool: **print the shape that comes out of the first layer**. A picture of 8 × 8 should still have 8 rows
# and 8 columns there. And what does the cure do to the 88 %? The error bar speaks of the 597 digits alone; what the
# seed does, three networks say.

# %%
sound, after = healthy_program.watch()
shapes = [model[0][0](one.examples()[0][:1]).shape for one, model in ((patient, sick), (healthy_program, sound))]
gain = after.astype(float) - before  # digit by digit
print("shape: before", shapes[0], "after", shapes[1])
print(f"right: before {with_bar(before)}, after {with_bar(after)}; digit by digit, {with_bar(gain)} more")
shares = np.array([[program.watch(seed)[1].mean() for seed in range(3)] for program in (patient, healthy_program)])
print("three seeds: before", shares[0].round(3), "after", shares[1].round(3))
assert shapes == [(1, 16, 8, 1), (1, 16, 8, 8)] and gain.mean() > 2 * gain.std() / np.sqrt(597)
assert abs(after.mean() - 0.93) < 0.03 and shares[0].max() < shares[1].min() and np.ptp(shares, axis=1).max() < 0.04

# %% [markdown]
# From 88 % to 93 %, each give or take about one. Both had the same digits; so compared, the gain is 5 points, give or
# take one, and no seed turns it round.
#
# > **What goes wrong.** *A network that is made to fit anything also fits what is wrong.* Write down the number that
# > you expect, `nn.Conv2d(1, 16, …)`, and a wrong axis becomes an error with a sentence:

# %%
said = complaint(lambda: nn.Conv2d(1, 16, 3, padding=1)(patient.examples()[0][:1]))
tell("with Conv2d(1, 16, 3)", said)
assert "np.moveaxis(x, -1, 1)" in said

# %% [markdown]
# ## What to take along
#
# | The network | The mistake | What finds it | By hand, with any library |
# |---|---|---|---|
# | carries a state | not detached | the second `backward` stops | time per batch: does it grow? |
# | attention | mask upside down | `tl.strict()` | change a later letter |
# | convolution | channels last | `tl.diagnose`, or a fixed number of channels | print the first layer's shape |
#
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_channels_first`, the cure for images as they come from files.
#
# 1. In `Reader`, forget `batch_first=True`. The first axis is time then, as by default in PyTorch. Does the program
#    stop? What does the loss say, what does strict mode? Look at `state.shape`, and find a test by hand, like that with
#    the later letter.
#
# <details><summary>What you should find</summary>
#
# **1.** It runs, and strict mode is silent, since the shapes fit: 20 letters are read as if they were one behind the
# other, though they come from 20 streams. It learns, too, but stays at about 2.5, where the healthy one reaches 2.2.
# The state has the shape (1, 25, 64), where 20 streams should have 20 states. The test: an example's outputs must not
# depend on the *other examples*. Change a letter in the first stream only (the false time runs on from there). Healthy,
# the outputs for the other streams stay the same; here they change.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/engine/tensor.py`: the stamps by which a backward pass notices that a value has changed.
# - `tinydl/watching/strict.py`: `_LooksAhead`, which knows a mask that is the wrong way round.
# - `tinydl/watching/diagnose.py`: `_channels`; `tinydl/watching/verdicts.py`: what it says.
# - `tinydl/functional/convolution.py`: the sentences about wrong shapes.
#
# Back to the way: it went on to [lesson 19](19_attention.py).
