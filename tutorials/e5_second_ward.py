# %% [markdown]
# # E5. The bug lab, second ward
#
# Your convolution, your recurrent net, your transformer trains, and something is wrong with it. What is it this time?
#
# Three more patients, one of them with a mistake that you know from [lesson 19](19_attention.py): here you see what it
# costs. This page is off the way, an excursion: you may skip it, since nothing later needs it.
#
# *You need:* [lesson 13](13_bug_lab.py), whose rules hold here as well; convolution from
# [lesson 16](16_convolution.py), recurrent nets from [lesson 18](18_sequences.py) and attention from
# [lesson 19](19_attention.py).

# %%
import textwrap

import _bugs as bugs
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, RED, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F


def tell(who, said):
    for line in f"{who}: {said}".splitlines():
        print(textwrap.fill(line, 88, subsequent_indent="    "))


def with_bar(values):  # the mean and its standard error
    return f"{np.mean(values):.3f} ± {np.std(values) / np.sqrt(len(values)):.3f}"


# %% [markdown]
# For each patient you read the healthy program first. `bugs.plant(21, …)` changes or deletes one line of it, and gives
# back the program that is ill. `bugs.reveal(21)` shows the line. Leave `_bugs.py` closed. Each visit goes the same way:
# the **symptom**, your guess, the **tool**, the explanation, and the **cure**, with a number from before and after.
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
def read(losses):  # adds the loss of each batch to the list
    tl.manual_seed(0)
    model, state = Reader(), None
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for start in range(0, 2000, 25):
        x, y = streams[:, start : start + 25], streams[:, start + 1 : start + 26]
        logits, state = model(x, state)
        loss = F.cross_entropy(logits.reshape(-1, letters), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = state.detach()
        losses.append(loss.item())


# %%
def complaint(program, *given):  # the message with which a program stops
    try:
        program(*given)
    except (RuntimeError, ValueError) as error:
        return str(error)
    return ""


patient_21, patient_losses = bugs.plant(21, Reader=Reader, read=read), []
said = complaint(patient_21.read, patient_losses)
print("batches finished:", len(patient_losses), "  stopped by:", said.partition(" (by")[0])

# %% [markdown]
# The second batch stops in its `backward`. The tensor of shape (192, 24) is a weight of the GRU. The optimizer's step
# has changed it after the first batch, as it should.
#
# > **Predict.** The second batch is computed with the new weights. By which way does its `backward` come to the old
# > ones? And which line of `read` would bar that way?

# %%
tell("patient 21", said)
bugs.reveal(21)
assert len(patient_losses) == 1 and "recurrent state carried over" in said

# %% [markdown]
# Here the tool is `backward` itself. The state that the first batch leaves carries that batch's graph with it. The
# second batch begins with this state, so its `backward` goes on into the first graph. But the weights there have
# changed since, and the gradients would be computed with the wrong numbers. tinydl notices and names the cure. `detach`
# keeps the *numbers* of the state and drops its graph. `requires_grad` says whether a tensor carries one:

# %%
_, state = Reader()(streams[:, :25], None)
print("carries a graph:", state.requires_grad, "  after detach:", state.detach().requires_grad)
reader_losses = []
read(reader_losses)
first, last = reader_losses[0], np.mean(reader_losses[-10:])
print(f"before: 1 batch; after: {len(reader_losses)} batches, loss {first:.1f} → {last:.1f}")
assert state.requires_grad and abs(first - 3.7) < 0.1 and abs(last - 2.2) < 0.12

# %% [markdown]
# PyTorch stops in the second `backward` as well, and its message proposes `retain_graph=True`. With that, the next
# message is "modified by an inplace operation": it means the weights, which the step has changed. The cure is the same
# as here, `state.detach()`.
#
# ## Patient 22: the writer
#
# The same text, read by attention. The writer has letters and places, one layer of attention, and the scores of the
# next letter. Each place is to predict the letter after it. The training goes through the text three times.


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
def write():
    tl.manual_seed(0)
    model, losses = Writer(), []
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        for start in range(0, 2975, 25):
            x, y = streams[:, start : start + 25], streams[:, start + 1 : start + 26]
            loss = F.cross_entropy(model(x).reshape(-1, letters), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, losses


# %%
patient_22 = bugs.plant(22, Writer=Writer, write=write)
writer, writer_losses = write()
ill_writer, ill_losses = patient_22.write()
print(f"loss at the end: patient 22 {np.mean(ill_losses[-10:]):.1f}, healthy {np.mean(writer_losses[-10:]):.1f}")
assert np.mean(ill_losses[-10:]) < 0.15 and abs(np.mean(writer_losses[-10:]) - 2.2) < 0.15

# %% [markdown]
# The patient's loss is wonderful, and that is the symptom. The GPT of [lesson 19](19_attention.py) has about 1.8.
# **Nobody predicts Shakespeare's next letter with 0.1.**
#
# > **Predict.** What could make a loss so low?
#
# Let strict mode look on:

# %%
with tl.strict():
    said = complaint(patient_22.write)
tell("patient 22", said)
bugs.reveal(22)

# %% [markdown]
# A mask of True and False has two opposite meanings. In `F.scaled_dot_product_attention` True means *may look*, in
# `nn.MultiheadAttention` *may not*. PyTorch has it so, and tinydl keeps it, so that programs can be carried over.
# Whoever copies a mask from one to the other turns it upside down. Each place of the patient sees all later ones. The
# next letter is among them, and the patient copies it.
#
# There is a test by hand for every model that must not see the future: **change a later letter, and nothing before it
# may change.**


# %%
def sees_the_future(model, x):
    changed = x.copy()
    changed[:, -1] = (x[:, -1] + 1) % letters  # another last letter
    before, after = tl.predict(model, x), tl.predict(model, changed)
    return not np.array_equal(before[:, :-1], after[:, :-1])


window = streams[:1, :25]
print("sees the future: patient 22", sees_the_future(ill_writer, window), "healthy", sees_the_future(writer, window))

# %% [markdown]
# The cure is the `~`. Did it help? The loss of the batch went *up*, from 0.1 to 2.2. So ask for what counts when one
# writes. Give both a **prompt**, the first letters of a text. How well do they say the next letter, which they haven't
# been given? We take 2,000 pieces of a text that neither has read. They lie end to end: pieces that overlap would
# depend on each other, and the standard error behind ± ([lesson 9](09_digits.py)) would be too small. There are two
# things to compare with. A table of pairs knows how often each letter followed each other one. A blind guess among 39
# letters has the loss $-\ln \frac{1}{39} = \ln 39 \approx 3.66$.
#
# > **Predict.** After a prompt of 10 letters the healthy writer has a loss of about 2.2. And patient 22?


# %%
def losses_after(model, pieces, length):  # one number for each piece
    scores = tl.predict(model, pieces[:, :length])[:, -1]
    return F.cross_entropy(scores, pieces[:, length], reduction="none")


pieces = vocabulary.encode(data.shakespeare()[60_000:112_000].lower()).reshape(2000, 26)
ill_curve = [np.mean(losses_after(ill_writer, pieces, length)) for length in range(1, 26)]
writer_curve = [np.mean(losses_after(writer, pieces, length)) for length in range(1, 26)]
gain = losses_after(ill_writer, pieces, 25) - losses_after(writer, pieces, 25)  # piece by piece
counts = np.ones((letters, letters))
np.add.at(counts, (streams[:, :-1], streams[:, 1:]), 1)
shares = counts / counts.sum(axis=1, keepdims=True)
pairs = -np.mean(np.log(shares[pieces[:, :-1], pieces[:, 1:]]))
print(f"10 letters: before {ill_curve[9]:.1f}, after {writer_curve[9]:.1f}; table of pairs {pairs:.1f}")
print(f"25 letters: before {ill_curve[24]:.1f}, after {writer_curve[24]:.1f}; gain {with_bar(gain)}")

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.6))
axes.plot(range(1, 26), ill_curve, "o-", ms=4, color=BLUE, label="patient 22")
axes.axhline(np.log(letters), color=RED, ls=":", label="a blind guess")
axes.axhline(pairs, color=ORANGE, ls="-.", label="a table of pairs")
axes.plot(range(1, 26), writer_curve, "--", color=GRAY, label="the healthy writer")
axes.set(xlabel="letters of the prompt", ylabel="loss of the next letter", ylim=(0, 7.5), title="What they can write")
axes.legend(loc="lower left", ncols=2)
show(figure, "e5_second_ward_1", "The loss of the next letter for prompts of 1 to 25 letters. The patient's jumps "
     "between 3.6 and 6.6, above a blind guess with 3.66 nearly everywhere, and is 2.6 at 25 letters. The healthy "
     "writer's lies near 2.2, below the table of letter pairs with 2.5.")  # fmt: skip
