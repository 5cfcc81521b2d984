# %% [markdown]
# # 9. Optimizers: from a gradient to a step
#
# Backpropagation says, for every parameter, which way is down. It does not say how far to go. That is the business of
# the optimizer, and there are dozens of them. The article describes four and says what each of them is for:
#
# | | the article says |
# |---|---|
# | SGD | 「适用于小数据集和简单模型，计算简单，但收敛速度较慢」: for small data sets and simple models; slow |
# | Adam | 「特别是数据分布较为稠密的场景」: above all where data are dense |
# | RMSprop | 「类似于Adam，但在学习率自适应方面有所不同，适用于数据分布较为稀疏的场景」: like Adam, but adapts its rate differently; for sparse data |
# | Adadelta | 「可以处理极端稀疏问题」: can handle extremely sparse problems |
#
# **The question of this lesson: what do these rules do, and are the four recommendations true?** We write them from
# their formulas, watch them on a surface, use them on the digits, and then put the four claims to a test. To the
# article's four we add momentum, and AdaGrad, which was made for sparse data and which the article does not mention.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

COLORS = {"SGD": GRAY, "momentum": ORANGE, "AdaGrad": GREEN, "RMSprop": PURPLE, "Adadelta": RED, "Adam": BLUE}

# %% [markdown]
# ## Six rules
#
# Write $\theta$ for a parameter, $g$ for its gradient and $\eta$ for the **learning rate** (`lr`). Plain gradient
# descent goes against the gradient. With *stochastic* in front (SGD), $g$ comes from a few examples, a batch:
#
# $$ \theta \leftarrow \theta - \eta\, g . \tag{1} $$
#
# **Momentum** lets a ball roll: it keeps a velocity $b$ that forgets slowly. Steps that agree add up, steps that
# alternate cancel:
#
# $$ b \leftarrow \beta\, b + g, \qquad \theta \leftarrow \theta - \eta\, b . \tag{2} $$
#
# **AdaGrad** gives each coordinate a step of its own. It adds up the squares of all gradients so far, and divides by
# the root. A coordinate whose gradient has rarely been anything but 0 keeps its large steps:
#
# $$ s \leftarrow s + g^2, \qquad \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{s} + \varepsilon} . \tag{3} $$
#
# All squares and roots are taken element by element. `memory` below is a dict, empty at first, where a rule keeps what it
# has to remember from one step to the next.

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
# AdaGrad's sum only grows, so its steps only shrink. **RMSprop** forgets: it takes a running *mean* of the squares,
#
# $$ v \leftarrow \alpha\, v + (1 - \alpha)\, g^2, \qquad \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon} . \tag{4} $$
#
# **Adam** is (2) and (4) at once, with one repair: $m$ and $v$ start at 0, so at first they are too small, by a known
# factor. After $t$ steps, $1 - \beta^t$ of the weight of a running mean lies on real gradients; Adam divides by it:
#
# $$ m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
#    \theta \leftarrow \theta - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \varepsilon} . \tag{5} $$
#
# **Adadelta** wants to do without $\eta$. It replaces it by the root of a running mean of its own squared steps
# $\Delta^2$, which even has the right unit, that of $\theta$:
#
# $$ v \leftarrow \rho\, v + (1 - \rho)\, g^2, \qquad \Delta = \frac{\sqrt{u + \varepsilon}}{\sqrt{v + \varepsilon}}\, g, \qquad
#    u \leftarrow \rho\, u + (1 - \rho)\, \Delta^2, \qquad \theta \leftarrow \theta - \eta\, \Delta . \tag{6} $$
#
# In the paper $\eta = 1$, that is, it isn't there.

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


# %%
def adadelta(theta, g, memory, lr=1.0, rho=0.9, eps=1e-6):
    memory["v"] = rho * memory.get("v", 0.0) + (1 - rho) * g**2
    delta = np.sqrt(memory.get("u", 0.0) + eps) / np.sqrt(memory["v"] + eps) * g
    memory["u"] = rho * memory.get("u", 0.0) + (1 - rho) * delta**2
    return theta - lr * delta  # formula (6)


