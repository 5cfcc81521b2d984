# %% [markdown]
# # 10. Optimizers: from a gradient to a step
#
# Backpropagation says, for every parameter, which way is down. It does not say how far to go. That is the business of
# the optimizer, and there are dozens of them. The article describes four and says what each of them is for:
#
# | | the article says |
# |---|---|
# | SGD | 「适用于小数据集和简单模型，计算简单，但收敛速度较慢」: for small data sets and simple models; slow |
# | Adam | 「特别是数据分布较为稠密的场景」: above all where data are dense |
# | RMSprop | 「类似于Adam，但……适用于数据分布较为稀疏的场景」: much like Adam; for sparse data |
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
# All squares and roots are taken element by element. `memory` below is a dict, empty at first, where a rule keeps
# what it has to remember from one step to the next.


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
# $$ v \leftarrow \alpha\, v + (1 - \alpha)\, g^2, \qquad
#    \theta \leftarrow \theta - \eta\, \frac{g}{\sqrt{v} + \varepsilon} . \tag{4} $$
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
# $$ v \leftarrow \rho\, v + (1 - \rho)\, g^2, \qquad
#    \Delta = \frac{\sqrt{u + \varepsilon}}{\sqrt{v + \varepsilon}}\, g, \qquad
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
# Are they tinydl's? We give both the same 40 random gradients, on a parameter of shape 3 × 2, and compare where they
# end.

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

assert abs(height(START) - 40) < 1e-9
assert abs(path(sgd, 0.079)[-1][1]) < 1.6 < abs(path(sgd, 0.081)[-1][1])
assert abs(path(sgd, 0.079)[-1][0] / START[0] - 0.037) < 0.001
assert height(path(sgd, 0.09)[-1]) > 1e8

# %% [markdown]
# The limit is $\eta = 2/25 = 0.08$: beyond it $|1 - 25\,\eta| > 1$, and $y$ is thrown from side to side, farther each
# time. The steep direction sets the speed limit, and the flat direction has to live with it: at $\eta = 0.079$, 4 %
# of $x$ is left after 40 steps. The ratio 25 is called the **condition** of the problem. Real networks are far worse
# conditioned than that.
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
    axes.set(title=f"{name}, lr = {RATES[name]:g}: f = {height(points[-1]):.2g}", xlim=(-4.6, 2.2), ylim=(-2, 2))
figure.suptitle("40 steps in a valley, from the upper left to the minimum at +")
figure.supxlabel("x (flat direction)")
figure.supylabel("y (steep direction)")
show(figure, "10_optimizers_1")

# %%
ends = {name: height(path(rule, RATES[name])[-1]) for name, rule in RULES.items()}
first = {name: np.diff(path(rule, RATES[name])[:2], axis=0)[0] for name, rule in RULES.items()}
for name in RULES:
    print(f"{name:<9} f after 40 steps {ends[name]:.2g}, first step {first[name].round(3)}")

assert ends["AdaGrad"] < 1e-4 and ends["RMSprop"] < 1e-4 and ends["SGD"] > 1e-3 and ends["Adadelta"] > 30
for name in ("AdaGrad", "RMSprop", "Adam"):  # both coordinates move by the same amount
    assert abs(abs(first[name][0]) - abs(first[name][1])) < 1e-6
assert abs(abs(first["Adam"][0]) - RATES["Adam"]) < 1e-6
assert abs(abs(first["RMSprop"][0]) - 10 * RATES["RMSprop"]) < 1e-5
assert np.all(np.abs(first["Adadelta"]) < 0.004)

# %% [markdown]
# SGD zigzags across and crawls along. Momentum cancels the zigzag and adds up the crawl. The other four divide each
# coordinate by the size of its own gradients, so that in the first step both coordinates move by the *same* amount,
# however steep the surface: Adam by exactly $\eta$, RMSprop by $10\,\eta$ (its $v$ starts at 0 and nothing repairs
# that). Adadelta has hardly left the spot: its first step is $\sqrt{\varepsilon} = 0.001$ times a few, and it has to
# grow from there.
#
# Dividing coordinate by coordinate undoes a bad scaling *of the coordinates*. What if the valley lies across them?
#
# > **Predict.** We turn the bowl by 45° and change nothing else. Which of the six notice?


