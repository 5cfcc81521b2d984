# %% [markdown]
# # 6. Linear regression, and a loss that cannot be
#
# The article's second program fits a straight line to 100 noisy points, prints 「最终损失：0.0005564296807308625」
# (final loss) and calls it 「较好的拟合效果」, a good fit. **What is the smallest loss that an honest program could
# print there? And is the article's gradient, with which one would get to it, even right?**
#
# This is the smallest problem that has everything: data, a model, a loss, a gradient, an optimizer, and an exact answer
# to compare with.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, RED, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

PRINTED = 0.0005564296807308625  # what the article says its program printed

# %% [markdown]
# ## The problem
#
# 100 points, $x$ uniform in $[0, 1)$, and $y = 2x + 1 + \varepsilon$ with standard normal noise $\varepsilon$. We look
# for $w$ and $b$ that make this small:
#
# $$ J(w, b) = \frac12 \sum_{i=1}^n \bigl(y_i - (w x_i + b)\bigr)^2 . \tag{1} $$
#
# The article calls (1) 「均方误差（MSE）」, the mean squared error. It is half the *sum*:
# $J = \frac n2 \cdot \text{MSE}$. That changes nothing about where the minimum is, and everything about the learning
# rate, as we shall see.

# %%
rng = np.random.default_rng(0)
n = 100
x = rng.random(n)
y = 2 * x + 1 + rng.normal(size=n)


def J(w, b):
    return 0.5 * np.sum((y - (w * x + b)) ** 2)  # formula (1)


mse = np.mean((y - 1) ** 2)
print(f"at w = 0, b = 1:  J = {J(0, 1):.2f}, MSE = {mse:.4f}")
assert np.isclose(J(0, 1), n / 2 * mse)

# %% [markdown]
# ## The exact answer
#
# Put $x$ and a column of ones into a matrix $X$ of shape (100, 2), and $w$ and $b$ into a vector $\theta$. At the
# minimum the gradient is zero (lesson 4 tells where the transpose comes from):
#
# $$ J = \tfrac12 \lVert y - X\theta \rVert^2, \qquad
# \nabla J = -X^\top (y - X\theta) = 0
# \quad\Rightarrow\quad X^\top X\, \theta = X^\top y . \tag{2} $$
#
# Two equations for two unknowns. Only for models as simple as this one is there such a *closed form*; that is what
# makes it a good place to watch gradient descent, which works for all the others.

# %%
X = np.stack([x, np.ones(n)], axis=1)
best_w, best_b = np.linalg.solve(X.T @ X, X.T @ y)  # formula (2)
floor = np.mean((y - best_w * x - best_b) ** 2)
print(f"best line: {best_w:.3f} x + {best_b:.3f}, MSE {floor:.4f}")
print(f"true line: 2 x + 1,         MSE {np.mean((y - 2 * x - 1) ** 2):.4f}")
assert np.allclose(X.T @ (y - X @ [best_w, best_b]), 0, atol=1e-9)
assert np.allclose([best_w, best_b], np.linalg.lstsq(X, y, rcond=None)[0])
assert floor < np.mean((y - 2 * x - 1) ** 2)

# %% [markdown]
# No line whatsoever gets below that floor on these points, not even the true one. (Keep that in mind.)
#
# ## The article's gradient
#
# For gradient descent the article gives
#
# $$ \frac{\partial J}{\partial w} = \sum_i \bigl(y_i - (w x_i + b)\bigr)\, x_i, \qquad
# \frac{\partial J}{\partial b} = \sum_i \bigl(y_i - (w x_i + b)\bigr), \tag{3} $$
#
# and the step $w_{new} = w - \alpha\, \partial J/\partial w$, likewise for $b$.
#
# > **Predict.** Differentiate (1) on paper before you go on. Do you agree with (3)?
#
# One needn't argue. `tl.gradcheck` takes a scalar function and somebody's rule for its gradient, both in plain NumPy,
# and measures:


