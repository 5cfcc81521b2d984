# %% [markdown]
# # 1. A derivative is a limit
#
# A computer can't take a limit. How close can it come to a derivative, and how far can you trust what it says?
#
# Everything that a neural network learns, it learns from derivatives: from numbers that say "if you turn this knob a
# little, the error changes by that much". A program will compute them for you. But how do you know that it computes
# them right? What you find here will be your judge for the rest of the course: whenever somebody claims to have a
# derivative, you can measure it yourself.
#
# *You need:* the derivative as a slope and the gradient, from [Before you start](00_before_you_start.py). What you may
# skip is marked.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, show

import tinydl as tl

# %% [markdown]
# ## Ten thousand slopes
#
# In tinydl, `tl.grad(f)` is the gradient of `f`, as a function. Take $f = x_1^2\, x_2$ at $(3, 2)$, whose partial
# derivatives are 12 and 9 by the rules:


# %%
def product(x):
    return x[0] ** 2 * x[1]


print(tl.grad(product)(np.array([3.0, 2.0])))
assert tl.grad(product)(np.array([3.0, 2.0])).tolist() == [12, 9]

# %% [markdown]
# How it does that is the subject of the next three lessons; the method is called **backpropagation**. Without it you
# would have to measure: turn one number a little, see how the error changes, then the next. A small network has 10,000
# numbers to turn. Two evaluations for each, of a millisecond each, are 20 seconds for one gradient, and training needs
# thousands of gradients. Backpropagation gives all 10,000 slopes for about the price of a few evaluations.
#
# So measuring is too slow for training. But it is so simple that it makes a good judge, if you know how exact it is.
#
# ## A slope between two points
#
# The derivative of a function $f$ at $x$ is defined by a limit:
#
# $$ f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h} . \tag{1} $$
#
# All that a computer can do is to put in some small $h$ and hope. Without the limit, formula (1) is the slope of the
# straight line through two points of the curve that lie $h$ apart. Take a case where you know the answer: the
# derivative of $\sin$ is $\cos$, so at $x = 1$ it is $\cos 1 = 0.5403\ldots$

# %%
TRUE = np.cos(1.0)


def forward(f, x, h):
    return (f(x + h) - f(x)) / h  # formula (1), without the limit


for h in (1.0, 0.5, 0.1, 0.01):
    print(f"h = {h:<5} slope {forward(np.sin, 1.0, h):.4f}   true {TRUE:.4f}")

assert abs(TRUE - 0.5403) < 1e-4 and abs(forward(np.sin, 1.0, 1.0) - 0.07) < 0.005
assert abs(forward(np.sin, 1.0, 0.01) - 0.536) < 5e-4

# %% [markdown]
# Draw these lines, and with them the line through the same point whose slope is the true one:

# %%
t = np.linspace(-0.2, 2.6, 200)
tangent = np.sin(1) + TRUE * (t - 1)
figure, axes = plt.subplots()
axes.plot(t, np.sin(t), color=PURPLE, lw=2.5, label="f(x) = sin x")
for h, color, style in ((1.0, RED, "-."), (0.5, ORANGE, "-"), (0.1, GREEN, "--")):
    slope = forward(np.sin, 1.0, h)
    axes.plot(t, np.sin(1) + slope * (t - 1), color=color, ls=style, lw=1.3, label=f"h = {h}: slope {slope:.2f}")
    axes.plot(1 + h, np.sin(1 + h), "o", color=color)
axes.plot(t, tangent, color=BLUE, ls=":", label=f"tangent: slope {TRUE:.2f}")
axes.plot(1, np.sin(1), "o", color=PURPLE)
axes.set(xlabel="x", ylabel="f(x)", ylim=(-0.2, 1.5), title="The line through two points becomes the tangent")
axes.legend(fontsize="small", loc="lower center")
show(figure, "01_derivatives_1", "sin x with lines through x = 1: as h shrinks, they turn to the tangent, 0.54.")
assert abs(np.sin(1) + TRUE * 0.1 - 0.8955) < 5e-5 and abs(np.sin(1.1) - 0.8912) < 5e-5

