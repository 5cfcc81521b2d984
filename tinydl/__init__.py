"""tinydl: a deep-learning engine small enough to read in an afternoon and good enough to use."""

from . import derivatives
from .arrays import default_dtype, set_default_dtype
from .tensor import ChangedValueError, Primitive, Tensor, enable_grad, no_grad, primitive, tensor

__version__ = "0.1.0"
