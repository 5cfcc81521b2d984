# %% [markdown]
# # 6. Linear regression
#
# What does training find, and how good can it get?
#
# For most networks nobody can answer this. So we take the one model where everybody can: a straight line through
# points. It has all the parts of a large network, data, model, loss, gradient, loop. And you can also work out the best
# line exactly, with school algebra, and then watch training get there.
#
# *You need:* the derivative of a square ([Before you start](00_before_you_start.py)), two equations with two unknowns,
# mean and variance (both there, too), and `fit` of [lesson 5](05_layers_and_the_loop.py), near the end.

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
# Squares make all errors positive, and large ones count more. (Why squares? See [lesson 7](07_likelihood.py).)
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
# Our three errors were 0, −1 and −1. So the slope in $w$ is $\frac23 (0 \cdot 0 - 1 \cdot 1 - 1 \cdot 2) = -2$, and in
# $b$ it is $\frac23 (0 - 1 - 1) = -\frac43$. Both are negative: the loss falls if $w$ or $b$ grows, since the line lies
# too low.
#
# ## The exact answer
#
# At the lowest place both slopes are zero: otherwise you could still go down. And a place where both are zero *is* the
# lowest one. The loss is a bowl: walk straight ahead from any $(w, b)$ in any direction, and what you see is a sum of
# squares, a parabola that opens upwards, with one lowest place and no hilltop. (Only if all $x_i$ are equal there is a
# whole line of best places.) So set (2) to zero. The $\frac2n$ may be left out:
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
# For a computer we write this with matrices. Each point is a row $(x_i, 1)$ of $X$:
#
# $$ X = \begin{pmatrix} 0 & 1 \\ 1 & 1 \\ 2 & 1 \end{pmatrix}, $$
#
# $$ X^\top X = \begin{pmatrix} 5 & 3 \\ 3 & 3 \end{pmatrix}, \quad
# X^\top y = \begin{pmatrix} 11 \\ 8 \end{pmatrix} . $$
#
# You know these numbers: 5, 3, 3, 3 and 11, 8 stand in the two equations above. For instance
# $0 \cdot 0 + 1 \cdot 1 + 2 \cdot 2 = 5$ is $\sum x_i^2$. So with $\theta = (w, b)$ the two equations are
#
# $$ X^\top X\, \theta = X^\top y . \tag{4} $$
#
# These are the **normal equations**, and `np.linalg.solve` solves them.


# %%
def best_line(x, y):
    X = np.stack([x, np.ones(len(x))], axis=1)  # a column of x, and a column of ones
    return np.linalg.solve(X.T @ X, X.T @ y)  # formula (4)


three_w, three_b = best_line(three_x, three_y)
print(f"best line through the three points: {three_w:.3f} x + {three_b:.3f}")
assert math.isclose(three_w, 3 / 2) and math.isclose(three_b, 7 / 6)
assert math.isclose(2 * np.mean(errors * three_x), -2) and math.isclose(2 * np.mean(errors), -4 / 3)  # the slopes above

# %% [markdown]
# ## A hundred points
#
# Now 100 points. We make them ourselves, so that we know the truth: $y = 2x + 1$ plus **noise**, random numbers that
# nobody can predict. On the average the noise is 0, and its **variance**, the mean of its squares, is 1. From here on
# `x` and `y` are these points.

# %%
rng = np.random.default_rng(0)
x = rng.random(100)  # between 0 and 1
y = 2 * x + 1 + rng.normal(size=100)


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
show(figure, "06_linear_regression_points", "100 points with x from 0 to 1 around the line from (0, 1) to (1, 3); many "
     "lie further than 1 above or below it.")  # fmt: skip

# %% [markdown]
# Is (2) right? You needn't trust anybody's algebra. `tl.gradcheck` takes the function and a rule for its gradient,
# and compares the rule with measured slopes ([lesson 1](01_derivatives.py)).

# %%
report = tl.gradcheck(mse, 0.3, -0.2, grad=gradient)
print(repr(report))
assert report.verdict == "right" and len(report.rows) == 5

# %% [markdown]
# It is. (5 derivatives are two slopes, and three more along directions in which $w$ and $b$ move at once.)
#
# ## Down the hill
#
# Begin anywhere, say at $w = b = 0$, and take many small steps against the gradient. With the learning rate $\alpha$:
#
# $$ w \leftarrow w - \alpha\, \frac{\partial L}{\partial w} , \quad
# b \leftarrow b - \alpha\, \frac{\partial L}{\partial b} . \tag{5} $$