# %% [markdown]
# The smaller $h$, the closer the line comes to the dotted one, the **tangent**. That one starts at height $\sin 1$ and
# rises by 0.5403 for each 1 to the right, so at $x = 1.1$ it is at $0.8415 + 0.5403 \cdot 0.1 = 0.8955$, close to
# $\sin 1.1 = 0.8912$. In general its height is $f(a) + f'(a)\,(x - a)$, with $a$ for our 1, and near $a$ that is about
# $f(x)$.
#
# > **Predict.** A computer keeps about 16 digits of a number. Which of these $h$ comes closest to the truth: $10^{-2}$,
# > $10^{-4}$, $10^{-8}$, $10^{-12}$ or $10^{-16}$? And what exactly will $h = 10^{-16}$ give? Write your guesses down,
# > then run the next cell.

# %%
for power in (2, 4, 6, 8, 10, 12, 14, 16):
    h = 10.0**-power
    slope = forward(np.sin, 1.0, h)
    print(f"h = 1e-{power:<2}   slope {slope:.12f}   error {abs(slope - TRUE):.0e}")

assert 1e-10 < abs(forward(np.sin, 1.0, 1e-8) - TRUE) < 1e-7
assert abs(forward(np.sin, 1.0, 1e-12) - TRUE) > 1e-6
assert forward(np.sin, 1.0, 1e-16) == 0.0 and 1.0 + 1e-16 == 1.0

# %% [markdown]
# The error falls until about $h = 10^{-8}$, and then it **rises again**. So $h$ can be too small. At $10^{-16}$ the
# slope is exactly 0, because $1 + 10^{-16}$ *is* 1 for the computer: it has no digit left for such a small change. Both
# points are the same one, and the slope is $0/h$.
#
# ## Why: two errors that pull in opposite directions
#
# **The first error shrinks with $h$.** Look at $f(x) = x^3$, where you can compute the slope on paper. Multiplied out,
# $(x+h)^3$ is $x^3 + 3x^2 h + 3x h^2 + h^3$, so
#
# $$ \frac{(x+h)^3 - x^3}{h} = 3x^2 + 3xh + h^2 . $$
#
# It should be $3x^2$, so it is off by $3xh$, and by $h^2$, which is far less when $h$ is small. Now the second
# derivative, the derivative of the derivative, is $f'' = 6x$; it says how much the curve bends. So $3xh$ is
# $\frac{h}{2} f''$. Believe for now that other functions have that error, too; the table confirms it for $\sin$ at 1,
# where $|f''|$ is $\sin 1 = 0.84$. With $h = 10^{-2}$ that makes $0.005 \cdot 0.84 = 0.0042$, and the table has 4e-03
# in its first line. This is called the *truncation error*, because the limit was cut off.
#
# **The second error grows as $h$ shrinks.** The computer rounds every number to about 16 digits. When $f(x+h)$ and
# $f(x)$ agree in their first 11 digits, the subtraction removes those 11, and of the few that are left the last ones
# are uncertain. (Here $h$ is a power of two, which the computer adds to 1 without rounding.)

# %%
h = 2.0**-40  # about 1e-12
print(f"sin(1 + h) = {np.sin(1 + h):.16f}")
print(f"sin(1)     = {np.sin(1):.16f}")
print(f"difference = {np.sin(1 + h) - np.sin(1):.16f} = {np.sin(1 + h) - np.sin(1):.5e}")
print(f"it should be                    {h * TRUE:.5e}")
assert abs(abs(forward(np.sin, 1.0, 1e-2) - TRUE) / (0.005 * np.sin(1)) - 1) < 0.01  # the first error
wrong = abs((np.sin(1 + h) - np.sin(1)) - h * TRUE)
assert 1 + h - 1 == h and abs(h - 1e-12) < 1e-13 and 1e-17 < wrong < 1e-16 and 1e-5 < wrong / h < 1e-4
assert f"{np.sin(1 + h):.16f}"[:13] == f"{np.sin(1):.16f}"[:13]  # "0." and 11 digits

