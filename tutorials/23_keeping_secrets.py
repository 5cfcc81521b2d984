# %% [markdown]
# # 23. Keeping secrets
#
# You publish a network. Can somebody tell from it who was in your training data? And how would you train to hide it?
#
# That somebody *was in the data* can itself be a secret: think of the patients of one clinic. First you attack, and
# win. Then you find a promise that holds against every attack, train with it, and see what it costs.
#
# *You need:* the rule of a matrix product ([lesson 4](04_arrays.py)); the training loop
# ([lesson 5](05_layers_and_the_loop.py)); the digits ([lesson 9](09_digits.py)); early stopping
# ([lesson 11](11_overfitting.py)). `compile=True` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).

# %%
import importlib.util
from math import comb, exp, log

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.privacy import epsilon, private_gradients

# %% [markdown]
# ## An attack that works
#
# We make it easy for the attacker: only 200 digits to learn from, the **members**, and of all digits 30 % get a random
# label. Wrong labels can only be learned by heart ([lesson 11](11_overfitting.py)). We call a digit with a wrong label
# **odd**. Beside the members we need 200 **others** like them, and 200 **strangers** for a control.

# %%
train, test = data.split(data.digits(), 0.8, seed=0, stratify=True)


def groups(seed):  # members, others, strangers, four for the attacker; of each: pixels, labels, and which are odd
    rng = np.random.default_rng(seed)
    order, drawn = rng.permutation(len(train)), rng.random(len(train)) < 0.3
    y = np.where(drawn, rng.integers(0, 10, len(train)), train.y)
    return [(train.x[i], y[i], y[i] != train.y[i]) for i in np.split(order[:1400], 7)]


def network(seed):
    tl.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


# %%
def trained(group, epochs, seed):
    model = network(seed)
    tl.fit(model, group[:2], loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=2e-3), epochs=epochs,
           seed=seed, progress=False, compile=True)  # fmt: skip
    return model


runs = [groups(seed) for seed in range(4)]
full = [trained(run[0], 150, seed) for seed, run in enumerate(runs)]
control = [trained(run[2], 150, seed) for seed, run in enumerate(runs)]

# %% [markdown]
# The attacker has the network and some digits with their labels, and wants to know which of them were members. He needs
# one idea: what a network has seen, it knows better. So **whoever has the smaller loss was a member** (Yeom et al.
# 2018). How good is that? Draw a member and one of the others. The chance that the member has the smaller loss is
# called the **AUC**; a tie counts half. Guessing gives 0.5, a perfect attack 1.
#
# > **Predict.** After 150 epochs, what AUC has the attack? And what AUC among the odd?


# %%
def losses(model, group):  # one for each example
    return F.cross_entropy(tl.predict(model, group[0]), group[1], reduction="none").data


def auc(of_members, of_others):
    smaller, equal = of_members[:, None] < of_others, of_members[:, None] == of_others  # all pairs
    return np.mean(smaller + 0.5 * equal)


def attack(models, runs):  # the AUC of each run
    return [auc(losses(model, run[0]), losses(model, run[1])) for model, run in zip(models, runs, strict=True)]


def accuracy(model):  # on digits that are all rightly labelled
    return tl.accuracy(tl.predict(model, test.x), test.y)


def spread(figures):  # mean and standard deviation over the runs
    return f"{np.mean(figures):.2f} ± {np.std(figures, ddof=1):.2f}"


odd_runs = [[(x[odd], y[odd]) for x, y, odd in run] for run in runs]
on_full, on_odd, on_control = attack(full, runs), attack(full, odd_runs), attack(control, runs)
print(f"AUC {spread(on_full)}, among the odd {spread(on_odd)}; control {spread(on_control)}")
assert abs(np.mean(on_full) - 0.79) < 0.06 and np.mean(on_odd) > 0.96 and abs(np.mean(on_control) - 0.5) < 0.06