# %%
def steps_needed(rule, rates, turn):  # until f is below a thousandth of the start, and stays there
    above = [np.flatnonzero(~(height(path(rule, lr, 200, turn)) < 0.04)) for lr in rates]
    return min(int(steps[-1]) + 1 for steps in above)


# %%
GRID = {name: RATES[name] * 2.0 ** np.array([-2, -1, -0.5, 0, 0.1, 1, 2, 4, 6]) for name in RULES}
with np.errstate(over="ignore", invalid="ignore"):  # some of these rates diverge
    straight = {name: steps_needed(rule, GRID[name], 0.0) for name, rule in RULES.items()}
    turned = {name: steps_needed(rule, GRID[name], np.pi / 4) for name, rule in RULES.items()}
for name in RULES:
    print(
        f"{name:<9} steps (201: over 200) to a thousandth of f: {straight[name]:>3} straight, {turned[name]:>3} turned"
    )

assert straight["SGD"] == turned["SGD"] and straight["momentum"] == turned["momentum"]
for name in ("AdaGrad", "RMSprop"):
    assert straight[name] < 10 and turned[name] > 40
assert straight["Adam"] > 35 and turned["Adam"] > 35

# %% [markdown]
# SGD and momentum do not notice, since they treat all directions alike. AdaGrad and RMSprop needed fewer than 10
# steps and now need more than 40: what looked like magic was a valley that happened to lie along the axes. (Adam's
# momentum swings too far to profit from it here.) Keep this in mind whenever somebody draws such a picture: **a
# per-coordinate rate repairs the scale of features, not every bad condition.**
#
# ## On the digits
#
# Now a real network, 64-32-10, on 1,150 of the digits of lesson 9, for four passes. Which optimizer is best? That
# depends on the rate one gives it, so each gets six rates, a factor of $\sqrt{10}$ apart, around where it works.
#
# > **Predict.** Which will make the larger difference to the validation loss: the choice among the six optimizers,
# > each at its best rate, or, for one optimizer, a rate that is 10 times too small?

# %%
rest, _ = data.split(data.digits(), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)
LOWEST = {"SGD": 1e-2, "momentum": 1e-3, "AdaGrad": 1e-3, "RMSprop": 1e-4, "Adadelta": 10**-0.5, "Adam": 10**-3.5}


def digits_loss(make, lr):
    tl.manual_seed(0)  # the same start for everybody
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = make(model.parameters(), lr=lr)
    tl.fit(model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=4, seed=0, progress=False)
    return tl.evaluate(model, valid, loss=F.cross_entropy)["loss"]


# %%
rates = {name: low * 10 ** np.linspace(0, 2.5, 6) for name, low in LOWEST.items()}
losses = {name: [digits_loss(make, lr) for lr in rates[name]] for name, make in OURS.items()}
for name in OURS:
    i = int(np.argmin(losses[name]))
    print(f"{name:<9} best validation loss {losses[name][i]:.3f}, at lr = {rates[name][i]:.2g}")

# %%
figure, axes = plt.subplots(figsize=(7, 4))
for (name, losses_of), marker in zip(losses.items(), "os^vDX", strict=True):
    axes.loglog(rates[name], losses_of, "-" + marker, color=COLORS[name], ms=5, label=name)
axes.axhline(np.log(10), color="black", lw=0.8, ls=":")
axes.annotate("guessing: ln 10", (30, 2.45), ha="center", fontsize="small")
axes.set(xlabel="learning rate", ylabel="validation loss after 4 epochs", ylim=(0.1, 4))
axes.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
axes.set_title("The rate matters more than the rule")
axes.tick_params(axis="y", which="minor", labelleft=False)
axes.legend(fontsize="small", loc="lower left")
show(figure, "10_optimizers_2")