# %%
def descend(gradient, rate, steps):
    w, b = 0.0, 0.0
    path = [(w, b)]
    for _ in range(steps):
        dw, db = gradient(w, b)  # both slopes at the old place, before anything moves
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
# stuck? For a line we can tell: formula (4) gives the best one. No line has a smaller loss on these points than this
# best line, so we call its loss the **floor** of these points.

# %%
best_w, best_b = best_line(x, y)
floor = mse(best_w, best_b)
print(f"best line {best_w:.3f} x + {best_b:.3f}, loss {floor:.4f}: the floor")
print(f"true line 2 x + 1, loss {mse(2, 1):.4f}")
assert np.allclose(gradient(best_w, best_b), 0)
assert np.allclose(path[-1], [best_w, best_b], atol=1e-4)  # where the descent arrived
assert floor < mse(2, 1) and abs(mse(2, 1) - 0.95) < 0.01

# %% [markdown]
# So descent did arrive: it found the best line. No line has a smaller loss on these points than 0.94, not even the true
# one. (The true line's loss is the mean of the squared noise. On very many points that is 1, the variance of the noise;
# on these 100 it happens to be 0.95.) Why then descend at all? Because nearly no other model has an exact answer. The
# line is where you can check descent.
#
# ## How large may a step be?
#
# > **Predict.** With the rate 0.1 it took hundreds of steps. What will happen with the rate 0.5? With 0.7? With 0.85?

# %%
rates = {}
for rate in (0.1, 0.5, 0.7, 0.85):
    rates[rate] = [mse(w, b) for w, b in descend(gradient, rate, 30)]
    start, first, second, last = (rates[rate][step] for step in (0, 1, 2, 30))
    print(f"rate {rate:4}: loss {start:.2f} → {first:.2f} → {second:5.2f} → … → {last:.4g} after 30 steps")
assert abs(rates[0.7][2] - 3.27) < 0.01 and abs(rates[0.5][2] - 1.05) < 0.01 and rates[0.85][30] > 1e6
assert floor < rates[0.7][30] < rates[0.5][30] < rates[0.1][30]

# %% [markdown]
# Larger steps are faster, up to a point. At 0.85 the loss explodes, although the gradient is right. And 0.7 begins
# worse than 0.5, 3.27 against 1.05 after two steps, but is ahead after 30.
#
# To see why, take a loss with one parameter, the parabola $L = \frac c2 (w - w^*)^2$ with its lowest place at $w^*$.
# Its slope is $c\,(w - w^*)$; the number $c$ says how fast the slope changes, and is called the **curvature**. One step
# is $w_{\text{new}} = w - \alpha c\,(w - w^*)$. Subtract $w^*$ on both sides:
#
# $$ w_{\text{new}} - w^* = (1 - \alpha c)\,(w - w^*) . \tag{6} $$
#
# Each step multiplies the distance to the best place by $1 - \alpha c$. With $\alpha c = 0.5$ that is 0.5. With 1.5 it
# is −0.5: the step goes too far, to the other side, but still ends nearer. With 2.5 it is −1.5: each step ends
# *further away* than it began. The limit is $\alpha c = 2$, so the rate must stay below $2/c$.
#
# Where is the limit for our two parameters? Above 0.7 and below 0.85, as you have seen. Try all hundredths in between:

# %%
after = {}
for rate in np.arange(70, 86) / 100:
    after[rate] = mse(*descend(gradient, rate, 1000)[-1])  # the star hands over w and b of the last place
arrived = [rate for rate in after if after[rate] < floor + 0.0001]
exploded = [rate for rate in after if after[rate] > 100]
print(f"after 1000 steps: arrived with {arrived[0]:.2f} to {arrived[-1]:.2f}, exploded with {exploded[0]:.2f} and more")
assert arrived[-1] == 0.75 and exploded[0] == 0.76 and len(arrived) + len(exploded) == len(after)
flat, steep = np.linalg.eigvalsh(2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1.0]]))  # all its curvatures
assert abs(steep - 2.65) < 0.01 and abs(flat - 0.14) < 0.005  # lie between these two

