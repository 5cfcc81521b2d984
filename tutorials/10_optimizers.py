# %% [markdown]
# # 10. Optimizers: from a gradient to a step
#
# The gradient says which way is down. **How far should you go, and does it matter which rule you ask?**
#
# A good answer saves hours, a bad one looks like a network that cannot learn. You write five rules in a few lines each,
# watch them walk down a valley, and find what matters most: the learning rate, and how it changes during a run.
#
# *You need:* the training loop of [lesson 5](05_layers_and_the_loop.py) and the digits of [lesson 9](09_digits.py).
# At a first reading you may skip schedules and weight decay, up to the heading "Exercises".

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

VALLEY = np.diag([1.0, 25.0])

# %% [markdown]
# ## Plain descent in a valley
#
# Write $\theta$ for a parameter, $g$ for its gradient and $\alpha$ for the **learning rate**, in code `lr`. Plain
# descent is called SGD, *stochastic* (random), when $g$ comes from a random batch:
#
# $$ \theta \leftarrow \theta - \alpha\, g . \tag{1} $$
#
# The simplest hard problem is a long valley, a bowl that is 25 times more curved along $y$ than along $x$:
#
# $$ \begin{aligned} f(x, y) &= \tfrac12 (x^2 + 25\, y^2) \\ \nabla f &= (x,\; 25\, y) \end{aligned} \tag{2} $$
#
# The ratio of the largest to the smallest curvature, here 25, is its **condition** $\kappa$. By (1), each step
# multiplies $x$ by $1 - \alpha$, and $y$ by $1 - 25\,\alpha$. In code the gradient is `H @ theta`, with the matrix
# `VALLEY` for `H`. (Later rules need the `memory` and `settings`.)
#
# > **Predict.** From which $\alpha$ on does SGD go up instead of down? Along $x$ or along $y$? Just below that rate,
# > what is left of $x$ after 40 steps: 0.01 %, 4 %, or 40 %?


# %%
def sgd(theta, g, memory, lr):
    return theta - lr * g  # formula (1)


def walk(rule, lr, H=VALLEY, start=(-4.0, 1.6), steps=40, **settings):
    theta, memory, path = np.array(start), {}, [start]
    for _ in range(steps):
        theta = rule(theta, H @ theta, memory, lr, **settings)
        path.append(theta)
    path = np.array(path)  # a row (x, y) for the start and for each step; then, how far each is from the minimum (0, 0)
    return path, np.hypot(path[:, 0], path[:, 1])


for lr in (0.079, 0.081, 0.09):
    path, far = walk(sgd, lr)
    x, y = path[-1]
    print(f"SGD, lr = {lr}: from (-4, 1.6), 40 steps lead to x = {x:.2f}, y = {y:.3g}")
    assert (abs(y) < 1.6) == (lr < 0.08) and (lr > 0.08 or abs(x / -4 - 0.04) < 0.005)

# %% [markdown]
# The limit is $\alpha = 2/25 = 0.08$. Beyond it $|1 - 25\,\alpha| > 1$, and $y$ is thrown from side to side, farther
# each time. The steep direction sets the limit, and the flat one has to live with it: at 0.079, 4 % of $x$ is left.
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
def momentum(theta, g, memory, lr, mu=0.9):
    memory["v"] = mu * memory.get("v", 0.0) + g  # formula (3); at first there is no "v", and we take 0.0
    return theta - lr * memory["v"]


# %%
def draw(walks):
    figure, panels = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True)
    xs, ys = np.meshgrid(np.linspace(-4.6, 2.2, 120), np.linspace(-2.3, 2.0, 100))
    for panel, (name, (rule, lr, settings)) in zip(panels, walks.items(), strict=True):
        path, far = walk(rule, lr, **settings)
        panel.contour(xs, ys, xs**2 + 25 * ys**2, 0.1 * 3.0 ** np.arange(8), colors="0.75", linewidths=0.7)
        panel.plot(path[:, 0], path[:, 1], "o-", color=BLUE, ms=2.5, lw=1)
        panel.plot(0, 0, "+", color=GRAY, ms=10)
        panel.set(title=f"{name}, lr = {lr:g}\nends {far[-1]:.1g} from the minimum +", xlabel="x (flat)")
    panels[0].set_ylabel("y (steep)")
    return figure


