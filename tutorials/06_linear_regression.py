# %% [markdown]
# # 6. Linear regression
#
# What does training find, and how good can it get?
#
# For most networks nobody can answer this. So we take the one model where everybody can: a straight line through
# points. It has all the parts of a large network, data, model, loss, gradient, loop. And for the line you can also work
# out the best answer exactly, with school algebra, and then watch training get there. You will see how small the loss
# can become, why it can't become smaller, and how to tell a good loss from a bad one.
#
# *You need:* the derivative of a square ([Before you start](00_before_you_start.py)), two equations with two unknowns,
# and the loop of [lesson 5](05_layers_and_the_loop.py). One section, on the two curvatures of a valley, may be skipped.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Model and loss, with three points
#
# Three points: $(0, 1)$, $(1, 3)$ and $(2, 4)$. The **model** is a line, $p = w x + b$: for each $x$ it predicts a
# value $p$. Its parameters are the slope $w$ and the height $b$. Let us try $w = 1$ and $b = 1$.
#
# The **loss** says in one number how bad that is. We take the *mean squared error*, MSE: for each point the error
# $p_i - y_i$, squared, and of these the mean.
#
# $$ L(w, b) = \frac1n \sum_{i=1}^n (w x_i + b - y_i)^2 . \tag{1} $$
#
# > **Predict.** How large is it here?

# %%
three_x, three_y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 4.0])
errors = 1 * three_x + 1 - three_y
print("errors", errors, " squared", errors**2, " mean", f"{np.mean(errors**2):.3f}")
assert errors.tolist() == [0, -1, -1]
assert math.isclose(np.mean(errors**2), 2 / 3)

# %% [markdown]
# Squares make all errors positive, and large ones count more. (Is that the best choice? [Lesson 7](07_likelihood.py)
# is about this question.)
#
# ## The slopes of the loss
#
# Which way should $w$ and $b$ go? Differentiate (1). The outer function is the square, so a 2 comes in front; the inner
# derivative is $x_i$ for $w$, and 1 for $b$:
#
# $$
# \begin{aligned}
# \frac{\partial L}{\partial w} &= \frac2n \sum_i (w x_i + b - y_i)\, x_i \\
# \frac{\partial L}{\partial b} &= \frac2n \sum_i (w x_i + b - y_i)
# \end{aligned} \tag{2}
# $$
#
# With our three points the errors were 0, −1 and −1. So the slope in $w$ is
# $\frac23 (0 \cdot 0 - 1 \cdot 1 - 1 \cdot 2) = -2$, and in $b$ it is $\frac23 (0 - 1 - 1) = -\frac43$. Both are
# negative: the loss falls if $w$ or $b$ grows. That makes sense, since the line lies too low.

# %%
slope_w, slope_b = 2 * np.mean(errors * three_x), 2 * np.mean(errors)
print(f"slope in w {slope_w:.3f}, in b {slope_b:.3f}")
assert math.isclose(slope_w, -2) and math.isclose(slope_b, -4 / 3)

# %% [markdown]
# ## The exact answer
#
# At the lowest place both slopes are zero: otherwise one could still go down. Set (2) to zero, and leave out the
# $\frac2n$, which changes nothing:
#
# $$
# \begin{aligned}
# w \sum x_i^2 + b \sum x_i &= \sum x_i y_i \\
# w \sum x_i + b\, n &= \sum y_i
# \end{aligned} \tag{3}
# $$
#
# The sums are known numbers. So these are two equations with two unknowns, $w$ and $b$, as in school. With our three
# points they say $5w + 3b = 11$ and $3w + 3b = 8$. Subtract: $2w = 3$. So $w = \frac32$, and then $b = \frac76$.
#
# A computer would rather have them as matrices. Put the points below each other, each as a row $(x_i, 1)$:
#
# $$ X = \begin{pmatrix} 0 & 1 \\ 1 & 1 \\ 2 & 1 \end{pmatrix}, \quad
# X^\top X = \begin{pmatrix} 5 & 3 \\ 3 & 3 \end{pmatrix}, \quad
# X^\top y = \begin{pmatrix} 11 \\ 8 \end{pmatrix} . $$
#
# These are the very numbers that we have just solved. The products of rows and columns make the sums of (3): for
# instance $0 \cdot 0 + 1 \cdot 1 + 2 \cdot 2 = 5$. So with $\theta = (w, b)$ the two equations are
#
# $$ X^\top X\, \theta = X^\top y . \tag{4} $$
#
# They are called the **normal equations**. `np.linalg.solve` solves them.


