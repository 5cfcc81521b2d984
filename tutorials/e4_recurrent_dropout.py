# %% [markdown]
# # E4. Dropout in recurrent nets: a claim put to the test
#
# Dropout helps against learning by heart. Where in a recurrent network does it belong, and must its mask stay the same?
#
# A well-known paper gives clear answers. Here you test them yourself, on a text so short that a network learns it by
# heart in seconds. This excursion is off the way: you may skip it. But it shows how to test what you read.
#
# *You need:* dropout and error bars ([lesson 11](11_overfitting.py)); the LSTM and the network that predicts the next
# letter ([lesson 18](18_sequences.py)). `tl.compile` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, SHORT, show, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## The claim
#
# A recurrent network has three places for dropout: the **inputs** of each step, the **outputs** of each step, and the
# **state** $h$ that goes from one step to the next. For years people dropped inputs and outputs only. In the state,
# they said, dropout strikes again at every step, and the memory is lost. Gal and Ghahramani answered in 2016, in
# [A Theoretically Grounded Application of Dropout in Recurrent Neural Networks](https://arxiv.org/abs/1512.05287):
#
# 1. Dropout on inputs and outputs alone doesn't stop a network from learning by heart. The state needs it, too.
# 2. In the state, the **mask**, which says what is dropped, must be drawn *once for each sequence* and stay the same at
#    all steps. Then dropout does no harm there. Masks drawn anew at each step do harm.
#
# Their reason is **Bayesian**: nobody knows the right weights, so a network is one draw out of many; to drop units is
# to draw one. One network should read a whole sequence, so one mask for all its steps.
#
# Let $m_t$ be the mask at step $t$: for each unit of the state 1 (kept) or 0 (dropped, with probability $p$). The step
# gets the state $h_{t-1}$ that the step before has left, and sees in place of it, unit by unit,
#
# $$ \tilde h_{t-1} = \frac{m_t}{1 - p}\; h_{t-1} . \tag{1} $$
#
# The division keeps the mean. Masks are **fresh** if each $m_t$ is drawn anew, and **the same** if $m_1 = m_2 = \dots$
# Here is a function for both. It makes the factors $m_t / (1-p)$ for a batch of 40 sequences of 25 steps.

# %%
BATCH, LENGTH = 40, 25