BALLS = {"SGD": (sgd, 0.07, {}), "μ = 0.5": (momentum, 0.09, {"mu": 0.5}), "μ = 0.9": (momentum, 0.03, {})}
show(draw(BALLS), "10_optimizers_1", "Three paths of 40 steps. SGD zigzags, then crawls, and ends 0.2 from the "
     "minimum; momentum with μ = 0.5 gets to 3e-6; with 0.9 it swings past and back, and ends 0.5 away.")  # fmt: skip

# %% [markdown]
# SGD zigzags across the valley and crawls along it. The light ball cancels the zigzag, adds up the crawl and is done.
# The heavy one swings past and back: too heavy for *this* valley. Theory has a best $\mu$ (exercise 1 tries others):
#
# $$ \mu = \left( \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \right)^2 , \tag{4} $$
#
# with the rate $4/(1 + \sqrt\kappa)^2$. SGD's best rate is $2/(1 + \kappa)$, at which the steep and the flat direction
# shrink equally fast. How many steps do both need, until the distance is a thousandth of that at the start?

# %%
counts = []
for kappa in (25, 100, 400, 1600):
    H, mu = np.diag([1.0, kappa]), ((np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)) ** 2  # formula (4)
    _, plain = walk(sgd, 2 / (1 + kappa), H, steps=6000)
    _, ball = walk(momentum, 4 / (1 + np.sqrt(kappa)) ** 2, H, steps=6000, mu=mu)
    counts.append([np.sum(plain > plain[0] / 1000), np.sum(ball > ball[0] / 1000)])  # so often it was too far away
    print(f"condition {kappa:>4}: SGD {counts[-1][0]:>4} steps, momentum with μ = {mu:.2f} {counts[-1][1]:>3} steps")
growth = np.array(counts[1:]) / np.array(counts[:-1])  # from each condition to the next
assert np.allclose(growth[:, 0], 4, atol=0.05) and np.allclose(growth[:, 1], 2, atol=0.2)

# %% [markdown]
# At 4 times the condition SGD needs 4 times as many steps, momentum about twice: they grow like $\kappa$ and like
# $\sqrt\kappa$. And the ball should be heavier. The valleys of networks are very long, so 0.9 is the usual choice.
#
# ## A rate for each parameter: AdaGrad, RMSprop, Adam
#
# What was wrong with SGD? One rate for a steep and a flat direction. **AdaGrad** divides each parameter's gradient by
# the root of the sum $s$ of its squares so far:
#
# $$ \begin{aligned} s &\leftarrow s + g^2 \\
#    \theta &\leftarrow \theta - \alpha\, \frac{g}{\sqrt{s} + \varepsilon} \end{aligned} \tag{5} $$
#
# So its first step is $\alpha$ long in each direction, however steep. (The tiny $\varepsilon$, *outside* the root,
# prevents $0/0$.) But the sum only grows, and the steps shrink. **RMSprop** forgets: its $s$ is a *running mean*, in
# which older squares have less and less weight, $s \leftarrow \beta\, s + (1 - \beta)\, g^2$.
#
# At step $t = 1$, with $\beta = 0.99$, that is only $0.01\, g^2$, as if 99 zeros had come before: the step is 10 times
# too long. **Adam** repairs this. It has a running mean $m$ of $g$ (a ball) and one of $g^2$. At $t = 1$, $m$ is
# $0.1\, g$, so divide by 0.1. At $t = 2$ the two gradients have the weights 0.09 and 0.1, so divide by 0.19, and so on:
#
# $$ \begin{aligned} m &\leftarrow \beta_1 m + (1 - \beta_1)\, g \\
#    s &\leftarrow \beta_2 s + (1 - \beta_2)\, g^2 \\
#    \hat m &= m / (1 - \beta_1^t) \\ \hat s &= s / (1 - \beta_2^t) \\
#    \theta &\leftarrow \theta - \alpha\, \frac{\hat m}{\sqrt{\hat s} + \varepsilon} \end{aligned} \tag{6} $$


# %%
def adagrad(theta, g, memory, lr, eps=1e-10):
    memory["s"] = memory.get("s", 0.0) + g**2
    return theta - lr * g / (np.sqrt(memory["s"]) + eps)  # formula (5)