# %%
def article(w, b):  # formula (3)
    residual = y - (w * x + b)
    return np.sum(residual * x), np.sum(residual)


report = tl.gradcheck(J, np.array(0.3), np.array(-0.2), grad=article)
print(report.table(limit=3))
assert report.verdict == "wrong"
assert report.causes[0][0] == "sign"

# %% [markdown]
# The size is right and the sign is wrong. The inner derivative of $y - (wx + b)$ with respect to $w$ is $-x$, and that
# minus has been lost:
#
# $$ \frac{\partial J}{\partial w} = -\sum_i \bigl(y_i - (w x_i + b)\bigr)\, x_i, \qquad
# \frac{\partial J}{\partial b} = -\sum_i \bigl(y_i - (w x_i + b)\bigr) . \tag{4} $$


# %%
def correct(w, b):  # formula (4)
    residual = y - (w * x + b)
    return -np.sum(residual * x), -np.sum(residual)


report = tl.gradcheck(J, np.array(0.3), np.array(-0.2), grad=correct)
print(repr(report))
assert report.verdict == "right"
engine = tl.grad(J, argnums=(0, 1))(0.3, -0.2)  # and the engine agrees, from formula (1) alone
assert np.allclose(engine, correct(0.3, -0.2))

# %% [markdown]
# ## Down the hill, and up
#
# Both gradients, the same start $w = b = 0$ and the same rate. The step is formula (5); note that both new values are
# computed from the *old* ones.
#
# $$ w \leftarrow w - \alpha\, \frac{\partial J}{\partial w}, \qquad
# b \leftarrow b - \alpha\, \frac{\partial J}{\partial b} . \tag{5} $$


# %%
def descend(gradient, alpha, steps, w=0.0, b=0.0):
    path = [(w, b)]
    for _ in range(steps):
        dw, db = gradient(w, b)
        w, b = w - alpha * dw, b - alpha * db  # formula (5)
        path.append((w, b))
    return np.array(path)


down, up = descend(correct, 0.01, 300), descend(article, 0.01, 8)
J_down, J_up = [J(*p) for p in down], [J(*p) for p in up]
print("formula (4):", np.round(J_down[:4], 1), "…", np.round(J_down[-1], 2), " the best:", np.round(n / 2 * floor, 2))
print("formula (3):", np.round(J_up[:4]), "…", f"{J_up[-1]:.1e}")
assert np.all(np.diff(J_up) > 0)  # up at every single step
assert np.all(np.diff(J_down[:100]) < 0)  # down, until there is nothing left to gain
assert abs(J_down[-1] - n / 2 * floor) < 1e-4
assert np.allclose(down[-1], [best_w, best_b], atol=1e-3)

# %% [markdown]
# Descent arrives at the closed form's answer. How fast? $J$ is a bowl; its curvatures are the eigenvalues $\lambda$ of
# $X^\top X$, and along each eigenvector the distance to the minimum is multiplied by $1 - \alpha\lambda$ at every step.
# One direction is steep and done at once, the other one is flat and slow. And if $\alpha\lambda > 2$ for the steep one,
# the distance *grows*.

# %%
slow, steep = np.linalg.eigvalsh(X.T @ X)
limit = 2 / steep
print(f"curvatures {slow:.1f} and {steep:.1f}: J needs a rate below {limit:.4f}, the MSE one below {limit * n / 2:.2f}")
assert 5 < slow < 10 and 110 < steep < 140
assert 0.014 < limit < 0.018

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8))
W, Bs = np.meshgrid(np.linspace(-2.2, 4, 80), np.linspace(-1.5, 3, 80))
heights = 0.5 * np.sum((y - (W[..., None] * x + Bs[..., None])) ** 2, axis=-1)
left.contour(W, Bs, heights, levels=n / 2 * floor + np.geomspace(0.5, 600, 12), colors=GRAY, linewidths=0.7)
left.plot(*down.T, ".-", color=BLUE, label="formula (4): down")
left.plot(*up[:3].T, ".-", color=RED, label="formula (3): up")
left.plot(best_w, best_b, "*", color=GREEN, markersize=14, label="closed form (2)")
left.set(xlabel="w", ylabel="b", xlim=(-2.2, 4), ylim=(-1.5, 3), title="paths from w = b = 0, rate 0.01")
left.legend(loc="upper right", fontsize="small")
right.semilogy(J_down[:41], color=BLUE, label="formula (4)")
right.semilogy(J_up, color=RED, label="formula (3), the article's")
right.axhline(n / 2 * floor, color=GREEN, linestyle=":", label="the best line's J")
right.set(xlabel="step", ylabel="J", title="the loss along the way")
right.legend(fontsize="small")
show(figure, "06_linear_regression_descent")

