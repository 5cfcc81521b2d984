# %% [markdown]
# # 10. Optimizers: from a gradient to a step
#
# The gradient says, for every parameter, which way is down. **How far should you go, and does it matter which rule you
# ask?**
#
# Every training run needs an answer. A good one saves hours, a bad one looks like a network that cannot learn. Here
# you write five rules in a few lines each, watch them walk down a valley, and find what matters most: the learning
# rate, how it changes during a run, and how weights are kept small.
#
# *You need:* the training loop of [lesson 5](05_layers_and_the_loop.py) and the digits of [lesson 9](09_digits.py).
# You may skip the sections on schedules and weight decay at a first reading.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Five rules
#
# Write $\theta$ for a parameter, $g$ for its gradient and $\eta$ for the **learning rate** (`lr`). Plain gradient
# descent goes against the gradient. It is called SGD, *stochastic* (random), when $g$ comes from a random batch:
#
# $$ \theta \leftarrow \theta - \eta\, g . \tag{1} $$
#
# **Momentum** lets a ball roll. It keeps a velocity $b$, at first 0, that forgets slowly: with $\beta = 0.9$ a tenth
# is lost in each step. Gradients that agree add up, gradients that alternate cancel:
#
# $$ \begin{aligned} b &\leftarrow \beta\, b + g \\ \theta &\leftarrow \theta - \eta\, b \end{aligned} \tag{2} $$
#
# **AdaGrad** gives each parameter a step size of its own. It adds up the squares of all its gradients so far, and
# divides by the root of the sum. A parameter whose gradient was nearly always 0 keeps its large steps:
#
# $$ \begin{aligned} s &\leftarrow s + g^2 \\
#    \theta &\leftarrow \theta - \eta\, \frac{g}{\sqrt{s} + \varepsilon} \end{aligned} \tag{3} $$
#
# Squares and roots are taken element by element. The tiny $\varepsilon$ prevents $0/0$ for a parameter that has had no
# gradient yet. It is added *outside* the root, here and below. In the code, `memory` is a dict, empty at first.


# %%
def sgd(theta, g, memory, lr):
    return theta - lr * g  # formula (1)


def momentum(theta, g, memory, lr, beta=0.9):
    memory["b"] = beta * memory.get("b", 0.0) + g
    return theta - lr * memory["b"]  # formula (2)


def adagrad(theta, g, memory, lr, eps=1e-10):
    memory["s"] = memory.get("s", 0.0) + g**2
    return theta - lr * g / (np.sqrt(memory["s"]) + eps)  # formula (3)


# %% [markdown]
# AdaGrad's sum only grows, so its steps only shrink. **RMSprop** forgets. It takes a *running mean* of the squares, in
# which the newest has the weight $1 - \alpha$ and each older one a little less:
#
# $$ \begin{aligned} v &\leftarrow \alpha\, v + (1 - \alpha)\, g^2 \\
#    \theta &\leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon} \end{aligned} \tag{4} $$
#
# **Adam** is (2) and (4) at once, with one repair. Its running means $m$ and $v$ start at 0, so at first they are too
# small, by a known factor: after $t$ steps real gradients have only $1 - \beta^t$ of the weight. Adam divides by it:
#
# $$ \begin{aligned} m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
#    v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \\
#    \hat m &= m / (1 - \beta_1^t) \\ \hat v &= v / (1 - \beta_2^t) \\
#    \theta &\leftarrow \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} \end{aligned} \tag{5} $$


# %%
def rmsprop(theta, g, memory, lr, alpha=0.99, eps=1e-8):
    memory["v"] = alpha * memory.get("v", 0.0) + (1 - alpha) * g**2
    return theta - lr * g / (np.sqrt(memory["v"]) + eps)  # formula (4)