RULES = {"SGD": sgd, "momentum": momentum, "AdaGrad": adagrad, "RMSprop": rmsprop, "Adadelta": adadelta, "Adam": adam}

# %% [markdown]
# Are they tinydl's? We give both the same 40 random gradients, on a parameter of shape 3 × 2, and compare where they end.

# %%
OURS = {
    "SGD": optim.SGD,
    "momentum": lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9),
    "AdaGrad": optim.Adagrad,
    "RMSprop": optim.RMSprop,
    "Adadelta": optim.Adadelta,
    "Adam": optim.Adam,
}

# %%
for name, rule in RULES.items():
    rng = np.random.default_rng(0)
    theta, memory = rng.standard_normal((3, 2)), {}
    w = tl.tensor(theta, requires_grad=True)  # a copy, in float64
    optimizer = OURS[name]([w], lr=0.03)
    for _ in range(40):
        g = rng.standard_normal((3, 2))
        w.grad = tl.tensor(g)
        optimizer.step()
        theta = rule(theta, g, memory, 0.03)
    difference = np.abs(w.data - theta).max()
    print(f"{name:<9} largest difference after 40 steps: {difference:.0e}")
    assert difference < 1e-12

# %% [markdown]
# ## A surface one can see
#
# The simplest hard problem is a long valley: a bowl that is 25 times more curved in one direction than in the other.
#
# $$ f(x, y) = \tfrac12 \left(x^2 + 25\, y^2\right), \qquad \nabla f = (x,\; 25\, y) . \tag{7} $$
#
# By rule (1), $x$ is multiplied by $1 - \eta$ in each step, and $y$ by $1 - 25\,\eta$.
#
# > **Predict.** From which $\eta$ on does SGD no longer come down but go up, and where does that happen, along $x$ or
# > along $y$? At the largest $\eta$ that still works, what is left of $x$ after 40 steps: 0.01 %, 4 %, or 40 %?

# %%
CURVATURE = np.array([1.0, 25.0])
START = np.array([-4.0, 1.6])


def path(rule, lr, steps=40, turn=0.0):
    c, s = np.cos(turn), np.sin(turn)
    axes = np.array([[c, s], [-s, c]])  # the bowl's own axes, turned by an angle
    theta, memory, points = axes.T @ START, {}, []
    for _ in range(steps + 1):
        points.append(axes @ theta)
        theta = rule(theta, axes.T @ (CURVATURE * (axes @ theta)), memory, lr)
    return np.array(points)


# %%
def height(points):
    return 0.5 * points**2 @ CURVATURE


print("f at the start:", height(START))
for lr in (0.079, 0.081, 0.09):
    x, y = path(sgd, lr)[-1]
    print(f"SGD, lr = {lr}: after 40 steps x = {x:.3f}, y = {y:.3f}, f = {height(np.array([x, y])):.3g}")

assert height(START) == 40.0
assert abs(path(sgd, 0.079)[-1][1]) < 1.6 < abs(path(sgd, 0.081)[-1][1])
assert abs(path(sgd, 0.079)[-1][0] / START[0] - 0.037) < 0.001
assert height(path(sgd, 0.09)[-1]) > 1e8

# %% [markdown]
# The limit is $\eta = 2/25 = 0.08$: beyond it $|1 - 25\,\eta| > 1$, and $y$ is thrown from side to side, farther each
# time. The steep direction sets the speed limit, and the flat direction has to live with it: at $\eta = 0.079$, 4 % of
# $x$ is left after 40 steps. The ratio 25 is called the **condition** of the problem. Real networks have conditions in
# the thousands.
#
# Now all six, each with a rate that suits it.

