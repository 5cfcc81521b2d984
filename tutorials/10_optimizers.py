# %% [markdown]
# # 10. Optimizers: from a gradient to a step
#
# The gradient says which way is down. **How far should you go, and does it matter which rule you ask?**
#
# A bad answer looks like a network that cannot learn. You write five rules in a few lines each, watch them walk down a
# valley, and find what matters most: the learning rate, and how it changes during a run.
#
# *You need:* classes and the training loop of [lesson 5](05_layers_and_the_loop.py), the valley of
# [lesson 6](06_linear_regression.py) and the digits of [lesson 9](09_digits.py).

# %%
from copy import copy
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Plain descent in a valley
#
# Write $\theta$ for the parameters, $g$ for their gradient and $\alpha$ for the **learning rate**, in code `lr`. Plain
# descent is called SGD, *stochastic* (random), when $g$ comes from a random batch:
#
# $$ \theta \leftarrow \theta - \alpha\, g . \tag{1} $$
#
# The simplest hard problem is a long valley, a bowl that is 25 times more curved along $y$ than along $x$:
#
# $$ \begin{aligned} f(x, y) &= \tfrac12 (x^2 + 25\, y^2) \\ \nabla f &= (x,\; 25\, y) \end{aligned} \tag{2} $$
#
# The ratio of the two curvatures, 25, is its **condition**. In code the gradient $(x, 25\,y)$ is a matrix `H` with 1
# and 25 on the diagonal, times $\theta$. By (1), a step multiplies $x$ by $1 - \alpha$ and $y$ by $1 - 25\,\alpha$.
#
# > **Predict.** From which $\alpha$ on does SGD go up instead of down? Along $x$ or along $y$? Just below that rate,
# > what is left of $x$ after 40 steps: 0.01 %, 4 %, or 40 %?

# %%
VALLEY, START = np.array([[1.0, 0.0], [0.0, 25.0]]), np.array([-4.0, 1.6])


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def step(self, theta, g):
        return theta - self.lr * g  # formula (1)


# %%
def walk(rule, H=VALLEY, start=START, steps=40):
    rule, theta, path = copy(rule), start, [start]  # a copy: later rules have a memory, and it begins empty each time
    for _ in range(steps):
        theta = rule.step(theta, H @ theta)
        path.append(theta)
    return np.array(path)  # a row (x, y) for the start and for each step


for lr in (0.079, 0.081, 0.09):
    x, y = walk(SGD(lr))[-1]
    print(f"SGD, lr = {lr}: from (-4, 1.6), 40 steps lead to x = {x:.2f}, y = {y:.3g}")
    assert (abs(y) < 1.6) == (lr < 0.08)
assert abs(walk(SGD(0.079))[-1, 0] / -4 - 0.04) < 0.005

# %% [markdown]
# The limit is $\alpha = 2/25 = 0.08$. Beyond it $1 - 25\,\alpha$ is below −1, and $y$ is thrown from side to side,
# farther each time. The steep direction sets the limit, and the flat one lives with it: at 0.079, 4 % of $x$ is left.
#
# ## A ball that rolls: momentum
#
# **Momentum** keeps a velocity $v$, at first 0, that forgets slowly: with $\mu = 0.9$ ("mu") a tenth is lost per step.
#
# $$ \begin{aligned} v &\leftarrow \mu\, v + g \\ \theta &\leftarrow \theta - \alpha\, v \end{aligned} \tag{3} $$
#
# Gradients that alternate cancel. Gradients that agree add up, to $1 + \mu + \mu^2 + \dots = 1/(1 - \mu)$ times one of
# them; with $\mu = 0.9$ that is 10 times. Here are SGD, a light ball ($\mu = 0.5$) and a heavy one (0.9).


# %%
class Momentum:
    def __init__(self, lr, mu=0.9):
        self.lr, self.mu, self.v = lr, mu, 0.0

    def step(self, theta, g):
        self.v = self.mu * self.v + g  # formula (3)
        return theta - self.lr * self.v