def adam(theta, g, memory, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    t = memory["t"] = memory.get("t", 0) + 1
    memory["m"] = beta1 * memory.get("m", 0.0) + (1 - beta1) * g
    memory["v"] = beta2 * memory.get("v", 0.0) + (1 - beta2) * g**2
    m_hat, v_hat = memory["m"] / (1 - beta1**t), memory["v"] / (1 - beta2**t)
    return theta - lr * m_hat / (np.sqrt(v_hat) + eps)  # formula (5)


# %% [markdown]
# Are these tinydl's rules? Give both the same 40 random gradients, and compare where they end.

# %%
RULES = {"SGD": sgd, "momentum": momentum, "AdaGrad": adagrad, "RMSprop": rmsprop, "Adam": adam}
OURS = {"SGD": optim.SGD, "momentum": lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9)}
OURS |= {"AdaGrad": optim.Adagrad, "RMSprop": optim.RMSprop, "Adam": optim.Adam}

for name, rule in RULES.items():
    theta, memory = np.ones((3, 2)), {}
    w = tl.tensor(theta, requires_grad=True)
    optimizer = OURS[name]([w], lr=0.03)
    for g in np.random.default_rng(0).standard_normal((40, 3, 2)):
        w.grad = tl.tensor(g)
        optimizer.step()
        theta = rule(theta, g, memory, 0.03)
    assert np.allclose(w.data, theta, rtol=0, atol=1e-12), name
print("After 40 steps, all five are where tinydl's are.")

# %% [markdown]
# ## A valley you can see
#
# The simplest hard problem is a long valley, a bowl that is 25 times more curved in one direction than in the other:
#
# $$ \begin{aligned} f(x, y) &= \tfrac12 \left(x^2 + 25\, y^2\right) \\
#    \nabla f &= (x,\; 25\, y) \end{aligned} \tag{6} $$
#
# The ratio of the largest to the smallest curvature, here 25, is the **condition** of the problem. Real networks have
# far larger ones. By rule (1), each step multiplies $x$ by $1 - \eta$, and $y$ by $1 - 25\,\eta$.
#
# > **Predict.** From which $\eta$ on does SGD go up instead of down? Does that happen along $x$ or along $y$? And just
# > below that rate, what is left of $x$ after 40 steps: 0.01 %, 4 %, or 40 %?
#
# The gradient is the product of a matrix $H$, with the curvatures on its diagonal, and $\theta = (x, y)$. We walk with
# several rates at once: `theta` has a column for each.

# %%
VALLEY, START = np.diag([1.0, 25.0]), np.array([[-4.0], [1.6]])


def walk(rule, rates, H=VALLEY, start=START, steps=40):
    theta, memory, points = np.repeat(start, len(rates), axis=1), {}, []
    for _ in range(steps + 1):
        points.append(theta)
        theta = rule(theta, H @ theta, memory, np.array(rates))
    points = np.array(points)  # step, coordinate, rate
    return points, 0.5 * np.sum(points * (H @ points), axis=1)  # and f at each step, for each rate


rates = (0.079, 0.081, 0.09)
points, f = walk(sgd, rates)
for i, lr in enumerate(rates):
    print(f"SGD, lr = {lr}: after 40 steps x = {points[-1, 0, i]:.2f}, y = {points[-1, 1, i]:.3g}, f = {f[-1, i]:.3g}")

# %%
assert np.allclose(f[0], 40) and f[-1, 0] < 5 < 40 < f[-1, 1] and f[-1, 2] > 1e8
assert abs(points[-1, 0, 0] / -4 - 0.04) < 0.005

# %% [markdown]
# The limit is $\eta = 2/25 = 0.08$. Beyond it $|1 - 25\,\eta| > 1$, and $y$ is thrown from side to side, farther each
# time. The steep direction sets the speed limit, and the flat direction has to live with it: at $\eta = 0.079$, 4 % of
# $x$ is left after 40 steps. Now all rules; momentum with two values of $\beta$.

