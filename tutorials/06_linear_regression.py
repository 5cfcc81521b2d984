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
# and the loop of [lesson 5](05_layers_and_the_loop.py). One part, on the directions of a valley, may be skipped; it
# says so.

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
# ## A hundred points
#
# Now 100 points. We make them ourselves, so that we know the truth: $y = 2x + 1$ plus **noise**, random numbers that
# nobody can predict. On the average the noise is 0. Its **variance**, the mean of its squares, is 1.

# %%
rng = np.random.default_rng(0)
n = 100
x = rng.random(n)  # between 0 and 1
y = 2 * x + 1 + rng.normal(size=n)


def mse(w, b):
    return np.mean((w * x + b - y) ** 2)  # formula (1)


print(f"the line w = 0, b = 0 has loss {mse(0, 0):.2f}, the true line {mse(2, 1):.2f}")
assert abs(mse(0, 0) - 5.33) < 0.01 and abs(mse(2, 1) - 0.95) < 0.01

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


def gradient(w, b):
    error = w * x + b - y
    return 2 * np.mean(error * x), 2 * np.mean(error)  # formula (2)


# %% [markdown]
# Is (2) right? You needn't trust anybody's algebra. `tl.gradcheck` takes the function and a rule for its gradient,
# and compares the rule with measured slopes ([lesson 1](01_derivatives.py)). And the engine finds the gradient from
# formula (1) alone.

# %%
report = tl.gradcheck(mse, 0.3, -0.2, grad=gradient)
print(repr(report))
assert report.verdict == "right"
by_engine = tl.grad(mse, argnums=(0, 1))(0.3, -0.2)  # by both arguments, w and b
assert np.allclose(by_engine, gradient(0.3, -0.2))

# %% [markdown]
# ## Down the hill
#
# Begin anywhere, say at $w = b = 0$, and take many small steps against the gradient. With the learning rate $\alpha$:
#
# $$
# \begin{aligned}
# w &\leftarrow w - \alpha\, \frac{\partial L}{\partial w} \\
# b &\leftarrow b - \alpha\, \frac{\partial L}{\partial b}
# \end{aligned} \tag{3}
# $$
#
# Both slopes are computed at the *old* place, before anything moves.


# %%
def descend(gradient, rate, steps):
    w, b = 0.0, 0.0
    path = [(w, b)]
    for _ in range(steps):
        dw, db = gradient(w, b)
        w, b = w - rate * dw, b - rate * db  # formula (3)
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
# The loss falls quickly at first, then slowly, and then it stays at 0.94. Why there? Is that the end, or has the
# descent got stuck?
#
# ## The exact answer
#
# At the lowest place both slopes are zero: otherwise one could still go down. Set (2) to zero, and leave out the
# $\frac2n$, which changes nothing:
#
# $$
# \begin{aligned}
# w \sum x_i^2 + b \sum x_i &= \sum x_i y_i \\
# w \sum x_i + b\, n &= \sum y_i
# \end{aligned} \tag{4}
# $$
#
# The sums are known numbers. So these are two equations with two unknowns, $w$ and $b$, as in school. With our three
# points they say $5w + 3b = 11$ and $3w + 3b = 8$. Subtract: $2w = 3$. So $w = \frac32$, and then $b = \frac76$.

# %%
left_side = np.array([[np.sum(three_x**2), np.sum(three_x)], [np.sum(three_x), 3]])
right_side = np.array([np.sum(three_x * three_y), np.sum(three_y)])
for (of_w, of_b), value in zip(left_side, right_side, strict=True):
    print(f"{of_w:.0f} w + {of_b:.0f} b = {value:.0f}")
assert left_side.tolist() == [[5, 3], [3, 3]] and right_side.tolist() == [11, 8]
assert np.allclose(np.linalg.solve(left_side, right_side), [3 / 2, 7 / 6])

# %% [markdown]
# Equations (4) are called the **normal equations**. They look shorter with a matrix $X$ that has a row $(x_i, 1)$ for
# each point, and $\theta = (w, b)$: the predictions are $X\theta$, and (4) is
#
# $$ X^\top X\, \theta = X^\top y . \tag{5} $$
#
# In this form they hold for any number of inputs. `np.linalg.solve` solves them.


