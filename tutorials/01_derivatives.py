# %% [markdown]
# # 1. A derivative is a limit
#
# Everything that a neural network learns, it learns from derivatives: from numbers that say "if I turn this knob a
# little, the error changes by that much". A derivative is defined by a limit,
#
# $$ f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h} , \tag{1} $$
#
# and a computer cannot take limits. It can only put in some small $h$ and hope.
#
# **The question of this lesson: how small should $h$ be, and how far can we trust what comes out?**
#
# You need school calculus (that the derivative of $\sin$ is $\cos$) and some Python. It pays to have an honest answer
# to this question, because for the rest of the course it will be our judge: whenever somebody claims to have computed
# a derivative, we will ask formula (1).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, RED, show

import tinydl as tl

# %% [markdown]
# ## A slope between two points
#
# Take $f = \sin$ and $x = 1$, where we know the answer: $f'(1) = \cos 1 = 0.5403\ldots$ Without the limit, formula (1)
# is the slope of the line through two points of the curve that lie $h$ apart.

# %%
TRUE = np.cos(1.0)


def forward(f, x, h):
    return (f(x + h) - f(x)) / h  # formula (1), without the limit


for h in (1.0, 0.5, 0.1, 0.01):
    print(f"h = {h:<5} slope {forward(np.sin, 1.0, h):.4f}   true {TRUE:.4f}")

assert abs(TRUE - 0.5403) < 1e-4
assert abs(forward(np.sin, 1.0, 1.0) - 0.0678) < 1e-4
assert abs(forward(np.sin, 1.0, 0.01) - 0.5361) < 1e-4

# %%
t = np.linspace(-0.2, 2.6, 200)
figure, axes = plt.subplots()
axes.plot(t, np.sin(t), color="black", label="f(x) = sin x")
for h, color in ((1.0, RED), (0.5, ORANGE), (0.1, GREEN)):
    slope = forward(np.sin, 1.0, h)
    axes.plot(t, np.sin(1) + slope * (t - 1), color=color, lw=1.3, label=f"h = {h}: slope {slope:.2f}")
    axes.plot(1 + h, np.sin(1 + h), "o", color=color)
axes.plot(t, np.sin(1) + TRUE * (t - 1), color=BLUE, ls="--", label=f"the limit: slope {TRUE:.2f}")
axes.plot(1, np.sin(1), "o", color="black")
axes.set(xlabel="x", ylabel="f(x)", ylim=(-0.2, 1.5), title="The line through two points becomes the tangent")
axes.legend(fontsize="small", loc="lower center")
show(figure, "01_derivatives_1")

# %% [markdown]
# At $h = 1$ the slope is 0.07, a poor guess at 0.54; at $h = 0.01$ it is 0.536. Smaller is better, it seems.
#
# > **Predict.** In floating point with 64 bits, which of these $h$ comes closest to the truth: $10^{-2}$, $10^{-4}$,
# > $10^{-8}$, $10^{-12}$ or $10^{-16}$? And what exactly will $h = 10^{-16}$ give? Write your guesses down, then run
# > the next cell.

# %%
for power in (2, 4, 6, 8, 10, 12, 14, 16):
    h = 10.0**-power
    slope = forward(np.sin, 1.0, h)
    print(f"h = 1e-{power:<2}   slope {slope:.12f}   error {abs(slope - TRUE):.0e}")

assert 1e-10 < abs(forward(np.sin, 1.0, 1e-8) - TRUE) < 1e-7
assert abs(forward(np.sin, 1.0, 1e-12) - TRUE) > 1e-6
assert forward(np.sin, 1.0, 1e-16) == 0.0
assert 1.0 + 1e-16 == 1.0