# %%
WALKS = {
    "SGD": (sgd, 0.07, GRAY),
    "momentum, β = 0.5": (lambda theta, g, memory, lr: momentum(theta, g, memory, lr, beta=0.5), 0.09, RED),
    "momentum, β = 0.9": (momentum, 0.03, ORANGE),
    "AdaGrad": (adagrad, 1.0, GREEN),
    "RMSprop": (rmsprop, 0.1, PURPLE),
    "Adam": (adam, 0.5, BLUE),
}
ends = {}  # f after 40 steps

# %%
xs, ys = np.meshgrid(np.linspace(-4.6, 2.2, 120), np.linspace(-2.3, 2.0, 100))
figure, panels = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey=True)
for panel, (name, (rule, lr, color)) in zip(panels.flat, WALKS.items(), strict=True):
    points, f = walk(rule, [lr])
    ends[name] = f[-1, 0]
    panel.contour(xs, ys, 0.5 * (xs**2 + 25 * ys**2), 0.05 * 3.0 ** np.arange(8), colors="0.75", linewidths=0.7)
    panel.plot(points[:, 0], points[:, 1], "o-", color=color, ms=2.5, lw=1)
    panel.plot(0, 0, "+", color=GRAY, ms=10)
    panel.set(title=f"{name}\nlr = {lr:g}, f at the end {ends[name]:.1g}", xlim=(-4.6, 2.2), ylim=(-2.3, 2))
figure.suptitle("40 steps in a valley, from the upper left to the minimum at +")
figure.supxlabel("x, the flat direction")
figure.supylabel("y, the steep direction")
show(figure, "10_optimizers_1", "Six paths from f = 40. SGD zigzags and then crawls to f = 0.02; momentum with β = 0.5 "
     "gets to 9e-12, with 0.9 it swings and ends at 0.5; AdaGrad and RMSprop glide to it; Adam circles.")  # fmt: skip

# %%
assert ends["momentum, β = 0.5"] < 1e-10 < 1e-3 < ends["SGD"] < 0.1 < ends["momentum, β = 0.9"] < 1
assert ends["AdaGrad"] < 1e-4 and ends["RMSprop"] < 1e-4
for rule, length in ((adagrad, 0.1), (rmsprop, 1.0), (adam, 0.1)):  # of the first step, at a rate of 0.1
    assert np.isclose(rule(0.0, 3.0, {}, 0.1), -length) and np.isclose(rule(0.0, -75.0, {}, 0.1), length)

# %% [markdown]
# SGD zigzags across the valley and crawls along it. Momentum with $\beta = 0.5$ cancels the zigzag, adds up the crawl
# and is done. With $\beta = 0.9$ the ball is too heavy for this valley: it swings through the minimum and back, and
# ends farther away than plain SGD. The other three divide each coordinate by the size of its own gradients, so their
# first step is of the *same* length in both, however steep the surface: $\eta$ for AdaGrad and Adam, $10\,\eta$ for
# RMSprop, whose $v$ starts at 0 and isn't repaired.
#
# **When does momentum win?** Count the steps until $f$ stays below a thousandth of its start, each rule at the best of
# 300 rates, in this valley and in one of condition 1,000. And what if the valley lies *across* the coordinates?
#
# > **Predict.** Turn the bowl by 45° and change nothing else. (Its matrix is then `TURNED`.) Which of the six notice?

# %%
TURNED, TURNED_START = np.array([[13.0, 12.0], [12.0, 13.0]]), np.array([[-2.4], [5.6]]) / np.sqrt(2)


def steps_needed(rule, H, start=START):
    with np.errstate(over="ignore", invalid="ignore"):  # some of the rates are too large
        f = walk(rule, 10 ** np.linspace(-3.5, 1, 300), H, start, steps=600)[1]
    not_yet = ~(f < f[0] / 1000)  # NaN isn't there yet, either
    return int(min(np.flatnonzero(column)[-1] + 1 for column in not_yet.T))