assert np.mean(np.array(ill_curve[:24]) > np.log(letters)) > 0.8 and max(writer_curve[1:]) < pairs < 2.53
assert abs(ill_curve[24] - 2.6) < 0.15 and abs(gain.mean() - 0.4) < 0.15

# %% [markdown]
# Look at the blue curve: with 1 to 24 letters the patient is as bad as a blind guess, or worse. It has learned to copy
# from the places that follow, and behind a prompt there are none. From the second letter on, the healthy writer is
# better than the table of pairs.
#
# **Why is 25 special?** In training, only the last place of the window could not copy. The mask forbids it all places
# but those that follow, and none follows. So it learned from its own letter alone, which the skip connection hands on,
# as a table of pairs does. (For a place that may look nowhere tinydl's attention gives zeros. PyTorch may give NaN,
# and then the mistake is loud.)
#
# So the loss of the batch got worse, and the writer better: by 0.4 per piece with 25 letters, by much more with fewer.
#
# ## Patient 23: the watcher
#
# Two convolutions look at the digits. The network is made to fit whatever comes: it reads the number of channels, and
# what the last layer will get, from the examples.


# %%
def examples():
    digits = data.digits(images=True)
    return digits.x[:, None], digits.y


class Watcher(nn.Module):
    def __init__(self, x, channels):
        self.first = nn.Conv2d(x.shape[1], 16, 3, padding=1)
        self.second = nn.Conv2d(16, channels, 3, padding=1)
        self.last = nn.Linear(self.look(x[:1]).size, 10)

    def look(self, x):
        return F.relu(self.second(F.relu(self.first(x))))

    def forward(self, x):
        return self.last(self.look(x).reshape(len(x), -1))


