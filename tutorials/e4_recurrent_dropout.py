# %% [markdown]
# # E4. Dropout in recurrent nets: a claim put to the test
#
# Dropout helps against learning by heart. Where in a recurrent network does it belong, and must its mask stay the same
# over time?
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
# 2. It does no harm there if the **mask**, which says what is dropped, is drawn *once for each sequence* and stays the
#    same at all steps.
#
# Their reason is **Bayesian**: nobody knows the right weights, so a network is one draw out of many possible ones. To
# drop units is to draw one of them. One network should read a whole sequence; so one mask for all its steps.
#
# Let $m_t$ be the mask at step $t$: for each unit of the state 1 (kept) or 0 (dropped, with probability $p$). The step
# gets the state $h_{t-1}$ that the step before has left, and sees in place of it, unit by unit,
#
# $$ \tilde h_{t-1} = \frac{m_t}{1 - p}\; h_{t-1} . \tag{1} $$
#
# The division keeps the mean. Masks are **fresh** if each $m_t$ is drawn anew, and **the same** if
# $m_1 = m_2 = m_3 = \dots$ Here is a function for both. It makes the factors $m_t / (1-p)$ for a batch of 40 sequences
# of 25 steps.

# %%
BATCH, LENGTH = 40, 25
everything = np.ones((1, LENGTH, 1), dtype=np.float32)  # a mask that drops nothing