# %%
def draw(rules, H=VALLEY, start=START):
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True)
    xs, ys = np.meshgrid(np.linspace(-4.6, 2.2, 120), np.linspace(-3.6, 2.0, 100))
    heights = H[0, 0] * xs**2 + 2 * H[0, 1] * xs * ys + H[1, 1] * ys**2  # twice f
    for panel, (name, rule) in zip(panels, rules.items(), strict=True):
        path = walk(rule, H, start)
        panel.contour(xs, ys, heights, 0.1 * 3.0 ** np.arange(8), colors="0.75", linewidths=0.7)
        panel.plot(path[:, 0], path[:, 1], "o-", color=BLUE, ms=2.5, lw=1)
        panel.plot(0, 0, "+", color=GRAY, ms=10)
        distance = np.hypot(*path[-1])  # hypot: how far (x, y) is from (0, 0)
        panel.set(title=f"{name}, lr = {rule.lr:g}\nends {distance:.2g} from the minimum +", xlabel="x")
    panels[0].set_ylabel("y")
    return figure


# %%
balls = {"SGD": SGD(0.07), "μ = 0.5": Momentum(0.09, mu=0.5), "μ = 0.9": Momentum(0.03)}
show(draw(balls), "10_optimizers_1", "Three paths of 40 steps. SGD zigzags, then crawls, and ends 0.22 from the "
     "minimum; momentum with μ = 0.5 gets to 3e-6; with 0.9 it swings past and back, and ends 0.51 away.")  # fmt: skip

# %% [markdown]
# SGD zigzags across the valley and crawls along it. The light ball cancels the zigzag, adds up the crawl and is done.
# The heavy one swings past and back: too heavy for *this* valley. But the longer the valley, the heavier the ball
# should be. Take condition 1,000. SGD's limit is 0.002 there; let all go just below it (the balls could go faster).

# %%
long_valley, ends = np.array([[1.0, 0.0], [0.0, 1000.0]]), []
for name, rule in {"SGD": SGD(0.0019), "μ = 0.5": Momentum(0.0019, mu=0.5), "μ = 0.9": Momentum(0.0019)}.items():
    ends.append(np.hypot(*walk(rule, long_valley, steps=400)[-1]))
    print(f"condition 1,000, {name:<7}: from a distance of 4.3, 400 steps lead to {ends[-1]:.2g}")
assert np.allclose(ends, [1.87, 0.87, 0.0003], atol=0.005) and ends[2] < 0.001

# %% [markdown]
# Now the heavy ball wins. The valleys of networks are usually long, so 0.9 is the usual choice.
#
# ## A rate for each parameter: AdaGrad, RMSprop, Adam
#
# What was wrong with SGD? One rate for a steep and a flat direction. **AdaGrad** divides each parameter's gradient by
# the root of the sum $s$ of its squares so far:
#
# $$ \begin{aligned} s &\leftarrow s + g^2 \\
#    \theta &\leftarrow \theta - \alpha\, \frac{g}{\sqrt{s} + \varepsilon} \end{aligned} \tag{4} $$
#
# At the first step $\sqrt s$ is $|g|$, so the step is $\alpha$ long in each direction, however steep. (The tiny
# $\varepsilon$ prevents $0/0$.) But the sum only grows, and the steps shrink. **RMSprop** forgets: its $s$ is a
# *running mean*, $s \leftarrow \beta\, s + (1 - \beta)\, g^2$, in which older squares have less and less weight.


# %%
class AdaGrad:
    def __init__(self, lr):
        self.lr, self.s = lr, 0.0

    def step(self, theta, g):
        self.s = self.s + g**2
        return theta - self.lr * g / (np.sqrt(self.s) + 1e-10)  # formula (4)


class RMSprop(AdaGrad):  # the same memory, another step
    def step(self, theta, g):
        self.s = 0.99 * self.s + 0.01 * g**2  # β = 0.99
        return theta - self.lr * g / (np.sqrt(self.s) + 1e-8)


# %% [markdown]
# A running mean that starts at 0 is too small at first: after one step RMSprop's $s$ is only $0.01\, g^2$, and so the
# first step is 10 times too long. **Adam** repairs this. It has two running means, $m$ of $g$ (a ball) and $s$ of
# $g^2$. Take $m$, with $\beta_1 = 0.9$. At step $t = 1$ it is $0.1\, g$, so divide by $0.1 = 1 - 0.9$. At $t = 2$ the
# two gradients have the weights 0.09 and 0.1, together $0.19 = 1 - 0.9^2$, so divide by that. At step $t$ divide by
# $1 - 0.9^t$; and likewise for $s$, with $\beta_2 = 0.999$:
#
# $$ \begin{aligned} m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
#    s &\leftarrow \beta_2 s + (1 - \beta_2)\, g^2 \\
#    \hat m &= m / (1 - \beta_1^t) , \quad \hat s = s / (1 - \beta_2^t) \\
#    \theta &\leftarrow \theta - \alpha\, \frac{\hat m}{\sqrt{\hat s} + \varepsilon} \end{aligned} \tag{5} $$