# %% [markdown]
# ## What goes wrong: judging a gradient by the curve
#
# > **Predict.** A colleague uses the *right* gradient (4) on $J$ with a rate of 0.02, "which worked fine with the MSE".
# > Another has a wrong sign in $\partial J/\partial w$ only, and a rate of 0.001. Whose loss goes down first, whose up?


# %%
def half_wrong(w, b):
    return article(w, b)[0], correct(w, b)[1]


too_fast = [J(*p) for p in descend(correct, 0.02, 30)]
saddle = [J(*p) for p in descend(half_wrong, 0.001, 1000)]
print(f"right gradient, rate 0.02:  {too_fast[0]:.0f} → {too_fast[-1]:.1e}")
low, when = min(saddle), np.argmin(saddle)
print(f"half wrong, rate 0.001:     {saddle[0]:.0f} → {low:.0f} after {when} steps → {saddle[-1]:.1e}")
assert too_fast[-1] > 100 * too_fast[0]
assert low < saddle[0] / 2 and when >= 10
assert saddle[-1] > 100 * saddle[0]

# %% [markdown]
# > **What goes wrong.** The right gradient diverges (the rate is above the limit computed earlier), and a wrong one
# > begins by more than halving the loss. Curves are evidence about the whole: data, gradient, rate. "It diverges, so
# > the gradient is wrong" and "the loss went down, so it is right" are both false. Asking for the gradient alone means
# > either a check against numerical derivatives, or a step so small that nothing else matters,
# > $\Delta J \approx -\alpha \lVert\nabla J\rVert^2$:

# %%
alpha = 1e-6
for name, gradient in [("formula (4)", correct), ("formula (3)", article)]:
    before, after = (J(*p) for p in descend(gradient, alpha, 1))
    expected = -alpha * np.sum(np.square(correct(0.0, 0.0)))
    print(f"{name}: J changes by {after - before:+.4f}; right would be {expected:+.4f}")
    assert np.isclose(abs(after - before), abs(expected), rtol=1e-3)
    assert (after < before) == (gradient is correct)

# %% [markdown]
# ## The noise floor
#
# Back to the printed loss, 0.00056. We have one set of points with a floor of its own. How low can the floor be? Draw
# 20,000 sets of 100 points, and compute the best line for each by (2), which for one input reads
#
# $$ w = \frac{\sum_i (x_i - \bar x)(y_i - \bar y)}{\sum_i (x_i - \bar x)^2}, \qquad b = \bar y - w \bar x . \tag{6} $$
#
# > **Predict.** The noise has variance 1. Where will the 20,000 floors lie? Above 1, below, around?

# %%
draw = np.random.default_rng(1)
xs = draw.random((20_000, n))
ys = 2 * xs + 1 + draw.normal(size=xs.shape)
xc, yc = xs - xs.mean(1, keepdims=True), ys - ys.mean(1, keepdims=True)
w = np.sum(xc * yc, 1, keepdims=True) / np.sum(xc * xc, 1, keepdims=True)  # formula (6)
floors = np.mean((yc - w * xc) ** 2, axis=1)
print(f"floors: mean {floors.mean():.3f}, standard deviation {floors.std():.3f}, smallest {floors.min():.2f}")
assert abs(floors.mean() - 0.98) < 0.005
assert abs(floors.std() - 0.14) < 0.005
assert floors.min() > 0.4