# %% [markdown]
# Only about four digits are right. The difference is off by less than $10^{-16}$, but then it is divided by
# $h \approx 10^{-12}$: the mistake becomes a million million times larger. This is the *rounding error*. It depends on
# the distance from 1 to the next number that the computer knows: $\varepsilon = 2.2 \cdot 10^{-16}$ ("epsilon").
# Each of the two values is rounded by up to $\frac12 \varepsilon |f|$, half the distance between neighbours; that makes
# up to $\varepsilon |f|$ for both, and $\varepsilon |f| / h$ for the slope. Together,
#
# $$ \text{error} \;\lesssim\; \underbrace{\frac{h}{2}\,|f''|}_{\text{truncation}}
#    + \underbrace{\frac{\varepsilon\,|f|}{h}}_{\text{rounding}} . \tag{2} $$
#
# ($\lesssim$ means "at most about". For most $h$ the sum $x + h$ is rounded, too; that adds an error of the same kind,
# which (2) leaves out.) Where is that smallest? Where its own derivative by $h$ is 0:
# $|f''|/2 - \varepsilon |f| / h^2 = 0$, so $h^2 = 2 \varepsilon\,|f| / |f''|$. For $\sin$, where $f''$ is $-f$, that is
# $h = \sqrt{2\varepsilon} \approx 2 \cdot 10^{-8}$. Even there half of the 16 digits are lost.
#
# ## A better slope: from both sides
#
# Take one step to the right and one to the left:
#
# $$ f'(x) \approx \frac{f(x+h) - f(x-h)}{2h} . \tag{3} $$
#
# This is the *central difference*. For $x^3$, subtract $(x-h)^3 = x^3 - 3x^2 h + 3x h^2 - h^3$ from $(x+h)^3$. What the
# bend adds on the right, $3xh^2$, it also adds on the left, and it cancels:
#
# $$ \frac{(x+h)^3 - (x-h)^3}{2h} = \frac{6x^2 h + 2h^3}{2h} = 3x^2 + h^2 . $$
#
# The slope is off by $h^2$ only: at $h = 0.01$ that is 0.0001. The third derivative of $x^3$ is $f''' = 6$, so $h^2$ is
# $\frac{h^2}{6} f'''$. Believe for now that it is about so for other functions; the picture checks it for $\sin$. The
# rounding is as before, but divided by $2h$:
#
# $$ \text{error} \;\lesssim\; \frac{h^2}{6}\,|f'''| + \frac{\varepsilon\,|f|}{2h} . \tag{4} $$
#
# Now draw both errors over all $h$. Rounding is a matter of luck, and a single point may be lucky. So take the largest
# error at 100 points near 1. Both axes are logarithmic: from one tick to the next is always the same factor, and a
# power of $h$ becomes a straight line.


# %%
def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)  # formula (3)


EPS = np.finfo(np.float64).eps  # NumPy knows it
points = np.linspace(0.9, 1.1, 100)
assert abs(EPS - 2.2e-16) < 0.1e-16 and 2.0e-8 < np.sqrt(2 * EPS) < 2.2e-8


def largest_error(slope, h):
    return np.abs(slope(np.sin, points, h) - np.cos(points)).max()


steps = np.logspace(-15, 0, 91)  # 91 steps from 1e-15 to 1
error_forward = np.array([largest_error(forward, h) for h in steps])
error_central = np.array([largest_error(central, h) for h in steps])
bound_forward = steps / 2 + EPS / steps  # formula (2), with |f| and |f''| at most 1
bound_central = steps**2 / 6 + EPS / (2 * steps)  # formula (4), with |f| and |f'''| at most 1