# %%
best = {name: min(losses[name]) for name in OURS}
worse = {name: losses[name][int(np.argmin(losses[name])) - 2] / best[name] for name in OURS}  # a rate 10 times smaller
print("worst best / best best:", max(best.values()) / min(best.values()))
print("a tenth of the best rate, loss times:", {name: round(ratio, 1) for name, ratio in worse.items()})
assert max(best.values()) < 0.4 and max(best.values()) < 2 * min(best.values())
assert min(worse.values()) > 2 > max(best.values()) / min(best.values())
assert rates["SGD"][int(np.argmin(losses["SGD"]))] >= 10 * rates["Adam"][int(np.argmin(losses["Adam"]))]

# %% [markdown]
# Each curve is a valley, and the valleys are equally deep to within a factor of 2, whereas a rate ten times too small
# costs more than a factor of 2, whatever the method. And they lie at different places: SGD's best rate is at least
# ten times Adam's. So:
#
# > **What goes wrong.** "I tried SGD and Adam with `lr=0.001`, and Adam is far better." Read the picture at 0.001:
# > there SGD isn't even on it. A comparison at one rate compares rates. How to notice: every method needs a grid of
# > its own, and its best rate must not lie at the edge of the grid.
#
# ## The four claims, tested
#
# For a fair test of the article's claims we need data of which we know that they are dense, sparse, or badly scaled.
# We make them: examples $x$, true weights $w$, and labels that are 1 with probability $\sigma(x \cdot w)$. Then the
# model that is trained, logistic regression, is the right one, and we know the best loss anybody could have. Its
# gradient, for a batch of $n$ rows (lesson 7), is
#
# $$ \frac{\partial L}{\partial w} = \frac1n X^\top \left(\sigma(X w) - y\right) . \tag{8} $$
#
# * **sparse**: 1,000 features, of which a row has at most 17, each 1. Like words in a text, the $k$-th is chosen with
#   a probability proportional to $1/k$: a few are everywhere, most are rare.
# * **dense**: 100 features, all normal with standard deviation 1.
# * **ill-conditioned**: the same, but the standard deviations fall from 1 to 0.01, and the weights grow to match.


# %%
def features(kind, n, rng):
    if kind == "sparse":
        chance = 1 / np.arange(1, 1001)
        X = np.zeros((n, 1000))
        X[np.arange(n)[:, None], rng.choice(1000, size=(n, 17), p=chance / chance.sum())] = 1
        return X, rng.standard_normal(1000) * 2
    scale = np.ones(100) if kind == "dense" else np.logspace(0, -2, 100)
    return rng.standard_normal((n, 100)) * scale, rng.standard_normal(100) / scale / 5


def sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


# %%
def nll(z, y):  # negative log-likelihood per example, of each column of scores z
    return np.mean(np.logaddexp(0, z) - y[:, None] * z, axis=0)


def gradient(W, X, y):
    return X.T @ (sigmoid(X @ W) - y[:, None]) / len(y)  # formula (8)


rng = np.random.default_rng(0)
X, W, y = rng.standard_normal((7, 3)), rng.standard_normal((3, 2)), np.array([0, 1, 1, 0, 1, 0, 0.0])
by_tinydl = tl.grad(lambda W: (np.log(1 + np.exp(X @ W)) - y[:, None] * (X @ W)).mean(axis=0).sum())(W)
assert np.allclose(gradient(W, X, y), by_tinydl, rtol=0, atol=1e-12)

# %% [markdown]
# The rules above work element by element, so we can train with all rates of a grid at once: `W` gets one column per
# rate, and `lr` is a row of numbers. Two passes over 6,000 examples in batches of 32, judged on 4,000 others; three
# times, with new data.