# %%
class Adam:
    def __init__(self, lr):
        self.lr, self.t, self.m, self.s = lr, 0, 0.0, 0.0

    def step(self, theta, g):
        self.t = self.t + 1
        self.m = 0.9 * self.m + 0.1 * g
        self.s = 0.999 * self.s + 0.001 * g**2
        m_hat, s_hat = self.m / (1 - 0.9**self.t), self.s / (1 - 0.999**self.t)
        return theta - self.lr * m_hat / (np.sqrt(s_hat) + 1e-8)  # formula (5)


own = {"AdaGrad": AdaGrad(1.0), "RMSprop": RMSprop(0.1), "Adam": Adam(0.5)}
assert np.allclose([walk(rule)[1, 0] for rule in own.values()], [-3, -3, -3.5])  # RMSprop's step is ten rates long
show(draw(own), "10_optimizers_2", "Three paths of 40 steps. All set out along the diagonal. AdaGrad and RMSprop glide "
     "to the minimum, to 0.0043 and 0.0021; Adam swings past it and circles, and ends 0.22 away.")  # fmt: skip

# %% [markdown]
# No zigzag. Adam circles, since it has a ball of 0.9 in it. Now let the valley lie *across* the coordinates: turn the
# bowl and the start by 45°. (`TURN` turns a point, its transpose turns it back: turn back, take the gradient, turn.)
#
# > **Predict.** It is the same bowl, and the rates are the same. Which of the three rules notice? Do SGD and momentum?

# %%
TURN = np.sqrt(0.5) * np.array([[1.0, -1.0], [1.0, 1.0]])
H, start = TURN @ VALLEY @ TURN.T, TURN @ START
show(draw(own, H, start), "10_optimizers_3", "The same valley, turned by 45°. AdaGrad and RMSprop creep along it and "
     "end 1.1 and 0.92 from the minimum; Adam comes down in waves, and ends 0.16 away.")  # fmt: skip
for rule in balls.values():
    assert np.allclose(walk(rule, H, start), walk(rule) @ TURN.T)  # the same path, turned
ends = [np.hypot(*walk(rule, H, start)[-1]) for rule in own.values()]
assert np.allclose(ends, [1.06, 0.92, 0.16], atol=0.005)

# %% [markdown]
# SGD and momentum take the same path, turned. AdaGrad ended 0.004 away and now 1.1, RMSprop 0.002 and now 0.9: the
# first, steep gradients make $s$ large for both parameters, and the way along the valley needs both. **A rate per
# parameter helps where parameters differ in scale (rare words, other units), not in every long valley.**
#
# ## On the digits: the rate matters more than the rule
#
# Now a real network, 64-32-10, on the 1,150 training digits of [lesson 9](09_digits.py), for four passes: six rates for
# each rule, and three starts, since one may be lucky. tinydl's rules are ours: they make the same steps.

# %%
ball = partial(optim.SGD, momentum=0.9)  # optim.SGD with this setting
RULES = {"SGD": optim.SGD, "momentum": ball, "AdaGrad": optim.Adagrad, "RMSprop": optim.RMSprop, "Adam": optim.Adam}
for make, ours in zip(RULES.values(), (SGD, Momentum, AdaGrad, RMSprop, Adam), strict=True):
    rule, theta = ours(0.03), np.ones(3)
    w = tl.tensor(theta, requires_grad=True)
    optimizer = make([w], lr=0.03)
    for g in np.random.default_rng(0).standard_normal((40, 3)):
        w.grad = tl.tensor(g)
        optimizer.step()
        theta = rule.step(theta, g)
    assert np.allclose(w.data, theta, rtol=0, atol=1e-12)


# %%
def digits_losses(make, lr):
    losses = []
    for seed in range(3):
        tl.manual_seed(seed)  # the same three starts for all rules
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = make(model.parameters(), lr=lr)
        tl.fit(model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=4, seed=seed, progress=False)
        losses.append(tl.evaluate(model, valid, loss=F.cross_entropy)["loss"])
    return losses


rest, _ = data.split(data.digits(), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)
grid = 10 ** np.linspace(-2, 0.5, 6)
RATES = {"SGD": grid, "momentum": grid / 10, "AdaGrad": grid / 10, "RMSprop": grid / 100, "Adam": grid / 10**1.5}