# %% [markdown]
# It lies between 0.75 and 0.76, so by $2/c$ the steepest curvature of this loss is about $2/0.755 = 2.65$. The flattest
# is 0.14: at the rate 0.1 a step takes away $0.1 \cdot 0.14 = 1.4\,\%$ of the distance there, hence the creeping. But
# why does 0.7, below the limit, begin so badly? Look at the loss from above:

# %%
ws, bs = np.linspace(-0.3, 4, 60), np.linspace(-0.3, 3, 60)
heights = [[mse(w, b) for w in ws] for b in bs]  # the loss at 60 times 60 places
figure, axes = plt.subplots()
axes.contour(ws, bs, heights, levels=floor + np.geomspace(0.01, 6, 10), colors=GRAY, linewidths=0.7)
for rate, color in [(0.1, BLUE), (0.7, ORANGE)]:
    steps = np.array(descend(gradient, rate, 60))
    axes.plot(steps[:, 0], steps[:, 1], ".-", color=color, linewidth=1, label=f"60 steps with rate {rate}")
axes.plot(best_w, best_b, "*", color=GREEN, markersize=14, label="the exact answer")
axes.set(xlabel="w", ylabel="b", title="The valley of the loss, seen from above")
axes.legend(fontsize="small", loc="upper right")
show(figure, "06_linear_regression_valley", "Lines of equal loss: long, tilted ellipses around w 1.87, b 0.99. The "
     "path with rate 0.1 goes down the steep side, then slowly along; with 0.7 it jumps to and fro.")  # fmt: skip

# %% [markdown]
# The gray lines connect places of equal loss. The valley is steep across and flat along. With the small rate the
# path (blue) goes straight to the bottom of the valley, then creeps. With the large one (orange) it jumps from one side
# to the other, and gets on faster along the bottom. Each direction has a curvature of its own: the steepest one sets
# the limit for the rate, the flattest one says how long it takes ([lesson 10](10_optimizers.py)).
#
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
# > down, hence it's right". To judge the gradient, check the gradient: `tl.gradcheck` names the input and the mistake.

# %%
report = tl.gradcheck(mse, 0.3, -0.2, grad=half_wrong)
print(report.verdict + ":", report.causes[0][1])
assert report.verdict == "wrong" and report.causes[0][0] == "sign"

# %% [markdown]
# ## How low can the loss get?
#
# The floor of our points was 0.94. Was that luck? Make 100 new points and look at their floor, and again, 20,000 times.
# For later we note two more losses: that of always predicting the mean of $y$, and the line's on 100 *other* points.
#
# > **Predict.** The noise has variance 1. Where will most of the floors be: below 1, above, around it?

# %%
draw = np.random.default_rng(1)


def new_points(n):
    x = draw.random(n)
    return x, 2 * x + 1 + draw.normal(size=n)


floors, means, others = [], [], []
for _ in range(20_000):
    xs, ys = new_points(100)
    other_x, other_y = new_points(100)
    w, b = best_line(xs, ys)
    floors.append(np.mean((w * xs + b - ys) ** 2))
    means.append(np.mean((np.mean(ys) - ys) ** 2))
    others.append(np.mean((w * other_x + b - other_y) ** 2))

# %%
floors = np.array(floors)
print(f"floors: mean {floors.mean():.2f}, smallest {floors.min():.2f}, largest {floors.max():.2f}")
print(f"below 1: {np.mean(floors < 1):.0%}")
assert abs(floors.mean() - 0.98) < 0.005 and abs(floors.min() - 0.50) < 0.005
assert abs(np.mean(floors < 1) - 0.58) < 0.005
figure, axes = plt.subplots()
axes.hist(floors, bins=np.linspace(0, 2, 101), color=BLUE, alpha=0.8)
axes.axvline(1, color=ORANGE, linestyle="--", linewidth=2, label="1, the variance of the noise")
axes.set(xlabel="floor: the loss of the best line", ylabel="sets of points", xlim=(0, 2), title="20,000 floors")
axes.legend(fontsize="small", loc="upper left")
show(figure, "06_linear_regression_floor", "A histogram of 20,000 floors: a bell around 0.98, from 0.50 to 1.6, with "
     "the variance of the noise, 1, just right of its middle.")  # fmt: skip