# %% [markdown]
# About 0.79, over four runs with other digits each: of five pairs nearly four are told apart. Among the odd ones it is
# nearly *all*: nobody else would call this 3 a 7. The first to be found are those unlike the rest. In the control, of
# networks that were trained on the strangers, the attack finds nothing. So what it found comes from the training.

# %%
members, others = runs[0][:2]
figure, tiles = plt.subplots(1, 2, figsize=(7.2, 2.8), sharey=True)
bins = np.geomspace(1e-4, 30, 24)
for tile, model, title in ((tiles[0], full[0], "trained on the members"), (tiles[1], control[0], "control")):
    for group, colour, name in ((others, ORANGE, "others"), (members, BLUE, "members")):
        tile.hist(losses(model, group).clip(1e-4), bins, color=colour, histtype="step", linewidth=2, label=name)
    tile.set(xscale="log", xlabel="loss of an example", ylabel="digits", title=title)
tiles[1].legend(loc="upper left", frameon=False)
show(figure, "23_keeping_secrets_1", "Outlines of histograms of losses on a logarithmic axis. Trained on the members, "
     "nearly all of theirs lie below 1, half of the others' above. In the control both look alike.")  # fmt: skip
assert np.mean(losses(full[0], members) > 1) < 0.05 and np.mean(losses(full[0], others) > 1) > 0.3

# %% [markdown]
# Look at the left picture: hardly a member has a loss above 1, and half of the others have. On the right both look
# alike.
#
# ## The cheap remedy, and the next attack
#
# What wasn't learned by heart can't be recited. So stop after 8 epochs. And the accuracy?

# %%
early = [trained(run[0], 8, seed) for seed, run in enumerate(runs)]
on_early = attack(early, runs)
right_full, right_early = [accuracy(model) for model in full], [accuracy(model) for model in early]
print(f"AUC {spread(on_early)}; accuracy {spread(right_early)}, after 150 epochs {spread(right_full)}")
assert np.allclose([np.mean(each) for each in (on_early, right_full, right_early)], [0.59, 0.68, 0.77], atol=0.05)

# %% [markdown]
# The AUC falls to about 0.59, and the accuracy *rises*, from about 68 to 77 %. All for nothing! Is that it?
#
# Here is the next attack. A small loss may also come from an easy digit. So the attacker trains networks of his own, on
# digits of neither group. Their mean loss says how hard a digit is. **Subtract it**: whoever has the smaller
# *difference* was a member (Watson et al. 2021). They train for 8 epochs only, so that they learn nothing by heart.
#
# > **Predict.** What becomes of the 0.79? And of the 0.59 of the networks that were stopped early?


# %%
def differences(models, own):  # own: the attacker's networks, a list for each run
    for model, nets, run in zip(models, own, runs, strict=True):
        yield [losses(model, group) - np.mean([losses(net, group) for net in nets], axis=0) for group in run[:2]]


def next_attack(models, own):
    return [auc(of_members, of_others) for of_members, of_others in differences(models, own)]


own = [[trained(group, 8, seed=100 + k) for k, group in enumerate(run[3:])] for run in runs]
next_on_full, next_on_early = next_attack(full, own), next_attack(early, own)
print(f"the next attack: AUC {spread(next_on_full)}; stopped early {spread(next_on_early)}")
named = [np.mean(of_members < np.quantile(of_others, 0.01)) for of_members, of_others in differences(full, own)]
print("members below all but 1 % of the others:", np.round(named, 2))
assert abs(np.mean(next_on_full) - 0.85) < 0.05 and np.mean(next_on_early) > np.mean(on_early) + 0.03
assert 0.15 < np.mean(named) < 0.4