def mask(rng, units, kind, p):
    if kind == "none":
        return np.ones((BATCH, LENGTH, units), dtype=np.float32)
    draws = 1 if kind == "same" else LENGTH  # one for the whole sequence, or one for each step
    kept = rng.random((BATCH, draws, units), dtype=np.float32) >= p
    return np.repeat(kept / np.float32(1 - p), LENGTH // draws, axis=1)


fresh = mask(np.random.default_rng(0), 64, "fresh", p=0.3)
same = mask(np.random.default_rng(0), 64, "same", p=0.3)

# %%
figure, panels = plt.subplots(1, 2, figsize=(6.4, 2.9), sharey=True)
for axes, factors, title in zip(panels, (fresh, same), ("fresh at each step", "the same at all steps"), strict=True):
    dropped = factors[0, :, :12].T == 0  # the first sequence of the batch, 12 of its 64 units
    axes.imshow(dropped, cmap="Greys", vmax=1.5, interpolation="none", aspect="auto")
    axes.set(title=title, xlabel="step", xticks=range(0, 25, 6), xticklabels=range(1, 26, 6), yticks=range(0, 12, 3))
panels[0].set_ylabel("unit of the state")
show(figure, "e4_recurrent_dropout_1", "Two grids of 12 units by 25 steps, dark where dropped. Left, fresh "
     "masks: dark squares everywhere. Right, the same mask: a few rows are dark, the others empty.")  # fmt: skip

# %% [markdown]
# Each row is a unit, and dark means dropped. Left, every unit is hit sooner or later. Right, five units are missing at
# all steps, and the others are left in peace. (The first column does nothing, since $h_0 = 0$.)
#
# > **Predict.** A unit holds something in memory for ten steps, and $p = 0.3$. How likely is it that the unit isn't
# > dropped in any of them, with fresh masks, and with the same mask?

# %%
survived_fresh = (fresh[:, :10] > 0).all(axis=1).mean()  # the share of units kept in all of 10 steps
survived_same = (same[:, :10] > 0).all(axis=1).mean()
print(f"never dropped in 10 steps: fresh {survived_fresh:.3f}, same {survived_same:.3f}; 0.7 ** 10 = {0.7**10:.3f}")
assert abs(survived_fresh - 0.028) < 0.015 and abs(survived_same - 0.70) < 0.04

# %% [markdown]
# Fresh: $0.7^{10} = 0.028$, three in a hundred. The same: 70 in a hundred. That is a plainer reason for the second
# answer: memory. Whether it matters in practice, an experiment must say.
#
# ## One network, any masks
#
# As in [lesson 18](18_sequences.py) a network reads letters and says which comes next. We write the loop over an
# `LSTMCell`, to get at the state. The masks are *arguments*: all variants are one program, and only these arrays
# differ. One thing isn't masked: the cell $c$, the LSTM's second memory, goes on whole.

# %%
WIDTH, UNITS = 24, 64
text = data.shakespeare()[:60_000].lower()
vocabulary = data.Vocabulary(text)
numbers = vocabulary.encode(text)


# %%
class Writer(nn.Module):
    def __init__(self, cell=nn.LSTMCell):
        self.letter, self.out = nn.Embedding(len(vocabulary), WIDTH), nn.Linear(UNITS, len(vocabulary))
        self.cell = cell(WIDTH, UNITS)

    def forward(self, x, on_inputs, on_state, on_outputs):
        inputs, outputs = self.letter(x) * on_inputs, []
        h = c = np.zeros((len(x), UNITS), dtype=np.float32)
        for t in range(x.shape[1]):
            seen = h * on_state[:, t]  # formula (1): h is the step before's
            if isinstance(self.cell, nn.LSTMCell):
                h, c = self.cell(inputs[:, t], (seen, c))
            else:  # a cell without a second memory, for the exercise
                h = self.cell(inputs[:, t], seen)
            outputs.append(h)
        return self.out(np.stack(outputs, axis=1) * on_outputs)  # the scores of the next letter, at each step


# %% [markdown]
# `nn.LSTM` can do this: `recurrent_dropout=` drops the state, with the same mask for a whole sequence. Let us compare.
# Both get the same weights, and by the same seed both draw the same mask; `F.dropout` of ones gives the mask itself.

# %%
keep_all = np.ones((1, LENGTH, 1), dtype=np.float32)  # a mask that drops nothing
tl.manual_seed(0)
writer, lstm = Writer(), nn.LSTM(WIDTH, UNITS, batch_first=True, recurrent_dropout=0.3)
lstm.load_state_dict({f"{name}_l0": weight for name, weight in writer.cell.state_dict().items()})
x = numbers[: BATCH * LENGTH].reshape(BATCH, LENGTH)
tl.manual_seed(1)
built_in = writer.out(lstm(writer.letter(x))[0])
tl.manual_seed(1)
one_mask = F.dropout(np.ones((BATCH, 1, UNITS), dtype=np.float32), 0.3)
ours = writer(x, keep_all, np.repeat(one_mask, LENGTH, axis=1), keep_all)
assert np.allclose(built_in.data, ours.data, atol=1e-5)

# %% [markdown]
# ## The experiment
#
# Each run learns 3,000 letters of Hamlet, 120 pieces of 25, and is judged by 5,000 others. There are three runs of each
# variant, each with its own seed and its own passage. A variant has kinds of masks on inputs, state and outputs, a $p$,
# and a number of epochs. `steps(40)` is 40; the project's own tests take a tenth.

# %%
variants = {
    "no dropout": (("none", "none", "none"), 0.0, steps(25)),
    "inputs and outputs": (("fresh", "none", "fresh"), 0.3, steps(40)),
    "state too, fresh": (("fresh", "fresh", "fresh"), 0.3, steps(40)),
    "state too, the same": (("fresh", "same", "fresh"), 0.3, steps(40)),
}
EVERY = steps(5)  # so many epochs from one judgement to the next


def pieces(first, count):  # count pieces of LENGTH letters, and for each letter the next one
    part = numbers[first : first + count * LENGTH + 1]
    return part[:-1].reshape(-1, LENGTH), part[1:].reshape(-1, LENGTH)


passages, unseen = [pieces(first, 120) for first in (5_000, 15_000, 25_000)], pieces(50_000, 200)

# %% [markdown]
# The last three differ in the mask of the state only. When a network is judged, all units work. The training is the
# loop of [lesson 5](05_layers_and_the_loop.py), with new masks for each batch.


# %%
def loss_of(scores, y):
    return F.cross_entropy(scores.reshape(-1, len(vocabulary)), y.reshape(-1))


def judged(model, x, y):
    with tl.no_grad():
        return loss_of(model(x, keep_all, keep_all, keep_all), y).item()


def step_of(model, optimizer):
    @tl.compile(check=False)  # check: whether the compiled step does the same; it costs some seconds
    def step(x, y, on_inputs, on_state, on_outputs):
        loss = loss_of(model(x, on_inputs, on_state, on_outputs), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


# %%
def masks(rng, kinds, p):
    inputs, state, outputs = kinds
    return mask(rng, WIDTH, inputs, p), mask(rng, UNITS, state, p), mask(rng, UNITS, outputs, p)


def trained(run, kinds, p, epochs, cell):
    tl.manual_seed(run)
    model, rng, losses = Writer(cell), np.random.default_rng(run), []
    step = step_of(model, optim.Adam(model.parameters(), lr=0.02))
    x, y = passages[run]
    for epoch in range(1, epochs + 1):
        for rows in rng.permutation(120).reshape(3, BATCH):  # three batches of 40 pieces
            step(x[rows], y[rows], *masks(rng, kinds, p))
        if epoch % EVERY == 0:
            losses.append(judged(model, *unseen))
    return model, losses


# %% [markdown]
# We compare two numbers. The **lowest** loss on unseen letters is what you get if you stop in time. (The same letters
# say when: that flatters all a little.) The **rise** is the last loss minus the lowest. It shows learning by heart.
#
# > **Predict.** Put the four in order by their lowest loss. And whose loss rises?


# %%
def lowest(curves):  # curves: three runs, and a loss every 5 epochs
    return curves.min(axis=1)


def report(name, values):  # three values, their mean, and its error bar
    print(f"{name:<32} {np.round(values, 3)}, {values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(3):.3f}")


def run_all(variants, cell=nn.LSTMCell):
    models, curves = {}, {}
    for name, (kinds, p, epochs) in variants.items():
        runs = [trained(run, kinds, p, epochs, cell) for run in range(3)]
        models[name] = [model for model, losses in runs]
        curves[name] = np.array([losses for model, losses in runs])
        report(f"{name}, lowest", lowest(curves[name]))
        report("    rise", curves[name][:, -1] - lowest(curves[name]))
    return models, curves


models, curves = run_all(variants)

# %%
figure, (above, below) = plt.subplots(2, 1, figsize=(6.4, 6.2), height_ratios=(2, 3), sharex=True)
for name, color, style in zip(variants, (GRAY, BLUE, ORANGE, GREEN), ("-", "-", "-", "--"), strict=True):
    times = EVERY * np.arange(1, curves[name].shape[1] + 1)
    above.plot(times, curves[name].mean(axis=0), color=color, ls=style, marker=".", label=name)
    if color in (BLUE, ORANGE):
        below.plot(times, (curves[name] - curves["state too, the same"]).T, color=color, marker=".")
below.axhline(0, color=GREEN, ls="--")
above.set(ylabel="loss per letter,\nmean of three runs", title="on unseen letters")
below.set(xlabel="epoch", ylabel="loss, minus that of the same mask", title="run by run: the differences")
figure.legend(*above.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small", frameon=False)
show(figure, "e4_recurrent_dropout_2", "Above four losses: without dropout down to 2.4, then up steeply. Below, minus "
     "the same mask: inputs and outputs rise, above 0 from epoch 25 on; fresh masks stay about 0.")  # fmt: skip

# %%
lowest_same = lowest(curves["state too, the same"])
report("the state gains", lowest(curves["inputs and outputs"]) - lowest_same)
report("fresh minus the same", lowest(curves["state too, fresh"]) - lowest_same)
chance = np.random.default_rng(0).standard_normal((100_000, 3))
bars = abs(chance.mean(axis=1)) / (chance.std(axis=1, ddof=1) / np.sqrt(3))  # how many bars the mean is from 0
print(f"by chance more than 2 bars: {(bars > 2).mean():.0%}, more than 4.3 bars: {(bars > 4.3).mean():.0%}")
assert SHORT or np.allclose([lowest(runs).mean() for runs in curves.values()], [2.43, 2.37, 2.36, 2.36], atol=0.07)

# %% [markdown]
# Without dropout the loss is lowest early, with 2.43, then it rises by 0.27: the network learns its passage by heart.
# Inputs and outputs: down to 2.37, then up by 0.05. With the state too: 2.36, and up by only 0.01.
#
# The bars of the lowest losses are wide, about 0.05: one passage teaches less than the others, in any variant. So
# compare run by run, as [lesson 11](11_overfitting.py) did. Look at the lower panel: the blue lines end above 0. But if
# you stop in time, the state gains only 0.014 ± 0.001. Fresh masks, orange, stay near 0: −0.005 ± 0.005.
#
# What is a bar from three numbers worth? See the last line of the output: with three numbers drawn by chance, the mean
# is more than two bars from 0 in 18 cases of a hundred, more than 4.3 in 5. So ask for 4.3 bars. The gain of the state
# is more, though a bar of 0.001 is luck. Fresh masks do no harm that we see; one of 0.02 we could miss.
#
# ## The comparisons that are missing
#
# So the state needs dropout? Not so fast. "The state too" means one more *place*, and *more* dropout. Change one thing
# at a time: $p = 0.5$ in the same places, and in all three. More dropout learns more slowly, so both get 60 epochs.
#
# > **Predict.** Will the loss of inputs and outputs still rise? And what will the state gain now?

# %%
stronger = {
    "inputs and outputs, 0.5": (("fresh", "none", "fresh"), 0.5, steps(60)),
    "state too, the same, 0.5": (("fresh", "same", "fresh"), 0.5, steps(60)),
}
_, curves_stronger = run_all(stronger)
lowest_in_out = lowest(curves_stronger["inputs and outputs, 0.5"])
report("at 0.5 the state gains", lowest_in_out - lowest(curves_stronger["state too, the same, 0.5"]))
report("in/out 0.5, minus state too 0.3", lowest_in_out - lowest_same)
assert SHORT or np.allclose([runs[:, -1].mean() for runs in curves_stronger.values()], [2.37, 2.37], atol=0.07)

# %% [markdown]
# | dropped | $p = 0.3$ | $p = 0.5$ |
# |---|---|---|
# | inputs and outputs | 2.37, rises by 0.05 | 2.36, by 0.01 |
# | the state too, the same mask | 2.36, rises by 0.01 | 2.37, by 0.00 |
#
# Read across: with $p = 0.5$ inputs and outputs hardly rise, in 60 epochs. Their lowest loss can't be told from that of
# "the state too" with 0.3: −0.002 ± 0.017. Read down: at 0.5 the state gains nothing that we see, −0.010 ± 0.008. So
# the gain at 0.3 doesn't show that the *state* was needed: there was more dropout, too. When a new method wins, ask
# whether more of the old one would do as well.
#
# ## What became of the claim
#
# The first answer came out half: with $p = 0.3$ inputs and outputs weren't enough, with 0.5 they were. So did the
# second: the same mask does no harm in the state, but fresh ones do none either that we see. Is the paper refuted? No.
# We had three runs, one small network, one text, one learning rate, two $p$. Its networks had up to 1,500 units, and a
# million words. Its Bayesian reason may hold, and not show here. The other is memory. How long is ours?
#
# Take 4,000 letters that no run has learned. Our networks guess each of them from the last letter before it, then from
# the last two, and so on.
#
# > **Predict.** How many letters back does it pay to read?

# %%
guessed = 30_000 + np.arange(steps(4_000))  # where these letters stand in the text
losses = []  # for each k the loss at each of the 4,000 letters, as a mean of three networks
for k in range(1, 7):
    last_letters, no_mask = numbers[guessed[:, None] + np.arange(-k, 0)], keep_all[:, :k]
    of_networks = []
    for model in models["state too, the same"]:
        with tl.no_grad():
            scores = model(last_letters, no_mask, no_mask, no_mask)[:, -1]
        of_networks.append(F.cross_entropy(scores, numbers[guessed], reduction="none").data)
    losses.append(np.mean(of_networks, axis=0))
    if k > 1:
        gain = losses[-2] - losses[-1]
        print(f"letter {k} gains {gain.mean():.3f} ± {gain.std(ddof=1) / np.sqrt(gain.size):.3f}")
print(f"0.7 ** 4 = {0.7**4:.2f}")
assert SHORT or np.allclose(-np.diff(np.mean(losses, axis=1)), [0.225, 0.084, 0.023, 0.009, 0.001], atol=0.03)

# %% [markdown]
# Five letters count, the last two hardly: 0.023 and 0.009. The sixth gains nothing that we can see. We *guess* that
# this is why fresh masks do no harm. From the first of five letters to the last, the state is handed on four times, and
# four fresh masks leave every fourth unit alone, $0.7^4 = 0.24$. Besides, $c$ goes round the masks whole.
#
# > **What goes wrong.** *Dropout stays on when you measure.* Then the loss is too high, and another one each time.
# > `model.eval()` switches layers off; of masks of your own you must think yourself.

# %%
model = models["state too, fresh"][0]
x, y, rng = unseen[0][:BATCH], unseen[1][:BATCH], np.random.default_rng(0)
with tl.no_grad():
    left_on = [loss_of(model(x, *masks(rng, ("fresh", "fresh", "fresh"), 0.3)), y).item() for _ in range(2)]
print(f"off {judged(model, x, y):.2f}; left on {left_on[0]:.2f}, then {left_on[1]:.2f}")
assert min(left_on) > judged(model, x, y) + 0.03 and left_on[0] != left_on[1]

# %% [markdown]
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_same_mask`. It masks outputs, each sequence by one mask.
#
# 1. Take the second memory away. In a new cell at the end, make a dictionary like `stronger`: the four variants of the
#    table, the state alone, `("none", "same", "none")`, with 0.3 and 0.5, and fresh masks in all three with 0.3. Then
#    call `run_all(your_dictionary, cell=nn.RNNCell)`. Is the state needed now? Do fresh masks do harm? (20 seconds.)
#
# <details><summary>What you should find</summary>
#
# **1.** Inputs and outputs: 2.44 and 2.45. All three at 0.3: 2.41, better than these by 0.031 ± 0.010 and 0.041 ±
# 0.004. The second is more than 4.3 bars: here the state gives what more dropout elsewhere doesn't. But at 0.5 it gains
# nothing, −0.003 ± 0.007. The state alone: 2.44 and 2.41; both rise by nearly 0.1. Fresh masks: no harm, 0.003 ± 0.003.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > It cites the paper that we tested for “language modelling and sequence labelling tasks”[^tasks]. Language modelling,
# > which is what we did with letters, is right. The second isn't: the paper's abstract names *sentiment analysis*,
# > whether a review is friendly or not. Nor was dropout in recurrent networks new then. New was one mask for all steps
# > of a sequence, and the reason given for it. (Row D49.)
#
# [^tasks]: 「语言建模和序列标注任务」
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/recurrent.py`: `recurrent_dropout` of `nn.RNN`, `nn.LSTM` and `nn.GRU`; `_one_way` draws the mask.
# - `tinydl/derivatives/recurrence.py`: `lstm_by_steps`, where the mask meets the state.
# - `tinydl/functional/activations.py`: `dropout`; `tinydl/nn/dropout.py`: the layer that `model.eval()` switches off.
#
# Back to the way: it went on to [lesson 19](19_attention.py), where nothing is handed from step to step.
