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


# %% [markdown]
# As in the first ward, there is a healthy program for each patient. `bugs.plant(21, …)` takes its text, exchanges one
# line, and gives it back ill; `bugs.reveal(21)` prints that line. Leave `_bugs.py` closed. Each time you see the
# healthy program and the symptom first: guess the line before you read on.
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
print(letters, "different letters and signs")
assert letters == 39


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


# %%
reader = bugs.plant(0, Reader=Reader, read=read)
losses = reader.read()
print(f"the healthy reader: loss {losses[0]:.2f} → {np.mean(losses[-10:]):.2f}")
assert abs(losses[0] - np.log(letters)) < 0.1 and np.mean(losses[-10:]) < 2.4

# %% [markdown]
# > **Predict.** Patient 21 differs in one line of `read`. Its first batch is fine, in the second `backward` stops with
# > an error. Which line could it be?


# %%
def complaint(program):
    try:
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
# The state that the first batch leaves remembers how it was computed. The second batch begins with it, so its loss
# hangs on *both* graphs, and `backward` walks through the first one again. But the step has changed the weights since,
# and the gradients of the first graph would be computed with the wrong numbers. tinydl notices, stops, and names the
# cure. No tool was needed.
#
# In PyTorch the first message speaks of going "through the graph a second time". Many answer with an option that keeps
# the graph, `retain_graph=True`, and then meet the second, which is ours. And where no step lies between, say because
# one step is made of many batches, nothing stops at all. Then the second batch walks through two, the third through
# three, and all $N$ of them through
#
# $$ 1 + 2 + \dots + N = \frac{N (N + 1)}{2} . \tag{1} $$
#
# Count it: how many operations are there behind the loss of each batch?


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
    print("detached:    " if cut else "not detached:", counts)
    assert max(counts) - min(counts) <= 2 if cut else counts[3] > 3 * counts[0]

# %% [markdown]
# Memory grows with these numbers, since all of it is kept. `detach` cuts the thread: the *numbers* of the state go on,
# its history doesn't. So the net hears of the past, but learns only from the last 25 letters.
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
# [lesson 19](19_attention.py) about 1.8 after four plays. **Nobody predicts Shakespeare's next letter with 0.1.** Let
# both write. Each is given the beginning of a text and says the most likely next letter, which is appended, and so on.
# Then ask both about pieces that they haven't read, at the last place and at the others:


# %%
def go_on(model, start, count=24):
    text = start
    for _ in range(count):
        window = vocabulary.encode(text[-25:])[None]
        text += vocabulary.decode(tl.predict(model, window)[0, -1:].argmax(axis=-1))
    return text


print("healthy:   ", repr(go_on(healthy, "my lord, ")))
print("patient 22:", repr(go_on(ill, "my lord, ")))

# %%
pieces = np.concatenate([streams[:, start : start + 26] for start in range(2430, 2970, 10)])  # 1,080 new ones
x, y = pieces[:, :-1], pieces[:, 1:]


def right_at(model, places):
    return np.mean((tl.predict(model, x).argmax(axis=-1) == y)[:, places])


last, others = slice(24, 25), slice(0, 24)
for who, model in (("healthy", healthy), ("patient 22", ill)):
    print(f"{who}: right at {right_at(model, others):.0%} of the other places, {right_at(model, last):.0%} of the last")
assert right_at(ill, others) > 0.95 and 0.2 < right_at(healthy, others) < 0.4
assert right_at(ill, last) < right_at(healthy, last) + 0.02 and abs(right_at(healthy, last) - 0.26) < 0.05

# %% [markdown]
# When it writes, only the last place counts, and there it isn't better than the healthy writer: about a quarter, to
# within two points. At all other places it is always right. So the answer must reach it there. There is a test for
# every model that must not see the future: **change a later letter, and nothing before it may change.**


# %%
def sees_the_future(model):
    x = streams[:1, :25].copy()
    before = tl.predict(model, x)[0, :-1]
    x[0, -1] = (x[0, -1] + 1) % letters  # another last letter
    return not np.array_equal(before, tl.predict(model, x)[0, :-1])


print("sees the future: healthy", sees_the_future(healthy), "patient 22", sees_the_future(ill))
assert sees_the_future(ill) and not sees_the_future(healthy)