# %% [markdown]
# About 0.85 and 0.65, of the same networks. And by a threshold that is wrong about 1 % of the others, this attack names
# a quarter of the members or more. Somebody will have a third idea: no AUC tells of the next attack.
#
# ## What a promise would look like
#
# Begin with a secret of one bit: have you ever cheated in an exam? Toss two coins where nobody sees them. If both show
# heads, say the opposite of the truth, else the truth. This is **randomised response** (Warner 1965). Who has cheated
# says yes with probability $\tfrac34$, who hasn't with $\tfrac14$. So if a share $s$ has cheated, "yes" comes with
# probability $\tfrac34 s + \tfrac14 (1 - s) = \tfrac14 + \tfrac12 s$, and from many answers one learns $s$.
#
# > **Predict.** One in five has cheated, so for you, too, the **odds** are 1 : 4, one who has against four who haven't.
# > Now you say yes. What are the odds? And if you are asked five times, toss anew each time, and always say yes?

# %%
rng = np.random.default_rng(0)
cheated = rng.random(10_000) < 0.2
said_yes = cheated != (rng.random(10_000) < 0.25)  # a quarter says the opposite
print(f"s by their answers {2 * (said_yes.mean() - 0.25):.3f}, in truth {cheated.mean():.3f}")

# %% [markdown]
# Of all together one learns a good deal, of you little. The one says yes with $\tfrac34$, the four with $\tfrac14$
# each, which makes 1: so the odds are $\tfrac34 : 1$, or 3 : 4. Your "yes" makes them 3 times as large, whatever they
# were. This factor, $\tfrac34 / \tfrac14$, is written $e^\varepsilon$, here with $\varepsilon = \ln 3 = 1.10$. Five
# times make it $3^5 = 243$. The factors are multiplied, so the $\varepsilon$ **add up**: each answer costs.
#
# Training answers, too. It is **differentially private** (Dwork et al. 2006) if for any data, any example and any $A$,
#
# $$ P(A \mid \text{with}) \;\le\; e^\varepsilon\, P(A \mid \text{without}) + \delta , \tag{1} $$
#
# and the same with *with* and *without* exchanged: two trainings whose data differ only by that example. $A$ is any set
# of networks, such as "those with a loss below 0.1 for this digit". $\varepsilon$ (epsilon) bounds how the odds change,
# as with the coins. $\delta$ (delta) is a small rest without a promise. It must be well below 1 / (number of examples):
# with $\delta$ as large as that, a program that publishes one example, drawn by lot, would count as private.
#
# (1) names no attack, so it holds for all of them. But it wants a training that depends on chance. Without chance, data
# give one network for certain. If $A$ is the one that comes out *with* the example, and the example changes anything,
# (1) says $1 \le e^\varepsilon \cdot 0 + \delta$: no $\varepsilon$ is enough.
#
# ## Noise where the data come in
#
# The data reach the weights by one way only, the gradients. So that is where the noise has to be, enough to hide one
# example. How long is the gradient of one? A loop tells, here in the middle of a training:


# %%
def gradients(model, x, y):  # a row for each example: its own gradient, by all parameters
    rows = np.zeros((len(x), sum(p.size for p in model.parameters())))
    for i in range(len(x)):
        model.zero_grad()
        F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
        rows[i] = np.concatenate([p.grad.data.ravel() for p in model.parameters()])
    return rows


x, y, odd = members
model = trained(members, 30, seed=0)
rows = gradients(model, x, y)
norms = np.linalg.norm(rows, axis=1)  # how long each is
print(f"median norm, label right: {np.median(norms[~odd]):.1f}, odd: {np.median(norms[odd]):.1f}")
assert rows.shape == (200, 9610) and np.median(norms[odd]) > 2 * np.median(norms[~odd]) and np.mean(norms > 1) > 0.85

# %% [markdown]
# The odd ones pull hardest. No noise is sure to hide a pull of any length. So each $g_i$ is **clipped**: if its norm
# $\lVert g_i \rVert$, by *all* parameters, is above $C$, it's shortened to $C$. Then add noise:
#
# $$ \begin{aligned} \hat g_i &= g_i \cdot \min\big(1,\; C / \lVert g_i \rVert\big) , \\
#    \tilde g &= \frac{1}{n q} \Big( \sum_{i \in S} \hat g_i + \mathcal N(0, \sigma^2 C^2) \Big) .
#    \end{aligned} \tag{2} $$
#
# * $S$ is the **lot**, the batch of this step. Each of the $n$ examples is in it with probability $q$, whatever the
#   others do (**Poisson sampling**). Such a draw helps to hide: nobody knows in which steps an example took part.
# * $\mathcal N$ is normal noise, $\sigma$ its strength. It goes to the **sum**, which one example moves by $C$ at most.
# * $n q$ is the *expected* size of the lot. The real size depends on who is there.
#
# This is **DP-SGD** (Abadi et al. 2016). The result $\tilde g$ goes to any optimizer. With $C = 1$, as here, more than
# nine in ten of these gradients are shortened: of most only the direction is left.