# %%
best, tenth = {}, {}  # the three losses at each rule's best rate, and at a tenth of it
measured = {name: np.array([digits_losses(RULES[name], lr) for lr in RATES[name]]) for name in RULES}
for name, losses in measured.items():
    i = np.argmin(losses.mean(axis=1))  # a row of three losses for each rate
    best[name], tenth[name] = losses[i], losses[i - 2]
    print(f"{name:<8} best at lr = {RATES[name][i]:<4.2g}: mean {best[name].mean():.2f}, three starts from "
          f"{best[name].min():.2f} to {best[name].max():.2f}; at a tenth of it {tenth[name].mean():.2f}")  # fmt: skip
    assert i in (3, 4) and 2.9 < tenth[name].mean() / best[name].mean() < 7  # not at the edge of the grid
assert all(best["momentum"].max() < best[name].min() for name in ("SGD", "AdaGrad", "RMSprop", "Adam"))
assert best["SGD"].mean() / best["momentum"].mean() < 1.8 and np.ptp(best["SGD"]) > 0.25

# %%
figure, axes = plt.subplots(figsize=(7, 4))
styles, colors = ("-o", "--X", "-s", "-^", "-v"), (GRAY, ORANGE, GREEN, PURPLE, BLUE)
for name, style, color in zip(RULES, styles, colors, strict=True):
    axes.loglog(RATES[name], measured[name].mean(axis=1), style, color=color, ms=5, label=name)
axes.set(xlabel="learning rate", ylabel="validation loss, 4 epochs", title="Five rules on the digits", ylim=(0.1, 3))
axes.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
axes.set_yticks([], minor=True)
axes.legend(fontsize="small", loc="lower left")
show(figure, "10_optimizers_4", "Validation loss over the learning rate, with logarithmic axes: a valley for each of "
     "five rules. All go down to 0.16 to 0.28, but at different rates, from 0.01 (Adam) to 1 (SGD).")  # fmt: skip

# %% [markdown]
# Momentum is ahead here: even its worst start, 0.17, beats the best start of every other rule, if only just. SGD
# scatters most, from 0.18 to 0.45. (On another network another rule may win.) Still, best and worst rule differ by less
# than a factor of 2, and a rate ten times too small costs a factor of 3 to 7. And the best rates differ: SGD's is 1,
# Adam's 0.01, momentum's a tenth of SGD's, since (3) adds up to 10 times a gradient.
#
# > **What goes wrong.** "I tried SGD and Adam with `lr=0.001`, and Adam is far better." A comparison at one rate
# > compares rates. How to notice: give each rule a grid of its own, and see that the best rate isn't at its edge.
#
# ## A rate that changes: schedules
#
# Batches are noisy, so at a constant rate the parameters never rest. A small rate disturbs less, but takes long to
# arrive. A **schedule** is large first and small at the end: `StepLR` divides the rate by 10 every so many steps,
# `CosineAnnealingLR` goes down half a cosine wave, to 0. The smallest example is $f = \theta^2 / 2$, whose gradient is
# $\theta$, and a batch adds random noise of size 1: how far from 0 are 500 runs, typically, that begin at 5?