def mask(rng, units, kind, p):
    if kind == "none":
        return np.ones((BATCH, LENGTH, units), dtype=np.float32)
    times = 1 if kind == "same" else LENGTH  # draw once, or for each step
    kept = rng.random((BATCH, times, units), dtype=np.float32) >= p
    return np.repeat(kept / np.float32(1 - p), LENGTH // times, axis=1)


fresh, same = (mask(np.random.default_rng(0), 64, kind, p=0.3) for kind in ("fresh", "same"))
assert abs(fresh.mean() - 1) < 0.03 and abs(same.mean() - 1) < 0.03  # on average, h stays what it was
assert np.all(same == same[:, :1]) and (same[2, 0, :12] == 0).sum() == 4 and (fresh[2, :, :12] == 0).any(axis=0).all()

# %%
figure, panels = plt.subplots(1, 2, figsize=(6.4, 2.9), sharey=True)
for axes, each, title in zip(panels, (fresh, same), ("fresh at each step", "the same at all steps"), strict=True):
    axes.imshow(each[2, :, :12].T == 0, cmap="Greys", vmax=1.5, interpolation="none", aspect="auto")
    axes.set(title=title, xlabel="step", xticks=range(0, 25, 6), yticks=range(0, 12, 3))
panels[0].set_ylabel("unit of the state")
show(figure, "e4_recurrent_dropout_1", "Two grids of 12 units by 25 steps, dark where dropped. Left, fresh "
     "masks: dark squares everywhere. Right, the same mask: a few rows are dark, the others empty.")  # fmt: skip

# %% [markdown]
# Look at the rows: each is a unit, time runs to the right, and dark means dropped. Left, every unit is hit sooner or
# later. Right, four units are missing from the first step to the last, and the others are left in peace.
#
# > **Predict.** A unit holds something in memory for ten steps, and $p = 0.3$. How likely is it that the unit isn't
# > dropped in any of them, with fresh masks, and with the same mask?

# %%
through_fresh, through_same = ((each[:, :10] > 0).all(axis=1).mean() for each in (fresh, same))
print(f"never dropped in 10 steps: fresh {through_fresh:.3f}, same {through_same:.3f}; 0.7 ** 10 = {0.7**10:.3f}")
assert abs(through_fresh - 0.7**10) < 0.015 and abs(through_same - 0.7) < 0.04 and round(0.7**10, 3) == 0.028

# %% [markdown]
# Fresh: $0.7^{10} = 0.028$, three in a hundred. The same: 70 in a hundred. That is a plainer reason for the second
# answer: memory. Whether it matters in practice, an experiment must say.
#
# ## One network, three masks
#
# As in [lesson 18](18_sequences.py) a network reads letters and says which comes next. Here it is a loop over an
# `LSTMCell`, so that we get at the state. The masks are *arguments*: all variants are one and the same program, and
# only these arrays differ. One thing isn't masked: the cell $c$, the LSTM's second memory, goes on whole.

# %%
WIDTH, UNITS = 24, 64
text = data.shakespeare()[:60_000].lower()
vocabulary = data.Vocabulary(text)
numbers = vocabulary.encode(text)


class Writer(nn.Module):
    def __init__(self):
        self.letter, self.out = nn.Embedding(len(vocabulary), WIDTH), nn.Linear(UNITS, len(vocabulary))
        self.cell = nn.LSTMCell(WIDTH, UNITS)

    def forward(self, x, on_inputs, on_state, on_outputs):
        inputs, outputs = self.letter(x) * on_inputs, []
        h = c = np.zeros((len(x), UNITS), dtype=np.float32)
        for t in range(LENGTH):
            h, c = self.cell(inputs[:, t], (h * on_state[:, t], c))  # formula (1): h is the step before's
            outputs.append(h)
        return self.out(np.stack(outputs, axis=1) * on_outputs)  # the scores of the next letter, at each step


# %% [markdown]
# `nn.LSTM` can do this: `recurrent_dropout=` drops the state, with the same mask for a whole sequence. (Its `dropout=`
# is for fresh masks *between* layers.) Let us compare. Both get the same weights, and by the same seed both draw the
# same mask; `F.dropout` of ones gives the mask itself.

# %%
tl.manual_seed(0)
writer, lstm = Writer(), nn.LSTM(WIDTH, UNITS, batch_first=True, recurrent_dropout=0.3)
lstm.load_state_dict({f"{name}_l0": weight for name, weight in writer.cell.state_dict().items()})
x = numbers[: BATCH * LENGTH].reshape(BATCH, LENGTH)
tl.manual_seed(1)
built_in = writer.out(lstm(writer.letter(x))[0])
tl.manual_seed(1)
once = F.dropout(np.ones((BATCH, 1, UNITS), dtype=np.float32), 0.3)
ours = writer(x, everything, np.repeat(once, LENGTH, axis=1), everything)
whole = writer(x, everything, everything, everything)
print("largest difference:", abs(built_in.data - ours.data).max())
assert np.allclose(built_in.data, ours.data, atol=1e-5) and not np.allclose(whole.data, ours.data, atol=1e-2)

# %% [markdown]
# ## The experiment
#
# Each run learns 3,000 letters of Hamlet, 120 pieces of 25, and is judged by 5,000 others. There are three runs of each
# variant, each with its own seed *and its own passage*, so that the error bar speaks of both.

# %%
variants = {  # the kinds of masks on inputs, state and outputs, and p
    "no dropout": ("none", "none", "none", 0.0),
    "inputs and outputs": ("fresh", "none", "fresh", 0.3),
    "state too, fresh": ("fresh", "fresh", "fresh", 0.3),
    "state too, the same": ("same", "same", "same", 0.3),
}


def pieces(first, count):  # count pieces of LENGTH letters, and for each letter the next one
    part = numbers[first : first + count * LENGTH + 1]
    return part[:-1].reshape(-1, LENGTH), part[1:].reshape(-1, LENGTH)


passages, unseen = [pieces(5_000 + 10_000 * run, 120) for run in range(3)], pieces(50_000, 200)
assert passages[0][0].size == 3000 and unseen[0].size == 5000

# %% [markdown]
# When a network is judged, all its units work: each mask is 1. The training is the loop of
# [lesson 5](05_layers_and_the_loop.py), with new masks for each batch.


# %%
def loss_of(scores, y):
    return F.cross_entropy(scores.reshape(-1, len(vocabulary)), y.reshape(-1))


def judged(model, x, y):
    with tl.no_grad():
        return loss_of(model(x, everything, everything, everything), y).item()


def step_of(model, optimizer):
    @tl.compile(check=False)  # check: whether the compiled step does the same; it costs some seconds
    def step(x, y, on_inputs, on_state, on_outputs):
        loss = loss_of(model(x, on_inputs, on_state, on_outputs), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


# %% [markdown]
# `steps(40)` is 40; only the project's own tests, which run each page at each change, take a tenth.

# %%
EPOCHS, EVERY = steps(40), steps(5)


def trained(run, *kinds, p):
    tl.manual_seed(run)
    model, rng, losses = Writer(), np.random.default_rng(run), []
    step = step_of(model, optim.Adam(model.parameters(), lr=0.02))
    x, y = passages[run]
    for epoch in range(1, EPOCHS + 1):
        for rows in rng.permutation(120).reshape(3, BATCH):  # three batches of 40 pieces
            on = [mask(rng, units, kind, p) for units, kind in zip((WIDTH, UNITS, UNITS), kinds, strict=True)]
            step(x[rows], y[rows], *on)
        if epoch % EVERY == 0:
            losses.append(judged(model, *unseen))
    return model, losses


# %% [markdown]
# > **Predict.** Put the four in order: whose loss on unseen letters is lowest at the end? And are the last two far
# > apart?


# %%
def bar(values):  # the mean, and the error bar
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


def end(name):  # the last losses of the three runs
    return curves[name][:, -1]


networks, curves, own = {}, {}, {}  # own: the loss on the passage that was learned


def three_runs(name, *kinds, p):
    networks[name], losses = zip(*(trained(run, *kinds, p=p) for run in range(3)), strict=True)
    curves[name] = np.array(losses)  # (3 runs, 8 times)
    own[name] = np.mean([judged(model, *passage) for model, passage in zip(networks[name], passages, strict=True)])
    mean, half = bar(end(name))
    print(f"{name:<19} lowest {curves[name].mean(0).min():.2f}, end {mean:.2f} ± {half:.2f}, own {own[name]:.2f}")


for name, (*kinds, p) in variants.items():
    three_runs(name, *kinds, p=p)

# %%
times = np.arange(EVERY, EPOCHS + 1, EVERY)
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.9), width_ratios=(3, 2))
for name, color, style in zip(variants, (GRAY, BLUE, ORANGE, GREEN), ("-", "-", "-", "--"), strict=True):
    half = [bar(column)[1] for column in curves[name].T]
    left.errorbar(times, curves[name].mean(axis=0), half, color=color, ls=style, marker=".", capsize=2, label=name)
    if color in (BLUE, GREEN):
        right.plot(times, (curves[name] - curves["state too, fresh"]).T, color=color, ls=style, marker=".")