# %%
def private_step(model, x, y, clip, noise, lot, rng):  # formula (2)
    drawn = np.flatnonzero(rng.random(len(x)) < lot / len(x))
    rows = gradients(model, x[drawn], y[drawn])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    clipped = rows * clip / np.maximum(norms, clip)
    return (clipped.sum(axis=0) + rng.normal(0, noise * clip, rows.shape[1])) / lot


by_hand = private_step(model, x, y, clip=1, noise=0, lot=40, rng=np.random.default_rng(0))
private_gradients(model, x, y, loss=F.cross_entropy, clip=1, noise=0, lot=40, rng=np.random.default_rng(0))
assert np.allclose(np.concatenate([p.grad.data.ravel() for p in model.parameters()]), by_hand, atol=1e-6)

# %% [markdown]
# `tl.privacy.private_gradients` does the same. How far does the sum move without the member of the longest gradient?

# %%
clipped, stay = rows / np.maximum(norms, 1)[:, None], np.arange(200) != norms.argmax()
moved, moved_clipped = [np.linalg.norm(each.sum(axis=0) - each[stay].sum(axis=0)) for each in (rows, clipped)]
of_lot, noise = 40 * np.linalg.norm(by_hand), np.linalg.norm(np.random.default_rng(0).normal(0, 1, 9610))
print(f"it moves by {moved:.1f}, if clipped by {moved_clipped:.1f}; a lot's sum {of_lot:.0f}, the noise {noise:.0f}")
assert abs(moved - 12) < 2 and abs(moved_clipped - 1) < 1e-3 and of_lot < 11 and np.linalg.norm(rows.mean(axis=0)) < 0.3

# %% [markdown]
# By 1 and not by 12. And the noise, with $\sigma = 1$ for each of 9,610 parameters, has the length $\sqrt{9610} = 98$,
# against about 8! Still something can be learned: the 98 is spread over 9,610 directions. Along the sum itself the
# noise is *one* number, of size 1, against 8.
#
# ## The trick: norms without gradients
#
# A pass for each example is slow. For a Linear layer *one* pass gives all norms. If $\bar y$ arrives at its output for
# one example, the weights' gradient is $\bar y\, x^\top$, all products of a number of $\bar y$ and one of $x$:
#
# $$ \lVert \bar y\, x^\top \rVert^2 = \sum_j \sum_k (\bar y_j\, x_k)^2
#    = \lVert \bar y \rVert^2\, \lVert x \rVert^2 . \tag{3} $$
#
# The bias gets $\bar y$ itself: one more $\lVert \bar y \rVert^2$. A second pass begins with each example's loss times
# its $\min(1, C / \lVert g_i \rVert)$, and gives the clipped sum (Goodfellow 2015). `private_gradients` does so for all
# layers that it knows, and takes as long as 2 to 4 ordinary passes (`benchmarks/README.md`, "Privacy").
#
# Each row of $\bar y\, x^\top$ is a multiple of $x$, and the bias's gradient, $\bar y$, says which. So divide:

