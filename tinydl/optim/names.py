"""What to write here for the names of others' optimizers and schedules that tinydl hasn't.

OPTIMIZERS answers ``optim.name``, OPTIMIZER and SCHEDULE what one of them hasn't. Stands on engine/names.py, which
says how.
"""

from __future__ import annotations

OPTIMIZERS = {  # optim.name → what to write
    "lr_scheduler": "schedules stand here: write optim.StepLR(optimizer, step_size)", "RMSProp": "write optim.RMSprop",
    "LRScheduler": "write optim.Schedule", "ExponentialLR": "write optim.StepLR(optimizer, 1, gamma)",
    "LambdaLR": "set optimizer.lr before each step", "MultiStepLR": "set optimizer.lr in a callback of tl.fit",
    "OneCycleLR": "write optim.LinearWarmup, or set optimizer.lr before each step", "AdaGrad": "write optim.Adagrad",
    "AdaDelta": "write optim.Adadelta", "Adamax": "write optim.Adam", "NAdam": "write optim.Adam",
    "RAdam": "write optim.Adam with optim.LinearWarmup", "LBFGS": "write optim.Adam, or scipy.optimize with tl.grad",
    "clip_grad_norm_": "write optim.clip_grad_norm", "clip_grad_value_": "write optim.clip_grad_value",
}  # fmt: skip
OPTIMIZER = {  # optimizer.name → what to write
    "param_groups": "write optimizer.groups, or optimizer.lr", "learning_rate": "write optimizer.lr",
    "minimize": "write loss.backward(); optimizer.step()", "apply_gradients": "write optimizer.step()",
    "add_param_group": "give all groups at once: write optim.SGD([{'params': …, 'lr': …}, …], lr=…)",
}  # fmt: skip
SCHEDULE = {"get_last_lr": "write optimizer.lr", "get_lr": "write optimizer.lr"}  # schedule.name → what to write
