# %% [markdown]
# # 13. The bug lab
#
# Your network learns badly, and nothing has crashed. Where is the bug?
#
# A training program that is wrong almost never stops with an error. It runs, it prints losses, and it learns nothing,
# or a little less than it could. That happens to everybody, again and again. In this lesson you are the doctor. Twelve
# programs are ill, each in one small place of the code. With each you look at the symptom, make a guess, hear what a
# tool says, and then see the wrong line beside the right one.
#
# *You need:* the training loop of [lesson 5](05_layers_and_the_loop.py), the cross-entropy of
# [lesson 7](07_likelihood.py), momentum from [lesson 10](10_optimizers.py), and what `tl.gradcheck` does, from
# [lesson 12](12_trusting_a_gradient.py). At a first reading you may skip the section on `tl.explain`, up to "Which tool
# finds what".
#
# *How to read it:* run one cell at a time, in a notebook. As a script in a terminal it prints all answers, but first it
# waits at the line "YOUR GUESSES FIRST": look at the picture `13_bug_lab_1.png` then, and guess.
#
# There are four tools, in this order: `tl.strict()` watches the program while it runs, `tl.diagnose` looks at the
# network on one batch, `tl.gradcheck` at the derivatives, and `tl.explain` says by which ways one gradient came.

# %%
import textwrap

import _bugs as bugs
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## The healthy program
#
# First the program as it should be. It learns to tell the three arms of a spiral apart: 300 points in the plane, 100
# of each class. It has six short parts, and you have written each of them before, the model and the loop in
# [lesson 5](05_layers_and_the_loop.py). Read them once; every bug below is a change to one place of this text.
#
# The network has three layers of 32 units with tanh behind each, and the scores of the three classes at the end. So
# that there is a derivative that one can get wrong, the rule of tanh is written by hand, as in
# [lesson 4](04_arrays.py):


# %%
def rule_of_tanh(g, y, x):  # g: the gradient that arrives; y = tanh(x)
    return g * (1 - np.tanh(x) ** 2)


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        self.tanh = tl.primitive(np.tanh, rule_of_tanh, name="tanh")
        self.first = nn.Linear(inputs, 32)
        self.hidden = [nn.Linear(32, 32), nn.Linear(32, 32)]
        self.last = nn.Linear(32, outputs)

    def forward(self, x):
        h = self.tanh(self.first(x))
        for layer in self.hidden:
            h = self.tanh(layer(h))
        return self.last(h)


# %% [markdown]
# `tl.primitive` joins a function and its rule to something that the engine can differentiate. Then the examples, the
# model with its optimizer, and the loss:


# %%
def examples():
    spiral = data.spirals(300, noise=0.1, seed=0)
    x, y = spiral.x, spiral.y
    order = np.random.default_rng(0).permutation(300)  # shuffled
    return x[order], y[order]