# %%
figure, tiles = plt.subplots(2, 4, figsize=(5.6, 2.9), subplot_kw={"xticks": [], "yticks": []})
for i in range(4):
    of_weight, of_bias = rows[i, :8192].reshape(128, 64), rows[i, 8192:8320]  # of the first layer
    k = np.abs(of_bias).argmax()
    stolen = of_weight[k] / of_bias[k]
    tiles[0, i].imshow(x[i].reshape(8, 8), cmap="gray_r")
    tiles[1, i].imshow(stolen.reshape(8, 8), cmap="gray_r")
    assert np.allclose(stolen, x[i], atol=1e-3)
    assert np.isclose(np.linalg.norm(of_weight), np.linalg.norm(of_bias) * np.linalg.norm(x[i]), rtol=1e-4)  # (3)
tiles[0, 0].set_ylabel("the digit")
tiles[1, 0].set_ylabel("its gradient,\ndivided")
show(figure, "23_keeping_secrets_2", "Four handwritten digits in the upper row. Below each is what was computed from "
     "its gradient alone: the same picture, pixel by pixel.")  # fmt: skip

# %% [markdown]
# The gradient of one example *is* the example. In **federated learning** the data "stay at home": each telephone sends
# gradients, or weights after a few steps, and a server averages them. That alone is no privacy. It needs (2) as well.
#
# ## The accountant
#
# How large is $\varepsilon$ after $T$ steps? Let the attacker know all other examples, and subtract them. What is left
# in the direction of the one is a number $u$, in units of $C$. *Without* the example it is noise, a bell curve of width
# $\sigma$ around 0; *with* it, if it was drawn, the curve lies around 1. At $u$ their quotient is
# $r = e^{-(u-1)^2/2\sigma^2} / e^{-u^2/2\sigma^2} = e^{(2u-1)/2\sigma^2}$. The odds change by $1 - q + q\,r$. How often
# is that large? The mean of its power $a$ tells, as high powers stress what is large. By the binomial formula
#
# $$ m_a = \sum_{k=0}^{a} \binom ak (1-q)^{a-k}\, q^k\; e^{k(k-1)/2\sigma^2} . \tag{4} $$
#
# The last factor is the mean of $r^k$ *without*: $-u^2 + k(2u - 1)$ is $-(u-k)^2 + k(k-1)$, so the curve around 0 times
# $r^k$ is one around $k$ times this factor. Noise is new at each step: $T$ steps have $m_a^T$, and
#
# $$ \varepsilon = \frac{T \ln m_a - \ln (\delta a)}{a - 1} + \ln \frac{a - 1}{a} \tag{5} $$
#
# is a promise that holds, *for each* whole number $a > 1$. Believe that, as we do (Balle et al. 2020). So each $a$
# gives one $\varepsilon$, and all hold: take the smallest. This is **Rényi accounting** (Mironov et al. 2019, also for
# *with* and *without* exchanged). For 1,438 digits, lots of 64, $\sigma = 1$, $\delta = 10^{-4}$, a seventh of $1/n$:
#
# > **Predict.** For 150 steps $\varepsilon$ is about 3.6. For three times as many?


# %%
def log_moment(a, q, sigma):  # ln m_a, formula (4), by logarithms, since its terms get huge
    terms = [log(comb(a, k)) + (a - k) * log(1 - q) + k * log(q) + k * (k - 1) / (2 * sigma**2) for k in range(a + 1)]
    return np.logaddexp.reduce(terms)


def by_orders(noise, rate, steps, delta):  # the smallest of (5)
    moments = [(a, log_moment(a, rate, noise)) for a in range(2, 128)]
    return min((steps * moment - log(delta * a)) / (a - 1) + log((a - 1) / a) for a, moment in moments)


rate, delta = 64 / len(train), 1e-4
bills = [by_orders(1.0, rate, steps, delta) for steps in (150, 450, 1500)]
print("ε after 150, 450 and 1,500 steps:", *np.round(bills, 2))
assert np.allclose(bills, [3.64, 6.21, 12.18], atol=0.02)
if importlib.util.find_spec("dp_accounting"):  # from: python -m pip install ".[privacy]"
    tighter = epsilon(noise=1.0, rate=rate, steps=450, delta=delta)
    print(f"tl.privacy.epsilon for 450 steps: {tighter:.2f}")
    assert abs(tighter - 5.355) < 0.01 and tighter < bills[1]