# %%
t, ends = np.arange(1000), []
SCHEDULES = {
    "constant 0.3": np.full(1000, 0.3),
    "constant 0.003": np.full(1000, 0.003),
    "StepLR": 0.3 * 0.1 ** (t // 250),
    "CosineAnnealingLR": 0.3 * (1 + np.cos(np.pi * t / 1000)) / 2,
}

# %%
figure, axes = plt.subplots()
colors = (GRAY, PURPLE, ORANGE, BLUE)
for (name, rates), style, color in zip(SCHEDULES.items(), ("-", ":", "-", "--"), colors, strict=True):
    theta, rng, far = np.full(500, 5.0), np.random.default_rng(0), []
    for lr in rates:
        theta = theta - lr * (theta + rng.standard_normal(500))
        far.append(np.sqrt(np.mean(theta**2)))
    ends.append(far[-1])
    axes.semilogy(far, style, color=color, label=f"{name}: {far[-1]:.2f} at the end")
axes.set(xlabel="step", ylabel="distance from the minimum", title="500 noisy runs, four schedules", ylim=(0.04, 6))
axes.legend(fontsize="small")
show(figure, "10_optimizers_5", "Distance from the minimum over 1,000 steps. Constant 0.3 falls at once, stays at 0.4; "
     "0.003 falls slowly, to 0.25. StepLR goes down in stairs to 0.06, the cosine in a curve to 0.07.")  # fmt: skip
assert np.allclose(ends, [0.44, 0.25, 0.06, 0.07], atol=0.01)

# %% [markdown]
# The constant 0.3 arrives at once, and stays about 0.4 away; 0.003 is still on its way. Both schedules come closer. In
# a loop, write `schedule = optim.StepLR(optimizer, 250)` first, and `schedule.step()` after each `optimizer.step()`;
# `fit` takes one, too (exercise 3). (`LinearWarmup` is for first steps that are too long.)
#
# ## Weight decay: keeping weights small
#
# Large weights learn noise by heart ([lesson 11](11_overfitting.py)). **Weight decay** adds $\lambda\theta$ to the
# gradient, a pull towards 0. SGD then steps to $(1 - \alpha\lambda)\,\theta - \alpha g$. But Adam divides the pull as
# well, by $\sqrt{\hat s}$. **AdamW** keeps it apart: it multiplies by $1 - \alpha\lambda$, then steps with $g$ alone.
#
# > **Predict.** Two weights begin at 1. Their gradients, ±10 in turn and ±0.1 in turn, mean nothing. Which of the two
# > does Adam shrink more?

# %%
for make, left in ((optim.SGD, [0.37, 0.37]), (optim.Adam, [0.90, 0.26]), (optim.AdamW, [0.37, 0.37])):
    w = tl.tensor(np.ones(2), requires_grad=True)
    optimizer = make([w], lr=0.001, weight_decay=1.0)  # λ = 1
    for t in range(1000):
        w.grad = tl.tensor((-1) ** t * np.array([10.0, 0.1]))
        optimizer.step()
    print(f"{make.__name__:<5} leaves {w.data[0]:.2f} and {w.data[1]:.2f}")
    assert np.allclose(w.data, left, atol=0.006)

# %% [markdown]
# SGD and AdamW leave $0.999^{1000} = 0.37$ of both. Adam divides the pull by about 10 where gradients are large; where
# they are small it sees little but the pull, at first 1, and each step is at first nearly $\alpha$.
#
# So how far, and by which rule? Begin with momentum 0.9 or Adam, at three rates a factor of 10 apart, then a factor
# of 3 around the best. When the loss no longer falls, take a schedule; for smaller weights, AdamW's decay.
#
# ## Exercises
#
# With `tinydl learn`: `ex_momentum`, `ex_adagrad`, `ex_adam` (its `v` is our $s$; `a`, `b` are $\beta_1$, $\beta_2$).
#
# 1. At condition 100, which of $\mu$ = 0.5, 0.6, …, 0.9 needs the fewest steps to a thousandth of the distance?
# 2. Give both weights gradients of size 1, +1, −1, … What does Adam leave now, and why isn't it 0.37?
# 3. In `digits_losses`, give `fit` a schedule over all 144 steps, with
#    `schedule=optim.CosineAnnealingLR(optimizer, 144, per="step")`. What does SGD gain at the rate 1, and at 0.3?
#
# <details><summary>What you should find</summary>
# (1) 0.7, with about 38 at its best rate (try 50 below 0.034). (2) 0.46: $\hat s$ is 1 plus the square of the pull.
# (3) At 1 the mean falls from 0.28 to 0.20, without scatter. At 0.3 it rises from 0.29 to 0.50: small steps too early.
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from, which says for which data
# > each rule is. (`tinydl document` measures it, in D18 and D25 to D28.)
# >
# > - **SGD is for small data, and slow**[^sgd]. It is for *large* data, and slow only where features differ in scale.
# > - **Adam is for dense data** (few zeros)[^data]. It gains nothing there; on sparse data (mostly zeros) it does.
# > - **RMSprop adapts unlike Adam, and is for sparse data**[^rmsprop]. Both divide by $\sqrt s$, both do well there.
# > - **Adadelta can handle extremely sparse problems**[^data]. AdaGrad, left out, does it better: it doesn't forget.
#
# [^sgd]: 「适用于小数据集和简单模型，计算简单，但收敛速度较慢」
# [^rmsprop]: 「在学习率自适应方面有所不同，适用于数据分布较为稀疏的场景」
# [^data]: Adam:「特别是数据分布较为稠密的场景」, Adadelta:「可以处理极端稀疏问题」
#
# ## Where this lives in tinydl
#
# `tinydl/optim/sgd.py` and `tinydl/optim/adaptive.py` have each rule line by line, `tinydl/optim/schedules.py` the
# schedules. Next: [lesson 11, overfitting](11_overfitting.py).