def rmsprop(theta, g, memory, lr, beta=0.99, eps=1e-8):
    memory["s"] = beta * memory.get("s", 0.0) + (1 - beta) * g**2
    return theta - lr * g / (np.sqrt(memory["s"]) + eps)


def adam(theta, g, memory, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    t = memory["t"] = memory.get("t", 0) + 1
    memory["m"] = beta1 * memory.get("m", 0.0) + (1 - beta1) * g
    memory["s"] = beta2 * memory.get("s", 0.0) + (1 - beta2) * g**2
    m_hat, s_hat = memory["m"] / (1 - beta1**t), memory["s"] / (1 - beta2**t)
    return theta - lr * m_hat / (np.sqrt(s_hat) + eps)  # formula (6)


# %%
OWN = {"AdaGrad": (adagrad, 1.0, {}), "RMSprop": (rmsprop, 0.1, {}), "Adam": (adam, 0.5, {})}
show(draw(OWN), "10_optimizers_2", "Three paths of 40 steps. All set out along the diagonal. AdaGrad and RMSprop glide "
     "to the minimum, to 0.004 and 0.002; Adam swings past it and circles, and ends 0.2 away.")  # fmt: skip

OURS = {"SGD": optim.SGD, "momentum": lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9)}
OURS |= {"AdaGrad": optim.Adagrad, "RMSprop": optim.RMSprop, "Adam": optim.Adam}
for rule, make in zip((sgd, momentum, adagrad, rmsprop, adam), OURS.values(), strict=True):
    theta, memory = np.ones(3), {}
    w = tl.tensor(theta, requires_grad=True)
    optimizer = make([w], lr=0.03)
    for g in np.random.default_rng(0).standard_normal((40, 3)):  # are they tinydl's? both get 40 random gradients
        w.grad = tl.tensor(g)
        optimizer.step()
        theta = rule(theta, g, memory, 0.03)
    assert np.allclose(w.data, theta, rtol=0, atol=1e-12)

# %% [markdown]
# No zigzag. Adam circles, since it has a ball of 0.9 in it. (Also checked: the five are tinydl's.) Now let the valley
# lie *across* the coordinates. Turned by 45°, its matrix has the average of 25 and 1, 13, on the diagonal, and
# half their difference, 12, beside it. The start is turned, too. We print each rule's best result of 60 rates.
#
# > **Predict.** The bowl is the same, only turned. Which of the six notice?

# %%
for name, (rule, _, settings) in (BALLS | OWN).items():
    along, turned = [], []
    for lr in np.geomspace(0.01, 10, 60):
        along.append(walk(rule, lr, **settings)[1][-1])  # the distance after the last step
        turned.append(walk(rule, lr, np.array([[13, 12], [12, 13]]), (-1.7, 3.96), **settings)[1][-1])
    print(f"{name:<8} distance after 40 steps: along the axes {min(along):.1g}, turned {min(turned):.1g}")
    ratio = min(turned) / min(along)
    assert ratio > 1e15 and min(turned) > 0.3 if name in ("AdaGrad", "RMSprop") else 1 / 3 < ratio < 3
for rule, length in ((adagrad, 0.1), (rmsprop, 1.0), (adam, 0.1)):  # and the first step, at the rate 0.1
    assert np.isclose(rule(0.0, 3.0, {}, 0.1), -length) and np.isclose(rule(0.0, -75.0, {}, 0.1), length)