# %%
def hits(model, x, y):  # trains on 1,200 digits; which of the 597 others does it know?
    adam = optim.Adam(model.parameters(), lr=0.003)
    tl.fit(model, (x[:1200], y[:1200]), loss=F.cross_entropy, optimizer=adam, epochs=6, seed=0, progress=False)
    return tl.predict(model, x[1200:]).argmax(axis=1) == y[1200:]


def watch(seed, channels=16):
    x, y = examples()
    tl.manual_seed(seed)
    return hits(Watcher(x, channels), x, y)


patient_23 = bugs.plant(23, examples=examples, Watcher=Watcher, watch=watch)
patient_hits = patient_23.watch(seed=0)
tl.manual_seed(0)
linear_hits = hits(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), *examples())
print("right: patient 23", with_bar(patient_hits), "  one linear layer", with_bar(linear_hits))
assert abs(patient_hits.mean() - 0.88) < 0.03 and abs(linear_hits.mean() - 0.88) < 0.03

# %% [markdown]
# Nothing complains, and 88 % look well. The symptom shows beside something simpler. After the same six epochs, one
# linear layer knows as many: the two convolutions gain nothing.
#
# > **Predict.** One line of the program is to blame. Which would you look at, and what would you print?

# %%
ill_x, ill_y = patient_23.examples()
healthy_x, healthy_y = examples()
ill_watcher, watcher = patient_23.Watcher(ill_x, channels=16), Watcher(healthy_x, channels=16)
adam = optim.Adam(ill_watcher.parameters(), lr=0.003)
tell("patient 23", tl.diagnose(ill_watcher, (ill_x[:50], ill_y[:50]), F.cross_entropy, adam))
bugs.reveal(23)
print("out of the first layer:", ill_watcher.first(ill_x[:1]).shape, "cured", watcher.first(healthy_x[:1]).shape)
print("into the last layer:", ill_watcher.last.weight.shape[1], "cured", watcher.last.weight.shape[1])
assert ill_watcher.first(ill_x[:1]).shape == (1, 16, 8, 1) and ill_watcher.last.weight.shape == (10, 128)

