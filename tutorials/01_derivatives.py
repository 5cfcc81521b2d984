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
# *You need:* the derivative as a slope and the gradient, from [Before you start](00_before_you_start.py). One section
# is marked as one that you may skip.

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
assert 2 * 10_000 * 0.001 == 20  # seconds

# %% [markdown]
# How it does that is the subject of the next three lessons; the method is called **backpropagation**. Without it you
# would have to measure: turn one number a little, see how the error changes, then the next. A small network has 10,000
# numbers to turn. Two evaluations for each, of a millisecond each, are 20 seconds for one gradient, and training needs
# thousands of gradients. Backpropagation gives all 10,000 slopes at once, for about the price of a few evaluations.
#
# So measuring is too slow for training. But it is so simple that it can hardly be wrong, and that makes it the judge.
# One question comes first: how exact is a slope that was measured?
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

assert abs(TRUE - 0.5403) < 1e-4
assert abs(forward(np.sin, 1.0, 1.0) - 0.07) < 0.005
assert abs(forward(np.sin, 1.0, 0.01) - 0.536) < 5e-4

# %% [markdown]
# The line that these lines come to is the **tangent**. It goes through the point $(a, f(a))$ of the curve, and with
# each step to the right it rises by the slope $f'(a)$. So at $x$, which is $x - a$ steps from $a$, its height is
#
# $$ f(a) + f'(a)\,(x - a) . $$
#
# Near $a$ this is close to $f(x)$ itself. For $\sin$ at $a = 1$ and $x = 1.1$ it gives
# $0.8415 + 0.5403 \cdot 0.1 = 0.8955$, and $\sin 1.1$ is 0.8912.

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
# At $h = 1$ the slope is 0.07, a poor guess at 0.54. At $h = 0.01$ it is 0.536. Smaller is better, it seems.
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
assert forward(np.sin, 1.0, 1e-16) == 0.0
assert 1.0 + 1e-16 == 1.0

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
# $\frac{h}{2} f''$, and that is how it is for other functions too. It is called the *truncation error*, because the
# limit was cut off.
#
# **The second error grows as $h$ shrinks.** The computer rounds every number to about 16 digits. When $f(x+h)$ and
# $f(x)$ agree in their first 11 digits, the subtraction removes those 11, and of the few that are left the last ones
# are uncertain:

# %%
h = 1e-12
print(f"sin(1 + h) = {np.sin(1 + h):.16f}")
print(f"sin(1)     = {np.sin(1):.16f}")
print(f"difference = {np.sin(1 + h) - np.sin(1):.16f} = {np.sin(1 + h) - np.sin(1):.5e}")
print(f"it should be                    {h * TRUE:.5e}")
wrong = abs((np.sin(1 + h) - np.sin(1)) - h * TRUE)
assert 1e-17 < wrong < 1e-16
assert f"{np.sin(1 + h):.16f}"[:13] == f"{np.sin(1):.16f}"[:13]  # "0." and 11 digits
assert 1e-5 < wrong / h < 1e-4

# %% [markdown]
# Only about four digits are right. The difference is off by less than $10^{-16}$, but then it is divided by
# $h = 10^{-12}$, and the mistake becomes a million million times larger. This is the *rounding error*. Its size depends
# on the distance from 1 to the next number that the computer knows: $\varepsilon = 2.2 \cdot 10^{-16}$ ("epsilon").
# Each of the two values is rounded by up to $\frac12 \varepsilon |f|$, half the distance between neighbours; that makes
# up to $\varepsilon |f|$ for both, and $\varepsilon |f| / h$ for the slope. Together,
#
# $$ \text{error} \;\lesssim\; \underbrace{\frac{h}{2}\,|f''|}_{\text{truncation}}
#    + \underbrace{\frac{\varepsilon\,|f|}{h}}_{\text{rounding}} . \tag{2} $$
#
# ($\lesssim$ means "at most about".) Where is that smallest? Where its own derivative by $h$ is 0:
#
# $$ \begin{aligned}
#    \frac{|f''|}{2} - \frac{\varepsilon\,|f|}{h^2} &= 0 , \\
#    h &= \sqrt{2 \varepsilon\,|f| / |f''|} .
#    \end{aligned} $$
#
# For $\sin$, where $f''$ is $-f$, that is $h = \sqrt{2\varepsilon} \approx 2 \cdot 10^{-8}$. Even there half of the 16
# digits are lost.