# %% [markdown]
# SGD and momentum notice nothing, they treat all directions alike. AdaGrad and RMSprop *only looked* perfect, since the
# valley lay along the axes: turned, they end farther away than SGD. Adam hardly changes, its own swinging slows it.
# **A rate per parameter helps where parameters differ in scale (rare words, other units), not in every long valley.**
#
# ## On the digits: the rate matters more than the rule
#
# Now a real network, 64-32-10, on the 1,150 training digits of [lesson 9](09_digits.py), for four passes, each rule
# with six rates, a factor of $\sqrt{10}$ apart. Three starts each, since one may be lucky.
#
# > **Predict.** Which changes the validation loss more: another rule, each at its best rate, or a rate that is 10 times
# > too small?


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
figure, axes = plt.subplots(figsize=(7, 4))
for name, style, color in zip(OURS, ("-o", "--X", "-s", "-^", "-v"), (GRAY, ORANGE, GREEN, PURPLE, BLUE), strict=True):
    losses = np.array([digits_losses(OURS[name], lr) for lr in RATES[name]])  # a row of three for each rate
    mean = losses.mean(axis=1)
    i = np.argmin(mean)
    print(f"{name:<8} best at lr = {RATES[name][i]:<4.2g}: loss {mean[i]:.2f}, the mean of three starts from "
          f"{losses[i].min():.2f} to {losses[i].max():.2f}; at a tenth of that rate {mean[i - 2]:.2f}")  # fmt: skip
    axes.loglog(RATES[name], mean, style, color=color, ms=5, label=name)
    assert i in (3, 4) and 0.14 < mean[i] < min(0.3, mean[i - 2] / 2) and (name != "SGD" or np.ptp(losses[4]) > 0.1)
axes.set(xlabel="learning rate", ylabel="validation loss after 4 epochs", ylim=(0.1, 3))
axes.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
axes.set_yticks([], minor=True)
axes.legend(fontsize="small", loc="lower left")
show(figure, "10_optimizers_3", "Validation loss over the learning rate, with logarithmic axes: a valley for each of "
     "five rules. All go down to 0.16 to 0.28, but at different rates, from 0.01 (Adam) to 1 (SGD).")  # fmt: skip

# %% [markdown]
# Look at the lowest point of each curve. They differ by a factor of about 2, and so do SGD's three starts at its best
# rate, so this names no winner. A rate ten times too small costs every rule more. And the best rates differ:
# SGD's is at least ten times Adam's. Momentum's is about a tenth of SGD's, since (3) adds up to 10 times a gradient.
#
# > **What goes wrong.** "I tried SGD and Adam with `lr=0.001`, and Adam is far better." A comparison at one rate
# > compares rates. How to notice: give each rule a grid of its own, and see that the best rate isn't at its edge.
#
# ## A rate that changes: schedules
#
# Batches are noisy, so at a constant rate the parameters never rest. A small rate disturbs less, but takes long to
# arrive. A **schedule** is large first and small at the end: `StepLR` divides the rate by 10 every so many steps,
# `CosineAnnealingLR` goes down half a cosine wave, from $\alpha_0$ to 0 in $T$ steps:
#
# $$ \alpha_t = \alpha_0\, \frac{1 + \cos(\pi t / T)}{2} . \tag{7} $$
#
# The smallest example: $f = \theta^2 / 2$ has the gradient $\theta$, and a batch gives us $\theta$ plus random noise
# of size 1. We make 500 runs at once, from $\theta = 5$, and draw how far from the minimum 0 they typically are.