# %%
def best_line(x, y):
    X = np.stack([x, np.ones(len(x))], axis=1)  # a column of x, and a column of ones
    return np.linalg.solve(X.T @ X, X.T @ y)  # formula (5)


best_w, best_b = best_line(x, y)
floor = mse(best_w, best_b)
print(f"best line {best_w:.3f} x + {best_b:.3f}, loss {floor:.4f}; true line 2 x + 1, loss {mse(2, 1):.4f}")
assert np.allclose(gradient(best_w, best_b), 0)
assert np.allclose(path[-1], [best_w, best_b], atol=1e-4)  # where the descent arrived
assert floor < mse(2, 1)

# %% [markdown]
# So descent did arrive: it found the best line. No line at all has a smaller loss on these points than 0.94, not even
# the true one, which has 0.95. Keep that in mind.
#
# Why then descend at all? Because nearly no other model has such an exact answer. The line is where you can check that
# the general method works.
#
# ## How large may a step be?
#
# > **Predict.** With the rate 0.1 it took hundreds of steps. What will happen with the rate 0.5? With 0.7? With 0.85?

# %%
rates = {}
for rate in (0.1, 0.5, 0.7, 0.85):
    rates[rate] = [mse(w, b) for w, b in descend(gradient, rate, 30)]
    first, second, last = rates[rate][1], rates[rate][2], rates[rate][30]
    print(f"rate {rate:4}: loss 5.33 → {first:.2f} → {second:.2f} → … → {last:.3g}")
assert rates[0.5][30] < rates[0.1][30] and rates[0.7][30] < rates[0.1][30]
assert rates[0.85][30] > 1e6

# %% [markdown]
# Larger steps are faster, up to a point. At 0.85 the loss explodes, although the gradient is right. To see why, take a
# loss with one parameter, the parabola $L = \frac c2 (w - w^*)^2$ with its lowest place at $w^*$. Its slope is
# $c\,(w - w^*)$; the number $c$ says how fast the slope changes, and is called the **curvature**. One step gives
#
# $$ w_{\text{new}} - w^* = (1 - \alpha c)\,(w - w^*) . \tag{6} $$
#
# Each step multiplies the distance to the best place by $1 - \alpha c$. With $\alpha c$ between 0 and 1 the distance
# shrinks. Between 1 and 2 the step goes too far, to the other side of the valley, but still ends nearer. Above 2 each
# step ends *further away* than it began.

# %%
c, w = 2.0, 1.0  # the lowest place is w* = 0
for rate in (0.25, 0.75, 1.25):
    after = w - rate * c * w
    print(f"αc = {rate * c}: from {w} to {after}")
    assert math.isclose(after, (1 - rate * c) * w)

# %% [markdown]
# **You may skip this.** With two parameters the loss is a valley, and its curvature depends on the direction in which
# you go. The steepest and the flattest curvature are found from the matrix of second derivatives, here
# $\frac2n X^\top X$: they are its *eigenvalues*. (An eigenvector of a matrix is a direction that the matrix only
# stretches; the eigenvalue is by how much.) The steep direction sets the limit for the rate, $\alpha < 2/c$. The flat
# one says how long it takes.

# %%
X = np.stack([x, np.ones(n)], axis=1)
flat, steep = np.linalg.eigvalsh(2 / n * X.T @ X)
limit = 2 / steep
print(f"curvatures {flat:.3f} and {steep:.3f}: the rate must stay below {limit:.3f}")
print(f"at rate 0.1 a step leaves {1 - 0.1 * steep:.1%} of the steep part, {1 - 0.1 * flat:.1%} of the flat one")
assert 0.7 < limit < 0.85
assert abs(1 - 0.1 * steep - 0.735) < 0.001 and abs(1 - 0.1 * flat - 0.986) < 0.001

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
# the other, and gets on faster along the floor.
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
# For later we also note how the line does on 100 *other* points, and how many points lie far away from it.