# %%
def best_line(x, y):
    X = np.stack([x, np.ones(len(x))], axis=1)  # a column of x, and a column of ones
    return np.linalg.solve(X.T @ X, X.T @ y)  # formula (4)


three_w, three_b = best_line(three_x, three_y)
print(f"best line through the three points: {three_w:.3f} x + {three_b:.3f}")
assert math.isclose(three_w, 3 / 2) and math.isclose(three_b, 7 / 6)

# %% [markdown]
# With several inputs nothing changes but that $X$ has a column for each of them. The errors $e = X w + b - y$ are still
# one number per point, and the slopes (2) become $\frac2n X^\top e$ for $w$, a number for each column, and
# $\frac2n \sum e_i$ for $b$.

# %%
X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # three points with two inputs each
w, b, target = np.array([1.0, 2.0]), 0.0, np.array([0.0, 0.0, 0.0])
e = X @ w + b - target
print("errors", e, " slopes in w", (2 / 3 * X.T @ e).round(3), f" slope in b {2 * e.mean():.0f}")
by_engine = tl.grad(lambda w, b: np.mean((X @ w + b - target) ** 2), argnums=(0, 1))(w, b)
assert np.allclose(by_engine[0], 2 / 3 * X.T @ e) and np.allclose(by_engine[1], 2 * e.mean())
assert e.tolist() == [1, 2, 3] and np.allclose(2 / 3 * X.T @ e, [8 / 3, 10 / 3])

# %% [markdown]
# ## A hundred points
#
# Now 100 points. We make them ourselves, so that we know the truth: $y = 2x + 1$ plus **noise**, random numbers that
# nobody can predict. On the average the noise is 0. Its **variance**, the mean of its squares, is 1. From here on `x`
# and `y` are these points, and `mse` and `gradient` are those of these points.

# %%
rng = np.random.default_rng(0)
n = 100
x = rng.random(n)  # between 0 and 1
y = 2 * x + 1 + rng.normal(size=n)


def mse(w, b):
    return np.mean((w * x + b - y) ** 2)  # formula (1)


def gradient(w, b):
    error = w * x + b - y
    return 2 * np.mean(error * x), 2 * np.mean(error)  # formula (2)


# %%
figure, axes = plt.subplots()
axes.vlines(x, 2 * x + 1, y, color=GRAY, linewidth=0.8, alpha=0.6, label="errors of the true line")
axes.plot(x, y, ".", color=BLUE)
ends = np.array([0, 1])
axes.plot(ends, 2 * ends + 1, color=ORANGE, label="the true line, y = 2x + 1")
axes.set(xlabel="x", ylabel="y", ylim=(-1.5, 5.8), title="100 points, and how far each lies from the line")
axes.legend(fontsize="small", loc="upper left")
show(
    figure,
    "06_linear_regression_points",
    "100 points with x from 0 to 1 around the line from (0, 1) to (1, 3); many lie further than 1 above or below it.",
)

# %% [markdown]
# Is (2) right? You needn't trust anybody's algebra. `tl.gradcheck` takes the function and a rule for its gradient,
# and compares the rule with measured slopes ([lesson 1](01_derivatives.py)). And the engine finds the gradient from
# formula (1) alone.

