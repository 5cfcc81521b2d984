# %% [markdown]
# # 13. The bug lab
#
# A training program almost never crashes when it is wrong. It runs, prints losses, and learns badly, or a little
# less well than it could. **Twelve bugs that everybody meets: what does each do to the curve, and which tool finds
# it?**
#
# [Lesson 11](12_trusting_a_gradient.py) was about wrong derivatives. Here most derivatives are right, and the
# program around them is wrong. There are four tools:
#
# | tool | what it looks at | what it says |
# |---|---|---|
# | `tl.strict()` | the program, while it runs | an error for a mistake that would pass in silence |
# | `tl.diagnose(…)` | the network, on one batch | verdicts: what is ill, with the number behind it |
# | `tl.gradcheck(…)` | the derivatives | right or wrong, and the cause |
# | `tl.explain(…)` | one gradient | by which paths it came, and by which rules |

# %%
import _bugs as bugs
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show
from matplotlib.colors import ListedColormap

import tinydl as tl

lab = bugs.Lab()  # examples(), model(), loss, optimizer(model): the parts of the program
x, y = lab.examples()
print(x.shape, np.bincount(y))
print(lab.model())

# %% [markdown]
# ## The program
#
# The spiral again, three classes with 100 points each, in batches of 50. The parts come from the `lab`; what remains is
# the loop that you have written many times by now. This one is right.