# %%
def trained(rule, lr, X, y, batch=32, passes=2, seed=0):
    W, memory, rng = np.zeros((X.shape[1], len(lr))), {}, np.random.default_rng(seed)
    for _ in range(passes):
        order = rng.permutation(len(y))
        for i in range(0, len(y), batch):
            rows = order[i : i + batch]
            W = rule(W, gradient(W, X[rows], y[rows]), memory, lr)
    return W


MIDDLE = {"SGD": 0.5, "momentum": 0.05, "AdaGrad": 0.2, "RMSprop": 0.01, "Adadelta": 10.0, "Adam": 0.01}
LR = {name: middle * 10.0 ** np.linspace(-1.5, 1.5, 7) for name, middle in MIDDLE.items()}
LR["Adadelta"] = np.array([0.001, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0])  # Keras' default is 0.001, the paper's is 1

# %%
KINDS = ("sparse", "dense", "ill-conditioned")
loss = {(kind, name): [] for kind in KINDS for name in [*RULES, "full batch", "Bayes"]}
for kind in KINDS:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, w = features(kind, 10_000, rng)
        y = (rng.random(10_000) < sigmoid(X @ w)) * 1.0
        train_x, train_y, test_x, test_y = X[:6000], y[:6000], X[6000:], y[6000:]
        loss[kind, "Bayes"].append(nll(test_x @ w[:, None], test_y))
        for name, rule in RULES.items():
            loss[kind, name].append(nll(test_x @ trained(rule, LR[name], train_x, train_y, seed=seed), test_y))
        whole = trained(sgd, np.logspace(-1, 3, 9), train_x, train_y, batch=6000)
        loss[kind, "full batch"].append(nll(test_x @ whole, test_y))

# %%
mean = {key: np.mean(runs, axis=0) for key, runs in loss.items()}  # over the seeds, for each rate
best = {key: float(curve.min()) for key, curve in mean.items()}
at = {key: int(curve.argmin()) for key, curve in mean.items()}
for name in [*RULES, "full batch", "Bayes"]:
    print(f"{name:<11}" + "   ".join(f"{kind} {best[kind, name]:.3f}" for kind in KINDS))
for kind in KINDS:
    print(f"Adadelta, {kind}, for each of its rates:", mean[kind, "Adadelta"].round(3))
for key in best:
    if key[1] != "Bayes":  # no best rate at the edge of its grid
        assert 0 < at[key] < len(mean[key]) - 1, (key, mean[key])

# %%
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.8))
for axes, kind in zip(panels, KINDS, strict=True):
    for i, name in enumerate([*RULES, "full batch"]):
        runs = np.array(loss[kind, name])[:, at[kind, name]] - np.ravel(loss[kind, "Bayes"])
        axes.plot(i + np.array([-0.12, 0, 0.12]), runs, "o", color=COLORS.get(name, "black"), ms=4)
        axes.hlines(runs.mean(), i - 0.35, i + 0.35, color=COLORS.get(name, "black"), lw=1.5)
    axes.axhline(0, color="black", ls=":", lw=1)
    axes.set_xticks(range(7), [*RULES, "full batch"], rotation=60, ha="right")
    axes.set_title(kind)
panels[0].set_ylabel("test loss (NLL per example)\nabove that of the true weights")
figure.suptitle("Two passes over 6,000 examples, each method at its best rate; a dot is one data set")
show(figure, "10_optimizers_3")

# %% [markdown]
# (The three panels have different scales, and what matters is inside one panel.) Now the claims, one by one.
#
# **SGD 「适用于小数据集和简单模型」, for small data.** The price of a step is that of its batch, 32 rows, however
# many examples there are: that is why SGD is what one uses for *large* data. Two passes are 376 small steps or 2
# full-batch ones, for the same number of multiplications, and the 376 get much further: 0.36 against 0.65 on the
# sparse data. 「收敛速度较慢」, slow, is half true: on the ill-conditioned data it is (0.57; Adam 0.50), on the dense
# data no method is better than SGD by as much as 0.005.
#
# **Adam 「特别是数据分布较为稠密的场景」, above all for dense data.** Here it is the other way round. On the dense
# data nothing is gained (0.471; SGD 0.468), on the sparse data much (0.29; SGD 0.36), on the badly scaled ones as
# well. Its paper says what it is meant for: "very noisy and/or sparse gradients".

