"""What differentiates: the Tensor, the backward pass, NumPy's protocols. Read tensor.py first; it is the whole idea."""