# %%
report = tl.gradcheck(mse, 0.3, -0.2, grad=gradient)
print(repr(report))
assert report.verdict == "right" and len(report.rows) == 5
by_engine = tl.grad(mse, argnums=(0, 1))(0.3, -0.2)  # by both arguments, w and b
assert np.allclose(by_engine, gradient(0.3, -0.2))

# %% [markdown]
# It is. The two slopes were compared, and three more along directions in which $w$ and $b$ move at once; that makes the
# 5 derivatives of the report. They differ by rounding errors only.
#
# ## Down the hill
#
# Begin anywhere, say at $w = b = 0$, and take many small steps against the gradient. With the learning rate $\alpha$:
#
# $$
# \begin{aligned}
# w &\leftarrow w - \alpha\, \frac{\partial L}{\partial w} \\
# b &\leftarrow b - \alpha\, \frac{\partial L}{\partial b}
# \end{aligned} \tag{5}
# $$
#
# Both slopes are computed at the *old* place, before anything moves.


# %%
def descend(gradient, rate, steps):
    w, b = 0.0, 0.0
    path = [(w, b)]
    for _ in range(steps):
        dw, db = gradient(w, b)
        w, b = w - rate * dw, b - rate * db  # formula (5)
        path.append((w, b))
    return path


path = descend(gradient, 0.1, 1000)
losses = [mse(w, b) for w, b in path]
for step in (0, 1, 10, 100, 1000):
    w, b = path[step]
    print(f"after {step:4} steps: w {w:.3f}, b {b:.3f}, loss {losses[step]:.4f}")
assert losses[10] < 1.02 and abs(losses[-1] - 0.9401) < 1e-4
assert np.all(np.diff(losses[:500]) < 0)  # down at each step

# %% [markdown]
# The loss falls quickly at first, then slowly, and then it stays at 0.94. Is that the end, or has the descent got
# stuck? For a line we can tell, by (4):

# %%
best_w, best_b = best_line(x, y)
floor = mse(best_w, best_b)
print(f"best line {best_w:.3f} x + {best_b:.3f}, loss {floor:.4f}")
print(f"true line 2 x + 1, loss {mse(2, 1):.4f}")
assert np.allclose(gradient(best_w, best_b), 0)
assert np.allclose(path[-1], [best_w, best_b], atol=1e-4)  # where the descent arrived
assert floor < mse(2, 1) and abs(mse(2, 1) - 0.95) < 0.01

# %% [markdown]
# So descent did arrive: it found the best line. No line at all has a smaller loss on these points than 0.94, not even
# the true one. (The true line's loss is the mean of the squared noise. On very many points that is 1; on these 100 it
# happens to be 0.95.) Keep in mind that the best line beats the true one.
#
# Why then descend at all? Because nearly no other model has such an exact answer. The line is where you can check that
# the general method works.
#
# ## How large may a step be?
#
# > **Predict.** With the rate 0.1 it took hundreds of steps. What will happen with the rate 0.5? With 0.7? With 0.85?

# %%
rates, needed = {}, {}
for rate in (0.1, 0.5, 0.7, 0.85):
    rates[rate] = [mse(w, b) for w, b in descend(gradient, rate, 300)]
    near = [step for step, loss in enumerate(rates[rate]) if loss < floor + 0.0001]
    needed[rate] = near[0] if near else "never"  # the first such step
    start, first, second, last = (rates[rate][step] for step in (0, 1, 2, 30))
    print(f"rate {rate:4}: loss {start:.2f} → {first:.2f} → {second:5.2f} → … → {last:.3g} after 30 steps")
    print(f"           steps until it's within 0.0001 of the floor: {needed[rate]}")
assert needed == {0.1: 242, 0.5: 47, 0.7: 36, 0.85: "never"}
assert abs(rates[0.7][2] - 3.27) < 0.01 and abs(rates[0.5][2] - 1.05) < 0.01 and rates[0.85][30] > 1e6