# %%
steps = {}
for name, (rule, _, _) in WALKS.items():
    long_valley = steps_needed(rule, np.diag([1.0, 1000.0]))
    steps[name] = steps_needed(rule, VALLEY), steps_needed(rule, TURNED, TURNED_START), long_valley
    print(f"{name:<17} {steps[name][0]:>2} steps, turned {steps[name][1]:>3}, condition 1,000: {steps[name][2]:>3}")

best_beta = [((np.sqrt(condition) - 1) / (np.sqrt(condition) + 1)) ** 2 for condition in (25, 1000)]  # formula (7)
assert [steps[name] for name in list(WALKS)[:3]] == [(35, 35, 460), (11, 11, 157), (58, 58, 69)]
assert [steps[name] for name in list(WALKS)[3:]] == [(4, 50, 2), (18, 229, 7), (54, 56, 51)]
assert np.allclose(best_beta, [0.44, 0.88], atol=0.005)

# %% [markdown]
# First momentum and SGD. At condition 25, $\beta = 0.5$ wins with 11 steps: SGD needs 35, and $\beta = 0.9$ needs 58.
# At condition 1,000, 0.9 wins with 69: 0.5 needs 157, SGD 460. The longer the valley, the heavier the ball should be.
# For a bowl of condition $\kappa$ theory knows the best value, 0.44 for 25 and 0.88 for 1,000:
#
# $$ \beta = \left( \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \right)^2 . \tag{7} $$
#
# With it, momentum needs steps in proportion to $\sqrt\kappa$, SGD to $\kappa$. The valleys of networks are long,
# which is why 0.9 is the usual choice.
#
# And the turned bowl? SGD and momentum notice nothing, they treat all directions alike. AdaGrad needs 50 steps instead
# of 4, RMSprop 229 instead of 18: they only *looked* so good since the valley lay along the axes. Adam hardly changes;
# what slows it down here is its own momentum. **A rate per parameter repairs parameters of different scale (rare
# words, features in other units), not every long valley.**
#
# ## On the digits: the rate matters more than the rule
#
# Now a real network, 64-32-10, on the 1,150 training digits of [lesson 9](09_digits.py), for four passes. Each rule
# gets six rates, a factor of $\sqrt{10}$ apart.
#
# > **Predict.** Which makes the larger difference to the validation loss: the choice among five rules, each at its
# > best rate, or, for one rule, a rate that is 10 times too small?

# %%
rest, _ = data.split(data.digits(), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)


def digits_loss(make, lr, seed=0, warmup=None):
    tl.manual_seed(seed)  # the same start for all rules
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = make(model.parameters(), lr=lr)
    schedule = optim.LinearWarmup(optimizer, warmup, per="step") if warmup else None
    tl.fit(model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=4, seed=seed, schedule=schedule,
           progress=False)  # fmt: skip
    return tl.evaluate(model, valid, loss=F.cross_entropy)["loss"]


# %%
LOWEST = {"SGD": 1e-2, "momentum": 1e-3, "AdaGrad": 1e-3, "RMSprop": 1e-4, "Adam": 10**-3.5}
rates, losses, best, best_rate, times = {}, {}, {}, {}, {}
for name, make in OURS.items():
    rates[name] = LOWEST[name] * 10 ** np.linspace(0, 2.5, 6)
    losses[name] = [digits_loss(make, lr) for lr in rates[name]]
    i = int(np.argmin(losses[name]))
    best[name], best_rate[name] = losses[name][i], rates[name][i]
    times[name] = losses[name][i - 2] / best[name]  # at a tenth of the best rate
    print(f"{name:<9} best loss {best[name]:.2f}, at lr = {best_rate[name]:.2g}; at a tenth of it × {times[name]:.1f}")

assert max(best.values()) < 2 * min(best.values()) and max(best.values()) < 0.4
assert min(times.values()) > 2 and best_rate["SGD"] >= 10 * best_rate["Adam"]