# %%
def program(lab, epochs=60):
    tl.manual_seed(0)
    (x, y), model = lab.examples(), lab.model()
    optimizer = lab.optimizer(model)
    losses = []
    for step in range(6 * epochs):
        part = slice(50 * (step % 6), 50 * (step % 6) + 50)
        loss = lab.loss(model(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, np.array(losses)


# %%
def accuracy(model, lab):
    x, y = lab.examples()
    return tl.accuracy(tl.predict(model, x), y)


model, healthy = program(lab)
print(f"loss {healthy[:6].mean():.2f} → {healthy[-6:].mean():.2f}, accuracy {accuracy(model, lab):.1%}")
assert abs(healthy[0] - np.log(3)) < 0.2  # a fresh network guesses: log 3
assert healthy[-6:].mean() < 0.15
assert accuracy(model, lab) > 0.97

# %% [markdown]
# About 99 % after 60 epochs. Remember where a loss begins: three classes and a network that knows nothing give
# $-\log\tfrac13 = \log 3 \approx 1.1$.
#
# ## The patients
#
# Each bug is a context manager: inside `with bug(lab):` the program is wrong, afterwards it is right again. Their
# sources are in [_bugs.py](_bugs.py); the first line of each tells what somebody has really written.

# %%
NAMES = [
    "zero_grad_forgotten", "softmax_twice", "tanh_of_the_array", "optimizer_of_the_old_layer",
    "squared_error_of_all_pairs", "started_at_zero", "biases_far_below", "rate_too_high", "inputs_in_pixels",
    "sorted_by_class", "wrong_letter_in_a_rule", "one_layer_times_two",
]  # fmt: skip
for number, name in enumerate(NAMES, 1):
    print(f"{number:2}. {name.replace('_', ' ')}: {getattr(bugs, name).__doc__}")

# %% [markdown]
# > **Predict.** For each of the twelve, before you go on: does the loss (a) explode, (b) stay where it was, (c) go
# > down but not far enough, (d) go down as if nothing were wrong? Write down twelve letters.
#
# The fifth needs targets that are numbers, so it has a lab of its own: `bugs.regression()` fits a curve.

# %%
with bugs.squared_error_of_all_pairs(lab):  # inside, the parts are wrong ...
    assert lab.loss is not bugs.F.cross_entropy
assert lab.loss is bugs.F.cross_entropy  # ... and afterwards right again
labs = {name: bugs.regression() if name == "squared_error_of_all_pairs" else lab for name in NAMES}
curves, finals = {}, {}
for name, at in labs.items():
    with getattr(bugs, name)(at):
        model, curves[name] = program(at)
        finals[name] = accuracy(model, at) if at is lab else np.nan
_, fit_healthy = program(labs["squared_error_of_all_pairs"])

# %%
figure, axes = plt.subplots(3, 4, figsize=(10.5, 6.6), sharex=True, sharey=True)
for ax, (number, name) in zip(axes.flat, enumerate(NAMES, 1), strict=True):
    right = healthy if labs[name] is lab else fit_healthy
    for losses, color, width in ((right, GRAY, 1.2), (curves[name], ORANGE, 1.6)):
        ax.semilogy(np.arange(len(losses)) / 6, losses, color=color, lw=width)
    final = "" if np.isnan(finals[name]) else f"\naccuracy {finals[name]:.0%}"
    ax.set_title(f"{number}. {name.replace('_', ' ')}{final}", fontsize=8.5)
    ax.set_ylim(1e-3, 1e3)
figure.supxlabel("epoch")
figure.supylabel("loss of each batch")
figure.suptitle("With the bug (orange), without (grey)", fontsize="medium")
show(figure, "13_bug_lab_1")

# %% [markdown]
# ## The symptoms
#
# **(a) Two explode**: without `zero_grad` every step adds up all gradients so far, and a rate of 10 overshoots. The
# curves look alike, and only one of them is cured by a lower rate.

# %%
end = {name: losses[-6:].mean() for name, losses in curves.items()}
for name in ("zero_grad_forgotten", "rate_too_high"):
    print(f"{name}: largest loss {curves[name].max():.0f}")
    assert curves[name].max() > 50

# %% [markdown]
# **(b) Two stay where they were**, at $\log 3$: with biases of −3 every relu of the first layer gives 0, for every
# example; and with weights of 0 every tanh does, and no gradient comes through.
#
# **(c) Five get stuck half-way.** The most treacherous is the second. A softmax in front of the cross-entropy's own
# keeps the scores between 0 and 1, so even for a perfect answer, $(1, 0, 0)$, the loss is
#
# $$ -\log \frac{e^1}{e^1 + e^0 + e^0} = \log\Bigl(1 + \frac2e\Bigr) = 0.551 . \tag{1} $$
#
# The fifth compares each of the 50 outputs with each of the 50 targets. Whatever the input, the best is then to
# answer with the targets' mean, and what remains is their variance.

# %%
floor, variance = np.log(1 + 2 / np.e), labs["squared_error_of_all_pairs"].examples()[1].var()
print(f"relus at 0: {end['biases_far_below']:.3f}, weights at 0: {end['started_at_zero']:.3f}; log 3 = {np.log(3):.3f}")
print(f"softmax twice: {end['softmax_twice']:.2f}, and never below {floor:.3f}")
print(f"all pairs: {end['squared_error_of_all_pairs']:.2f}, variance {variance:.2f}")
assert all(abs(end[name] - np.log(3)) < 0.05 for name in ("biases_far_below", "started_at_zero"))
assert abs(floor - 0.551) < 0.001 and curves["softmax_twice"].min() > floor
assert abs(end["squared_error_of_all_pairs"] - variance) < 0.1
for name in ("tanh_of_the_array", "optimizer_of_the_old_layer", "inputs_in_pixels"):
    assert end[name] > 3 * healthy[-6:].mean() and finals[name] < 0.95

# %% [markdown]
# **(d) Three look well.** Data sorted by class gives a rough start (a network that has just learned "always say 0"
# meets the first batch of ones) and a curve that may jump at any time, but the mean goes down. And the last two
# can't be told from the right program at all: 99 %, with a wrong derivative, and with one hidden layer where there
# should be two.

# %%
print(f"first epoch, sorted by class: {curves['sorted_by_class'][:6].mean():.2f}; healthy: {healthy[:6].mean():.2f}")
assert curves["sorted_by_class"][:6].mean() > 1.3 > 1.2 > healthy[:6].mean()
for name in ("wrong_letter_in_a_rule", "one_layer_times_two"):
    print(f"{name}: loss {end[name]:.2f}, accuracy {finals[name]:.1%}")
    assert end[name] < 0.15 and finals[name] > 0.97

# %% [markdown]
# ## Strict mode: mistakes in the program
#
# `with tl.strict():` around the loop watches what the program does from step to step. Five epochs are plenty.


# %%
def strict_says(lab):
    try:
        with tl.strict():
            program(lab, epochs=5)
    except tl.StrictError as error:
        return str(error)
    return ""


assert strict_says(lab) == ""  # nothing to say about the right program
for name in NAMES[:5]:
    with getattr(bugs, name)(labs[name]):
        print(f"{name}:\n    {strict_says(labs[name])}\n")

# %% [markdown]
# Each sentence says what is wrong, where, and what to write instead. The lesson holds strict mode to it:

# %%
said = {}
for name in NAMES:
    with getattr(bugs, name)(labs[name]):
        said[name] = strict_says(labs[name])
assert "without zero_grad" in said["zero_grad_forgotten"]
assert "softmax is applied twice" in said["softmax_twice"]
assert "0.weight" in said["tanh_of_the_array"] and ".data" in said["tanh_of_the_array"]
assert "no optimizer has it" in said["optimizer_of_the_old_layer"]
assert "(50, 1) against (50,)" in said["squared_error_of_all_pairs"]
assert not any(said[name] for name in NAMES[5:])

# %% [markdown]
# It says nothing about the other seven, and it can't: as *programs* they are in order.
#
# ## diagnose: a network that is ill
#
# `tl.diagnose` takes the freshly made model, one batch, the loss and the optimizer, looks at every layer, and takes
# a few steps on a copy.
#
# > **Predict.** Five of the remaining seven are illnesses of the network or of its data. Which two aren't?


# %%
def diagnosis(lab):
    tl.manual_seed(0)
    (x, y), model = lab.examples(), lab.model()
    return tl.diagnose(model, (x[:50], y[:50]), loss=lab.loss, optimizer=lab.optimizer(model))


assert not diagnosis(lab)  # the right program is healthy
verdicts = {}
for name in NAMES:
    with getattr(bugs, name)(labs[name]):
        verdicts[name] = diagnosis(labs[name])
for name in NAMES[5:]:
    print(f"{name}:\n{verdicts[name]}\n")

# %%
codes = {name: {verdict.code for verdict in found} for name, found in verdicts.items()}
assert "identical_units" in codes["started_at_zero"]
assert "dead_relus" in codes["biases_far_below"]
assert "learning_rate_too_high" in codes["rate_too_high"]
assert {"inputs_not_scaled", "saturated"} <= codes["inputs_in_pixels"]
assert "unbalanced_labels" in codes["sorted_by_class"]
assert not codes["wrong_letter_in_a_rule"] and not codes["one_layer_times_two"]

# %% [markdown]
# Starting all weights at zero, or at any one number, is the classic one. Equal units compute the same, get the same
# gradient, and stay the same: 32 units worth one. Randomness at the start is there to break the tie ([lesson
# 7](08_initialisation.py)).
#
# ## gradcheck: a wrong derivative
#
# The last two look well, are sound programs, and are in good health. First, the derivatives of the whole model, loss
# included, on ten examples and a few elements of each parameter:


# %%
def derivatives(lab):
    tl.manual_seed(0)
    (x, y), model = lab.examples(), lab.model()
    return tl.gradcheck(lambda x: lab.loss(model(x), y[:10]), x[:10], module=model, coordinates=3, directions=2)


print("healthy:", repr(derivatives(lab)))
checked = {}
for name in NAMES:
    with getattr(bugs, name)(labs[name]):
        checked[name] = derivatives(labs[name])
for name in NAMES[10:]:
    print(f"{name}: {checked[name].verdict}")
assert derivatives(lab)
assert [name for name in NAMES if not checked[name]] == ["tanh_of_the_array", "wrong_letter_in_a_rule"]

# %% [markdown]
# Something is wrong with a derivative in the eleventh. Where? Check the layers one at a time, each on its own.

# %%
with bugs.wrong_letter_in_a_rule(lab):
    model = lab.model()
    h = np.random.default_rng(1).normal(size=(4, 32))
    for path, layer in model.named_modules():
        if path:
            at = h[:, :2] if path == "0" else h
            report = tl.gradcheck(layer, at, coordinates=5, directions=2)
            print(f"{path} {type(layer).__name__:7} {report.verdict}")
            assert (report.verdict == "wrong") == (path in ("1", "3"))

# %% [markdown]
# It is the tanh. `tl.explain` shows the backward pass as steps, with each rule as its source has it:


# %%
def rules_of(operation, loss):
    return {sent.rule for step in tl.explain(loss).steps if step.operation == operation for sent in step.sent}


with bugs.wrong_letter_in_a_rule(lab):
    broken = rules_of("tanh", lab.loss(lab.model()(x[:50]), y[:50]))
sound = rules_of("tanh", lab.loss(lab.model()(x[:50]), y[:50]))
print("with the bug:", *broken)
print("as it should be:", *sound)
assert len(broken) == 1 and "x" in broken.pop()
assert all("y * y" in rule for rule in sound)

# %% [markdown]
# The slope of tanh, from its value $y$, is $1 - y^2$. Somebody wrote $x$. For small $x$ the two agree, which is why it
# trains nearly as well.
#
# ## explain: where a gradient came from
#
# The twelfth has right derivatives, too. Its picture looks fine even to somebody who reads the model as printed:

# %%
with bugs.one_layer_times_two(lab):
    suspect = lab.model()
print(suspect)
count = sum(p.size for p in suspect.parameters())
print(count, "parameters; two layers would bring", count + 32 * 32 + 32)
assert count == (2 * 32 + 32) + (32 * 32 + 32) + (32 * 3 + 3)

# %% [markdown]
# A gradient is a sum over all paths from a weight to the loss. In a plain stack of layers, there is exactly one path
# from each.
#
# > **Predict.** How many are there from the weight of layer 2, if layer 4 is the same object?

# %%
why = tl.explain(lab.loss(suspect(x[:50]), y[:50]), suspect[2].weight, index=(0, 1))
print(why)
assert why.paths == 2
assert sorted(term.operations.count("tanh") for term in why.terms) == [1, 2]
assert np.isclose(sum(term.value for term in why.terms), why.gradient)
plain = lab.model()
assert tl.explain(lab.loss(plain(x[:50]), y[:50]), plain[2].weight, index=(0, 1)).paths == 1

# %% [markdown]
# Two paths: one through both remaining tanhs, and one through the last only. The weight is used twice, its gradient
# adds up, and the optimizer moves "both" layers as one. (Sharing on purpose is fine; recurrent networks live from
# it.)
#
# ## Which tool finds what
#
# All four on all twelve; `explain` counts as noticing when there isn't exactly one path from the weight of layer 2.

# %%
paths = {}
for name in NAMES:
    with getattr(bugs, name)(labs[name]):
        at, model = labs[name], labs[name].model()
        inputs, targets = at.examples()
        try:
            paths[name] = tl.explain(at.loss(model(inputs[:9]), targets[:9]), model[2].weight, index=(0, 1)).paths
        except ValueError:  # the weight isn't in the graph at all
            paths[name] = 0
found = {
    "strict": [bool(said[name]) for name in NAMES],
    "diagnose": [bool(verdicts[name]) for name in NAMES],
    "gradcheck": [not checked[name] for name in NAMES],
    "explain": [paths[name] != 1 for name in NAMES],
}

# %%
table = np.array(list(found.values())).T
figure, ax = plt.subplots(figsize=(6.6, 4.6))
ax.imshow(table, cmap=ListedColormap(["#eeeeee", BLUE]), aspect="auto")
ax.set_xticks(range(4), found)
ax.set_yticks(range(12), [f"{i}. {name.replace('_', ' ')}" for i, name in enumerate(NAMES, 1)])
ax.set_xticks(np.arange(3) + 0.5, minor=True)
ax.set_yticks(np.arange(11) + 0.5, minor=True)
ax.grid(which="minor", color="white", lw=2)
ax.tick_params(which="both", length=0)
ax.set_title("Blue: the tool notices the bug")
show(figure, "13_bug_lab_2")
assert table.any(axis=1).all()  # every bug is found by at least one
print(dict(zip(found, table.sum(axis=0).tolist(), strict=True)))

# %% [markdown]
# Every bug is noticed by at least one tool, and no tool notices all. The order to use them in: strict mode always,
# at least for the first steps (`tl.fit` does that by itself); diagnose when learning is slow; gradcheck for every
# rule and layer of your own; explain when you want to know *why*.
#
# ## What goes wrong: the thirteenth bug
#
# One more, and this time nobody finds it. Every example has its neighbour's label.

# %%
with bugs.labels_off_by_one(lab):
    model, losses = program(lab)
    final = accuracy(model, lab)
    silent = not strict_says(lab) and not diagnosis(lab) and bool(derivatives(lab))
print(f"loss {losses[:6].mean():.2f} → {losses[-6:].mean():.2f}, accuracy {final:.0%}; tools silent: {silent}")
assert silent
assert 0.9 < losses[-6:].mean() < np.log(3) and final < 0.6

# %% [markdown]
# > **What goes wrong.** The program is sound, the network healthy, every derivative right. It just learns something
# > that isn't there to be learned. No tool can know what your labels ought to be. The curve can: a loss that stays
# > near that of guessing, here $\log 3 = 1.1$, while nothing is ill, means that the inputs don't say anything about
# > the targets. **Look at the data**: draw ten examples with their labels, after all the loading and shuffling, just
# > before they go into the model. And try to overfit a handful of them: a network that can't learn even five
# > examples by heart has a bug in the program; one that can, and yet learns nothing from three hundred, has one in
# > the data.

# %%
with bugs.labels_off_by_one(lab):
    shifted = lab.examples()[1]
figure, axes = plt.subplots(1, 2, figsize=(8.0, 4.4), sharex=True, sharey=True)
for ax, labels, title in zip(axes, (y, shifted), ("as they should be", "off by one"), strict=True):
    for k, (color, marker) in enumerate(zip((BLUE, ORANGE, GRAY), "os^", strict=True)):
        ax.scatter(*x[labels == k].T, s=14, color=color, marker=marker, label=f"class {k}")
    ax.set(title=f"labels {title}", xlabel="x₀", aspect="equal")
axes[0].set_ylabel("x₁")
axes[0].legend(fontsize="small")
show(figure, "13_bug_lab_3")
print(f"{np.mean(shifted == y):.0%} of the shifted labels are right, by chance")
assert abs(np.mean(shifted == y) - 1 / 3) < 0.1

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_softmax_vjp`, `ex_row_max`, `ex_embedding`,
# `ex_length`.
#
# 1. Write a thirteenth context manager of your own: `optimizer.step()` before `loss.backward()`. Predict the
#    symptom. Which tool finds it, at which step?
# 2. Run `program` with `inputs_in_pixels`, and put a `nn.BatchNorm1d(2)` before the first layer. What do
#    `tl.diagnose` and the curve say now?
# 3. Add up the loss over an epoch as `total = total + loss` instead of `total += loss.item()`, and train for a hundred
#    epochs without resetting it. Nothing is wrong with the curve. What is? What does strict mode say?
#
# ## Where this lives in tinydl
#
# - `tinydl/watching/strict.py`: `strict` follows a program from step to step; `tinydl/training/fit.py`: `fit` watches
#   its own first steps.
# - `tinydl/watching/diagnose.py`: the verdicts, with all thresholds and their reasons at the top.
# - `tinydl/explaining/explain.py`: `explain` and its steps; `tinydl/checking/gradcheck.py`: with `module=`, a whole
#   model.
# - `tinydl/engine/recording.py`: `Observer`, through which all of them watch; the engine knows none of them.
#
# Next: [lesson 14](14_build_it_yourself.py), in which you build the engine yourself.