# %% [markdown]
# They lie around 1, a little more often below (58 %) than above. Every point carries noise with variance 1, and no line
# can foresee it. And the left end of the picture is empty: the smallest of all 20,000 floors is 0.50. Should your
# program print 0.1 for such points one day, it isn't luck. It's a mistake, or another loss.
#
# Why is their mean 0.98 and not 1? The best line adapts a little to the noise of its own points. Take the extreme:
# through 2 points a line goes exactly, so their floor is 0, noise or not. With $n$ points the mean of the floors is
# $(n - 2)/n$, with a 2 for the two numbers $w$ and $b$. We give no proof; the simulation is the evidence.

# %%
for few in (2, 3, 4, 10, 100):
    sets = []  # of floors
    for _ in range(20_000):
        xs, ys = new_points(few)
        w, b = best_line(xs, ys)
        sets.append(np.mean((w * xs + b - ys) ** 2))
    print(f"{few:3} points: mean floor {np.mean(sets):.3f}, formula {(few - 2) / few:.3f}")
    assert abs(np.mean(sets) - (few - 2) / few) < 0.01

# %% [markdown]
# So is a loss of 0.98 good? By itself the number says nothing. Put it beside the variance of the noise, and beside the
# loss of a model that has learned nothing and always predicts the mean of $y$.
#
# > **Predict.** What part of the mean's loss does the best line remove: nearly all of it, half, a quarter?

# %%
cost_of_mean = np.mean(means)
print(f"always predicting the mean costs {cost_of_mean:.2f}; the line removes {1 - floors.mean() / cost_of_mean:.0%}")
far = np.abs(best_w * x + best_b - y) > 0.5
print(f"of our 100 points, {np.sum(far)} lie further than 0.5 from the best line")
assert abs(cost_of_mean - 1.32) < 0.01 and abs(1 - floors.mean() / cost_of_mean - 0.26) < 0.005 and np.sum(far) == 57

# %% [markdown]
# A quarter. The rest is noise, and it's as good as it gets here. With less noise the same 0.98 could be very bad.
# **A loss means something only beside other losses.**
#
# ## Training data and test data
#
# The floor is measured on the points that the line was fitted to, the **training data**. What you want to know is how
# it does on new points, the **test data**. We have noted that:

# %%
others = np.array(others)
print(f"mean loss: on the training data {floors.mean():.2f}, on test data {others.mean():.2f}")
print(f"test loss below training loss: in {np.mean(others < floors):.0%} of the sets")
assert abs(others.mean() - 1.02) < 0.005 and abs(np.mean(others < floors) - 0.42) < 0.02

# %% [markdown]
# On the average 0.98 on its own points and 1.02 on new ones: what the line has won by adapting to its own noise, it
# loses on other noise. (With few points and many parameters it's much worse: [lesson 11](11_overfitting.py).)
#
# > **What goes wrong.** In a single run it's often the other way round, here in about four of ten. "My test loss is
# > below my training loss, so all is well" compares two numbers of which chance makes a large part. Look at several
# > runs, or at more test data.
#
# ## The same with a layer and `fit`
#
# Our line is a layer with one input and one output, so `fit` of [lesson 5](05_layers_and_the_loop.py) trains it, in 100
# epochs of 10 batches, which are 1000 steps. `data.line` makes our points again, from its own `seed`; the first
# parameters and the order of the batches come from another generator, that of `tl.manual_seed`.

# %%
points = data.line(100, noise=1.0, seed=0)
assert np.allclose(points.x[:, 0], x) and np.allclose(points.y[:, 0], y)
tl.manual_seed(42)
line = nn.Linear(1, 1)
optimizer = optim.SGD(line.parameters(), lr=0.1)
tl.fit(line, points, loss=F.mse_loss, optimizer=optimizer, epochs=100, batch_size=10, progress=False)
loss = tl.evaluate(line, points, loss=F.mse_loss)["loss"]
print(f"loss {loss:.4f}, floor {floor:.4f}")
print(f"line {line.weight.item():.3f} x + {line.bias.item():.3f}, best {best_w:.3f} x + {best_b:.3f}")
assert floor - 1e-6 < loss < floor + 0.0001

# %% [markdown]
# The loss agrees with the floor to four digits. Now you can answer the question at the top. Training finds the place
# where the slopes of the loss are zero. How good it can get is up to the noise in the data, which no training removes.
#
# ## Several inputs
#
# `ex_linear_regression` has points with several inputs, say two. Then $w$ has two numbers as well. $X$ is now the
# matrix of the inputs alone, a row for each point and a column for each input: the ones are gone, and $b$ is added
# apart. There is still one error for each point, $e = X w + b - y$. In (2) each error was multiplied by its $x_i$; now
# $X^\top e$ does that, column by column:
#
# $$ \frac{\partial L}{\partial w} = \frac2n\, X^\top e , \quad
# \frac{\partial L}{\partial b} = \frac2n \sum_i e_i . \tag{7} $$