# %%
figure, axes = plt.subplots(figsize=(7, 4))
for name, style, color in zip(OURS, ("-o", "--X", "-s", "-^", "-v"), (GRAY, ORANGE, GREEN, PURPLE, BLUE), strict=True):
    axes.loglog(rates[name], losses[name], style, color=color, ms=5, label=name)
axes.set(xlabel="learning rate", ylabel="validation loss after 4 epochs", ylim=(0.1, 3))
axes.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
axes.tick_params(axis="y", which="minor", labelleft=False)
axes.legend(fontsize="small", loc="lower left")
show(figure, "10_optimizers_2", "Validation loss over the learning rate, with logarithmic axes: a valley for each "
     "of five rules. All go down to about 0.2, but at different rates, from 0.01 (RMSprop) to 1 (SGD).")  # fmt: skip

# %% [markdown]
# Each curve is a valley, and the valleys are equally deep to within a factor of 2. A rate ten times too small costs
# more than a factor of 2, for every rule. And the best rates differ: SGD's is at least ten times Adam's.
#
# > **What goes wrong.** "I tried SGD and Adam with `lr=0.001`, and Adam is far better." In the picture SGD isn't even
# > there at 0.001. A comparison at one rate compares rates. How to notice: give each rule a grid of its own, and see
# > that the best rate isn't at its edge.
#
# ## A rate that changes: schedules
#
# Batches are noisy. At a constant rate the last steps are as large as the first, so the parameters never rest. A small
# rate would disturb less, but takes long to arrive. A **schedule** is large first and small at the end. `StepLR`
# divides the rate by 10 every so many steps. `CosineAnnealingLR` goes down half a cosine wave, from $\eta_0$ to 0 in
# $T$ steps:
#
# $$ \eta_t = \eta_0\, \frac{1 + \cos(\pi t / T)}{2} . \tag{8} $$
#
# The smallest example: $f = \theta^2 / 2$ has the gradient $\theta$, and a batch gives us $\theta$ plus random noise
# of size 1. We make 500 runs at once, from $\theta = 5$, and draw how far from the minimum 0 they typically are.