# %% [markdown]
# Larger steps are faster, up to a point. With 0.7 two steps leave a loss of 3.27, where 0.5 has come to 1.05 already;
# in the end 0.7 still needs fewer steps, 36 and not 47. And at 0.85 the loss explodes, although the gradient is right.
#
# To see why, take a loss with one parameter, the parabola $L = \frac c2 (w - w^*)^2$ with its lowest place at $w^*$.
# Its slope is $c\,(w - w^*)$; the number $c$ says how fast the slope changes, and is called the **curvature**. One step
# is $w_{\text{new}} = w - \alpha c\,(w - w^*)$. Subtract $w^*$ on both sides:
#
# $$ w_{\text{new}} - w^* = (1 - \alpha c)\,(w - w^*) . \tag{6} $$
#
# Each step multiplies the distance to the best place by $1 - \alpha c$. With $\alpha c$ between 0 and 1 the distance
# shrinks. Between 1 and 2 the step goes too far, to the other side of the valley, but still ends nearer. Above 2 each
# step ends *further away* than it began. So the limit of the rate is $\alpha = 2/c$.

# %%
c, w = 2.0, 1.0  # the lowest place is w* = 0
for rate in (0.25, 0.75, 1.25):
    after = w - rate * c * w
    print(f"αc = {rate * c}: from {w} to {after}")
    assert math.isclose(after, (1 - rate * c) * w)

# %% [markdown]
# Where is the limit for our two parameters? Try rates between 0.7 and 0.85:

# %%
for rate in (0.75, 0.76):
    tried = [mse(w, b) for w, b in descend(gradient, rate, 1000)]
    print(f"rate {rate}: loss after 1000 steps {tried[-1]:.3g}")
    assert (tried[-1] < floor + 1e-4) == (rate == 0.75) and (tried[-1] > 100) == (rate == 0.76)

# %% [markdown]
# It lies between 0.75 and 0.76. And why does 0.7 begin so badly, though it's below the limit? Look at the loss from
# above:

# %%
ws, bs = np.linspace(-0.3, 4, 60), np.linspace(-0.3, 3, 60)
heights = [[mse(w, b) for w in ws] for b in bs]  # the loss at 60 times 60 places

# %%
figure, axes = plt.subplots()
axes.contour(ws, bs, heights, levels=floor + np.geomspace(0.01, 6, 10), colors=GRAY, linewidths=0.7)
for rate, color in [(0.1, BLUE), (0.7, ORANGE)]:
    steps = np.array(descend(gradient, rate, 60))
    axes.plot(steps[:, 0], steps[:, 1], ".-", color=color, linewidth=1, label=f"60 steps with rate {rate}")
axes.plot(best_w, best_b, "*", color=GREEN, markersize=14, label="the exact answer")
axes.set(xlabel="w", ylabel="b", title="The valley of the loss, seen from above")
axes.legend(fontsize="small", loc="upper right")
show(
    figure,
    "06_linear_regression_valley",
    "Lines of equal loss: long, tilted ellipses around w 1.87, b 0.99. The path with rate 0.1 goes down the steep "
    "side, then slowly along; with 0.7 it jumps from side to side.",
)

# %% [markdown]
# The gray lines connect places of equal loss. The valley is steep across and flat along. With the small rate the
# path (blue) goes straight to the valley's floor, then creeps. With the large one (orange) it jumps from one side to
# the other, and gets on faster along the floor. So the steep direction sets the limit for the rate, and the flat one
# says how long it takes.
#
# ### The two curvatures
#
# **You may skip this section**, up to the heading "What goes wrong: judging a gradient by the loss". It computes the
# limit.
#
# A matrix turns most directions into others, but some it only stretches. Take
# $\begin{pmatrix} 2 & 1 \\ 1 & 2 \end{pmatrix}$: it makes $(3, 3)$ of $(1, 1)$, which is 3 times as long, and $(1, -1)$
# stays $(1, -1)$, 1 times as long. These are its *eigenvectors*, and 3 and 1 its *eigenvalues*; `np.linalg.eigvalsh`
# gives them, the smallest first. The matrix of the second derivatives of our loss is $\frac2n X^\top X$ (differentiate
# (2) once more). Its eigenvalues are the curvatures in the flattest and in the steepest direction.