left.set(xlabel="epoch", ylabel="loss per letter, on unseen letters", ylim=(2.25, 3.05))
right.axhline(0, color=ORANGE)
right.set(xlabel="epoch", ylabel="loss, minus that of fresh masks", title="run by run")
figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small", frameon=False)
show(figure, "e4_recurrent_dropout_2", "Left four losses with error bars: without dropout down to 2.4, then up and out "
     "of the picture; inputs and outputs to 2.38, then slowly up; the two with the state below. Right three lines of "
     "inputs and outputs, all rising above 0, and three of the same mask, which stay about 0.")  # fmt: skip

# %%
gains, costs = (end(name) - end("state too, fresh") for name in ("inputs and outputs", "state too, the same"))
print(f"the state gains {np.round(gains, 3)}, {bar(gains)[0]:.3f} ± {bar(gains)[1]:.3f}")
print(f"the same mask costs {np.round(costs, 3)}, {bar(costs)[0]:.3f} ± {bar(costs)[1]:.3f}")
assert abs(costs.mean()) < (0.15 if SHORT else 0.045) and 2.2 < end("state too, the same").mean() < 2.8
if not SHORT:
    assert np.allclose([end(name).mean() for name in variants], [3.35, 2.42, 2.37, 2.37], rtol=0.05)
    assert abs(own["no dropout"] - 0.6) < 0.15 and abs(curves["no dropout"].mean(0).min() - 2.44) < 0.06
    assert 0.03 < gains.mean() < 0.1 and gains.min() > 0.02

# %% [markdown]
# Without dropout the loss is lowest early, with 2.44, and ends near 3.35. On its own passage it is 0.6 then: learned by
# heart. Dropout on inputs and outputs delays that: down to 2.38, then up to 2.42. With the state too it ends at 2.37.
#
# The bars on the left look wide. But most of their width comes from the passages: one teaches less than the others, in
# any variant. So compare run by run, as [lesson 11](11_overfitting.py) did fold by fold. Look at the right: all three
# blue lines end well above 0: dropping the state has gained about 0.06, in each run. The green lines stay near 0. At
# the end the same mask costs about 0.01; with other random masks (not shown) the three runs gave 0.02, 0.00 and 0.01.
# Don't build on that: fresh and the same can't be told apart here.
#
# ## The comparisons that are missing
#
# So the state needs dropout? Not so fast. "The state too" means one more *place*, and *more* dropout. Change one thing
# at a time: more in the same places, and the state alone.
#
# > **Predict.** Inputs and outputs with $p = 0.5$; the state alone with 0.3 and with 0.5. Which of the three comes near
# > 2.37?

# %%
three_runs("inputs, outputs 0.5", "fresh", "none", "fresh", p=0.5)
three_runs("state alone, 0.3", "none", "fresh", "none", p=0.3)
three_runs("state alone, 0.5", "none", "fresh", "none", p=0.5)
others = list(curves)[4:]
place, amount = end(others[2]) - end(others[0]), end(others[1]) - end(others[2])
apart = end(others[0]) - end("state too, fresh")
for what, runs in (("the place, at 0.5", place), ("the amount, state alone", amount), ("0.5, or the state too", apart)):
    print(f"{what:<23} {np.round(runs, 3)}, {bar(runs)[0]:.3f} ± {bar(runs)[1]:.3f}")