# %%
t = np.arange(1000)
SCHEDULES = {
    "constant 0.3": (np.full(1000, 0.3), GRAY, "-"),
    "constant 0.003": (np.full(1000, 0.003), PURPLE, ":"),
    "StepLR": (0.3 * 0.1 ** (t // 250), ORANGE, "--"),
    "CosineAnnealingLR": (0.3 * (1 + np.cos(np.pi * t / 1000)) / 2, BLUE, "-"),  # formula (8)
}
far = {name: [] for name in SCHEDULES}
for name, (rates, _, _) in SCHEDULES.items():
    theta, rng = np.full(500, 5.0), np.random.default_rng(0)
    for lr in rates:
        theta = sgd(theta, theta + rng.standard_normal(500), {}, lr)
        far[name].append(np.sqrt(np.mean(theta**2)))

# %%
figure, axes = plt.subplots()
for name, (_, color, style) in SCHEDULES.items():
    axes.semilogy(far[name], style, color=color, label=f"{name}: {far[name][-1]:.2f} at the end")
axes.set(xlabel="step", ylabel="typical distance from the minimum", ylim=(0.04, 6))
axes.legend(fontsize="small")
show(figure, "10_optimizers_3", "Distance from the minimum over 1,000 steps. Constant 0.3 falls at once, stays at 0.4; "
     "0.003 falls slowly, to 0.25. StepLR goes down in stairs to 0.06, the cosine in a curve to 0.07.")  # fmt: skip

end = [far[name][-1] for name in SCHEDULES]
assert np.allclose(end, [0.44, 0.25, 0.06, 0.07], atol=0.01) and abs(np.mean(far["constant 0.3"][-500:]) - 0.42) < 0.01

# %% [markdown]
# The constant 0.3 is there after ten steps, and then stays about 0.42 away for ever. The constant 0.003 is still on
# its way at the end. Both schedules come closer, to 0.06 and 0.07. In a loop of your own you write
# `schedule = optim.StepLR(optimizer, 250)` first, and `schedule.step()` after each `optimizer.step()`.
#
# **Warmup** looks after the *first* steps: `LinearWarmup` raises the rate from near 0 to its full value. RMSprop needs
# it, since its first step is ten times too long. On the digits, at a rate of 0.03, warmup in the first epoch (36
# batches) takes the loss from about 0.31 to 0.19:

# %%
cold = [digits_loss(optim.RMSprop, 0.03, seed) for seed in range(5)]
warm = [digits_loss(optim.RMSprop, 0.03, seed, warmup=36) for seed in range(5)]
print(f"validation loss, mean of five starts: {np.mean(cold):.2f} without warmup, {np.mean(warm):.2f} with it")
assert abs(np.mean(cold) - 0.31) < 0.05 and abs(np.mean(warm) - 0.19) < 0.05 and np.mean(warm) < np.mean(cold) - 0.05

# %% [markdown]
# ## Keeping weights small: two kinds of weight decay
#
# [Lesson 11](11_overfitting.py) shows why one wants small weights. The recipe: add $\tfrac\lambda2 \theta^2$ to the
# loss, so $\lambda\theta$ to the gradient (**L2**). For SGD that multiplies the weights by $1 - \eta\lambda$ in each
# step, apart from the step of the loss. This is called **weight decay**:
#
# $$ \begin{aligned} \theta &\leftarrow \theta - \eta\,(g + \lambda\theta) \\
#    &= (1 - \eta\lambda)\, \theta - \eta\, g \end{aligned} \tag{9} $$
#
# Adam divides its gradient by $\sqrt{\hat v}$, and $\lambda\theta$ with it. **AdamW** keeps the decay out of this: it
# multiplies by $1 - \eta\lambda$, then makes Adam's step with $g$ alone.
#
# > **Predict.** Two weights start at 1. Their gradients mean nothing, they alternate: +10, −10, … for one, and +0.1,
# > −0.1, … for the other. Only the decay should matter. Which of the two does Adam with L2 shrink more?

# %%
for make in (optim.SGD, optim.Adam, optim.AdamW):
    w = tl.tensor(np.ones(2), requires_grad=True)
    optimizer = make([w], lr=0.001, weight_decay=1.0)
    for t in range(1000):
        w.grad = tl.tensor((-1) ** t * np.array([10.0, 0.1]))
        optimizer.step()
    print(f"{make.__name__:<5} after 1,000 steps: {w.data[0]:.2f} (large gradients), {w.data[1]:.2f} (small gradients)")
    expected = [0.90, 0.26] if make is optim.Adam else [0.37, 0.37]
    assert np.allclose(w.data, expected, atol=0.006)

assert abs((1 - 0.001 * 1.0) ** 1000 - 0.37) < 0.003

# %% [markdown]
# SGD and AdamW shrink both by the same factor, $(1 - \eta\lambda)^{1000} = 0.37$. Adam with L2 hardly touches the
# weight with the large gradients (0.90) and shrinks the other far more (0.26): its decay depends on gradients that
# have nothing to do with it. If you want Adam and decay, take `optim.AdamW`.
#
# > **What goes wrong.** An optimizer remembers ($b$, $s$, $v$, $m$, $t$). If you make a new one in the middle of a
# > run, or load weights without its state, its memory is empty, and Adam's next step is $\eta$ long in every
# > coordinate, even at the minimum, where the gradient is nearly 0. How to notice: the loss jumps where you resumed.
# > `tl.save(model, path, optimizer=optimizer)` keeps both.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_momentum` (with `v` and `mu` for our $b$ and $\beta$), `ex_adagrad`,
# `ex_adam`.
#
# 1. Count steps for SGD, and for momentum with the $\beta$ of formula (7), at the conditions 25, 100 and 400. Do they
#    grow like $\kappa$, and like $\sqrt\kappa$?
# 2. Write Nesterov's momentum and Adadelta from the docstrings of `optim.SGD` and `optim.Adadelta`, and compare them
#    with tinydl's as above.
# 3. Write a schedule for the digits that warms up for one epoch and follows the cosine for three. What do the first
#    and the last epoch gain?
#
# ## In the article
#
# > The article says of SGD, Adam, RMSprop and Adadelta for which data each is meant. One can test that: one model (yes
# > or no, [lesson 7](07_likelihood.py)), three made-up data sets, *sparse* (most features of an example are 0),
# > *dense* (none is) and *scaled* (dense, some features are 100 times as large as others), each rule at its best rate,
# > and the loss on new examples. `tinydl document` has more, in its rows D18 and D25 to D28.

# %%
from tinydl.course.document import RATES, held_out_nll  # noqa: E402

loss = {}
for name in RATES:
    loss[name] = [held_out_nll(kind, name, RATES[name][kind]) for kind in ("sparse", "dense", "scaled")]
    print(f"{name:<9} sparse {loss[name][0]:.2f}, dense {loss[name][1]:.2f}, scaled {loss[name][2]:.2f}")

sparse, dense, scaled = np.array(list(loss.values())).T  # SGD, momentum, AdaGrad, RMSprop, Adam, Adadelta
assert np.allclose(sparse, [0.425, 0.423, 0.380, 0.387, 0.387, 0.400], atol=0.004) and sparse.argmin() == 2
assert np.ptp(dense) < 0.005 and np.allclose(scaled[[0, 4]], [0.585, 0.527], atol=0.004)
assert RATES["Adadelta"]["sparse"] == 10 and abs(held_out_nll("sparse", "Adadelta", 1) - 0.49) < 0.005

# %% [markdown]
# > **SGD is for small data sets, and slow**[^sgd]. The first is wrong: a step costs what its batch costs, however many
# > examples there are, so SGD is for *large* data. The second holds on scaled data (0.59; Adam 0.53), but not on dense
# > data, where all rules end within 0.005 of each other.
# >
# > **Adam is above all for dense data**[^adam]. Wrong: on dense data it gains nothing, on sparse data it does (0.39;
# > SGD 0.43).
# >
# > **RMSprop is like Adam but adapts differently, and is for sparse data**[^rmsprop]. Wrong: dividing by $\sqrt v$ is
# > what (4) and (5) share, and on sparse data both end at 0.39.
# >
# > **Adadelta can handle extremely sparse problems**[^adadelta]. That is rather AdaGrad, which the article leaves out:
# > made for sparse data, and best there (0.38). Adadelta is RMSprop with steps in proportion to its past steps, in
# > order to need no $\eta$. With $\eta = 1$, its paper's, it ends at 0.49; it takes $\eta = 10$ to get to 0.40.
#
# [^sgd]: 「适用于小数据集和简单模型，计算简单，但收敛速度较慢」
# [^adam]: 「特别是数据分布较为稠密的场景」
# [^rmsprop]: 「类似于Adam，但在学习率自适应方面有所不同，适用于数据分布较为稀疏的场景」
# [^adadelta]: 「可以处理极端稀疏问题」
#
# ## Where this lives in tinydl
#
# * `tinydl/optim/sgd.py` and `tinydl/optim/adaptive.py`: each `_update` is its formula, line by line; the docstrings
#   say where the papers and PyTorch part.
# * `tinydl/optim/schedules.py`: `StepLR`, `CosineAnnealingLR`, `LinearWarmup`, and `ReduceLROnPlateau`, which lowers
#   the rate when the validation loss no longer falls.
#
# Before this: [lesson 9, a network on real digits](09_digits.py). Next: [lesson 11, overfitting](11_overfitting.py).