# %%
X = np.stack([x, np.ones(n)], axis=1)
flat, steep = np.linalg.eigvalsh(2 / n * X.T @ X)
limit = 2 / steep
print(f"curvatures {flat:.3f} and {steep:.3f}: the rate must stay below {limit:.3f}")
print(f"at rate 0.1 a step leaves {1 - 0.1 * steep:.1%} of the distance across the valley,")
print(f"but {1 - 0.1 * flat:.1%} of the distance along it")
assert np.allclose(np.linalg.eigvalsh([[2, 1], [1, 2]]), [1, 3])
assert 0.75 < limit < 0.76 and abs(limit - 0.756) < 0.001
assert abs(1 - 0.1 * steep - 0.735) < 0.001 and abs(1 - 0.1 * flat - 0.986) < 0.001

# %% [markdown]
# ## What goes wrong: judging a gradient by the loss
#
# > **Predict.** A friend uses the right gradient with a rate of 1. Another one has a wrong sign, in
# > $\partial L/\partial w$ only, and a rate of 0.05. Whose loss goes down at first, and whose goes up?


# %%
def half_wrong(w, b):
    dw, db = gradient(w, b)
    return -dw, db


too_fast = [mse(w, b) for w, b in descend(gradient, 1.0, 10)]
wrong = [mse(w, b) for w, b in descend(half_wrong, 0.05, 300)]
lowest = int(np.argmin(wrong))
print(f"right gradient, rate 1:    {too_fast[0]:.2f} → {too_fast[1]:.1f} → {too_fast[2]:.1f} → … → {too_fast[-1]:.1e}")
print(f"wrong gradient, rate 0.05: {wrong[0]:.2f} → {wrong[lowest]:.2f} after {lowest} steps → … → {wrong[-1]:.1e}")
assert too_fast[1] > 2 * too_fast[0] and too_fast[-1] > 1e4
assert wrong[lowest] < wrong[0] / 2 and lowest == 18 and wrong[-1] > 1000

# %% [markdown]
# > **What goes wrong.** The right gradient explodes at once, since its rate is too large. The wrong one halves the loss
# > in 18 steps before it goes astray. So "it explodes, hence the gradient is wrong" is false, and so is "the loss went
# > down, hence it's right". A curve shows everything together: data, gradient, rate. To judge the gradient alone, check
# > the gradient: `tl.gradcheck` names the input and the mistake.

# %%
report = tl.gradcheck(mse, 0.3, -0.2, grad=half_wrong)
print(report.verdict + ":", report.causes[0][1])
assert report.verdict == "wrong" and report.causes[0][0] == "sign"

# %% [markdown]
# ## How low can the loss get?
#
# The best line had a loss of 0.94 on our points. Was that luck? Make new points and look. And again, 20,000 times: each
# time 100 new points, the best line through them, and its loss. Call it the *floor* of these points, since no line gets
# below.
#
# > **Predict.** The noise has variance 1. Where will most of the floors be: below 1, above, around it?
#
# For later we also note what always predicting the mean of $y$ would cost, how the line does on 100 *other* points, and
# how many points lie far away from it.

# %%
floors, means, others, far = [], [], [], []
draw = np.random.default_rng(1)
for _ in range(20_000):
    xs, new_x = draw.random(n), draw.random(n)
    ys = 2 * xs + 1 + draw.normal(size=n)
    new_y = 2 * new_x + 1 + draw.normal(size=n)
    w, b = best_line(xs, ys)
    error = w * xs + b - ys
    floors.append(np.mean(error**2))
    means.append(np.var(ys))  # the mean squared distance from the mean
    others.append(np.mean((w * new_x + b - new_y) ** 2))
    far.append(np.mean(np.abs(error) > 0.5))
floors, means, others = np.array(floors), np.array(means), np.array(others)