# %%
steps = 2 * int(np.ceil(6000 / 32))
paired = np.array([[run.min() for run in loss["sparse", name]] for name in ("SGD", "Adam", "AdaGrad")])
print("sparse data, one column per data set; SGD, Adam, AdaGrad:\n", paired.round(3))

assert steps == 376
assert abs(best["sparse", "SGD"] - 0.36) < 0.02 and abs(best["sparse", "full batch"] - 0.65) < 0.02
assert abs(best["ill-conditioned", "SGD"] - 0.57) < 0.02 and abs(best["ill-conditioned", "Adam"] - 0.50) < 0.02
assert all(best["dense", name] > best["dense", "SGD"] - 0.005 for name in RULES)
assert abs(best["dense", "Adam"] - 0.471) < 0.005 and abs(best["dense", "SGD"] - 0.468) < 0.005
assert abs(best["sparse", "Adam"] - 0.29) < 0.02
assert np.all(paired[0] > paired[1] + 0.01) and np.all(paired[0] > paired[2] + 0.03)  # on every data set

# %% [markdown]
# **RMSprop 「类似于Adam，但在学习率自适应方面有所不同」, like Adam, but with another adaptation.** Compare (4) and
# (5): the division by $\sqrt{v}$ is the part the two *share*. What Adam adds is momentum and the repair for small
# $t$. Take both away ($\beta_1 = 0$, and multiply the repair back out) and RMSprop remains.
# 「适用于数据分布较为稀疏的场景」, for sparse data: it does well there, 0.28, but so do all that divide by the size
# of the gradient. Is it *better* than Adam? On batches of 32 yes, by about 0.01. On batches of 8 it is worse, by
# about 0.005. Such an order is no property of a method, and a rule like "RMSprop for sparse data, Adam for dense"
# can't be built on it.

# %%
rng, memory, memory_too = np.random.default_rng(1), {}, {}
for t in range(1, 6):
    g, zero = rng.standard_normal((3, 2)), np.zeros((3, 2))
    step = adam(zero, g, memory, 0.1 / np.sqrt(1 - 0.99**t), beta1=0.0, beta2=0.99)
    assert np.allclose(step, rmsprop(zero, g, memory_too, 0.1), rtol=1e-6, atol=0)


small = {name: [] for name in ("RMSprop", "Adam")}
for seed in range(3):
    rng = np.random.default_rng(seed)
    X, w = features("sparse", 10_000, rng)  # the same data as before
    y = (rng.random(10_000) < sigmoid(X @ w)) * 1.0
    for name in small:
        W = trained(RULES[name], LR[name][2:6], X[:6000], y[:6000], batch=8, seed=seed)
        small[name].append(nll(X[6000:] @ W, y[6000:]))

# %%
small = {name: np.mean(runs, axis=0) for name, runs in small.items()}
gap = {32: best["sparse", "Adam"] - best["sparse", "RMSprop"], 8: small["Adam"].min() - small["RMSprop"].min()}
print("loss of Adam minus loss of RMSprop, on batches of 32 and 8:", gap)
print({name: curve.round(3).tolist() for name, curve in small.items()})
assert abs(best["sparse", "RMSprop"] - 0.28) < 0.02
assert abs(gap[32] - 0.01) < 0.004 and abs(gap[8] + 0.005) < 0.004
assert all(0 < curve.argmin() < 3 for curve in small.values())  # not at the edge of the grid

