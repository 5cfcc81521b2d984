"""What to write here for the names of PyTorch's and Keras' layers and models that tinydl hasn't.

LAYERS answers ``nn.name``, MODEL ``model.name``. Stands on engine/names.py, which says how.
"""

from __future__ import annotations

_LOSSES = {
    "CrossEntropyLoss": "cross_entropy", "NLLLoss": "nll_loss", "MSELoss": "mse_loss", "L1Loss": "l1_loss",
    "HuberLoss": "huber_loss", "SmoothL1Loss": "smooth_l1_loss", "KLDivLoss": "kl_div",
    "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
}  # fmt: skip
_A_LOSS = "losses are functions: write tl.functional.{0}(outputs, targets), or pass loss=tl.functional.{0} to tl.fit"
_A_LIST = "write a list, self.layers = [nn.Linear(4, 4), nn.ReLU()]: a Module finds the layers and Tensors in it"
_A_DICT = "write a dict, self.layers = {'hidden': nn.Linear(4, 4)}: a Module finds the layers and Tensors in it"
_NORMALISING = "write nn.BatchNorm1d for (N, C) or (N, C, L), nn.BatchNorm2d for images, nn.LayerNorm for the last axes"
_OF_THE_CPU = "leave it out"

LAYERS = {  # nn.name → what to write
    **{name: _A_LOSS.format(function) for name, function in _LOSSES.items()},
    "ModuleList": _A_LIST, "ParameterList": _A_LIST, "ModuleDict": _A_DICT, "ParameterDict": _A_DICT,
    "Parameter": "write self.weight = tl.tensor(array, requires_grad=True, dtype=np.float32): a Module finds it",
    "Buffer": "write self.mean = np.zeros(3): a Module finds an array", "Layer": "write nn.Module",
    "Model": "write nn.Module", "Dense": "write nn.Linear(in_features, out_features), and nn.ReLU() after it",
    "LazyLinear": "write nn.Linear(in_features, out_features)", "Input": "leave it out", "InputLayer": "leave it out",
    "Activation": "write the layer, nn.ReLU()", "functional": "write tl.functional", "F": "write tl.functional",
    "utils": "write tl.optim.clip_grad_norm(model.parameters(), 1.0) for clip_grad_norm_",
    "DataParallel": _OF_THE_CPU, "BatchNormalization": _NORMALISING,
    "InstanceNorm1d": "write nn.GroupNorm(channels, channels)",
    "InstanceNorm2d": "write nn.GroupNorm(channels, channels)",
    "LayerNormalization": "write nn.LayerNorm(features)", "Dropout1d": "write nn.Dropout", "Swish": "write nn.SiLU()",
    "ReLU6": "write nn.Hardtanh(0, 6)",
    "Lambda": "write a Module with this forward", "Unflatten": "write x.reshape(len(x), 8, 8) in a forward",
    "Reshape": "write x.reshape(len(x), 8, 8) in a forward", "Concatenate": "write np.concatenate in a forward",
    "Bilinear": "write np.einsum('bi,oij,bj->bo', x, weight, z) in a forward",
    "CosineSimilarity": "write np.sum(x * z, 1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(z, axis=1))",
    "Conv3d": "write nn.Conv2d of slices, or tl.derivatives.convolution.conv, which takes any number of axes",
    "Conv1D": "write nn.Conv1d(in_channels, out_channels, kernel_size), of x (N, channels, length)",
    "Conv2D": "write nn.Conv2d(in_channels, out_channels, kernel_size), of x (N, channels, height, width)",
    "MaxPooling2D": "write nn.MaxPool2d", "AveragePooling2D": "write nn.AvgPool2d",
    "GlobalAveragePooling2D": "write nn.AdaptiveAvgPool2d(1)",
    "Unfold": "write np.lib.stride_tricks.sliding_window_view in a forward",
    "AdaptiveMaxPool2d": "write F.adaptive_max_pool2d in a forward",
    "SimpleRNN": "write nn.RNN(input_size, hidden_size, batch_first=True)",
    "Bidirectional": "write nn.LSTM(input_size, hidden_size, bidirectional=True)",
    "MultiHeadAttention": "write nn.MultiheadAttention(embed_dim, num_heads)",
    "Transformer": "write nn.TransformerEncoder(nn.TransformerEncoderLayer(d_model, nhead), num_layers)",
}  # fmt: skip

_A_HOOK = "tinydl has no hooks: after loss.backward(retain_grads=True) each Tensor that was computed has its .grad"
_A_FIT = "write tl.fit(model, (x, y), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters()), epochs=10)"
_A_DTYPE = "write `with tl.default_dtype(np.{}):` where the model is made"

MODEL = {  # model.name → what to write
    "fit": _A_FIT, "fit_generator": _A_FIT, "compile": f"loss and optimizer are given to tl.fit: {_A_FIT}",
    "evaluate": "write tl.evaluate(model, (x, y), loss=F.cross_entropy, metrics={'accuracy': tl.accuracy})",
    "predict": "write tl.predict(model, x)", "predict_proba": "write F.softmax(tl.predict(model, x))",
    "summary": "write tl.summary(model, x.shape[1:])", "save": "write tl.save(model, 'model.npz')",
    "save_weights": "write tl.save(model, 'model.npz')", "load_weights": "write tl.load(model, 'model.npz')",
    "load": "write tl.load(model, 'model.npz')", "get_weights": "write model.state_dict()",
    "set_weights": "write model.load_state_dict(state)", "weights": "write model.state_dict()",
    "trainable_weights": "write list(model.parameters())", "trainable_variables": "write list(model.parameters())",
    "count_params": "write sum(p.size for p in model.parameters())",
    "add": "write model.append(layer), of a Sequential",
    "cuda": f"{_OF_THE_CPU}; model.to(cupy.asarray) moves a model to a GPU",
    "cpu": f"{_OF_THE_CPU}; model.to(cupy.asnumpy) brings a model back from a GPU",
    "half": _A_DTYPE.format("float16"), "float": _A_DTYPE.format("float32"), "double": _A_DTYPE.format("float64"),
    "bfloat16": _A_DTYPE.format("float16"), "type": _A_DTYPE.format("float32"),
    "children": "write [module for name, module in model.named_modules() if name and '.' not in name]",
    "named_children": "write model.named_modules(), whose names are dotted",
    "apply": "write `for module in model.modules(): function(module)`",
    "requires_grad_": "write `for p in model.parameters(): p.requires_grad = False`",
    "buffers": "write dict(model.named_buffers())", "get_parameter": "write dict(model.named_parameters())[name]",
    "register_parameter": "write self.name = tl.tensor(array, requires_grad=True, dtype=np.float32)",
    "add_module": "write self.name = layer", "register_module": "write self.name = layer",
    "register_forward_hook": _A_HOOK, "register_forward_pre_hook": _A_HOOK, "register_full_backward_hook": _A_HOOK,
    "register_backward_hook": _A_HOOK,
}  # fmt: skip