# %%
EPS = np.finfo(np.float64).eps  # NumPy knows it
best_h = np.sqrt(2 * EPS)
print(f"epsilon {EPS:.1e}, best h by formula (2): {best_h:.1e}")

assert abs(EPS - 2.2e-16) < 0.1e-16
assert 2.0e-8 < best_h < 2.2e-8

# %% [markdown]
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
# The slope is off by $h^2$ only: at $h = 0.01$ that is 0.0001. The third derivative of $x^3$ is $f''' = 6$, and $h^2$
# is $\frac{h^2}{6} f'''$; so it is, about, for other functions too. The rounding is as before, but divided by $2h$:
#
# $$ \text{error} \;\lesssim\; \frac{h^2}{6}\,|f'''| + \frac{\varepsilon\,|f|}{2h} . \tag{4} $$
#
# Now draw both errors over all $h$. Rounding is a matter of luck, and a single point may be lucky. So take the largest
# error at 100 points near 1. Both axes are logarithmic: from one tick to the next is always the same factor, and a
# power of $h$ becomes a straight line.


# %%
def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)  # formula (3)


points = np.linspace(0.9, 1.1, 100)


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
axes.annotate("rounding", (1e-11, 1e-3), color=GRAY)
axes.annotate("truncation", (6e-3, 2e-8), color=GRAY)
axes.set(xlabel="step h", ylabel="largest error", ylim=(1e-13, 3), title="The slope of sin near 1: h can be too small")
axes.legend(fontsize="small", loc="lower left")
show(
    figure, "01_derivatives_2", "Error over h, two valleys: forward is lowest near h = 1e-8, central lower, near 5e-6."
)

# %% [markdown]
# Two valleys, and the dotted formulas lie close to them. On the right wall truncation rules, on the left wall rounding.
# And where is the bottom?

# %%
for name, errors in (("forward", error_forward), ("central", error_central)):
    lowest = np.argmin(errors)  # the place of the smallest
    print(f"{name}: best h about {steps[lowest]:.0e}, error there {errors[lowest]:.0e}")
fine = np.logspace(-6, -5, 10_001)  # many steps near the bottom of formula (4)
lowest = fine[np.argmin(fine**2 / 6 + EPS / (2 * fine))]
print(f"formula (4) is smallest at h = {lowest:.1e}")

assert np.all(error_forward <= 3 * bound_forward) and np.all(error_central <= 3 * bound_central)
assert 5e-9 < steps[np.argmin(error_forward)] < 5e-8 and 5e-9 < error_forward.min() < 5e-8
assert 1e-6 < steps[np.argmin(error_central)] < 1e-5 and error_central.min() < 1e-10
assert abs(lowest / np.cbrt(1.5 * EPS) - 1) < 1e-3 and abs(lowest - 6.9e-6) < 1e-7  # cbrt is the cube root
assert abs(np.cbrt(EPS) - 6.1e-6) < 1e-7

# %% [markdown]
# The forward slope reaches an error of about $10^{-8}$ and no better. The central one gets below $10^{-10}$: at least
# two more digits. It is why almost everybody who checks derivatives numerically uses central differences.
#
# On paper, the derivative of (4) by $h$ is $\frac{h}{3} |f'''| - \varepsilon |f| / (2h^2)$. It is 0 where
#
# $$ h = \sqrt[3]{\tfrac32\, \varepsilon\, |f| / |f'''|} . $$
#
# With $|f| = |f'''| = 1$ that is $\sqrt[3]{1.5\,\varepsilon} = 6.9 \cdot 10^{-6}$. (The two terms of (4) are *not*
# equal there: rounding is twice as large.) You seldom know $f'''$, and the bottom of the valley is broad, so one takes
# a round number of the same size: $h = \sqrt[3]{\varepsilon} = 6.1 \cdot 10^{-6}$, or simply $10^{-5}$. For a large $x$
# one multiplies it by $|x|$. Functions like $x^2$ or $\ln x$ change little over a step much smaller than $x$ itself, so
# a longer one is better. Together it is the rule of thumb $h = \sqrt[3]{\varepsilon} \cdot \max(1, |x|)$.
#
# ## With 32 bits
#
# Networks are mostly trained in `float32`, which keeps only 7 digits: $\varepsilon = 1.2 \cdot 10^{-7}$, half a billion
# times larger. Then $\sqrt[3]{1.5\,\varepsilon}$ is $5.6 \cdot 10^{-3}$.
#
# > **Predict.** With that step, four or five digits of the slope are right. How many with $h = 10^{-5}$, the good
# > choice of a moment ago?