# %% [markdown]
# Around 0.98 ± 0.14, and in 20,000 draws never below 0.4. Theory says the same: the floor times 100 follows the
# $\chi^2$ distribution with $100 - 2$ degrees of freedom (two are used up by $w$ and $b$), so its mean is exactly
# $98/100$. The probability of a floor as low as the printed number follows from the density near zero,
#
# $$ P(\chi^2_k \le v) \approx \frac{(v/2)^{k/2}}{\Gamma(k/2 + 1)} \quad (v \ll 1). \tag{7} $$

# %%
k, v = n - 2, n * PRINTED
exponent = (k / 2 * math.log(v / 2) - math.lgamma(k / 2 + 1)) / math.log(10)  # log10 of formula (7)
print(f"P(floor ≤ {PRINTED:.5f}) = 10^{exponent:.0f}")
assert round(exponent) == -139
print("as a float32 it would have been printed as", float(np.float32(PRINTED)))
assert float(np.float32(PRINTED)) != PRINTED

# %%
figure, ax = plt.subplots(figsize=(6.8, 3.6))
ax.hist(floors, bins=np.linspace(0, 1.7, 86), color=BLUE, label="floor of 20,000 data sets")
ax.axvline(4 / 3, color=GRAY, linestyle="--", label="always predicting the mean: 4/3")
ax.axvline(0.98, color=GREEN, label="expected floor: 0.98")
ax.axvline(PRINTED, color=RED, label="the article's: 0.00056")
ax.set(xlabel="mean squared error of the best line", ylabel="data sets", xlim=(-0.03, 1.7))
ax.set_title("What a line can reach")
ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(0.06, 1))
show(figure, "06_linear_regression_floor")

# %% [markdown]
# A probability of $10^{-139}$ is as close to "impossible" as statistics comes. The printed number wasn't computed by
# the printed program. (It isn't even a number that current Keras, which computes losses in float32, could print.)
#
# ## A loss means something only beside other losses
#
# So is 0.98 good? By itself the number says nothing. It is the best that a line fitted to these points can do on
# average (the true line's own loss is 1). The other end of the scale is a model that has learned nothing, the
# constant $\bar y$, whose expected MSE is $\operatorname{Var}(y) = 4 \cdot \tfrac1{12} + 1 = \tfrac43$. A line
# explains about a quarter of the variance; the rest is noise. 「模型预测的数据点与实际数据点非常接近」, the article
# continues, the predictions are very close to the data. With noise of this size:

# %%
far = np.abs(yc - w * xc)
explained = 1 - floors / ys.var(axis=1)
print(f"further than 0.5 from the best line: {np.mean(far > 0.5):.0%}; further than 1: {np.mean(far > 1):.0%}")
print(f"variance of y {ys.var():.3f}; explained by the line {explained.mean():.0%}")
assert abs(np.mean(far > 0.5) - 0.61) < 0.01 and abs(np.mean(far > 1) - 0.31) < 0.01
assert abs(ys.var() - 4 / 3) < 0.01
assert abs(explained.mean() - 0.25) < 0.01

# %% [markdown]
# About 61 % of the points lie further than 0.5 from the line, 31 % further than 1.
#
# ## The program itself
#
# Here is the article's program in tinydl (the whole of it, with its picture, is
# [program_2_regression.py](program_2_regression.py)). 「训练的迭代次数（epochs）」, it says: the number of iterations,
# epochs. Those are two things. An *epoch* is one pass over the data, an *iteration* is one step of the optimizer.
#
# > **Predict.** How many times do 100 epochs with batches of 10 change the weights?


# %%
class CountingSGD(optim.SGD):
    count = 0

    def step(self):
        super().step()
        self.count += 1


def program(points, epochs=100, seed=42):
    tl.manual_seed(seed)
    model = nn.Sequential(nn.Linear(1, 1))
    optimizer = CountingSGD(model.parameters(), lr=0.01)
    tl.fit(model, points, loss=F.mse_loss, optimizer=optimizer, epochs=epochs, batch_size=10, progress=False)
    return optimizer.count, tl.evaluate(model, points, loss=F.mse_loss)["loss"]