# %% [markdown]
# 6.2, about $\sqrt 3$ times 3.6: like noise, what single steps give away partly cancels. With the package
# `tl.privacy.epsilon` follows the whole distribution of the odds, and finds about 5.35. Both promise *at most*.
#
# ## The price
#
# > **Predict.** Clipped but without noise, 150 steps lead to about 96 % right. And with noise 1? With 4?


# %%
def trained_privately(x, y, noise, lot, seed):
    model = network(seed)
    adam, rng = optim.Adam(model.parameters(), lr=6e-3), np.random.default_rng(seed)
    for _ in range(150):
        private_gradients(model, x, y, loss=F.cross_entropy, clip=1.0, noise=noise, lot=lot, rng=rng)
        adam.step()
    return model


noises = (0.0, 0.5, 1.0, 2.0, 4.0)
prices = np.array([[accuracy(trained_privately(*train, noise, 64, s)) for s in range(3)] for noise in noises])
bill_of = [by_orders(noise, rate, 150, delta) for noise in noises[1:]]
means, bars = prices.mean(axis=1), prices.std(axis=1, ddof=1)
for noise, bill, right in zip(noises, [np.inf, *bill_of], prices, strict=True):
    print(f"noise {noise}: ε {bill:5.2f}, accuracy {spread(right)}")
print("odds may grow ×", *(f"{exp(bill):.2g}" for bill in bill_of))
assert np.allclose(means, [0.96, 0.92, 0.88, 0.83, 0.71], atol=0.05)

# %%
figure, axes = plt.subplots(figsize=(6.4, 3))
axes.errorbar(bill_of, means[1:], yerr=bars[1:], fmt="o-", color=BLUE, capsize=4)
axes.axhline(means[0], color=GRAY, linestyle="--")
axes.text(0.45, means[0] + 0.01, "without noise", color=GRAY)
axes.set(xscale="log", xlabel="ε, at most", ylabel="test accuracy", ylim=(0.6, 1))
axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
show(figure, "23_keeping_secrets_3", "Test accuracy over ε, with bars: about 70 % at ε 0.5, 83 % at 1.1, 88 % at 3.6, "
     "92 % at 23. A dashed line at 96 % is the training without noise.")  # fmt: skip

# %% [markdown]
# Read the curve from right to left, as the noise grows: about 92, 88, 83 and 70 %. (Bars: the standard deviation of
# three seeds, on the same digits.) And what do you get? At 23 nothing in practice. At 3.6 the odds may grow 38 times, a
# weak promise. At 1.1 they may triple, as with the coins, and that costs some 13 points.
#
# And the 200 digits, against both attacks? The first row has networks that read about as many test digits: they were
# stopped after 4 epochs. The control is private, too, trained on the strangers.

# %%
brief = [trained(run[0], 4, seed) for seed, run in enumerate(runs)]
private = [trained_privately(*run[0][:2], noise=2.0, lot=40, seed=seed) for seed, run in enumerate(runs)]
strange = [trained_privately(*run[2][:2], noise=2.0, lot=40, seed=seed) for seed, run in enumerate(runs)]
for name, models in (("4 epochs", brief), ("private", private), ("control", strange)):
    right, first, second = [accuracy(model) for model in models], attack(models, runs), next_attack(models, own)
    print(f"{name:8}  accuracy {spread(right)}  AUC {spread(first)}, of the next attack {spread(second)}")
    assert np.allclose([np.mean(first), np.mean(second)], [0.5, 0.48] if models is strange else [0.59, 0.55], atol=0.06)
alike = [[trained_privately(*group[:2], 2.0, 40, seed=100 + k) for k, group in enumerate(run[3:5])] for run in runs]
like_brief = [[trained(group, 4, seed=100 + k) for k, group in enumerate(run[3:5])] for run in runs]
matched, bill = [next_attack(brief, like_brief), next_attack(private, alike)], by_orders(2.0, 40 / 200, 150, delta)
print("4 epochs against 4 epochs, private against private:", *map(spread, matched))
print(f"ε {bill:.1f}, odds × {exp(bill):.0f}")
assert np.allclose(np.mean(matched, axis=1), 0.58, atol=0.06) and abs(bill - 6.1) < 0.05

