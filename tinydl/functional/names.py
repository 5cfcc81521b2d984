"""What to write here for the names of others' functions that tinydl hasn't.

FUNCTIONS answers ``F.name``. Stands on engine/names.py, which says how.
"""

from __future__ import annotations

FUNCTIONS = {  # F.name → what to write
    "conv3d": "write F.conv2d of slices, or tl.derivatives.convolution.conv, which takes any number of axes",
    "interpolate": "write x.repeat(2, axis=2).repeat(2, axis=3), or F.conv_transpose2d", "pad": "write np.pad",
    "unfold": "write np.lib.stride_tricks.sliding_window_view",
    "smooth_l1_loss": "write F.huber_loss(x, t, delta=beta) / beta", "logsigmoid": "write -F.softplus(-x)",
    "mse": "write F.mse_loss", "mean_squared_error": "write F.mse_loss", "mae": "write F.l1_loss",
    "categorical_crossentropy": "write F.cross_entropy, of logits", "hardtanh": "write np.clip(x, -1, 1)",
    "sparse_categorical_crossentropy": "write F.cross_entropy, of logits", "swish": "write F.silu",
    "binary_crossentropy": "write F.binary_cross_entropy_with_logits, of logits", "embedding": "write weight[indices]",
    "normalize": "write x / np.linalg.norm(x, axis=1, keepdims=True)", "softmin": "write F.softmax(-x)",
    "cosine_similarity": "write np.sum(x * z, 1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(z, axis=1))",
    "batch_norm": "write nn.BatchNorm1d", "layer_norm": "write nn.LayerNorm", "selu": "write 1.0507 * F.elu(x, 1.6733)",
    "mish": "write x * np.tanh(F.softplus(x))", "softsign": "write x / (1 + np.abs(x))", "relu_": "write F.relu",
    "prelu": "write F.relu(x) - a * F.relu(-x)", "celu": "write a * F.elu(x / a)", "dropout2d": "write F.dropout",
}  # fmt: skip