assert abs(apart.mean()) < (0.2 if SHORT else 0.05)
if not SHORT:
    assert np.allclose([end(name).mean() for name in others], [2.37, 2.68, 2.58], rtol=0.05)
    assert abs(place.mean() - 0.2) < 0.1 and place.min() > 0.05 and amount.mean() > 0.04

# %% [markdown]
# | dropped | $p = 0.3$ | $p = 0.5$ |
# |---|---|---|
# | inputs and outputs | 2.42 | 2.37 |
# | the state alone | 2.68 | 2.58 |
# | all three | 2.37 | |
#
# Read down: the place counts. The state alone is worse than inputs and outputs, with $p = 0.5$ by 0.2, in each run.
# Read across: the amount counts, too. And inputs and outputs with 0.5 do as well as all three with 0.3. So what "the
# state too" has gained doesn't show that the *state* was needed. A comparison that changes two things at a time can't
# tell which of them did it. Look for the second one whenever a new method wins.
#
# ## What became of the claim
#
# The first answer came out half: with $p = 0.3$ inputs and outputs weren't enough, but a larger $p$ did as well. (In
# exercise 1, without the LSTM's second memory $c$, it doesn't: there the first answer comes out.) The second didn't
# come out, in either network: fresh masks did no harm. Is the paper refuted? No: its Bayesian reason may be good, and
# not show in our losses. And the plainer reason needs a memory that lasts. How long does ours last? Take the loss at
# each step of a piece: at the first step the network knows one letter, at the fifth it knows five.

# %%
x, y = pieces(30_000, 1000)  # more letters, since each step gets only one of 25
by_step = np.zeros(LENGTH)
for model in networks["state too, the same"]:
    with tl.no_grad():
        scores = model(x, everything, everything, everything)
    losses = F.cross_entropy(scores.reshape(-1, len(vocabulary)), y.reshape(-1), reduction="none").data
    by_step += losses.reshape(-1, LENGTH).mean(axis=0) / 3
first, second, third, early, late = *by_step[:3], by_step[3:10].mean(), by_step[15:].mean()
print(f"steps 1, 2, 3: {first:.2f}, {second:.2f}, {third:.2f}; 4 to 10: {early:.2f}; 16 to 25: {late:.2f}")
assert first - second > 0.1 and abs(early - late) < 0.08
assert SHORT or np.allclose([first, second, third, early, late], [2.73, 2.45, 2.38, 2.35, 2.36], atol=0.08)

# %% [markdown]
# 2.73, 2.45, 2.38, and from then on about 2.36: our networks use hardly more than three letters. Three fresh masks
# leave every third unit alone, $0.7^3 = 0.34$, and that is enough. The paper's networks read a million words and had up
# to 1,500 units. So we have found a place where its advice isn't needed. That it is wrong elsewhere isn't shown.
#
# > **What goes wrong.** *Dropout stays on when you measure.* Then the loss is too high, and another one each time: by
# > that you notice. Layers are switched off by `model.eval()`; of masks of your own you must think yourself.

# %%
model, (x, y), rng = networks["state too, fresh"][0], (unseen[0][:BATCH], unseen[1][:BATCH]), np.random.default_rng(0)
left_on = []
for _ in range(2):
    on = [mask(rng, units, "fresh", p=0.3) for units in (WIDTH, UNITS, UNITS)]
    with tl.no_grad():
        left_on.append(loss_of(model(x, *on), y).item())
right = judged(model, x, y)
print(f"right {right:.2f}; left on {left_on[0]:.2f}, then {left_on[1]:.2f}")
assert min(left_on) > right + 0.03 and left_on[0] != left_on[1] and round(0.7**3, 2) == 0.34

# %% [markdown]
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_same_mask`. The states of many sequences, one mask for each.
#
# 1. Take the second memory away, which no mask touches: `nn.RNNCell` in place of `nn.LSTMCell`, and
#    `h = self.cell(inputs[:, t], h * on_state[:, t])`. (Leave out the comparison with `nn.LSTM`, and the assertions
#    about losses.) Make the table anew. Is the state alone still so bad? It takes 20 seconds.
#
# <details><summary>What you should find</summary>
#
# **1.** Inputs and outputs: 2.48 and 2.47, so here more dropout in these places doesn't help. The state alone: 2.52 and
# 2.44, now no worse, since no whole $c$ goes round it. All three: 2.42, run by run better than inputs and outputs by
# 0.06 ± 0.02 and 0.05 ± 0.01. So in this network the first answer *does* come out. The second doesn't: the same mask
# makes a difference of 0.004 ± 0.007.
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
# > of a sequence, in the state too, and the reason given for it. (Row D49.)
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
