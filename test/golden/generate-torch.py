"""Golden trajectories: PyTorch trains small networks and this writes down where the parameters went.

    /usr/bin/python3 test/golden/generate-torch.py          (Debian: apt-get install python3-torch)

Writes torch.json beside itself: for each network its declaration, first parameters, rows, targets, the loss of every
step and the parameters after the last. Everything is float32 on one thread.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
STEPS = 25

ACTIVATE = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda z: torch.softmax(z, dim=1),
}

CASES = [
    # name, inputs, [(units, activation, bias)], loss, rate, m
    ("tanh regression", 4, [(7, "tanh", True), (2, "identity", True)], "squaredError", 0.05, 1),
    ("relu regression", 5, [(9, "relu", True), (6, "relu", True), (3, "identity", True)], "squaredError", 0.02, 1),
    ("sigmoid everywhere", 3, [(5, "sigmoid", True), (2, "sigmoid", True)], "squaredError", 0.5, 1),
    ("no biases", 6, [(8, "tanh", False), (4, "identity", False)], "squaredError", 0.05, 1),
    ("classifier", 8, [(16, "tanh", True), (5, "softmax", True)], "crossEntropy", 0.1, 1),
    ("softmax through its Jacobian", 4, [(6, "tanh", True), (4, "softmax", True)], "squaredError", 0.5, 1),
    ("softmax inside", 4, [(6, "softmax", True), (3, "identity", True)], "squaredError", 0.2, 1),
    ("logistic", 5, [(4, "tanh", True), (2, "sigmoid", True)], "binaryCrossEntropy", 0.2, 1),
    ("linear", 3, [(1, "identity", True)], "squaredError", 0.1, 1),
    ("tanh regression, batches of 4", 4, [(7, "tanh", True), (2, "identity", True)], "squaredError", 0.1, 4),
    ("classifier, batches of 3", 6, [(9, "relu", True), (3, "softmax", True)], "crossEntropy", 0.2, 3),
    ("logistic, batches of 5", 5, [(4, "sigmoid", False), (1, "sigmoid", True)], "binaryCrossEntropy", 0.4, 5),
]


def targets_for(loss, count, n):
    if loss == "squaredError":
        return torch.randn(count, n)
    if loss == "binaryCrossEntropy":
        return torch.randint(0, 2, (count, n)).float()
    return F.one_hot(torch.randint(0, n, (count,)), n).float()


def cost(loss, z, a, y):
    """Mean over rows of the loss summed over outputs."""
    if loss == "squaredError":
        return 0.5 * ((a - y) ** 2).sum() / len(y)
    if loss == "binaryCrossEntropy":
        return F.binary_cross_entropy_with_logits(z, y, reduction="sum") / len(y)
    return F.cross_entropy(z, y)


def run(seed, name, inputs, layers, loss, rate, m):
    torch.manual_seed(seed)
    modules = []
    below = inputs
    for units, _, bias in layers:
        modules.append(torch.nn.Linear(below, units, bias=bias))
        below = units
    parameters = [p for module in modules for p in module.parameters()]
    start = [p.detach().flatten().tolist() for p in parameters]
    rows = torch.randn(STEPS * m, inputs)
    targets = targets_for(loss, STEPS * m, below)
    optimizer = torch.optim.SGD(parameters, lr=rate)
    losses = []
    for step in range(STEPS):
        a = rows[step * m : (step + 1) * m]
        y = targets[step * m : (step + 1) * m]
        for module, (_, activation, _) in zip(modules, layers):
            z = module(a)
            a = ACTIVATE[activation](z)
        j = cost(loss, z, a, y)
        optimizer.zero_grad()
        j.backward()
        optimizer.step()
        losses.append(j.item())
    return {
        "name": name,
        "examples": m,
        "network": {
            "inputs": inputs,
            "layers": [{"kind": "dense", "units": u, "activation": g, "bias": b} for u, g, b in layers],
            "loss": loss,
            "optimizer": {"kind": "sgd", "rate": rate},
        },
        "rows": rows.flatten().tolist(),
        "targets": targets.flatten().tolist(),
        "start": start,
        "losses": losses,
        "end": [p.detach().flatten().tolist() for p in parameters],
    }


def rounded(value):
    """Nine significant digits: every float32 survives."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


cases = [run(100 + i, *case) for i, case in enumerate(CASES)]
out = pathlib.Path(__file__).with_name("torch.json")
document = {"torch": torch.__version__, "steps": STEPS, "cases": rounded(cases)}
out.write_text(json.dumps(document, separators=(",", ":")) + "\n")
print(f"{out.name}: {len(cases)} cases, {out.stat().st_size} bytes, torch {torch.__version__}")