# %% [markdown]
# At about the same accuracy the AUCs are the same. The next attack seems weak, until the attacker trains his networks
# as ours were: then it has about 0.58, of both. *No attack here sees a difference* between these two. And stopped after
# 8 epochs they read 77 %, at 0.65. What you buy is the promise, which holds against attacks that nobody has tried. On
# 200 examples it is dear, and weak: $\varepsilon = 6.1$. With more of them lots can be larger, and $q$ still smaller.
#
# What isn't promised?
# * (1) is about *one* row. Of ten rows of one person it only says ten times $\varepsilon$, and a far larger $\delta$.
# * What is true of everybody, the network tells, also of those who were in no data.
# * The mean that pixels were scaled by, norms and losses that are printed, and the last bits of numbers aren't covered.
# * Who has the seed takes the noise away: write `np.random.default_rng()`. The networks of this page hide nothing.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *The mean is clipped, not each.* It runs, and is quick. But the mean of the 200 gradients above
# > is shorter than 0.3, so nothing is clipped, and one member moves the sum by 12. How to notice: leave one out.
#
# > **What goes wrong.** *Runs are thrown away, and not paid for.* Ten runs with ten rates, and the best is published.
# > All ten have looked at the data: 1,500 steps, and $\varepsilon$ is 12.2, not 3.6. (This page's rate was found so.)
#
# > **What goes wrong.** *A layer is used twice.* Then an example's gradient is a sum of two. They may help each other,
# > so its norm can't be had from theirs, and what is clipped by a wrong norm stays too long. tinydl refuses:

# %%
twice = nn.Linear(64, 64)
model = nn.Sequential(twice, nn.ReLU(), twice, nn.ReLU(), nn.Linear(64, 10))
try:
    private_gradients(model, x, y, loss=F.cross_entropy, clip=1, noise=1, lot=40, rng=np.random.default_rng())
except TypeError as error:
    print(error)

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_auc`, with ties; `ex_clipped_sum`, the sum in (2), where an example's
# norm is that of all its parameters together; `ex_ghost_norms`, (3) where an example uses a layer at several positions.
#
# 1. Attack networks with 1,000 members: `np.split(order, [1000, 1200, 1400])` in `groups`. And without wrong labels?
# 2. Train with `clip` 0.1 and 10, the noise 1 and 150 steps as before. What do accuracy and $\varepsilon$ become?
# 3. Lots of 16, 64, 256, with 600, 150, 37 steps, noise 1: which has the smallest $\varepsilon$? And the best accuracy?
#
# <details><summary>What you should find</summary>
#
# **1.** About 0.70, and still 0.98 among the odd. With right labels 0.53: little has to be learned by heart. **2.**
# $\varepsilon$ is the same, since the noise is $\sigma C$. With 0.1 about 88 %, with 1 90 %, with 10 82 %. With 10 few
# are clipped, but the noise is ten times as large. **3.** 1.6, 3.6 and 7.7: small lots hide better, by their $q$.
# Accuracy 88, 90 and 87 %, ± up to 3 over three seeds: 16 is nearly as good, for less than half of the $\varepsilon$.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/training/privacy.py`: `private_gradients` and `epsilon`; what is refused, and why.
# * `tinydl/training/ghost.py`: (3) for each kind of layer.
# * `benchmarks/privacy.py`: the price and the attack, with more seeds.
#
# This is the end of the way. You began with the slope of a curve. Now build something that you care about, and measure
# it as here. Off the way lie [excursion 1](e1_where_is_it.py), [excursion 2](e2_fill_in_the_blank.py),
# [excursion 3](e3_speech.py), [excursion 4](e4_recurrent_dropout.py) and [excursion 5](e5_second_ward.py).