# %%
floors, others, far = [], [], []
draw = np.random.default_rng(1)
for _ in range(20_000):
    xs, new_x = draw.random(n), draw.random(n)
    ys = 2 * xs + 1 + draw.normal(size=n)
    new_y = 2 * new_x + 1 + draw.normal(size=n)
    w, b = best_line(xs, ys)
    error = w * xs + b - ys
    floors.append(np.mean(error**2))
    others.append(np.mean((w * new_x + b - new_y) ** 2))
    far.append(np.mean(np.abs(error) > 0.5))

# %%
print(f"floors: mean {np.mean(floors):.3f}, smallest {min(floors):.2f}, largest {max(floors):.2f}")
distance = np.abs(np.array(floors) - 0.98)
print(f"within 0.14 of 0.98: {np.mean(distance < 0.14):.0%}; within 0.3: {np.mean(distance < 0.3):.0%}")
assert abs(np.mean(floors) - 0.98) < 0.005 and min(floors) > 0.4 and max(floors) < 2
assert abs(np.mean(distance < 0.14) - 2 / 3) < 0.03 and np.mean(distance < 0.3) > 0.95

# %%
figure, axes = plt.subplots()
axes.hist(floors, bins=np.linspace(0, 1.8, 91), color=BLUE, alpha=0.8)
axes.axvline(0.98, color=ORANGE, linewidth=2, label="mean of the floors: 0.98")
axes.axvline(4 / 3, color=GREEN, linewidth=2, linestyle="--", label="always predicting the mean of y: 4/3")
axes.set(xlabel="loss of the best line", ylabel="sets of points", xlim=(0, 1.8), ylim=(0, 1450))
axes.set_title("What a line can reach: 20,000 sets of 100 points")
axes.legend(fontsize="small", loc="upper left")
show(
    figure,
    "06_linear_regression_floor",
    "A histogram of 20,000 floors: a bell around 0.98, most between 0.7 and 1.3, none below 0.4.",
)

# %% [markdown]
# They lie around 0.98, about two thirds of them within 0.14 of it, and not one below 0.4. Every point carries noise
# with variance 1, and no line can foresee it. That is the **noise floor**.
#
# Why 0.98 and not 1? The best line adapts a little to the noise of its own points. It has two numbers to do so, and
# that buys 2 of 100: the mean of the floors is $\frac{100 - 2}{100}$ exactly.
#
# ## A loss means something only beside other losses
#
# So is a loss of 0.98 good? By itself the number says nothing. Put it between two others. The lower end is the noise:
# 1. The upper end is a model that has learned nothing and always predicts the mean of $y$. Its loss is the variance of
# $y$, the mean squared distance from the mean: $2^2 \cdot \frac1{12}$ from the line, as $x$ spreads evenly from 0 to 1,
# and 1 from the noise, together $\frac43$.

# %%
many_x = draw.random(1_000_000)
many_y = 2 * many_x + 1 + draw.normal(size=1_000_000)
print(f"variance of x {many_x.var():.4f} (1/12 = {1 / 12:.4f}), of y {many_y.var():.3f} (4/3 = {4 / 3:.3f})")
print(f"the line removes {1 - 1 / many_y.var():.0%} of it; points further than 0.5 from it: {np.mean(far):.0%}")
assert abs(many_x.var() - 1 / 12) < 1e-3 and abs(many_y.var() - 4 / 3) < 0.01
assert abs(1 - 1 / many_y.var() - 0.25) < 0.01 and abs(np.mean(far) - 0.61) < 0.01

# %% [markdown]
# The best possible line removes a quarter of the variance. The rest is noise, and 61 % of the points lie further than
# 0.5 from the line. That's as good as it gets here; and on other data the same 0.98 could be very bad.
#
# ## Training data and test data
#
# The floor is measured on the points that the line was fitted to, the **training data**. What you want to know is how
# it does on new points, the **test data**. We have noted that, too:

# %%
floors, others = np.array(floors), np.array(others)
print(f"mean loss: on the training data {floors.mean():.3f}, on test data {others.mean():.3f}")
print(f"test loss below training loss: in {np.mean(others < floors):.0%} of the sets")
assert abs(floors.mean() - 0.98) < 0.005 and abs(others.mean() - 1.02) < 0.005
assert abs(np.mean(others < floors) - 0.42) < 0.02