# %%
RATES = {"SGD": 0.07, "momentum": 0.03, "AdaGrad": 1.0, "RMSprop": 0.1, "Adadelta": 1.0, "Adam": 0.5}
xs, ys = np.meshgrid(np.linspace(-4.6, 2.2, 120), np.linspace(-2.0, 2.0, 100))
levels = 0.05 * 3.0 ** np.arange(8)
figure, panels = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey=True)
for axes, (name, rule) in zip(panels.flat, RULES.items(), strict=True):
    points = path(rule, RATES[name])
    axes.contour(xs, ys, 0.5 * (xs**2 + 25 * ys**2), levels, colors="0.75", linewidths=0.7)
    axes.plot(*points.T, "o-", color=COLORS[name], ms=2.5, lw=1)
    axes.plot(0, 0, "k+", ms=9)
    axes.set(title=f"{name}, lr = {RATES[name]:g}: f = {height(points[-1]):.1g}", xlim=(-4.6, 2.2), ylim=(-2, 2))
figure.suptitle("40 steps in a valley, from the upper left to the minimum at +")
figure.supxlabel("x (flat direction)")
figure.supylabel("y (steep direction)")
show(figure, "09_optimizers_1")

# %%
ends = {name: height(path(rule, RATES[name])[-1]) for name, rule in RULES.items()}
first = {name: np.diff(path(rule, RATES[name])[:2], axis=0)[0] for name, rule in RULES.items()}
for name in RULES:
    print(f"{name:<9} f after 40 steps {ends[name]:.2g}, first step {first[name].round(3)}")

assert ends["SGD"] < 0.1 and ends["momentum"] < 0.1 and ends["AdaGrad"] < 1e-3
assert ends["Adadelta"] > 35  # of 40: it has hardly moved
for name in ("AdaGrad", "RMSprop", "Adam"):  # both coordinates move by the same amount
    assert abs(abs(first[name][0]) - abs(first[name][1])) < 1e-6
assert abs(abs(first["Adam"][0]) - RATES["Adam"]) < 1e-6
assert abs(abs(first["RMSprop"][0]) - 10 * RATES["RMSprop"]) < 1e-5
assert np.all(np.abs(first["Adadelta"]) < 0.004)

# %% [markdown]
# SGD zigzags across and crawls along. Momentum cancels the zigzag and adds up the crawl. The other four divide each
# coordinate by the size of its own gradients, so that in the first step both coordinates move by the *same* amount,
# however steep the surface: Adam by exactly $\eta$, RMSprop by $10\,\eta$ (its $v$ starts at 0 and nothing repairs that).
# Adadelta has hardly left the spot: its first step is $\sqrt{\varepsilon} = 0.001$ times a few, and it has to grow from there.
#
# Dividing coordinate by coordinate undoes a bad scaling *of the coordinates*. What if the valley lies across them?
#
# > **Predict.** We turn the bowl by 45° and change nothing else. Which of the six notice?

# %%
def steps_needed(rule, rates, turn):
    runs = [height(path(rule, lr, 300, turn)) < 0.04 for lr in rates]  # a thousandth of the start
    return min([int(run.argmax()) for run in runs if run.any()], default=301)


GRID = {name: RATES[name] * np.array([0.25, 0.5, 0.75, 1.0, 1.1, 2.0, 4.0]) for name in RULES}
with np.errstate(over="ignore", invalid="ignore"):  # some of these rates diverge
    straight = {name: steps_needed(rule, GRID[name], 0.0) for name, rule in RULES.items()}
    turned = {name: steps_needed(rule, GRID[name], np.pi / 4) for name, rule in RULES.items()}
for name in RULES:
    print(f"{name:<9} steps to a thousandth of f, at its best rate: {straight[name]:>3} straight, {turned[name]:>3} turned")

assert straight["SGD"] == turned["SGD"] and straight["momentum"] == turned["momentum"]