# %%
figure, axes = plt.subplots()
axes.loglog(steps, bound_forward, color=ORANGE, ls=":", label="formula (2)")
axes.loglog(steps, error_forward, color=ORANGE, lw=1, label="forward: (f(x+h) − f(x)) / h")
axes.loglog(steps, bound_central, color=BLUE, ls=":", label="formula (4)")
axes.loglog(steps, error_central, color=BLUE, lw=1, label="central: (f(x+h) − f(x−h)) / 2h")
axes.annotate("rounding of both", (3e-12, 1e-3), color=GRAY)
axes.annotate("truncation,\nforward", (3e-6, 3e-4), color=ORANGE)
axes.annotate("truncation,\ncentral", (3e-3, 2e-8), color=BLUE)
axes.set(xlabel="step h", ylabel="largest error", ylim=(1e-13, 3), title="The slope of sin near 1: h can be too small")
axes.legend(fontsize="small", loc="lower left")
show(figure, "01_derivatives_2", "Error over h: two valleys. Forward is lowest at h = 2e-8, central, lower, at 3e-6.")

# %% [markdown]
# Two valleys, and the dotted formulas lie close to the curves. Where is the bottom?

# %%
for name, errors in (("forward", error_forward), ("central", error_central)):
    lowest = np.argmin(errors)  # the place of the smallest
    print(f"{name}: best h about {steps[lowest]:.0e}, error there {errors[lowest]:.0e}")
error_32 = np.abs(central(np.sin, points.astype(np.float32), np.float32(1e-5)) - np.cos(points)).max()
print(f"central with h = 1e-05: error {largest_error(central, 1e-5):.0e}, and in float32 {error_32:.0e}")

assert np.all(error_forward <= 3 * bound_forward) and np.all(error_central <= 3 * bound_central)
assert 5e-9 < steps[np.argmin(error_forward)] < 5e-8 and 5e-9 < error_forward.min() < 5e-8
assert 1e-6 < steps[np.argmin(error_central)] < 1e-5 and largest_error(central, 1e-5) < 1e-10
assert abs(np.cbrt(1.5 * EPS) - 6.9e-6) < 1e-7 and abs(np.cbrt(EPS) - 6.1e-6) < 1e-7  # cbrt is the cube root
assert 2e-3 < error_32 < 6e-3

# %% [markdown]
# The forward slope reaches an error of about $10^{-8}$ and no better. The central one gets below $10^{-10}$: at least
# two more digits. It is why almost everybody who checks derivatives numerically uses central differences. The bottom of
# the valley is broad, so one rule is enough:
#
# **Take $h = 10^{-5}$, and multiply it by $|x|$ if $|x|$ is larger than 1.**
#
# (For a large $x$ the numbers that the computer knows lie farther apart. The rule suits functions such as $x^2$ or
# $\ln x$. It doesn't suit $\sin$ at a million: a step of 10 is longer than a whole wave.)
#
# Networks are mostly trained in `float32`, which keeps only 7 digits. There the same $h$ has the error printed last:
# only about two digits are right, and a right derivative looks wrong. So **check derivatives in float64, even those of
# a network that is trained in float32.**
#
# > **You may skip this box** (only `ex_best_step` needs it). Where exactly is the bottom? The derivative of (4) by $h$,
# > $\frac{h}{3} |f'''| - \varepsilon |f| / (2h^2)$, is 0 at $h = \sqrt[3]{1.5\, \varepsilon\, |f| / |f'''|}$. With
# > $|f| = |f'''| = 1$ that is $6.9 \cdot 10^{-6}$. As one seldom knows $f'''$, one takes
# > $h = \sqrt[3]{\varepsilon} \cdot \max(1, |x|)$, where $\sqrt[3]{\varepsilon} = 6.1 \cdot 10^{-6}$: nearly our rule.
#
# ## More than one variable
#
# With several variables, use (3) for one of them at a time and hold the others. What you get are the partial
# derivatives; all together are the **gradient**, which has the shape of the input. Here the input is a table of 2 rows
# and 3 columns (6 numbers, so 12 evaluations), and $f$ is the sum of $\sin$ of the first row plus 10 times that of the
# second:


