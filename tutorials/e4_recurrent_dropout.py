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
# they said, dropout strikes again at every step, and the memory is lost. Gal and Ghahramani answered in 2016:
#
# 1. Dropout on inputs and outputs alone doesn't stop a network from learning by heart. The state needs it, too.
# 2. It does no harm there if the **mask**, which says what is dropped, is drawn *once for each sequence* and stays the
#    same at all steps.
#
# Let $m_t$ be the mask at step $t$: for each unit of the state 1 (kept) or 0 (dropped, with probability $p$). In place
# of $h_t$ the next step sees, unit by unit,
#
# $$ \tilde h_t = \frac{m_t}{1 - p}\; h_t . \tag{1} $$
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
    kept = rng.random((BATCH, times, units)) >= p
    return np.broadcast_to(kept / (1 - p), (BATCH, LENGTH, units)).astype(np.float32)  # repeats what was drawn once


fresh, same = (mask(np.random.default_rng(0), 64, kind, p=0.3) for kind in ("fresh", "same"))
assert abs(fresh.mean() - 1) < 0.03 and abs(same.mean() - 1) < 0.03  # on average, h stays what it was
assert np.all(same == same[:, :1]) and (same[3, 0, :12] == 0).sum() == 4 and (fresh[3, :, :12] == 0).any(axis=0).all()

# %%
figure, panels = plt.subplots(1, 2, figsize=(6.4, 2.9), sharey=True)
for axes, each, title in zip(panels, (fresh, same), ("fresh at each step", "the same at all steps"), strict=True):
    axes.imshow(each[3, :, :12].T == 0, cmap="Greys", vmax=1.5, interpolation="none", aspect="auto")
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
# Fresh: $0.7^{10} = 0.028$, three in a hundred. The same: 70 in a hundred. That is the reasoning behind the second
# answer, and it is good reasoning. Whether it matters in practice, an experiment must say.
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
            h, c = self.cell(inputs[:, t], (h * on_state[:, t], c))  # formula (1)
            outputs.append(h)
        return self.out(np.stack(outputs, axis=1) * on_outputs)  # the scores of the next letter, at each step


# %% [markdown]
# `nn.LSTM` can do this: `recurrent_dropout=` drops the state, with the same mask for a whole sequence. (Its option
# `dropout=` is something else: fresh masks *between* layers. With one layer it does nothing.) Let us compare. Both get
# the same weights, and by the same seed both draw the same mask; `F.dropout` of ones gives the mask itself.

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


def judged(model, x, y, factor=everything):
    with tl.no_grad():
        return loss_of(model(x, factor, factor, factor), y).item()