# %% [markdown]
# On the average 0.98 on its own points, and 1.02 on new ones: what the line has won by adapting to the noise it loses
# elsewhere. It is little, for two numbers face 100 points. With as many parameters as points, the training loss is 0
# and says nothing ([lesson 11](11_overfitting.py)).
#
# > **What goes wrong.** In a single run it's often the other way round, here in about four of ten. "My test loss is
# > below my training loss, so all is well" compares two numbers by chance. Look at several runs, or more test data.
#
# ## The same with a layer and the loop
#
# Our line is a layer with one input and one output. So the loop of [lesson 5](05_layers_and_the_loop.py) trains it. The
# points are the same, in float32: `data.line` draws them as we did.

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
    return tl.evaluate(model, points, loss=F.mse_loss)["loss"]


tl.manual_seed(42)
fitted = nn.Linear(1, 1)
optimizer = optim.SGD(fitted.parameters(), lr=0.1)
tl.fit(fitted, points, loss=F.mse_loss, optimizer=optimizer, epochs=100, batch_size=10, progress=False)
print(f"{iterations} steps; loss by the loop {loss_of(line):.4f}, by fit {loss_of(fitted):.4f}, floor {floor:.4f}")
print(f"line {line.weight.item():.3f} x + {line.bias.item():.3f}, best {best_w:.3f} x + {best_b:.3f}")
assert iterations == 1000 and loss_of(fitted) == loss_of(line)
assert floor - 1e-6 < loss_of(line) < floor + 0.001

# %% [markdown]
# A thousand steps, and the loss is the floor's to three digits. The line itself isn't quite the best one, since each
# batch pulls it towards its own; a smaller rate at the end would help ([lesson 10](10_optimizers.py)).
#
# Now you can answer the question at the top. Training finds the parameters where the slopes of the loss are zero. And
# how good it can get is up to the noise in the data, which no training removes.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_squared_error`, `ex_linear_regression`, `ex_normal_equations`,
# `ex_step`. (`ex_linear_regression` takes half of the mean, as many books do, so that the 2 in front goes away.)
#
# 1. Give the three points a fourth, $(3, 3)$. Write down equations (4) and solve them on paper; check with `best_line`.
# 2. Centre the inputs: use $x - \bar x$ in place of $x$, where $\bar x$ is the mean. How many steps does descent now
#    need until it's within 0.0001 of the floor? Look at the sums in (4): what has become of $\sum x_i$?
# 3. Double the noise. Before you run anything: where will the floors lie, and what does always predicting the mean
#    cost? Then change the simulation and look.
#
# ## In the article
#
# > This course began with a Chinese article about deep learning, which has not all of it right. (`tinydl document`
# > lists what it claims, with a measurement for each.) Its second program fits a line to 100 points like ours. Take
# > what it says as a puzzle: with this lesson you can judge each sentence before you read on.
# >
# > - **The loss** is half the *sum* of the squares, $J = \frac12 \sum (y_i - w x_i - b)^2$, under the name “mean
# >   squared error”[^mse]. It is $\frac n2$ times the MSE. The minimum is the same, but rates aren't: 0.01 on $J$ takes
# >   the steps of 0.5 on the MSE (row D10).
# > - **Its gradient** has a wrong sign, $\frac{\partial J}{\partial w} = \sum_i (y_i - w x_i - b)\, x_i$, and
# >   $\frac{\partial J}{\partial b}$ likewise (D11, D12): the inner derivative −1 is lost. The step itself is right
# >   (D13), so that following both, the loss rises at each step. How one sees it: by `gradcheck`.
#
# [^mse]: 「均方误差（MSE）」


# %%
def half_sum(w, b):
    return 0.5 * np.sum((y - (w * x + b)) ** 2)


def article(w, b):
    residual = y - (w * x + b)
    return np.sum(residual * x), np.sum(residual)


