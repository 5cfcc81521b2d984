"""What to write here for the names of others' functions that tinydl hasn't.

FUNCTIONS answers ``F.name``. Stands on engine/names.py, which says how.
"""

from __future__ import annotations

FUNCTIONS = {  # F.name → what to write
    "conv3d": "write F.conv2d of slices, or tl.derivatives.convolution.conv, which takes any number of axes",
    "interpolate": "write x.repeat(2, axis=2).repeat(2, axis=3), or F.conv_transpose2d", "pad": "write np.pad",
    "unfold": "write np.lib.stride_tricks.sliding_window_view",
    "mse": "write F.mse_loss", "mean_squared_error": "write F.mse_loss", "mae": "write F.l1_loss",
    "categorical_crossentropy": "write F.cross_entropy, of logits",
    "sparse_categorical_crossentropy": "write F.cross_entropy, of logits", "swish": "write F.silu",
    "binary_crossentropy": "write F.binary_cross_entropy_with_logits, of logits", "embedding": "write weight[indices]",
    "normalize": "write x / np.linalg.norm(x, axis=1, keepdims=True)", "softmin": "write F.softmax(-x)",
    "cosine_similarity": "write np.sum(x * z, 1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(z, axis=1))",
    "relu_": "write F.relu",
}  # fmt: skip