# %% [markdown]
# The error falls until about $h = 10^{-8}$, and then it **rises again**. At $10^{-16}$ the slope is exactly 0, because
# $1 + 10^{-16}$ *is* 1 for the computer: both points are the same one, and the difference quotient is $0/h$.
#
# ## Why: two errors that pull in opposite directions
#
# **The formula is wrong by an amount that shrinks with $h$.** Taylor's theorem says
# $f(x+h) = f(x) + h f'(x) + \tfrac{h^2}{2} f''(\xi)$ for some $\xi$ between $x$ and $x+h$, so the quotient is off by
# $\tfrac{h}{2} f''(\xi)$. This is the *truncation error*.
#
# **The arithmetic is wrong by an amount that grows as $h$ shrinks.** A computer keeps about 16 digits. With
# $\varepsilon = 2.2 \cdot 10^{-16}$, each value of $f$ is off by up to about $\varepsilon |f| / 2$. When $f(x+h)$ and
# $f(x)$ agree in their first 8 digits, subtracting them cancels those 8 and leaves the wrong ones; dividing by a tiny
# $h$ then blows the wrong ones up. This is the *rounding error*, about $\varepsilon |f| / h$. Together,
#
# $$ \text{error} \;\lesssim\; \underbrace{\frac{h}{2}\,|f''|}_{\text{truncation}}
#    + \underbrace{\frac{\varepsilon\,|f|}{h}}_{\text{rounding}} . \tag{2} $$
#
# Formula (2) is smallest where its two terms are equal, at $h = \sqrt{2 \varepsilon |f / f''|}$. For $\sin$, where
# $f'' = -f$, that is $\sqrt{2\varepsilon} \approx 2 \cdot 10^{-8}$: half of the digits are lost even at best.

# %%
EPS = np.finfo(np.float64).eps
best_h = np.sqrt(2 * EPS)
print(f"epsilon {EPS:.1e}, best h by formula (2): {best_h:.1e}")

assert abs(EPS - 2.2e-16) < 0.1e-16
assert 2.0e-8 < best_h < 2.2e-8

# %% [markdown]
# ## A better quotient for one more evaluation
#
# Step to both sides, and the term with $f''$ cancels, since it is the same on the left and on the right:
#
# $$ f'(x) \approx \frac{f(x+h) - f(x-h)}{2h}, \qquad
#    \text{error} \;\lesssim\; \frac{h^2}{6}\,|f'''| + \frac{\varepsilon\,|f|}{2h} . \tag{3} $$
#
# Now we draw the error of both over all $h$. Both axes are logarithmic, so a power of $h$ is a straight line, and the
# power is the slope of that line.


# %%
def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)  # formula (3)


steps = np.logspace(-15, 0, 181)
error_forward = np.abs(forward(np.sin, 1.0, steps) - TRUE)
error_central = np.abs(central(np.sin, 1.0, steps) - TRUE)
bound_forward = steps / 2 + EPS / steps  # formula (2), with |f| and |f''| at most 1
bound_central = steps**2 / 6 + EPS / (2 * steps)

# %%
figure, axes = plt.subplots()
axes.loglog(steps, bound_forward, color=ORANGE, ls=":", label="formula (2)")
axes.loglog(steps, error_forward + 1e-18, color=ORANGE, lw=1, label="forward, (f(x+h) − f(x)) / h")
axes.loglog(steps, bound_central, color=BLUE, ls=":", label="formula (3)")
axes.loglog(steps, error_central + 1e-18, color=BLUE, lw=1, label="central, (f(x+h) − f(x−h)) / 2h")
axes.annotate("rounding", (1e-11, 1e-3), color=GRAY)
axes.annotate("truncation", (3e-3, 1e-8), color=GRAY)
axes.set(xlabel="step h", ylabel="absolute error", ylim=(3e-15, 3), title="The slope of sin at 1: h can be too small")
axes.legend(fontsize="small", loc="lower left")
show(figure, "01_derivatives_2")


# %%
def best(errors):  # the middle of the valley: single points are lucky now and then
    smooth = np.array([errors[max(0, i - 6) : i + 7].max() for i in range(len(errors))])
    return steps[smooth.argmin()], smooth.min()


for name, errors in (("forward", error_forward), ("central", error_central)):
    print("{}: best h about {:.0e}, error there about {:.0e}".format(name, *best(errors)))

assert 2e-9 < best(error_forward)[0] < 1e-7 and 1e-9 < best(error_forward)[1] < 1e-7
assert 1e-6 < best(error_central)[0] < 1e-4 and 1e-12 < best(error_central)[1] < 1e-9
inside = steps > 1e-13  # the step really taken is (1 + h) − 1, and below that it is no longer h
assert np.all(error_forward[inside] <= 3 * bound_forward[inside])
assert np.all(error_central[inside] <= 3 * bound_central[inside])