# %% [markdown]
# Image files, and many libraries, have the channels on the last axis: (examples, height, width, channels). `Conv2d`
# wants them second. Made for `x.shape[1]` channels, it takes the eight *rows* for eight channels, each with weights of
# its own, and moves its kernel over an image of 8 × 1. The idea of a convolution, the same question everywhere, is gone
# between rows. By hand: **print the shape that comes out of the first layer**. A picture of 8 × 8 should still have 8
# rows and 8 columns there.
#
# What does the cure do to the 88 %? It changes *two* things: the axis, and how many numbers the last layer gets, 1,024
# in place of 128. So we need a **control**: a network with the wrong axis, but with as many numbers. With 128 channels
# at the end it has 128 × 8 × 1 = 1,024. Each network is trained with three seeds.
#
# > **Predict.** Where will the control be: beside the patient, beside the healthy network, or between?

# %%
answers = {  # of each seed, which digits were right
    "patient 23:\n128 numbers": [patient_23.watch(seed) for seed in range(3)],
    "control: wrong axis,\n1,024 numbers": [patient_23.watch(seed, channels=128) for seed in range(3)],
    "healthy:\n1,024 numbers": [watch(seed) for seed in range(3)],
}
figure, axes = plt.subplots(figsize=(6.4, 3.4))
for column, right in enumerate(answers.values()):
    axes.plot([column] * 3, 100 * np.mean(right, axis=1), "o", color=BLUE)
axes.set(xlim=(-0.6, 2.6), ylim=(86, 96), ylabel="right answers (%)", title="Three networks, three seeds each")
axes.set_xticks(range(3), answers)
show(figure, "e5_second_ward_2", "Right answers of three networks, a dot for each of three seeds. Patient 23: "
     "88 to 89 %. The control, with the wrong axis and 1,024 numbers: 89 to 91 %. Healthy: 93 to 94 %.")  # fmt: skip

# %%
before, control, after = answers.values()
axis_gain = np.mean(after, axis=0) - np.mean(control, axis=0)  # digit by digit
print(f"right: before {np.mean(before):.3f}, control {np.mean(control):.3f}, after {np.mean(after):.3f}")
print("gain by the right axis, digit by digit:", with_bar(axis_gain))
assert abs(np.mean(control) - 0.90) < 0.02 and abs(np.mean(after) - 0.93) < 0.02 and np.mean(axis_gain) > 0.015

# %% [markdown]
# The patient knows 88 % and the healthy network 93 %. But the control has 90 %: a part of the five points is size. The
# right axis gains about 3 points, several error bars, though the control is the larger network (its second layer too).
#
# > **What goes wrong.** *A network that is made to fit anything also fits what is wrong.* Write down the number that
# > you expect, `nn.Conv2d(1, 16, …)`, and a wrong axis becomes an error with a sentence:

# %%
said = complaint(nn.Conv2d(1, 16, 3, padding=1), ill_x[:1])
tell("with Conv2d(1, 16, 3)", said)

# %% [markdown]
# ## What to take along
#
# | The network | The mistake | What finds it | By hand, with any library |
# |---|---|---|---|
# | carries a state | not detached | the second `backward` stops | print `state.requires_grad` between two batches |
# | attention | mask upside down | `tl.strict()` | change a later letter |
# | convolution | channels last | `tl.diagnose`, or a fixed number of channels | print the first layer's shape |
#
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_influence`, the test of patient 22 for each pair of places.
#
# 1. In `Reader`, forget `batch_first=True`. The first axis is time then, as by default in PyTorch. Does the program
#    stop? What do the loss and strict mode say? Look at `state.shape`, and find a test like that with the later letter.
#
# <details><summary>What you should find</summary>
#
# **1.** It runs, and strict mode is silent, since the shapes fit: 20 letters are read as if they were one behind the
# other, though they come from 20 streams. It learns, too, but stays at about 2.5, where the healthy one reaches 2.2.
# The state has the shape (1, 25, 64), where 20 streams should have 20 states. The test: change a letter in the first
# stream only. Healthy, the outputs for the other streams stay the same; here they change.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/engine/tensor.py`: the stamps by which a backward pass notices that a value has changed.
# - `tinydl/watching/strict.py`: `_LooksAhead`, which knows a mask that is the wrong way round.
# - `tinydl/watching/diagnose.py`: `_channels`; `tinydl/functional/convolution.py`: the sentences about wrong shapes.
#
# Back to the way: it ends with [lesson 23](23_keeping_secrets.py).