# %%
points32 = points.astype(np.float32)
errors32 = []
for h in (np.float32(5.6e-3), np.float32(1e-5)):
    errors32.append(np.abs(central(np.sin, points32, h) - np.cos(points)).max())
    print(f"float32, h = {h:.1e}: largest error {errors32[-1]:.0e}")

eps32 = np.finfo(np.float32).eps
assert abs(eps32 - 1.2e-7) < 0.1e-7 and 5e8 < eps32 / EPS < 6e8
assert abs(np.cbrt(1.5 * eps32) - 5.6e-3) < 1e-4 and central(np.sin, points32, h).dtype == np.float32
assert 1e-6 < errors32[0] < 1e-4 and 2e-3 < errors32[1] < 5e-2

# %% [markdown]
# About two. Forgetting this is a frequent false alarm. So **check derivatives in float64, even those of a network that
# is trained in float32.**
#
# ## More than one variable
#
# With several variables, move one of them at a time and hold the others. What you get are the partial derivatives:
#
# $$ \frac{\partial f}{\partial x_1} \approx \frac{f(x_1 + h, x_2) - f(x_1 - h, x_2)}{2h} . $$
#
# All of them together are the **gradient**. It has as many numbers as the input, and the same shape. Here the input is
# a table of 2 rows and 3 columns, and $f$ is the sum of $\sin$ of the first row plus 10 times that of the second:


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
exact = tl.grad(f)(x)  # one pass, no h
print(f"largest error, measured:        {np.abs(numerical_gradient(f, x) - by_rules).max():.0e}")
print(f"largest error, of tl.grad:      {np.abs(exact - by_rules).max():.0e}")

assert np.abs(numerical_gradient(f, x) - by_rules).max() < 1e-8
assert 2 * x.size == 12
assert np.abs(exact - by_rules).max() < 1e-14

# %% [markdown]
# The input has 6 numbers, so the measured gradient took 12 evaluations of $f$. `tl.grad(f)` took one pass, and divides
# by no $h$: at most the last digit is off.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** A numerical derivative never complains. Here are two ways in which it is wrong and doesn't say
# > so.
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
assert abs(central(relu, 0.0, 1e-5) - 0.5) < 1e-12
assert abs(central(relu, 1e-6, 1e-5) - 0.55) < 1e-9
assert forward(square, 1e9, 1e-8) == 0.0 and 1e9 + 1e-8 == 1e9

# %% [markdown]
# * **A step across a kink.** At 0 the central difference says ½, which is neither of the two slopes. At $x = 10^{-6}$
#   the slope *is* 1, but a step of $10^{-5}$ to the left reaches across the kink, and the answer is 0.55. How to
#   notice: take the slope to the right and the slope to the left, and see whether they agree.
# * **A step that vanishes.** Near $10^9$ the numbers that the computer knows lie $10^{-7}$ apart, so $x + 10^{-8}$ is
#   $x$, and the derivative comes out as 0. How to notice: look at the step that was really taken, `(x + h) - x`, or
#   choose $h$ in proportion to $x$.
#
# A judge that you can rely on has to try several steps, see whether they agree, and say how sure it is. tinydl has one:
# `tl.gradcheck(f, x, grad=rule)` compares the gradient that `rule` claims with numerical derivatives of `f` at `x`.
# Without a rule it judges tinydl's own gradient. In `third` the rule is wrong on purpose: the derivative of
# $\cos$ is *minus* $\sin$.

# %%
first = tl.gradcheck(relu, 0.0)
second = tl.gradcheck(square, 1e9, grad=lambda x: 2 * x)
third = tl.gradcheck(lambda x: np.sum(np.cos(x)), np.array([1.0, 2.0]), grad=lambda x: np.sin(x))
for report in (first, second, third):
    print(repr(report))
print(f"at the kink: {first.rows[0].ours:.1f}")

assert first.verdict == "right" and first.rows[0].verdict == "kink" and first.rows[0].ours == 0.5
assert second.verdict == "right" and len(first.rows) == len(second.rows) == 1
assert third.verdict == "wrong" and len(third.rows) == 9 and np.spacing(1e9) > 1e-7