# %% [markdown]
# The forward quotient reaches an error of about $10^{-8}$ and no better, at an $h$ of about $10^{-8}$. The central one
# reaches about $10^{-11}$, at an $h$ of about $10^{-5}$: three more digits for one more evaluation. Its valley is
# also wider. Everybody who checks derivatives numerically uses central differences.
#
# ## With 32 bits
#
# Networks are trained in `float32`, which keeps 7 digits: $\varepsilon = 1.2 \cdot 10^{-7}$, half a billion times
# larger.
#
# > **Predict.** By formula (3), central differences are best near $h = \sqrt[3]{3\varepsilon}$ for $\sin$. Where is
# > that in `float32`, and about how many digits of the derivative survive?


# %%
def error32(h):  # the worst of 100 points, as a single one may be lucky
    x, h = np.linspace(0.9, 1.1, 100).astype(np.float32), np.float32(h)
    slope = (np.sin(x + h) - np.sin(x - h)) / (np.float32(2) * h)
    assert slope.dtype == np.float32
    return np.abs(slope - np.cos(x.astype(np.float64))).max()


for h in (1e-1, 1e-2, 7e-3, 1e-3, 1e-4, 1e-5, 1e-6):
    print(f"float32, h = {h:.0e}: error {error32(h):.0e}")

eps32 = float(np.finfo(np.float32).eps)
ratio = eps32 / EPS
assert abs(eps32 - 1.2e-7) < 0.1e-7 and 5e8 < ratio < 6e8
assert 6e-3 < np.cbrt(3 * eps32) < 8e-3
assert 1e-6 < error32(7e-3) < 1e-4
assert 2e-3 < error32(1e-5) < 5e-2

# %% [markdown]
# At $h = 10^{-5}$, the best choice a moment ago, the result has now about two right digits; at the new best, near
# $7 \cdot 10^{-3}$, four or five. This is the first practical rule of the course, and forgetting it is the most
# frequent false alarm there is: **check derivatives in float64, also those of a network that is trained in float32.**
# (`tl.gradcheck` makes float64 copies by itself.)
#
# ## A trick without any cancellation
#
# Both errors come from subtracting two nearly equal numbers. There is a way to get the derivative without subtracting
# anything. Step into the complex plane: $f(x + ih) = f(x) + ih f'(x) - \tfrac{h^2}{2} f''(x) - \ldots$, and the
# derivative is alone in the imaginary part:
#
# $$ f'(x) \approx \frac{\operatorname{Im} f(x + ih)}{h}, \qquad \text{error} \approx \frac{h^2}{6}\,|f'''| . \tag{4} $$
#
# Now $h$ may be as tiny as we like.


# %%
def complex_step(f, x, h=1e-20):
    return np.imag(f(x + 1j * h)) / h  # formula (4)


print("sin at 1:", complex_step(np.sin, 1.0), " true:", TRUE)
print("|x| at 1:", complex_step(np.abs, 1.0), " true: 1.0")

assert abs(complex_step(np.sin, 1.0) - TRUE) < 4e-16
assert complex_step(np.abs, 1.0) == 0.0

# %% [markdown]
# All 16 digits are right. But look at the second line: for $|x|$ it says 0, where the slope is 1. The complex absolute
# value is another function than the real one with a minus sign for negative numbers; formula (4) needs a function that
# has a Taylor series in the complex plane. `abs`, `max`, ReLU and comparisons are not of that kind, and neural networks
# are full of them. The trick is a sharp second judge, for those functions it applies to.
#
# ## More than one variable
#
# The article (a Chinese introduction to the mathematics of deep learning, whose formulas this course quotes and
# checks) defines the partial derivative by 「∂f/∂x = lim (f(x + h e₁, y) − f(x, y))/h」: take the step along one
# axis, $e_1$, and hold everything else. (To the letter, it should say $\partial f / \partial x_1$.) All partial
# derivatives together are the **gradient**, which has the shape of the input. An input of 6 numbers needs 12
# evaluations:


# %%
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h  # h times the unit vector of this coordinate
        gradient[index] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
f = lambda x: np.sum(np.sin(x) * np.array([[1.0], [10.0]]))
print(numerical_gradient(f, x).round(4))
assert x.size == 6
assert np.allclose(numerical_gradient(f, x), np.cos(x) * [[1.0], [10.0]], rtol=0, atol=1e-8)

# %% [markdown]
# A small network has 10,000 parameters, and one evaluation of its loss may take a millisecond. That is 20 seconds for
# one gradient, and training needs thousands of them. *This* is why backpropagation matters: it gives all 10,000 at
# once, exactly, for about the price of a few evaluations. How, is the subject of lessons 2 to 4. Here is what it
# feels like:

