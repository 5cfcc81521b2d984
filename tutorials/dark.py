"""A figure as a picture for dark pages: black and grey change places with white, colours stay as they are.

Only the site's build uses this: it lets `show` of _lesson.py draw each figure twice. Text turns to what can be read on
what lies behind it, so that black numbers in the light cells of a heat map stay black.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

PAPER, INK = np.array([0x13, 0x14, 0x16]) / 255, 0.88  # the site's dark background; what black becomes
GREY = 0.12  # the largest difference of red, green and blue of what counts as black, grey or white

RGBA = tuple[float, ...]


def picture(figure: Any, **options: Any) -> bytes:
    """The figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def dark_picture(figure: Any, **options: Any) -> bytes:
    """The figure as a PNG for dark pages; the figure itself is as it was."""
    shown_by = figure.canvas
    FigureCanvasAgg(figure).draw()  # ticks exist once they have been drawn
    undo: list[Callable[[], Any]] = []
    texts = [artist for artist in figure.findobj(Text) if artist.get_text().strip()]
    on_images = {
        id(artist) for axes in figure.axes if axes.images for artist in [*axes.lines, *axes.patches, *axes.collections]
    }
    for artist in figure.findobj():
        if id(artist) not in on_images and not isinstance(artist, Text):
            _recolour(artist, undo)
    for text in figure.findobj(Text):
        for patch in (text.get_bbox_patch(), text.arrow_patch if isinstance(text, Annotation) else None):
            if patch is not None:
                _recolour(patch, undo)
    _recolour_texts(figure, texts, undo)
    made = picture(figure, **options)
    for step in reversed(undo):
        step()
    figure.set_canvas(shown_by)
    return made


def turned(colour: Any) -> RGBA:
    """This colour on a dark page: grey becomes as dark as it was light."""
    *rgb, alpha = to_rgba(colour)
    if max(rgb) - min(rgb) > GREY:
        return (*rgb, alpha)
    light = sum(rgb) / 3
    return (*(INK + (PAPER - INK) * light), alpha)


def _recolour(artist: Any, undo: list[Callable[[], Any]]) -> None:
    names: tuple[str, ...] = ()
    if isinstance(artist, Line2D):
        names = ("color", "markerfacecolor", "markeredgecolor")
    elif isinstance(artist, Patch) or (isinstance(artist, Collection) and artist.get_array() is None):
        names = ("facecolor", "edgecolor")
    before = {name: getattr(artist, f"get_{name}")() for name in names}  # all of them: one may follow another
    for name, colour in before.items():
        if isinstance(colour, str) and colour in ("none", "auto"):
            continue
        setter = getattr(artist, f"set_{name}")
        undo.append(lambda setter=setter, colour=colour: setter(colour))
        setter([turned(c) for c in colour] if isinstance(artist, Collection) else turned(colour))


def _recolour_texts(figure: Any, texts: list[Any], undo: list[Callable[[], Any]]) -> None:
    """Each text in the better one of its two colours, by what is drawn where it will stand."""
    alphas = [text.get_alpha() for text in texts]
    for text in texts:
        text.set_alpha(0)  # and not invisible, which would change the layout
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, pixels = canvas.get_renderer(), np.asarray(canvas.buffer_rgba())[..., :3] / 255
    height = len(pixels)
    for text, alpha in zip(texts, alphas, strict=True):
        text.set_alpha(alpha)
        box = Text.get_window_extent(text, renderer)
        rows = slice(max(0, height - round(box.y1)), max(1, height - round(box.y0)))
        behind = pixels[rows, max(0, round(box.x0)) : max(1, round(box.x1))].reshape(-1, 3)
        paper = np.median(behind, axis=0) if len(behind) else PAPER
        before = text.get_color()
        undo.append(lambda text=text, before=before: text.set_color(before))
        choices = [to_rgba(before), turned(before)]
        best = max(choices, key=lambda colour: contrast(colour[:3], paper))
        text.set_color(readable(best, paper))


def readable(colour: RGBA, paper: Any) -> RGBA:
    """The colour, mixed with white on dark paper, until it can be read there."""
    rgb = np.array(colour[:3])
    while luminance(paper) < 0.1 and contrast(rgb, paper) < 4.5:
        rgb = rgb + (1 - rgb) * 0.1
    return (*rgb, *colour[3:])


def luminance(rgb: Any) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(ink: Any, paper: Any) -> float:
    """WCAG's: from 1, which can't be seen, to 21."""
    dark, light = sorted([luminance(ink), luminance(paper)])
    return (light + 0.05) / (dark + 0.05)
