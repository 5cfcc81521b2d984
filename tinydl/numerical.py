"""thin"""
from __future__ import annotations
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
import numpy as np
from .arrays import Array

class Point: ...
@dataclass
class Slope:
    value: float
    bar: float
    left: float
    right: float
    kink: bool = False
def measure(): ...
def scales(): ...