# %%
def f(x):
    return np.sum(np.sin(x[0])) + 10 * np.sum(np.sin(x[1]))


def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros_like(x)  # as many zeros as x has numbers
    for index in np.ndindex(x.shape):  # (0, 0), (0, 1), (0, 2), (1, 0), …
        step = np.zeros_like(x)
        step[index] = h  # move this number, hold all others
        gradient[index] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


# %%
x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print(numerical_gradient(f, x).round(4))
by_rules = np.array([np.cos(x[0]), 10 * np.cos(x[1])])
print(f"largest error {np.abs(numerical_gradient(f, x) - by_rules).max():.0e}")
assert np.abs(numerical_gradient(f, x) - by_rules).max() < 1e-8 and 2 * x.size == 12

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** A numerical derivative never complains. Here are two ways in which it is silently wrong.
#
# The first needs a new word. Many networks use the function $\text{ReLU}(x) = \max(x, 0)$: it is 0 on the left of 0,
# and $x$ on the right. At 0 its graph has a corner, which is called a **kink**. The slope is 0 on the left of the kink
# and 1 on the right, and at the kink there is none.


# %%
def relu(x):
    return np.maximum(x, 0.0)


def square(x):
    return x**2


print(f"ReLU at 0:        {central(relu, 0.0, 1e-5):.2f}")
print(f"ReLU at 0.000001: {central(relu, 1e-6, 1e-5):.2f}   true: 1")
print(f"x² at 1e9:        {forward(square, 1e9, 1e-8):.2f}   true: 2e9")
assert abs(central(relu, 0.0, 1e-5) - 0.5) < 1e-12 and abs(central(relu, 1e-6, 1e-5) - 0.55) < 1e-9
assert forward(square, 1e9, 1e-8) == 0.0 and 1e9 + 1e-8 == 1e9

# %% [markdown]
# * **A step across a kink.** At 0 the central difference says ½, which is neither of the two slopes. At $x = 10^{-6}$
#   the slope *is* 1, but a step of $10^{-5}$ to the left reaches across the kink, and the answer is 0.55. How to
#   notice: take the slope to the right and the slope to the left, and see whether they agree.
# * **A step that vanishes.** Near $10^9$ the numbers that the computer knows lie $10^{-7}$ apart, so $x + 10^{-8}$ is
#   $x$, and the slope comes out as 0. How to notice: look at the step that was really taken, `(x + h) - x`.
#
# A judge that you can rely on has to try several steps, and see whether they agree. tinydl has one:
# `tl.gradcheck(f, x, grad=rule)` compares the gradient that `rule` claims with numerical derivatives of `f` at `x`.
# Without a rule it judges tinydl's own gradient. Here are three cases: ReLU at its kink, $x^2$ at $10^9$, and a rule
# that is wrong on purpose, since the derivative of $\cos$ is *minus* $\sin$.

# %%
first = tl.gradcheck(relu, 0.0)
second = tl.gradcheck(square, 1e9, grad=lambda x: 2 * x)
third = tl.gradcheck(lambda x: np.sum(np.cos(x)), np.array([1.0, 2.0]), grad=lambda x: np.sin(x))
for name, report in (("ReLU at 0", first), ("x² at 1e9", second), ("cos", third)):
    print(f"{name:10} {report.verdict}")
code, sentence = third.causes[0]  # a short name and a sentence
print(f"{'':10} likely cause: {code}. {sentence}")

assert (first.verdict, second.verdict, third.verdict) == ("right", "right", "wrong")
assert code == "sign" and len(third.causes) == 1 and tl.grad(relu)(0.0) == 0.5 and np.spacing(1e9) > 1e-7