# %%
evaluations = 2 * 10_000
assert evaluations * 1e-3 == 20.0

exact = tl.grad(f)(x)  # backpropagation: one pass, no h
print(exact.round(4))
print("largest difference from the truth:", np.abs(exact - np.cos(x) * [[1.0], [10.0]]).max())
assert np.abs(exact - np.cos(x) * [[1.0], [10.0]]).max() < 1e-14

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** A numerical derivative is a number without an error bar, and it never complains. Two ways in
# > which it is confidently wrong:

# %%
relu = lambda x: np.maximum(x, 0.0)
square = lambda x: x**2
h = np.sqrt(EPS)
print("relu at 0, central:      ", central(relu, 0.0, 1e-5))
print("relu at 1e-6, central:   ", central(relu, 1e-6, 1e-5))
print("x² at 1e9, h = sqrt(eps):", forward(square, 1e9, h), " true: 2e9")

assert central(relu, 0.0, 1e-5) == 0.5
assert abs(central(relu, 1e-6, 1e-5) - 0.55) < 1e-9
assert forward(square, 1e9, h) == 0.0

# %% [markdown]
# * **A kink.** ReLU, $\max(x, 0)$, has slope 0 on the left of 0 and slope 1 on the right, and none at 0. The central
#   difference says ½, which is neither. At $x = 10^{-6}$ the slope *is* 1, but a step of $10^{-5}$ reaches across the
#   kink: 0.55. How to notice: take the two one-sided slopes and see whether they agree.
# * **A step that vanishes.** At $x = 10^9$ neighbouring floats lie $10^{-7}$ apart, so $x + 10^{-8}$ is $x$, and the
#   derivative of $x^2$ comes out as 0. How to notice: use the step that was really taken, $(x + h) - x$, or choose $h$
#   in proportion to $x$.
#
# A judge that doesn't lie has to try several steps, see whether they agree, and say how sure it is. tinydl's does:

# %%
print(tl.gradcheck(lambda x: np.sum(np.maximum(x, 0.0)), np.array([0.0, 1.0, -2.0])))
print(repr(tl.gradcheck(lambda x: np.sum(x**2), np.array([1e9, 3.0]))))
wrong = tl.gradcheck(lambda x: np.sum(np.cos(x)), np.array([1.0, 2.0]), grad=lambda x: np.sin(x))
print(repr(wrong))

assert np.spacing(1e9) > 1e-7 and 1e9 + 1e-8 == 1e9
assert wrong.verdict == "wrong"
assert tl.gradcheck(lambda x: np.sum(x**2), np.array([1e9, 3.0])).ok
kink = tl.gradcheck(lambda x: np.sum(np.maximum(x, 0.0)), np.array([0.0, 1.0, -2.0]))
assert kink.ok and kink.rows[0].verdict == "kink" and abs(kink.rows[0].ours - 0.5) < 1e-12

# %% [markdown]
# At the kink it found the two one-sided slopes and accepts what lies between them (NumPy's `maximum` shares a tie,
# half to each side, hence ½). At $10^9$ it chose a step that fits $x$. The third gradient that it was asked about is
# wrong, the sine should carry a minus sign, and it says so.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_slope`, `ex_best_step`, `ex_complex_step`,
# `ex_tangent`.
#
# 1. Find the best $h$ for the *second* derivative by $\left(f(x+h) - 2f(x) + f(x-h)\right)/h^2$: first on paper (the
#    rounding error is about $4\varepsilon|f|/h^2$), then by drawing the valley as above. How many digits survive?
# 2. Combine central differences at $h$ and $h/2$ so that the $h^2$ term cancels, as $(4 D_{h/2} - D_h)/3$. This is
#    Richardson's extrapolation. What is the slope of its error on logarithmic axes, and where is its valley?
# 3. `tinydl learn` has exercises on this lesson, from a central difference to a gradient for any shape of input.
#
# ## Where this lives in tinydl
#
# * `tinydl/checking/numerical.py`: slopes with error bars. `romberg` is exercise 2 carried on to four steps; `Line`
#   subtracts the predicted slope before it rounds; `_kink` compares the one-sided slopes.
# * `tinydl/checking/gradcheck.py`: `gradcheck`, which asks the questions and names the likely cause of a wrong
#   gradient.
#
# Next: [one neuron by hand](02_one_neuron.py).