# %%
X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # three points with two inputs each
w, b, target = np.array([1.0, 2.0]), 0.0, np.array([0.0, 0.0, 0.0])
e = X @ w + b - target
print("errors", e, " slopes in w", (2 / 3 * X.T @ e).round(3), f" slope in b {2 / 3 * e.sum():.0f}")
slopes_in_both = tl.grad(lambda w, b: np.mean((X @ w + b - target) ** 2), argnums=(0, 1))  # arguments 0 and 1: w and b
by_w, by_b = slopes_in_both(w, b)
assert np.allclose(by_w, 2 / 3 * X.T @ e) and np.allclose(by_b, 2 / 3 * e.sum())

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_squared_error`, `ex_linear_regression`, `ex_normal_equations`,
# `ex_step`. (`ex_linear_regression` takes half of the mean, as many books do, so that the 2 in front of (7) goes away.
# In `ex_normal_equations` there is no bias: its `x` is the whole matrix $X$ of (4), and you add no ones.)
#
# 1. Give the three points a fourth, $(3, 3)$. Write down equations (3) and solve them on paper; check with `best_line`.
# 2. Centre the inputs: use $x - \bar x$ in place of $x$, where $\bar x$ is the mean. What has become of $\sum x_i$ in
#    (3)? Which rates are possible now? Draw the valley again.
# 3. Let the noise be twice as large, so that its variance is 4. Before you run anything: where will the floors lie? And
#    will the line still remove a quarter of what the mean costs? Then change the simulation and look.
#
# <details><summary>What you should find</summary>
#
# **1.** $14w + 6b = 20$ and $6w + 4b = 11$, so $w = 0.7$ and $b = 1.7$.
#
# **2.** It is 0, so that each equation has one unknown only, and the valley lies along the axes. The slope in $b$ has
# the curvature 2, the steepest, so the limit is 1.
#
# **3.** Around $0.98 \cdot 4 = 3.92$. The mean costs about 4.3 now, and the line removes only 9 % of that: the same
# slope is harder to see in more noise.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from. (`tinydl document` measures
# > its sentences: rows D10 to D13, D22 to D24 and D36 to D38.) Its second program fits a line to 100 points like ours;
# > [program_2_regression.py](program_2_regression.py) is that program, mended.
# >
# > - **The loss** is half the *sum* of the squares, called mean squared error[^mse], so $\frac n2$ times the MSE.
# >   The minimum is the same, but a rate of 0.01 on it takes the steps of 0.5 on the MSE: rates belong to a loss.
# > - **Its gradient** has lost the inner derivative −1, while its steps are right, so the loss rises at each step. A
# >   look at the loss can't tell this from a large rate; `tl.gradcheck` says "sign".
# > - **The printed loss**, 0.00056[^loss], can't be: the smallest of our 20,000 floors was 0.50. And **"very close to
# >   the data"**[^close]? See the 57 of 100 points above.
# > - **"The loss on the test data set"**[^test] is measured on the training data.
# > - **"The number of iterations (epochs)"**[^epochs] is two things. And **the random seed**[^seed] to make all of it
# >   reproducible is TensorFlow's, while NumPy draws the points: others at each run.
#
# [^mse]: 「均方误差（MSE）」
# [^loss]: 「最终损失：0.0005564296807308625」
# [^close]: 「模型预测的数据点与实际数据点非常接近」
# [^test]: 「模型在测试数据集上的最终损失」
# [^epochs]: 「训练的迭代次数（epochs）」
# [^seed]: 「设置随机种子，保证实验可复现」

# %% [markdown]
# ## Where this lives in tinydl
#
# `tinydl/checking/gradcheck.py`: `gradcheck`. `tinydl/functional/losses.py`: `mse_loss`. `tinydl/optim/sgd.py`: `SGD`.
# `tinydl/data/synthetic.py`: `line`, whose docstring states the floor. `tinydl/training/fit.py`: `fit`, `evaluate`.
#
# Next: [lesson 7](07_likelihood.py): why squared errors at all?