# %%
print(f"floors: mean {floors.mean():.3f}, standard deviation {floors.std():.2f}")
print(f"smallest {floors.min():.2f}, largest {floors.max():.2f}; below 1: {np.mean(floors < 1):.0%}")
assert abs(floors.mean() - 0.98) < 0.005 and abs(floors.std() - 0.14) < 0.005
assert abs(floors.min() - 0.56) < 0.005 and floors.max() < 2
assert abs(np.mean(np.abs(floors - 0.98) < 0.14) - 2 / 3) < 0.03

# %% [markdown]
# They lie around 0.98, two thirds of them within one standard deviation, 0.14, and the smallest of all is 0.56. Every
# point carries noise with variance 1, and no line can foresee it. That is the **noise floor**.
#
# Why 0.98 and not 1? The best line adapts a little to the noise of its own points. Take the extreme: through 2 points a
# line goes exactly, so their floor is 0, noise or not. The two numbers $w$ and $b$ have used up two points. With $n$
# points there remain $n - 2$, and the mean of the floors is
#
# $$ \frac{n - 2}{n} . \tag{7} $$
#
# Believe this for now; here is how it fits the simulation, with more and more points.

# %%
rare = {}
for few in (2, 3, 4, 10, 100):
    sets = []
    for _ in range(20_000):
        xs = draw.random(few)
        ys = 2 * xs + 1 + draw.normal(size=few)
        w, b = best_line(xs, ys)
        sets.append(np.mean((w * xs + b - ys) ** 2))
    rare[few] = np.mean(np.array(sets) < 0.1)
    print(f"{few:3} points: mean floor {np.mean(sets):.3f}, formula {(few - 2) / few:.3f}; below 0.1: {rare[few]:.1%}")
    assert abs(np.mean(sets) - (few - 2) / few) < 0.01
assert rare[2] == 1 and 0.16 < rare[4] < 0.2 and rare[10] < 0.005 and rare[100] == 0

# %% [markdown]
# The last column says how often luck gives a floor below 0.1: with 4 points in nearly a fifth of the sets, with 10
# almost never, with 100 in none. A loss far below the floor isn't luck. It's a mistake, or another loss.
#
# ## A loss means something only beside other losses
#
# So is a loss of 0.98 good? By itself the number says nothing. Put it between two others. The lower end is the noise:
# 1. The upper end is a model that has learned nothing and always predicts the mean of $y$. Its loss is the variance of
# $y$. How large is that? Measure it with a million points, part by part.

# %%
many_x, many_noise = draw.random(1_000_000), draw.normal(size=1_000_000)
many_y = 2 * many_x + 1 + many_noise
for name, part in [("x", many_x), ("2x + 1", 2 * many_x + 1), ("the noise", many_noise), ("y", many_y)]:
    print(f"variance of {name:9} {part.var():.3f}")
print(f"the line removes {1 - 1 / many_y.var():.0%} of the last; points further than 0.5 from it: {np.mean(far):.0%}")
assert abs(many_x.var() - 1 / 12) < 1e-3 and abs((2 * many_x + 1).var() - 1 / 3) < 2e-3
assert abs(many_noise.var() - 1) < 0.005 and abs(many_y.var() - 4 / 3) < 0.01
assert abs(1 - 1 / many_y.var() - 0.25) < 0.01 and abs(np.mean(far) - 0.61) < 0.01

# %% [markdown]
# Numbers spread evenly from 0 to 1 have the variance 1/12. Doubled they have four times as much, since distances are
# squared, and the $+1$ only moves them. And the variances of independent parts add up: $\frac13 + 1 = \frac43$. So
# always predicting the mean costs 4/3 on the average, and the best possible line removes a quarter of that. The rest
# is noise, and 61 % of the points lie further than 0.5 from the line. That's as good as it gets here; and on other data
# the same 0.98 could be very bad.