# %% [markdown]
# * The first says that it met a kink. There is no derivative, so it lets any number pass that lies between the slopes
#   on the two sides, 0 and 1. (tinydl says 0.5.)
# * The second is right: at $10^9$ the judge chose a step that fits. The *relative error* is how far the two numbers are
#   apart, divided by their size.
# * The third is wrong, and it names the likely cause, a sign. Nine derivatives, of two numbers? One by each number, and
#   seven along directions in which both move at once. [Lesson 2](02_one_neuron.py) shows such a table.
#
# ## A trick without subtraction
#
# *You may skip this section, up to the heading "Exercises": no other lesson needs it. It uses complex numbers. Then
# leave out `ex_complex_step` too.*
#
# Rounding hurts because two nearly equal numbers are subtracted. There is a way to get a derivative without subtracting
# anything. A complex number $a + ib$ is a pair of numbers, its real part $a$ and its imaginary part $b$, and one
# computes with it as usual, with the one rule $i^2 = -1$. Now take a step in the *imaginary* direction:
#
# $$ \begin{aligned}
#    f(x + ih) &= (x + ih)^2 \\
#              &= x^2 - h^2 + i \cdot 2xh .
#    \end{aligned} $$
#
# The imaginary part is $2xh$. Divide it by $h$, and the derivative $2x$ stands there. For other smooth functions it is
# almost as good. With $\operatorname{Im}$ for the imaginary part,
#
# $$ f'(x) \approx \frac{\operatorname{Im} f(x + ih)}{h} , \tag{5} $$
#
# with an error of about $\frac{h^2}{6} |f'''|$ and no cancellation. So $h$ may be as tiny as you like, and this is
# called the **complex step**. In Python `1j` is $i$.


# %%
def complex_step(f, x, h=1e-20):
    return np.imag(f(x + 1j * h)) / h  # formula (5)


print(f"sin at 1: {complex_step(np.sin, 1.0):.16f}   true: {TRUE:.16f}")
print(f"|x| at 1: {complex_step(np.abs, 1.0):.1f}   true: 1.0")

assert abs(complex_step(np.sin, 1.0) - TRUE) < 4e-16
assert complex_step(np.abs, 1.0) == 0.0

# %% [markdown]
# For $\sin$ all 16 digits are right. But look at the second line: for $|x|$ it says 0, where the slope is 1. The
# absolute value of a complex number is its length, and the length hardly notices a tiny step to the side. The trick
# works for functions made of powers, $e^x$, $\sin$ and the like, and fails for `abs`, `max` and comparisons, which
# networks are full of. So it is a sharp second judge, where it applies.
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
# * In 1, $|f''|$ is 2, so $h = \sqrt{\varepsilon |f|} = 1.5 \cdot 10^{-5}$, a thousand times longer than near 1. The
#   error there is about $10^{-5}$, which is 8 right digits of 2000.
# * In 2 about 8 digits, at an $h$ of about $3 \cdot 10^{-4}$: the bottom lies farther right, as rounding is divided by
#   $h^2$.
# * In 3 about two more: an error near $10^{-13}$, at an $h$ of about $2 \cdot 10^{-3}$.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from, a Chinese introduction to
# > the mathematics of deep learning. Where a lesson has something to say about it, it does so in such a box.
# >
# > The article defines the partial derivative as the limit of a step along one axis, with everything else
# > held.[^partial] That is right, and it is what `numerical_gradient` does (`tinydl document D5`). Only the letters mix
# > two ways of writing: $e_1$ belongs to coordinates $x_1, x_2, \ldots$, so the left side should say
# > $\partial f / \partial x_1$.
#
# [^partial]: 「∂f/∂x = lim (f(x + h e₁, y) − f(x, y))/h」
#
# ## Where this lives in tinydl
#
# * `tinydl/checking/numerical.py`: slopes with error bars. `romberg` is exercise 3 carried on to four steps; `Line`
#   subtracts the predicted slope before it rounds; `_kink` compares the slopes on the two sides.
# * `tinydl/checking/gradcheck.py`: `gradcheck`, which asks the questions and names the likely cause of a wrong
#   gradient. It works on float64 copies by itself.
#
# Next: [lesson 2](02_one_neuron.py), one neuron by hand.