# %% [markdown]
# **Adadelta 「可以处理极端稀疏问题」, for extremely sparse problems.** That is AdaGrad, the best here on the sparse
# data with 0.27. Adadelta with the paper's $\eta = 1$ gets to 0.52 in the same time, and with Keras' default,
# $\eta = 0.001$, to 0.693, which is $\ln 2$: what one has before training. With $\eta = 30$ it reaches 0.31, as
# momentum does. The method that was to need no learning rate needs one as much as the others do.

# %%
adadelta_at = dict(zip(LR["Adadelta"].tolist(), mean["sparse", "Adadelta"], strict=True))
assert min(RULES, key=lambda name: best["sparse", name]) == "AdaGrad" and abs(best["sparse", "AdaGrad"] - 0.27) < 0.01
assert abs(adadelta_at[1.0] - 0.52) < 0.02 and abs(adadelta_at[30.0] - 0.31) < 0.02
assert abs(adadelta_at[0.001] - np.log(2)) < 0.001 and abs(np.log(2) - 0.693) < 0.001
assert abs(best["sparse", "momentum"] - best["sparse", "Adadelta"]) < 0.02

# %% [markdown]
# What is left of the four: SGD is slow where the scales are bad, and RMSprop does do well on sparse data, as do its
# relatives. As advice on what to choose for which data, none survives. Nor should you put these numbers in their
# place: they come from one model, two passes and three kinds of made-up data. What you can take with you is the way
# to find out, and what the formulas say by themselves: dividing by $\sqrt v$ helps where gradients differ in *size*
# from coordinate to coordinate (rare features, bad scales), because a single $\eta$ can't suit them all; where they
# are alike, there is nothing to gain.
#
# > **What goes wrong.** An optimizer remembers ($b$, $s$, $v$, $m$, $t$). Make a new one in the middle of a run, or
# > load the weights without its state, and it starts from an empty memory: the loss jumps. (Adam's first step is
# > $\eta$ long in every coordinate, even where the gradient is all but 0.) How to notice: the jump is where you
# > resumed. `tl.save(model, path, optimizer=optimizer)` keeps both.

# %%
theta, memory = START, {}
for _ in range(250):  # Adam in the valley, until it is all but there
    theta = adam(theta, CURVATURE * theta, memory, 0.05)
with_memory = adam(theta, CURVATURE * theta, memory, 0.05)
without = adam(theta, CURVATURE * theta, {}, 0.05)
print(f"f after 250 steps {height(theta):.1e}")
print(f"one step later, with memory {height(with_memory):.1e}, without {height(without):.1e}")

assert height(theta) < 1e-4 and height(with_memory) < 1e-4 < 1e-2 < height(without)
assert np.allclose(np.abs(without - theta), 0.05, rtol=0.05)  # a first step is η long, whatever the gradient

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_momentum`, `ex_adagrad`, `ex_adam`.
#
# 1. Make the valley of formula (7) 1,000 times as curved in $y$ as in $x$, and count steps again. How does the number
#    grow with the condition for SGD, and how for momentum with the best $\beta$? (Theory: like the condition, and
#    like its square root.)
# 2. Add Nesterov's momentum and AdamW to the six rules and compare them with `optim.SGD(…, nesterov=True)` and
#    `optim.AdamW` as above. Where exactly does AdamW part from Adam with `weight_decay`?
# 3. Attack this lesson. Change one thing in the design of the test (passes, batch size, the exponent of the word
#    frequencies, how large the weights are) so that a verdict above is turned round. `tinydl learn` has exercises on
#    the rules themselves.
#
# ## Where this lives in tinydl
#
# * `tinydl/optim/adaptive.py` and `sgd.py`: each `_update` is its formula, line by line, in place so that nothing is
#   allocated; the docstrings say where the papers and PyTorch part.
# * `tinydl/optim/schedules.py`, `StepLR`, `CosineAnnealingLR`, `LinearWarmup`, `ReduceLROnPlateau`: rates that change
#   during a run.
#
# Before this: [a network on real digits](09_digits.py). Next: [overfitting](11_overfitting.py).