def make():
    tl.manual_seed(0)
    model = Net(2, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, optimizer


def loss_of(outputs, y):
    return F.cross_entropy(outputs, y)


# %% [markdown]
# And the loop, 60 epochs of six batches. It keeps the mean loss of each epoch.


# %%
def train(epochs=60):
    x, y = examples()
    model, optimizer = make()
    losses = np.zeros((epochs, 6))
    for epoch in range(epochs):
        for k in range(6):
            part = slice(50 * k, 50 * k + 50)
            loss = loss_of(model(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[epoch, k] = loss.item()
    return model, losses.mean(axis=1)


# %%
def accuracy(program, model):
    x, y = program.examples()
    return tl.accuracy(tl.predict(model, x), y)


parts = {
    "rule_of_tanh": rule_of_tanh, "Net": Net, "examples": examples, "make": make, "loss_of": loss_of, "train": train,
}  # fmt: skip
healthy = bugs.plant(0, **parts)  # patient 0 is well: nothing is exchanged
model, right_curve = healthy.train()
print(f"loss {right_curve[0]:.2f} → {right_curve[-1]:.2f}, accuracy {accuracy(healthy, model):.1%}")
assert abs(right_curve[0] - np.log(3)) < 0.1 and right_curve[-1] < 0.1
assert accuracy(healthy, model) > 0.97
assert np.bincount(healthy.examples()[1]).tolist() == [100, 100, 100]

# %% [markdown]
# Remember two numbers. The healthy program ends with nearly all points right. And it *begins* at a loss of about 1.1,
# because a network that knows nothing gives each of the three classes the probability ⅓:
#
# $$ -\log \tfrac13 = \log 3 \approx 1.1 . \tag{1} $$
#
# A loss that stays at 1.1 is guessing.
#
# ## Twelve patients
#
# `bugs.plant(2, **parts)` takes the text of the six parts, exchanges one place of it, and gives back the six parts of
# patient 2: `patient.make`, `patient.train`, and so on. All other text stays the same. (The two stars hand over each
# entry of the dictionary as an argument.) What is exchanged stands in a list, in `_bugs.py`. Leave that file closed:
# `bugs.reveal` will print each line of it, after you have guessed.

# %%
patients, curves, rates = {}, {}, {}
for number in range(1, 13):
    patient = bugs.plant(number, **parts)
    model, curves[number] = patient.train()
    patients[number], rates[number] = patient, accuracy(patient, model)
assert all(abs(curves[n] - np.log(3)).max() < 0.03 for n in (5, 6, 7)) and abs(rates[5] - 0.53) < 0.03
assert curves[10][:28].min() < 0.3 and curves[10].argmax() in range(26, 46) and curves[10].max() > 3
assert curves[10][45:].max() > 0.8  # it doesn't come to rest again

# %% [markdown]
# Each blue curve is a patient, beside the healthy program in grey. The dotted line is the loss of guessing. Patients 1
# and 8 have a scale of their own, since their losses go further up.


# %%
def panel(ax, number):
    ax.axhline(np.log(3), color=GRAY, lw=0.9, ls=":")
    ax.semilogy(range(1, 61), right_curve, color=GRAY, lw=1.4, ls="--")
    ax.semilogy(range(1, 61), curves[number], color=BLUE, lw=1.8)
    ax.set_ylim(0.02, 1e5 if number in (1, 8) else 20)
    ax.set_title(f"patient {number}, {rates[number]:.0%} right{' (own scale)' if number in (1, 8) else ''}", fontsize=9)


# %%
figure, axes = plt.subplots(3, 4, figsize=(10.5, 7.2), sharex=True)
for number, ax in enumerate(axes.flat, start=1):
    panel(ax, number)
figure.supxlabel("epoch")
figure.supylabel("mean loss of the epoch")
figure.suptitle("patient (blue), the healthy program (grey, dashed), guessing (dotted)", fontsize="medium")
show(
    figure,
    "13_bug_lab_1",
    "Twelve losses over 60 epochs, each beside the healthy one, which falls from 1.1 to 0.04. 1 climbs to 20000, 8 "
    "stays in the hundreds; 5, 6, 7 at the loss of guessing, 9 at 0.7. 2 ends at 0.6, 4 at 0.2; 10 jumps to 7.",
)

# %% [markdown]
# ## Your guess
#
# Here is what is wrong with the twelve, out of order:
#
# - **A** all weights begin at 0
# - **B** the tanh's rule has one wrong letter
# - **C** the gradient of the last step is never cleared
# - **D** the examples come sorted by class
# - **E** the network takes the softmax, and so does the loss
# - **F** the two hidden layers are one and the same
# - **G** the learning rate is 10
# - **H** the inputs go from −255 to 255
# - **I** the optimizer doesn't know the last layer
# - **J** each example's outputs are compared with the targets of all
# - **K** the graph is cut behind the first layer
# - **L** the first layer's outputs are always 0
#
# > **Predict.** Which letter belongs to which patient? Write down twelve pairs before you go on. Some can be told from
# > the curve, some can't. That is what the tools are for.

# %%
bugs.wait_for_the_guesses()

# %% [markdown]
# ## The symptoms
#
# Look once more at the picture. There are four kinds of patients.
#
# **Two explode.** 1 climbs for many epochs. 8 is far too high from the first epoch on, and stays there.
#
# **Three guess to the end.** 5, 6 and 7 stay at $\log 3$, three flat lines that no eye can tell apart. But 5 has 53 %
# right, where guessing gives a third. A trace of the labels must reach it; its turn will tell.
#
# **Four learn, but something is odd.** 9 hardly gets anywhere. 2 has nearly all points right, and yet a high loss. 4 is
# slow: nearly all points right, but a loss several times as high as that of the healthy program. And 10 learns for
# more than twenty epochs, then explodes once, and doesn't come to rest again.
#
# **Three look well.** 3, 11 and 12 have nearly all points right in the end, and a low loss, like the healthy program.
# 11 and 12 have a bump on their way, but the healthy curve has one, too.
#
# ## First tool: strict mode
#
# `with tl.strict():` around a loop watches what the program does from step to step. It stops at a mistake that would
# otherwise pass without a word. Five epochs are plenty.


# %%
def strict_says(patient):
    try:
        with tl.strict():
            patient.train(epochs=5)
    except tl.StrictError as error:
        return str(error)
    return ""


def tell(number, findings):
    for line in f"patient {number}: {findings[number]}".splitlines():
        print(textwrap.fill(line, 88, subsequent_indent="    "))


said = {number: strict_says(patient) for number, patient in patients.items()}
print("strict mode stops", ", ".join(f"patient {number}" for number in said if said[number]))
assert [number for number in said if said[number]] == [1, 2, 3, 4, 5] and strict_says(healthy) == ""

# %% [markdown]
# Each of the five sentences says what is wrong, where, and what to write instead. (`patient_2.py:16` is line 16 in the
# text of patient 2.) Compare it with your guess, and then look at the lines under it, the healthy and the patient's.
#
# ### Patient 1

# %%
tell(1, said)
bugs.reveal(1)

# %% [markdown]
# **C: the gradient is never cleared.** `backward` *adds* to the gradient that is there ([lesson 3](03_the_graph.py)).
# Without `zero_grad` every step goes along the sum of all gradients so far, and the steps grow and grow.
#
# ### Patient 2

# %%
tell(2, said)
bugs.reveal(2)
assert abs(np.log(1 + 2 / np.e) - 0.551) < 0.001 and 0.551 < curves[2].min() < 0.6

# %% [markdown]
# **E: softmax twice.** `cross_entropy` takes scores and applies the softmax itself. What it gets are numbers between 0
# and 1, never far apart. Even for the perfect answer, $(1, 0, 0)$, the loss is
#
# $$ -\log \frac{e^1}{e^1 + e^0 + e^0} = \log\Bigl(1 + \frac2e\Bigr) \approx 0.551 . \tag{2} $$
#
# It can't get lower than that, and in the picture it ends at 0.59. This one is treacherous, since the largest score
# stays the largest: the accuracy hardly suffers, only the learning is slow.
#
# ### Patient 3

# %%
tell(3, said)
bugs.reveal(3)

# %% [markdown]
# **K: the graph is cut.** `.data` is the plain array, without a memory of where it came from. The first layer never
# gets a gradient and stays as it was made. The other layers learn the spiral from its 32 random numbers, and they do it
# so well that nobody notices.
#
# ### Patient 4

# %%
tell(4, said)
bugs.reveal(4)

# %% [markdown]
# **I: the optimizer of an older network.** So it goes when you give a trained network a new last layer. The optimizer
# was made before, knows the old layer only, and the new one stays random. The layers before it must place the points so
# that the random layer's scores come out right. They manage, but slowly. Make the optimizer last.
#
# ### Patient 5

# %%
tell(5, said)
bugs.reveal(5)

# %% [markdown]
# **J: all pairs.** Somebody writes the cross-entropy by hand: the labels as rows, $(1, 0, 0)$ and so on, times the
# logarithms of $p$. The formula is right, but `y` was made a column, (50, 1), so the rows have the shape (50, 1, 3).
# Against outputs of shape (50, 3) NumPy broadcasts to (50, 50, 3), as in [lesson 4](04_arrays.py): each example against
# every target of the batch. (`y[:, None]` makes the column; `np.eye(3)[…]` puts a row in place of each label in it.)
# All outputs are pulled to the mean of the batch's targets, about ⅓ for each class. In that mean an example's own label
# is one of fifty: a small trace, but enough for 53 %. Print the shapes, or use a ready loss.
#
# ## Second tool: diagnose
#
# Strict mode is silent about the other seven, and rightly so: as *programs* they are in order. Now look at the network.
# `tl.diagnose` takes a fresh model, one batch, the loss and the optimizer. It looks at every layer, and takes a few
# steps on a copy.
#
# > **Predict.** Five of the seven that remain are illnesses of the network or its data. Which two aren't?


# %%
def diagnosis(patient):
    x, y = patient.examples()
    model, optimizer = patient.make()
    return tl.diagnose(model, (x[:50], y[:50]), loss=patient.loss_of, optimizer=optimizer)


verdicts = {number: diagnosis(patient) for number, patient in patients.items()}
assert not diagnosis(healthy)
noticed = [number for number in verdicts if verdicts[number]]
print("diagnose notices something in", ", ".join(f"patient {number}" for number in noticed))
assert noticed == [2, 3, 4, 6, 7, 8, 9, 10]

# %% [markdown]
# The two are 11 and 12. (Patients 2, 3 and 4 you know already.) Each verdict has a number, and under it what to try.
#
# ### Patient 6

# %%
tell(6, verdicts)
bugs.reveal(6)

# %% [markdown]
# **A: all weights begin at 0.** Units with equal weights compute the same, get the same gradient, and stay equal: 32
# units that are worth one. With zeros it is even worse. On its way down a gradient is multiplied by each layer's
# weights, and times 0 it is 0, so the layers below never learn. Random ones ([lesson 8](08_initialisation.py)) differ.
#
# ### Patient 7

# %%
tell(7, verdicts)
bugs.reveal(7)
x, _ = healthy.examples()
into_relu = healthy.make()[0].first(x) - 3
print(f"inputs up to {np.abs(x).max():.2f}, largest number that comes into the relu {into_relu.max().item():.2f}")
assert np.abs(x).max() <= 1 and into_relu.max().item() < 0

# %% [markdown]
# **L: dead relus.** The relu instead of tanh is no mistake. The −3 is: it acts like a bias of −3 in each unit. The
# inputs are at most 1, and the weights are small, so every number that comes into the relu is negative. What comes out
# is 0, for every example, and where a relu gives 0 its slope is 0, too. So every point gets the same answer, and the
# best that one answer for all can do is ⅓ for each class: log 3. Of the tool's advice, "smaller biases" is the cure:
# take the −3 away. A lower learning rate alone changes nothing here.
#
# ### Patient 8

# %%
tell(8, verdicts)
bugs.reveal(8)

# %% [markdown]
# **G: a learning rate of 10.** Each step jumps far over the valley ([lesson 10](10_optimizers.py)). Patient 1 began
# well and grew worse over many epochs; here the very first steps are too large. The tool's advice, a tenth, and again,
# leads to 0.1, the healthy program. (With patient 1 a lower rate only delays the explosion.)
#
# ### Patient 9

# %%
tell(9, verdicts)
bugs.reveal(9)

# %% [markdown]
# **H: inputs in pixels.** Pixels go up to 255, and so do these coordinates. The first layer's sums are then in the tens
# and hundreds, where tanh is −1 or 1 and flat: it is *saturated*. It passes on hardly any gradient. Scale your inputs
# to about 1 ([lesson 9](09_digits.py)).
#
# ### Patient 10

# %%
tell(10, verdicts)
bugs.reveal(10)
assert curves[10][0] > 1.25 > 1.15 > right_curve[0]

# %% [markdown]
# **D: sorted by class.** The file is sorted, and nobody shuffles. For two batches the network learns "always say 0",
# then "always say 1", then "always say 2". That is why its first epoch, with a mean loss above 1.25, is *worse* than
# guessing. It slowly learns all the same, and then explodes; with half the learning rate it wouldn't. Shuffle.
#
# ## Third tool: gradcheck
#
# The last two look well, are sound as programs, and in good health. So check the derivatives of the whole model with
# its loss, on ten examples, for three numbers of each parameter. (`tl.gradcheck` does so on a copy in float64.)


# %%
def derivatives(patient):
    x, y = patient.examples()
    model, _ = patient.make()
    return tl.gradcheck(lambda x: patient.loss_of(model(x), y[:10]), x[:10], module=model, coordinates=3, directions=2)


checked = {number: derivatives(patient) for number, patient in patients.items()}
print(f"healthy: {derivatives(healthy).verdict}; patient 11: {checked[11].verdict}; patient 12: {checked[12].verdict}")
assert derivatives(healthy) and [number for number in patients if not checked[number]] == [3, 11]

# %% [markdown]
# In patient 11 a derivative is wrong. (In patient 3 as well: its graph is cut, so the engine says 0 for the first
# layer, and the loss does change with it.) Where? Check parts of the model on their own:

# %%
model, _ = patients[11].make()
x, y = patients[11].examples()
h = np.random.default_rng(1).normal(size=(4, 32))
places = {"first": (model.first, x[:4]), "tanh": (model.tanh, h), "hidden[0]": (model.hidden[0], h)}
for name, (part, at) in places.items():
    report = tl.gradcheck(part, at)
    print(f"{name:10} {report.verdict}")
    assert bool(report) == (name != "tanh")

# %% [markdown]
# ### Patient 11

# %%
bugs.reveal(11)

# %% [markdown]
# **B: one wrong letter.** $y$ is the tanh already, so here it is taken twice. For small numbers the two agree, and the
# wrong slope is always positive, only too large. So it still learns, as in [lesson 12](12_trusting_a_gradient.py).
#
# ## Fourth tool: explain
#
# Three tools are silent about patient 12, and its curve looks as good as the healthy one. Ask where a gradient comes
# from: it is a sum over all paths to the loss ([lesson 3](03_the_graph.py)). There we counted from number to number.
# Here a path is a chain of operations on *whole arrays*: a layer is one step, however many units it has. In a plain
# stack of layers there is one such path.
#
# > **Predict.** How many paths are there from the weights of the first hidden layer to the loss, if the second hidden
# > layer is the same object?
#
# We ask about one of these weights, in row 0 and column 1, and give the array a name for the report.


# %%
def explained(patient):
    x, y = patient.examples()
    model, _ = patient.make()
    weight = model.hidden[0].weight
    weight.name = "weight"
    return tl.explain(patient.loss_of(model(x[:50]), y[:50]), weight, index=(0, 1))


why = explained(patients[12])
print(why)
assert explained(healthy).paths == 1 and why.paths == 2
assert sorted(term.operations.count("tanh") for term in why.terms) == [1, 2]

# %% [markdown]
# Read a line from left to right, from `weight` to the loss. `t3`, `t4`, … are the arrays in between, numbered as they
# were made, with the operation that made each. `linear` is a layer, and `weighted_cross_entropy` is what
# `F.cross_entropy` calls. One path goes through two tanhs, the other through one. The weight is used in both places,
# its gradient is the sum, and each step changes "both" layers alike.
#
# ### Patient 12

# %%
bugs.reveal(12)
count, healthy_count = (sum(p.size for p in one.make()[0].parameters()) for one in (patients[12], healthy))
print(count, "parameters, where the healthy network has", healthy_count)
assert healthy_count - count == 32 * 32 + 32

# %% [markdown]
# **F: one layer, twice.** In Python, `[layer] * 2` is a list with the *same* layer twice. Once you suspect something
# like that, count the parameters: one layer of them is missing. (To share a layer on purpose is fine.)
#
# ## Which tool finds what
#
# All four on all twelve. `explain` counts if there isn't exactly one path. (A healthy network with branches has more.)

# %%
NAMES = [
    "C no zero_grad", "E softmax twice", "K .data cuts the graph", "I optimizer of an older network", "J all pairs",
    "A weights begin at 0", "L dead relus", "G learning rate 10", "H inputs in pixels", "D sorted by class",
    "B one wrong letter", "F one layer, twice",
]  # fmt: skip
for number, patient in patients.items():
    sees = {
        "strict": said[number], "diagnose": verdicts[number], "gradcheck": not checked[number],
        "explain": explained(patient).paths != 1,
    }  # fmt: skip
    tools = [tool for tool, noticed in sees.items() if noticed]
    print(f"{number:2}. {NAMES[number - 1]:32} {', '.join(tools)}")
    assert 1 <= len(tools) <= 3

# %% [markdown]
# How many of your twelve pairs were right? Six is a very good score: 1, 2, 4, 8, 9 and 10 have curves of their own, but
# 5, 6, 7 look alike, and so do 3, 11, 12.
#
# No tool notices all. Use `strict` always (`tl.fit` does, at its first steps), `diagnose` when learning is slow,
# `gradcheck` for each rule that you write, and `explain` to know *why* a gradient is what it is.
#
# And by hand, with any library ($K$ is the number of classes):
#
# | The loss | What it may be | How to look |
# |---|---|---|
# | stays at $\log K$; first layers' gradients are 0 | zero weights, dead relus | print weights, relu outputs: all 0? |
# | stays at $\log K$; gradients aren't 0 | all pairs, labels of others | shapes in the loss; draw ten examples |
# | grows for many epochs | no `zero_grad` | is it called, before `backward`? |
# | is huge from the start | learning rate too high | divide it by 100: does the loss fall? |
# | begins above $\log K$ | data sorted by class | print the labels of one batch: all the same? |
# | has a floor, yet the accuracy is high | softmax twice | does the model end in a softmax? |
# | is stuck half way | inputs not scaled, flat tanhs | print the inputs' standard deviation: is it near 1? |
# | falls slowly | a layer doesn't learn | compare its weights before and after a step |
# | looks well | a wrong rule, one layer twice | difference quotients; count the parameters |
#
# ## The thirteenth patient
#
# One more, and this time no tool finds it.

# %%
patient = bugs.plant(13, **parts)
model, curve = patient.train()
silent = not strict_says(patient) and not diagnosis(patient) and bool(derivatives(patient))
print(f"loss {curve[0]:.2f} → {curve[-1]:.2f}, accuracy {accuracy(patient, model):.0%}; are all tools silent? {silent}")
assert silent and explained(patient).paths == 1
assert np.allclose([curve[-1], accuracy(patient, model)], [1.07, 0.44], atol=0.02)

# %% [markdown]
# > **Predict.** The loss begins at that of guessing and hardly leaves it. The program is sound, the network healthy,
# > every derivative right. What is left?
#
# When tools are silent, give the program a task that is too easy to fail: to learn ten examples by heart, as in
# [lesson 9](09_digits.py). Beside patient 13 three others that were guessing try it, 5, 6 and 7.


# %%
def by_heart(patient):
    x, y = patient.examples()
    model, optimizer = patient.make()
    for _ in range(300):
        loss = patient.loss_of(model(x[:10]), y[:10])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return tl.accuracy(tl.predict(model, x[:10]), y[:10])


learned = [by_heart(one) for one in (patient, *(patients[n] for n in (5, 6, 7)))]
print("ten by heart: patient 13 {:.0%}; 5, 6 and 7 {:.0%}, {:.0%}, {:.0%}".format(*learned))
assert learned[0] == 1 and max(learned[1:]) < 0.6
(x, y), (_, shifted) = healthy.examples(), patient.examples()

# %% [markdown]
# 5, 6 and 7 can't even do that: the bug is in the program. Patient 13 can. It learns ten examples, and yet nothing from
# all of them, so the bug is in the data. Look at the examples, as they go into the model:

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.0, 4.4), sharex=True, sharey=True)
for ax, labels, title in zip(axes, (y, shifted), ("the healthy program", "patient 13"), strict=True):
    for k, color, marker in ((0, BLUE, "o"), (1, ORANGE, "s"), (2, PURPLE, "^")):
        mine = labels == k
        ax.scatter(x[mine, 0], x[mine, 1], s=16, color=color, marker=marker, label=f"class {k}")
    ax.set(title=title, xlabel="first coordinate", aspect="equal")
axes[0].set_ylabel("second coordinate")
figure.legend(*axes[0].get_legend_handles_labels(), fontsize="small", loc="outside lower center", ncols=3)
show(
    figure,
    "13_bug_lab_2",
    "Two plots of the same 300 points. In the healthy program each of the three spiral arms has one class. "
    "In patient 13 the three classes are mixed at random along all arms.",
)

# %%
true = tl.accuracy(tl.predict(model, x), y)
print(f"{np.mean(shifted == y):.0%} of patient 13's labels are right, by chance; the network knows {true:.0%}")
assert abs(np.mean(shifted == y) - 1 / 3) < 0.1 and true < 1 / 3
bugs.reveal(13)

# %% [markdown]
# Every example has the label of the example one line above it. The network begins to learn these by heart: hence 44 %
# right, and a loss of 1.07, a little below guessing. Of the true labels it knows nothing. Such a shift happens easily:
# inputs and labels come from two files, and in one a line too many was skipped.
#
# > **What goes wrong.** No tool can know what your labels ought to be. But you can notice it: a loss near that of
# > guessing, while ten examples are learned by heart, means that the inputs say nothing about the targets. **Look at
# > the data.** Draw ten examples with their labels, after all shuffling, just before they go into the model.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_softmax_vjp`, `ex_row_max`, `ex_embedding`, `ex_length`. In each
# somebody wrote a wrong rule, as in patient 11, and you write the right one, as a **vjp** ([lesson 4](04_arrays.py)): a
# function that gets `g`, the gradient of the outputs, and returns the gradient of the input, in the input's shape.
# Three hints. Softmax's rule is formula (5) of [lesson 12](12_trusting_a_gradient.py). Where an axis has vanished,
# `keepdims=True` or `g[:, None]` puts it back. And an *embedding* is a table with a row for each word, from which rows
# are picked; a row picked twice gets both gradients, which `np.add.at` adds up.
#
# 1. Plant a bug of your own: `bugs.LINES[14] = (right, wrong)`, then `bugs.plant(14, **parts)`. Take the step before
#    the gradient, for example: `right = "loss.backward()"`, `wrong = "optimizer.step()\nloss.backward()"`. Predict the
#    symptom. Which tool finds it, and when?
# 2. Cure patient 9 without touching its inputs: make `nn.BatchNorm1d(2)`, a layer that scales each number by its mean
#    and standard deviation over the batch, an attribute of `Net`, and apply it first. What do the tool and curve say?
# 3. In `train`, add up the loss as `total = total + loss` instead of with `loss.item()`, and never reset it. Nothing is
#    wrong with the curve. What is? What does strict mode say?
#
# <details><summary>What you should find</summary>
#
# **1.** No symptom: `zero_grad` has just been called, so the first of the two steps has nothing to go by. Strict mode
# says so at the very first step, "step without backward". The other tools are silent.
#
# **2.** `tl.diagnose` is silent. The loss goes down to about 0.12, and 97 % are right, where it was 0.68 and 58 %.
#
# **3.** `total` keeps the graphs of all steps alive, so memory and time grow with each. Strict mode says after three
# steps: "a graph grows from step to step".
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/watching/strict.py`: `strict`; `tinydl/training/fit.py`: `fit` watches its own first steps.
# - `tinydl/watching/diagnose.py`: the verdicts, with all thresholds and their reasons at the top.
# - `tinydl/explaining/explain.py`, `tinydl/checking/gradcheck.py`: the latter with `module=` checks a whole model.
# - `tinydl/engine/recording.py`: `Observer`, through which all of them watch; the engine knows none of them.
#
# Three more patients, with networks of later lessons, lie in the second ward, [excursion 5](e5_second_ward.py).
#
# Next: [lesson 14](14_build_it_yourself.py), in which you build the engine yourself.