# %%
t, ends = np.arange(1000), []
SCHEDULES = {
    "constant 0.3": np.full(1000, 0.3),
    "constant 0.003": np.full(1000, 0.003),
    "StepLR": 0.3 * 0.1 ** (t // 250),
    "CosineAnnealingLR": 0.3 * (1 + np.cos(np.pi * t / 1000)) / 2,  # formula (7)
}

# %%
figure, axes = plt.subplots()
for (name, rates), style, color in zip(SCHEDULES.items(), "-:--", (GRAY, PURPLE, ORANGE, BLUE), strict=True):
    theta, rng, far = np.full(500, 5.0), np.random.default_rng(0), []
    for lr in rates:
        theta = sgd(theta, theta + rng.standard_normal(500), {}, lr)
        far.append(np.sqrt(np.mean(theta**2)))
    ends.append(far[-1])
    axes.semilogy(far, style, color=color, label=f"{name}: {far[-1]:.2f} at the end")
axes.set(xlabel="step", ylabel="typical distance from the minimum", ylim=(0.04, 6))
axes.legend(fontsize="small")
show(figure, "10_optimizers_4", "Distance from the minimum over 1,000 steps. Constant 0.3 falls at once, stays at 0.4; "
     "0.003 falls slowly, to 0.25. StepLR goes down in stairs to 0.06, the cosine in a curve to 0.07.")  # fmt: skip
assert np.allclose(ends, [0.44, 0.25, 0.06, 0.07], atol=0.01)

# %% [markdown]
# The constant 0.3 arrives at once, and stays about 0.4 away for ever. The constant 0.003 is still on its way. Both
# schedules come closer. In a loop of your own, write `schedule = optim.StepLR(optimizer, 250)` first, and
# `schedule.step()` after each `optimizer.step()`. **Warmup** looks after the *first* steps: `LinearWarmup` raises the
# rate from near 0 to its full value. RMSprop needs it, since its first step is ten times too long (exercise 3).
#
# ## Keeping weights small: two kinds of weight decay
#
# [Lesson 11](11_overfitting.py) shows why one wants small weights. The recipe: add $\tfrac\lambda2 \theta^2$ to the
# loss, so $\lambda\theta$ to the gradient (**L2**). What does SGD then do? It first makes each weight a little smaller,
# times $1 - \alpha\lambda$, and then takes its usual step. So it is called **weight decay**:
#
# $$ \begin{aligned} \theta &\leftarrow \theta - \alpha\,(g + \lambda\theta) \\
#    &= (1 - \alpha\lambda)\, \theta - \alpha\, g \end{aligned} \tag{8} $$
#
# Adam divides its gradient by $\sqrt{\hat s}$, and $\lambda\theta$ with it. **AdamW** keeps the decay out of this: it
# multiplies by $1 - \alpha\lambda$, then makes Adam's step with $g$ alone.
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
    assert np.allclose(w.data, [0.90, 0.26] if make is optim.Adam else 0.999**1000, atol=0.006)

# %% [markdown]
# SGD and AdamW shrink both to $(1 - \alpha\lambda)^{1000} = 0.37$. Adam's L2 hardly touches the weight with large
# gradients, and shrinks the other far more: it divides the decay, too. If you want Adam and decay, take `optim.AdamW`.
#
# > **What goes wrong.** You load weights and make a new optimizer: its memory is empty, so Adam's next step is
# > $\alpha$ long, even at the minimum. How to notice: the loss jumps. Use `tl.save(model, path, optimizer=optimizer)`.
#
# ## Exercises
#
# With `tinydl learn`: `ex_momentum`, `ex_adagrad`, `ex_adam` (its `v`, `a`, `b` are our $s$, $\beta_1$, $\beta_2$).
#
# 1. Is (4) right? At condition 100, count steps for $\mu$ = 0.5, 0.6, …, 0.9, each at the best of 60 rates up to 0.03.
# 2. Write Nesterov's momentum from the docstring of `optim.SGD`, and compare it with tinydl's as above.
# 3. In `digits_losses`, give `fit` a warmup of one epoch, `schedule=optim.LinearWarmup(optimizer, 36, per="step")`.
#    What does RMSprop gain at the rate 0.03?
#
# <details><summary>What you should find</summary>
# (1) About 110, 77, 40, 53 and 113 steps: the best μ is near 0.67, which (4) gives. (2) The numbers agree if you return
# <code>theta - lr * (g + mu * memory["v"])</code>. (3) The mean loss falls from about 0.33 to 0.25.
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from. It says which data each
# > rule is for; rows D18 and D25 to D28 of `tinydl document` measure that.
# >
# > - **SGD is for small data, and slow**[^sgd]. A step costs what its batch costs: SGD is for *large* data. It is slow
# >   only where features differ in scale.
# > - **Adam is for dense data** (few zeros)[^data]. It gains nothing there; on sparse data (mostly zeros) it does.
# > - **RMSprop adapts unlike Adam, and is for sparse data**[^rmsprop]. Both divide by $\sqrt s$, both do well there.
# > - **Adadelta can handle extremely sparse problems**[^data]. AdaGrad, left out, does it better: it doesn't forget.
#
# [^sgd]: 「适用于小数据集和简单模型，计算简单，但收敛速度较慢」
# [^rmsprop]: 「类似于Adam，但在学习率自适应方面有所不同，适用于数据分布较为稀疏的场景」
# [^data]: Adam:「特别是数据分布较为稠密的场景」, Adadelta:「可以处理极端稀疏问题」
#
# ## Where this lives in tinydl
#
# `tinydl/optim/sgd.py` and `tinydl/optim/adaptive.py` have each rule line by line, and say where papers and PyTorch
# part. `tinydl/optim/schedules.py` has the schedules. Next: [lesson 11, overfitting](11_overfitting.py).