report = tl.gradcheck(half_sum, 0.3, -0.2, grad=article)
print("likely cause:", report.causes[0][1])
rising = [half_sum(w, b) for w, b in descend(article, 0.01, 8)]
assert report.verdict == "wrong" and report.causes[0][0] == "sign" and np.all(np.diff(rising) > 0)
assert math.isclose(half_sum(0, 1), n / 2 * mse(0, 1))
assert np.allclose(0.01 * np.array(article(0, 0)), -0.5 * np.array(gradient(0, 0)))

# %% [markdown]
# > - **The printed loss**, 0.00056, can't be[^loss] (D22). The smallest of our 20,000 floors was above 0.4. Could it be
# >   very rare luck? Simulate with fewer points: how often is the floor below 0.1, which is 180 times as much? With 4
# >   points in about 18 of 100 sets. With each two points more it becomes at least four times rarer, since two more
# >   errors must be small by chance. To 100 points that's 48 times by four, or about $10^{29}$ times rarer. So you may
# >   run such a program as often as you like, and won't see it.[^exact]
#
# [^loss]: 「最终损失：0.0005564296807308625」
# [^exact]: Exactly: n times the floor follows the χ² distribution with n − 2 degrees of freedom; so P = 10⁻¹³⁹.

# %%
PRINTED = 0.0005564296807308625  # what the article says its program printed
shares = []
for few in (4, 6, 8, 10):
    low = 0
    for _ in range(20_000):
        xs = draw.random(few)
        ys = 2 * xs + 1 + draw.normal(size=few)
        w, b = best_line(xs, ys)
        low += np.mean((w * xs + b - ys) ** 2) < 0.1
    shares.append(low / 20_000)
    print(f"{few:2} points: floor below 0.1 in {shares[-1]:.2%} of the sets")

# %%
assert abs(shares[0] - 0.18) < 0.01 and 179 < 0.1 / PRINTED < 180
rarer = np.divide(shares[:-1], shares[1:])
print("with each two points more, rarer by", np.round(rarer, 1), f"; 48 times by four: {4**48:.0e}")
assert np.all(rarer >= 4) and (100 - 4) / 2 == 48 and 1e28 < 4**48 < 1e29

# %%
k, v = n - 2, n * PRINTED  # for small v, P(χ² ≤ v) is about (v/2)^(k/2) / Γ(k/2 + 1); as a power of ten:
exponent = (k / 2 * math.log(v / 2) - math.lgamma(k / 2 + 1)) / math.log(10)
print(f"P(floor ≤ {PRINTED:.5f}) = 10^{exponent:.0f}")
assert round(exponent) == -139
assert float(np.float32(PRINTED)) != PRINTED  # and it is no float32, which such a program prints

# %% [markdown]
# > - **“The predictions are very close to the data”**[^close] and **“a good fit”**[^good]. But 61 % of the points lie
# >   further than 0.5 from the line, and no line can change that (D23). A loss alone says nothing about a fit (D38).
# > - **“The loss on the test data set”**[^test] is measured on the points that the program was trained on (D36).
# > - **“The number of iterations (epochs)”**[^epochs] is two things: its 100 epochs are 1000 iterations (D37).
# > - **“Set the random seed, so that the experiment is reproducible”**[^seed] seeds TensorFlow, but NumPy draws the
# >   points, which are others at each run (D24). A seed is for the generator that it's given to, and for no other.
# >
# > The whole program, mended, is [program_2_regression.py](program_2_regression.py).
#
# [^close]: 「模型预测的数据点与实际数据点非常接近」
# [^good]: 「较好的拟合效果」
# [^test]: 「模型在测试数据集上的最终损失」
# [^epochs]: 「训练的迭代次数（epochs）」
# [^seed]: 「设置随机种子，保证实验可复现」

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck(f, *inputs, grad=rule)`; `tinydl/checking/causes.py` finds a lost sign.
# - `tinydl/functional/losses.py`: `mse_loss`, formula (1); `tinydl/optim/sgd.py`: `SGD`, formula (3).
# - `tinydl/data/synthetic.py`: `line`, whose docstring states the floor; `tinydl/training/fit.py`: `fit` and
#   `evaluate`.
# - `tinydl/course/document.txt`: rows D10 to D13, D22 to D24 and D36 to D38; `tinydl document` measures each.
#
# Next: [lesson 7](07_likelihood.py): why squared errors at all?