# %% [markdown]
# At $10^9$ the judge chose a step that fits, and for $\cos$ it found out what is wrong. How does it see a kink? It
# measures the slopes to the right and to the left with several steps: at a smooth point they approach each other as the
# steps shrink, at a kink they stay apart. Then it accepts any number between the two; tinydl says 0.5.
#
# ## A trick without subtraction
#
# *You may skip this section, up to the heading "Exercises": no other lesson needs it. It uses complex numbers. Then
# leave out `ex_complex_step` too.*
#
# Rounding hurts because two nearly equal numbers are subtracted. One can do without. A complex number $a + ib$ has a
# real part $a$ and an imaginary part $b$, and one computes with it as usual, with $i^2 = -1$. Take a step in the
# *imaginary* direction: $(x + ih)^2 = x^2 - h^2 + i \cdot 2xh$. Divide the imaginary part by $h$, and the derivative
# $2x$ stands there. For other smooth functions it is almost as good. With $\operatorname{Im}$ for the imaginary part,
#
# $$ f'(x) \approx \frac{\operatorname{Im} f(x + ih)}{h} . \tag{5} $$
#
# Nothing is subtracted, so $h$ may be tiny. This is the **complex step**. In Python `1j` is $i$.


# %%
def complex_step(f, x, h=1e-20):
    return np.imag(f(x + 1j * h)) / h  # formula (5)


print(f"sin at 1: {complex_step(np.sin, 1.0):.16f}   true: {TRUE:.16f}")
print(f"|x| at 1: {complex_step(np.abs, 1.0):.1f}   true: 1.0")
assert abs(complex_step(np.sin, 1.0) - TRUE) < 4e-16 and complex_step(np.abs, 1.0) == 0.0

# %% [markdown]
# All 16 digits are right for $\sin$. But the trick fails for `abs`, `max` and comparisons, which networks are full of.
#
# ## Exercises
#
# Four check themselves. Type `tinydl learn` in a terminal: `ex_slope`, `ex_best_step`, `ex_complex_step` and
# `ex_tangent`. And three to do in a copy of this file:
#
# 1. Where is $\frac{f(x+h) - f(x)}{h}$ best for $f(x) = x^2$ at $x = 1000$? Guess first by formula (2): $|f|$ is now a
#    million. Then draw the valley as above.
# 2. The *second* derivative is about $\frac{f(x+h) - 2f(x) + f(x-h)}{h^2}$. Draw its valley for $\sin$ at 1, where the
#    true value is $-\sin 1$. Its rounding error is about $4\varepsilon|f|/h^2$. How many digits survive?
# 3. A harder one, which you may skip. Call the central difference $D_h$. Its error has the factor $h^2$, so $D_{h/2}$
#    has a quarter of the error of $D_h$. Then in $(4 D_{h/2} - D_h)/3$ that error cancels. (This is called Richardson's
#    extrapolation.) Draw its valley. How many digits do you win?
#
# <details><summary>What you should find</summary>
#
# * In 1, $|f''|$ is 2, so $h = \sqrt{\varepsilon |f|} = 1.5 \cdot 10^{-5}$, a thousand times longer than near 1. By (2)
#   the error there is $3 \cdot 10^{-5}$, and you measure about as much: 8 right digits of 2000.
# * In 2 about 8 digits, at an $h$ of about $3 \cdot 10^{-4}$: the bottom lies farther right, as rounding is divided by
#   $h^2$.
# * In 3 about two more: an error near $10^{-13}$, at an $h$ of about $2 \cdot 10^{-3}$.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > It defines the partial derivative as the limit of a step along one axis,[^partial] as `numerical_gradient` does.
# > That is right. Only $e_1$ belongs to coordinates $x_1, x_2, \ldots$, so the left side should say
# > $\partial f / \partial x_1$ (`tinydl document D5`).
#
# [^partial]: 「∂f/∂x = lim (f(x + h e₁, y) − f(x, y))/h」
#
# ## Where this lives in tinydl
#
# * `tinydl/checking/numerical.py`: slopes with error bars. `romberg` is exercise 3 carried on to four steps; `_kink`
#   compares the slopes on the two sides.
# * `tinydl/checking/gradcheck.py`: `gradcheck`, which asks the questions and names the likely cause of a wrong
#   gradient. It works on float64 copies by itself.
#
# Next: [lesson 2](02_one_neuron.py), one neuron by hand.