def step_of(model, optimizer):
    @tl.compile(check=False)  # check: whether the compiled step does the same; it costs some seconds
    def step(x, y, on_inputs, on_state, on_outputs):
        loss = loss_of(model(x, on_inputs, on_state, on_outputs), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


# %% [markdown]
# `steps(50)` is 50; only the project's own tests, which run each page at each change, take a tenth.

# %%
EPOCHS = steps(50)


def trained(run, *kinds, p):
    tl.manual_seed(run)
    model, rng, losses = Writer(), np.random.default_rng(run), []
    step = step_of(model, optim.Adam(model.parameters(), lr=0.02))
    x, y = passages[run]
    for epoch in range(1, EPOCHS + 1):
        for rows in rng.permutation(120).reshape(3, BATCH):  # three batches of 40 pieces
            on = [mask(rng, units, kind, p) for units, kind in zip((WIDTH, UNITS, UNITS), kinds, strict=True)]
            step(x[rows], y[rows], *on)
        if epoch % 5 == 0:
            losses.append(judged(model, *unseen))
    return model, losses


# %% [markdown]
# > **Predict.** Put the four in order: whose loss on unseen letters is lowest at the end? And are the last two far
# > apart?


# %%
def three_runs(name):
    *kinds, p = variants[name]
    models, losses = zip(*(trained(run, *kinds, p=p) for run in range(3)), strict=True)
    return models, np.array(losses)  # (3 runs, 10 times)


def bar(values):  # the mean, and the error bar
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


networks, curves = {}, {}
for name in variants:
    networks[name], curves[name] = three_runs(name)
    mean, half = bar(curves[name][:, -1])
    print(f"{name:<20} lowest {curves[name].mean(axis=0).min():.2f}, at the end {mean:.2f} ± {half:.2f}")

# %%
figure, axes = plt.subplots(figsize=(6.4, 4))
epochs = np.arange(5, EPOCHS + 1, 5)
for name, color, style in zip(variants, (GRAY, BLUE, ORANGE, GREEN), ("-", "-", "-", "--"), strict=True):
    half = [bar(column)[1] for column in curves[name].T]
    axes.errorbar(epochs, curves[name].mean(axis=0), half, color=color, ls=style, marker=".", capsize=2, label=name)
axes.set(xlabel="epoch", ylabel="loss per letter, on unseen letters", ylim=(2.25, 3.05))
figure.legend(loc="outside upper center", ncols=2, fontsize="small", frameon=False)
show(figure, "e4_recurrent_dropout_2", "Four losses with error bars over 50 epochs. Without dropout: down to "
     "2.4 at epoch 15, then up and out of the picture. With dropout on inputs and outputs: down to 2.38, then slowly "
     "up to 2.48. The two with dropout on the state lie one upon the other and stay below 2.4.")  # fmt: skip

# %%
at_end = {name: losses[:, -1] for name, losses in curves.items()}
lowest = {name: losses.mean(axis=0).min() for name, losses in curves.items()}
gain, gain_bar = bar(at_end["inputs and outputs"] - at_end["state too, fresh"])  # run by run
gap, gap_bar = bar(at_end["state too, the same"] - at_end["state too, fresh"])
print(f"the state gains {gain:.3f} ± {gain_bar:.3f}; the same mask costs {gap:.3f} ± {gap_bar:.3f} more than fresh")
assert abs(gap) < (0.15 if SHORT else 0.045) and all(2.2 < np.mean(at_end[name]) < 2.8 for name in list(variants)[1:])
if not SHORT:
    by_heart = np.mean([judged(model, *own) for model, own in zip(networks["no dropout"], passages, strict=True)])
    assert abs(by_heart - 0.4) < 0.15
    assert 0.05 < gain < 0.17 and gain > 2 * gain_bar and 3.3 < np.mean(at_end["no dropout"]) < 4.2
    assert np.allclose(list(lowest.values()), [2.44, 2.38, 2.36, 2.36], atol=0.05)
    assert np.allclose([np.mean(at_end[name]) for name in list(variants)[1:]], [2.48, 2.38, 2.38], atol=0.06)

# %% [markdown]
# Without dropout the loss is lowest at about epoch 15, with 2.44, and ends near 3.8; on its own passage it is 0.4 then:
# learned by heart. Dropout on inputs and outputs delays that: 2.38, then up to 2.48. With the state too, the lowest is
# 2.36, and the end about 2.38.
#
# The bars look wide. But most of their width comes from the passages: one teaches less than the others, in any variant.
# So we compared run by run, as [lesson 11](11_overfitting.py) did fold by fold. At the end, dropping the state has
# gained about 0.11 ± 0.01, many bars. Whether its mask is fresh or the same makes a difference of about 0.01, here in
# favour of fresh masks. Don't build on that: a bar from three runs is itself rough. (With three other seeds, not shown
# here, the gain was 0.09 ± 0.02, and the difference 0.00.)
#
# ## The comparison that is missing
#
# So the state needs dropout? Not so fast. The last two variants don't only drop in one more *place*. They drop *more*.
#
# > **Predict.** Inputs and outputs alone once more, but with $p = 0.5$. What will the loss be at the end?

# %%
variants["inputs and outputs, 0.5"] = ("fresh", "none", "fresh", 0.5)
_, more = three_runs("inputs and outputs, 0.5")
mean, half = bar(more[:, -1])
apart, apart_bar = bar(more[:, -1] - at_end["state too, fresh"])
print(f"at the end {mean:.2f} ± {half:.2f}; run by run, {apart:+.3f} ± {apart_bar:.3f} from the state with fresh masks")
assert abs(apart) < (0.2 if SHORT else 0.05) and (SHORT or abs(mean - 2.37) < 0.06)

# %% [markdown]
# 2.37, as good as with the state. So here it isn't the place that counts but the amount. A comparison that changes two
# things at a time can't tell which of them did it. Look for the second one whenever a new method wins.
#
# ## What became of the claim
#
# The first answer came out half: at $p = 0.3$ inputs and outputs alone weren't enough, but a larger $p$ did as well.
# The second didn't come out: fresh masks in the state did no harm. Is the paper refuted? Its reasoning needs a memory
# that must last for many steps. How long does ours last? Take the loss at each step of a piece: at the first step the
# network knows one letter, at the fifth it knows five.

# %%
x, y = pieces(30_000, 1000)  # more letters, since each step gets only one of 25
with tl.no_grad():
    scores = [model(x, everything, everything, everything) for model in networks["state too, the same"]]
losses = [F.cross_entropy(s.reshape(-1, len(vocabulary)), y.reshape(-1), reduction="none").data for s in scores]
by_step = np.mean(losses, axis=0).reshape(-1, LENGTH).mean(axis=0)
first, second, third = by_step[:3]
early, late = by_step[3:10].mean(), by_step[15:].mean()
print(f"steps 1, 2, 3: {first:.2f}, {second:.2f}, {third:.2f}; 4 to 10: {early:.2f}; 16 to 25: {late:.2f}")
assert first - second > 0.15 and abs(early - late) < 0.08
assert SHORT or np.allclose([first, second, third, early, late], [2.78, 2.47, 2.39, 2.36, 2.37], atol=0.08)

# %% [markdown]
# 2.78, 2.47, 2.39, and from then on about 2.36: our networks use hardly more than three letters. Three fresh masks
# leave every third unit alone, $0.7^3 = 0.34$, and that is enough. The paper's networks read a million words and had up
# to 1,500 units. So we have found a place that its reasoning doesn't reach. That it is wrong elsewhere isn't shown.
#
# > **What goes wrong.** *Dropout stays on when you measure.* Then the loss is too high, and another one each time: by
# > that you notice. Layers are switched off by `model.eval()`; of masks of your own you must think yourself.
#
# > **What goes wrong.** *The division by $1 - p$ is forgotten.* The network learns with numbers that are too small on
# > average. In use all units work, and all is too large by $1/0.7 = 1.43$. How to notice: print the mean of a mask; it
# > should be 1. (Our networks did divide. But in use, factors of 1.43 in place of 1 do the same.)

# %%
model, (x, y), rng = networks["state too, fresh"][0], (unseen[0][:BATCH], unseen[1][:BATCH]), np.random.default_rng(0)
left_on = []
for _ in range(2):
    on = [mask(rng, units, "fresh", p=0.3) for units in (WIDTH, UNITS, UNITS)]
    with tl.no_grad():
        left_on.append(loss_of(model(x, *on), y).item())
right, undivided = judged(model, x, y), judged(model, x, y, factor=everything / np.float32(0.7))
print(f"right {right:.2f}; left on {left_on[0]:.2f}, then {left_on[1]:.2f}; without the division {undivided:.2f}")
assert min(left_on) > right + 0.03 and left_on[0] != left_on[1] and undivided > right + 0.05
assert round(1 / 0.7, 2) == 1.43 and round(0.7**3, 2) == 0.34

# %% [markdown]
# ## Exercises
#
# This one checks itself, with `tinydl learn`: `ex_same_mask`. The states of many sequences, one mask for each.
#
# 1. Take the second memory away, which no mask touches: `nn.RNNCell` in place of `nn.LSTMCell`, and
#    `h = self.cell(inputs[:, t], h * on_state[:, t])`. (Leave out the comparison with `nn.LSTM`, and the assertions
#    about losses.) Does it matter now *where* the dropout is? And whether the mask stays the same? It takes 15 seconds.
#
# <details><summary>What you should find</summary>
#
# **1.** Without dropout 3.78 at the end. Inputs and outputs: 2.48 with $p = 0.3$, and 2.47 with 0.5, so here more
# dropout in these places doesn't help. With the state too: 2.40, run by run better than these two by 0.08 ± 0.015 and
# 0.07 ± 0.01. So in this network the first answer *does* come out. The second doesn't: 2.40 with either mask.
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