# %%
figure, axes = plt.subplots()
bins = np.linspace(0, 2.4, 121)
axes.hist(floors, bins=bins, color=BLUE, alpha=0.8, label="the best line (the floor)")
axes.hist(means, bins=bins, color=ORANGE, histtype="step", linewidth=1.5, label="always predicting the mean of y")
axes.axvline(1, color=GRAY, linestyle=":", linewidth=2, label="the variance of the noise")
axes.set(xlabel="loss", ylabel="sets of points", xlim=(0, 2.4), ylim=(0, 1450))
axes.set_title("What a line can reach: 20,000 sets of 100 points")
axes.legend(fontsize="small", loc="upper right")
show(
    figure,
    "06_linear_regression_floor",
    "Two histograms of 20,000 losses: the best line's, a bell around 0.98 with none below 0.5, and that of always "
    "predicting the mean, a wider bell around 1.3. They overlap.",
)
assert np.all(floors < means) and abs(means.mean() - 1.32) < 0.01 and abs(np.mean(floors > 4 / 3) - 0.01) < 0.002

# %% [markdown]
# The two hills overlap: 1 % of the floors lie above 4/3. Is the mean better there? No: these are sets with much noise,
# on which the mean costs still more. On no set is it better than the best line, for it is a line itself, a level one.
#
# ## Training data and test data
#
# The floor is measured on the points that the line was fitted to, the **training data**. What you want to know is how
# it does on new points, the **test data**. We have noted that, too:

# %%
print(f"mean loss: on the training data {floors.mean():.3f}, on test data {others.mean():.3f}")
print(f"test loss below training loss: in {np.mean(others < floors):.0%} of the sets")
assert abs(floors.mean() - 0.98) < 0.005 and abs(others.mean() - 1.02) < 0.005
assert abs(np.mean(others < floors) - 0.42) < 0.02

# %% [markdown]
# On the average 0.98 on its own points, and 1.02 on new ones: what the line has won by adapting to its own noise, 2 of
# 100, it loses on other noise. It is little, for two numbers face 100 points. With as many parameters as points, as
# with 2 points above, the training loss is 0 and says nothing ([lesson 11](11_overfitting.py)).
#
# > **What goes wrong.** In a single run it's often the other way round, here in about four of ten. "My test loss is
# > below my training loss, so all is well" compares two numbers by chance. Look at several runs, or more test data.
#
# ## The same with a layer and the loop
#
# Our line is a layer with one input and one output. So the loop of [lesson 5](05_layers_and_the_loop.py) trains it. The
# points are the same, in float32: `data.line` makes a generator with the seed 0 and draws $x$ and then the noise from
# it, as we did. `tl.manual_seed` seeds *another* generator, from which come the first parameters and the order of the
# batches. A seed is for one generator and for no other, so a program that has two must seed both.

# %%
points = data.line(100, noise=1.0, seed=0)
assert np.allclose(points.x[:, 0], x) and np.allclose(points.y[:, 0], y)

tl.manual_seed(42)
line = nn.Linear(1, 1)
optimizer = optim.SGD(line.parameters(), lr=0.1)
iterations = 0
for _ in range(100):  # epochs
    for xs, ys in data.batches(points, 10):
        loss = F.mse_loss(line(xs), ys)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        iterations += 1

# %% [markdown]
# > **Predict.** How many steps were that? And how near will the loss be to the floor of these points, 0.940?


# %%
def loss_of(model):
    measured = tl.evaluate(model, points, loss=F.mse_loss)  # a dict of what was measured, here the loss alone
    return measured["loss"]


tl.manual_seed(42)
fitted = nn.Linear(1, 1)
optimizer = optim.SGD(fitted.parameters(), lr=0.1)
tl.fit(fitted, points, loss=F.mse_loss, optimizer=optimizer, epochs=100, batch_size=10, progress=False)
print(f"{iterations} steps; loss by the loop {loss_of(line):.4f}, by fit {loss_of(fitted):.4f}, floor {floor:.4f}")
print(f"line {line.weight.item():.3f} x + {line.bias.item():.3f}, best {best_w:.3f} x + {best_b:.3f}")
assert iterations == 1000 and loss_of(fitted) == loss_of(line)
assert floor - 1e-6 < loss_of(line) < floor + 0.0001