# %%
points = data.line(100, noise=1.0, seed=0)  # drawn just as our x and y above, in float32
iterations, loss = program(points)
print(f"{iterations} iterations in 100 epochs; loss {loss:.4f}, the floor {floor:.4f}, above it {loss - floor:.4f}")
again = program(points)[1]
print(f"and again, with the same seed: {again:.4f}")
assert np.allclose(points.x[:, 0], x) and np.allclose(points.y[:, 0], y)
assert iterations == 1000
assert floor - 1e-6 < loss < floor + 0.1
assert again == loss

# %% [markdown]
# The same seed, the same number, to the last digit. The article also sets a seed, 「设置随机种子，保证实验可复现」 (to
# make the experiment reproducible), but TensorFlow's, while NumPy draws the data: its points are different on every
# run. A seed only covers the generator that it was given to. In tinydl one seed goes to `data.line`, and
# `tl.manual_seed` covers starting weights and the order of the batches.
#
# ## Training data is not test data
#
# 「模型在测试数据集上的最终损失」, the final loss on the *test* data set. But the article's program evaluates on the
# very points it was trained on; it has no test set. Does that matter, for a line with two parameters?

# %%
new_x = draw.random(xs.shape)
new_y = 2 * new_x + 1 + draw.normal(size=xs.shape)
b = ys.mean(1, keepdims=True) - w * xs.mean(1, keepdims=True)
test = np.mean((w * new_x + b - new_y) ** 2, axis=1)
print(f"mean over 20,000 data sets: training {floors.mean():.3f}, test {test.mean():.3f}")
print(f"test below training: {np.mean(test < floors):.0%} of the data sets")
assert abs(floors.mean() - 0.98) < 0.005 and abs(test.mean() - 1.02) < 0.005
assert 0.35 < np.mean(test < floors) < 0.5

# %% [markdown]
# On average 0.98 on the points the line was fitted to, 1.02 on new ones: the line has adapted to its points by 2 %, and
# pays for it elsewhere. It is little because two parameters face 100 points; with as many parameters as points, the
# training loss is 0 and says nothing ([lesson 11](11_overfitting.py)).
#
# > **What goes wrong.** In a single run the order is often the other way round; here for about four data sets in ten.
# > "My test loss is below my training loss, so I can't be overfitting" compares two numbers without their error bars.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_squared_error`, `ex_linear_regression`,
# `ex_normal_equations`, `ex_step`.
#
# 1. Write the gradient of $\text{MSE} = \frac1n \sum (y_i - w x_i - b)^2$ by hand, check it with
#    `tl.gradcheck(f, w, b, grad=rule)`, and find out which rate on the MSE takes exactly the steps of 0.01 on $J$.
# 2. Centre the inputs: use $x - \bar x$ in place of $x$. Compute the two curvatures again. How many steps does gradient
#    descent now need for the same precision, and why?
# 3. Run `program` for 10, 30, 100 and 300 epochs, on ten data sets each, and plot how far above the floor it ends. The
#    slow direction keeps $(1 - 2\alpha\lambda/n)^{\text{iterations}}$ of its error. Do your points lie on that curve
#    (squared)?
#
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck(f, *inputs, grad=rule)`; `tinydl/checking/causes.py` finds the lost sign.
# - `tinydl/functional/losses.py`: `mse_loss`, the mean and not half the sum; `tinydl/optim/sgd.py`: `SGD` is formula
#   (5).
# - `tinydl/data/synthetic.py`: `line`, whose docstring states the floor; `tinydl/training/fit.py`: `fit` and
#   `evaluate`.
# - `tinydl/course/formulas.py`: rows D10 to D13, and `document.py` beside it: rows D22 to D24 and D36 to D38 measure
#   what this lesson says.
#
# Next: [lesson 7](07_likelihood.py): why squared errors at all?