# %% [markdown]
# It does. Strict mode says where, at the first step:


# %%
def one_strict_step(program):
    with tl.strict():
        program.write(batches=1)


said = complaint(lambda: one_strict_step(patient))
tell("patient 22", said)
bugs.reveal(22)
assert "looks ahead" in said and complaint(lambda: one_strict_step(writer)) == ""

# %% [markdown]
# A mask of True and False has two opposite meanings. In `F.scaled_dot_product_attention` True means *may look*, in
# `nn.MultiheadAttention` *may not*. PyTorch has it so, and tinydl keeps it, so that programs can be carried over.
# Whoever copies a mask from one to the other turns it upside down. Here each place saw all later ones, and not even
# itself (its own letter went past the attention, in `h + …`). The last place saw nothing, and gets zeros; PyTorch may
# give NaN there, and then the mistake is loud.
#
# ## Patient 23: the watcher
#
# Two convolutions look at the digits. The network is made to fit whatever comes: it reads the number of channels, and
# what the last layer will get, from the examples.


# %%
def examples():
    digits = data.digits(images=True)
    return digits.x[:, None], digits.y  # (1797, 1, 8, 8): one channel, 8 rows, 8 columns


def watcher(x):
    tl.manual_seed(0)
    eyes = nn.Sequential(nn.Conv2d(x.shape[1], 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())
    return nn.Sequential(eyes, nn.Flatten(), nn.Linear(eyes(x[:1]).size, 10))


def watch(epochs=6):
    x, y = examples()
    model = watcher(x)
    optimizer = optim.Adam(model.parameters(), lr=0.003)
    tl.fit(
        model, (x[:1200], y[:1200]), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, seed=0, progress=False
    )
    return model, tl.accuracy(tl.predict(model, x[1200:]), y[1200:])


# %%
parts = {"examples": examples, "watcher": watcher, "watch": watch}
healthy_program, patient = bugs.plant(0, **parts), bugs.plant(23, **parts)
(sound, accuracy), (sick, lower) = healthy_program.watch(), patient.watch()
print(f"of 597 digits: healthy {accuracy:.1%}, patient 23 {lower:.1%}")
assert 0.9 < accuracy < 0.98 and 0.8 < lower < accuracy

# %% [markdown]
# > **Predict.** Nothing complains; the patient makes nearly twice as many mistakes, as a somewhat worse network would.
# > Which line of the three functions would you look at?

# %%
x, y = patient.examples()
model = patient.watcher(x)
verdict = tl.diagnose(model, (x[:50], y[:50]), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.003))
tell("patient 23", verdict)
bugs.reveal(23)
x, y = healthy_program.examples()
model = healthy_program.watcher(x)
assert [v.code for v in verdict] == ["channels_last"]
assert not tl.diagnose(model, (x[:50], y[:50]), F.cross_entropy, optim.Adam(model.parameters(), lr=0.003))

# %% [markdown]
# Image files, and many libraries, have the channels on the last axis: (examples, height, width, channels). `Conv2d`
# wants them second. Made for one channel, it would have complained. Made for `x.shape[1]` channels it takes the eight
# *rows* for eight channels, each with weights of its own, and moves its kernel over an image of 8 × 1. The idea of a
# convolution, the same question everywhere, is gone between rows.
#
# > **What goes wrong.** A network that is made to fit anything also fits what is wrong. Write down the number that you
# > expect, `nn.Conv2d(1, 16, …)`, and a wrong axis becomes an error with a sentence:

# %%
said = complaint(lambda: nn.Conv2d(1, 16, 3, padding=1)(patient.examples()[0][:1]))
tell("with Conv2d(1, 16, 3)", said)
assert "np.moveaxis(x, -1, 1)" in said

# %% [markdown]
# And without any tool: **print the shape that comes out of the first layer**. A picture of 8 × 8 should still have 8
# rows and 8 columns there.

# %%
first_image, _ = healthy_program.examples()
its_first_image, _ = patient.examples()
right_shape, wrong_shape = sound[0][0](first_image[:1]).shape, sick[0][0](its_first_image[:1]).shape
print("healthy", right_shape, " patient 23", wrong_shape)
assert right_shape == (1, 16, 8, 8) and wrong_shape == (1, 16, 8, 1)

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