# %% [markdown]
# A thousand steps, for an epoch here is ten of them, and the loss agrees with the floor to four digits. The line itself
# isn't quite the best one, since each batch pulls it towards its own; a smaller rate at the end would help
# ([lesson 10](10_optimizers.py)).
#
# Now you can answer the question at the top. Training finds the parameters where the slopes of the loss are zero. And
# how good it can get is up to the noise in the data, which no training removes.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_squared_error`, `ex_linear_regression`, `ex_normal_equations`,
# `ex_step`. (`ex_linear_regression` has several inputs and takes half of the mean, as many books do, so that the 2 in
# front goes away. `ex_normal_equations` has no $b$, so its `x` is the matrix $X$ itself.)
#
# 1. Give the three points a fourth, $(3, 3)$. Write down equations (3) and solve them on paper; check with `best_line`.
# 2. Centre the inputs: use $x - \bar x$ in place of $x$, where $\bar x$ is the mean. What has become of $\sum x_i$ in
#    (3)? Which rates are possible now? Look for the one that comes within 0.0001 of the floor in the fewest steps.
# 3. Let the noise have the standard deviation 2 and not 1. Before you run anything: where will the floors lie, and what
#    does always predicting the mean cost? Then change the simulation and look.
#
# <details><summary>What you should find</summary>
#
# **1.** $14w + 6b = 20$ and $6w + 4b = 11$, so $w = 0.7$ and $b = 1.7$.
#
# **2.** It is 0, so that each equation has one unknown only, and the valley's directions are those of $w$ and of $b$.
# The curvature in $b$ is 2, so the limit is 1. With 0.1 you need 218 steps, hardly fewer than 242; but rates near
# 0.88, which would explode without centring, need only 24.
#
# **3.** The variance of the noise is 4, so the floors lie around $0.98 \cdot 4 = 3.92$, and the mean costs about
# $\frac13 + 4 = \frac{13}3$. The line now removes only 8 % of that.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from. (`tinydl document` measures
# > its sentences: rows D10 to D13, D22 to D24 and D36 to D38.) Its second program fits a line to 100 points like ours.
# >
# > - **The loss** is half the *sum* of the squares, under the name of mean squared error. It is $\frac n2$ times the
# >   MSE. The minimum is the same, but a rate of 0.01 on it takes the steps of 0.5 on the MSE: rates belong to a loss.
# > - **Its gradient** has lost the inner derivative −1, while its steps are right, so the loss rises at each step. A
# >   look at the loss can't tell this from a large rate; `tl.gradcheck` says "sign".
# > - **The printed loss**, 0.00056, can't be: the smallest of our 20,000 floors was 0.56, a thousand times as much.
# > - **"The predictions are very close to the data", "a good fit"**: even from the best line 61 % of the points lie
# >   further than 0.5, and a loss alone says nothing about a fit.
# > - **"The loss on the test data set"** is measured on the points that the program was trained on, where the line has
# >   adapted to the noise.
# > - **"The number of iterations (epochs)"** is two things: 100 epochs are 1000 iterations. And **the random seed**
# >   that should make all of it reproducible is TensorFlow's, while NumPy draws the points: others at each run.
# >
# > The whole program, mended, is [program_2_regression.py](program_2_regression.py).

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck(f, *inputs, grad=rule)`; `tinydl/checking/causes.py` finds a lost sign.
# - `tinydl/functional/losses.py`: `mse_loss`, formula (1); `tinydl/optim/sgd.py`: `SGD`, formula (5).
# - `tinydl/data/synthetic.py`: `line`, whose docstring states the floor; `tinydl/training/fit.py`: `fit` and
#   `evaluate`.
#
# Next: [lesson 7](07_likelihood.py): why squared errors at all?
