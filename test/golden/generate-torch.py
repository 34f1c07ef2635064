"""Golden trajectories: PyTorch trains small networks and this writes down where the parameters went.

    /usr/bin/python3 test/golden/generate-torch.py          (Debian: apt-get install python3-torch)

Writes torch.json beside itself: for each network its declaration, first parameters, rows, targets, the loss of every
step and the parameters after the last. Everything is float32 on one thread.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
STEPS = 25

ACTIVATE = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "leakyRelu": F.leaky_relu,
    "elu": F.elu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "softplus": F.softplus,
    "silu": F.silu,
    "gelu": F.gelu,
    "softmax": lambda z: torch.softmax(z, dim=1),
}


def dense(units, activation="identity", bias=True, **more):
    return {"kind": "dense", "units": units, "activation": activation, "bias": bias, **more}


def norm(activation="identity"):
    return {"kind": "layerNorm", "activation": activation}


def sgd(rate, **more):
    return {"kind": "sgd", "rate": rate, **more}


def case(name, inputs, layers, loss, optimizer, examples=1, shortcut=False):
    network = {"inputs": inputs, "layers": layers, "loss": loss, "optimizer": optimizer, "shortcut": shortcut}
    return name, network, examples


SQUARED = {"kind": "squaredError"}
SMALL = [dense(7, "tanh"), dense(2)]
CLASSES = [dense(9, "relu"), dense(3, "softmax")]

CASES = [
    case("tanh regression", 4, SMALL, SQUARED, sgd(0.05)),
    case("relu regression", 5, [dense(9, "relu"), dense(6, "relu"), dense(3)], SQUARED, sgd(0.02)),
    case("sigmoid everywhere", 3, [dense(5, "sigmoid"), dense(2, "sigmoid")], SQUARED, sgd(0.5)),
    case("no biases", 6, [dense(8, "tanh", False), dense(4, "identity", False)], SQUARED, sgd(0.05)),
    case("classifier", 8, [dense(16, "tanh"), dense(5, "softmax")], {"kind": "crossEntropy"}, sgd(0.1)),
    case("softmax through its Jacobian", 4, [dense(6, "tanh"), dense(4, "softmax")], SQUARED, sgd(0.5)),
    case("softmax inside", 4, [dense(6, "softmax"), dense(3)], SQUARED, sgd(0.2)),
    case("logistic", 5, [dense(4, "tanh"), dense(2, "sigmoid")], {"kind": "binaryCrossEntropy"}, sgd(0.2)),
    case("linear", 3, [dense(1)], SQUARED, sgd(0.1)),
    case("tanh regression, batches of 4", 4, SMALL, SQUARED, sgd(0.1), 4),
    case("classifier, batches of 3", 6, CLASSES, {"kind": "crossEntropy"}, sgd(0.2), 3),
    case("logistic, batches of 5", 5, [dense(4, "sigmoid", False), dense(1, "sigmoid")], {"kind": "binaryCrossEntropy"}, sgd(0.4), 5),
    *[
        case(f"{g} hidden", 4, [dense(8, g), dense(5, g), dense(2)], SQUARED, sgd(0.05))
        for g in ["leakyRelu", "elu", "softsign", "softplus", "silu", "gelu"]
    ],
    case("layerNorm", 5, [dense(8), norm("tanh"), dense(3)], SQUARED, sgd(0.05)),
    case("layerNorm on the inputs, batches of 3", 6, [norm(), dense(7, "gelu"), norm("silu"), dense(2)], SQUARED, sgd(0.1), 3),
    case("shortcut", 5, [dense(6, "tanh"), dense(2)], SQUARED, sgd(0.03), 1, True),
    case("shortcut of a classifier", 5, [dense(6, "tanh"), dense(3, "softmax")], {"kind": "crossEntropy"}, sgd(0.1), 2, True),
    case("absoluteError", 4, SMALL, {"kind": "absoluteError"}, sgd(0.02)),
    case("huber", 4, SMALL, {"kind": "huber", "kappa": 0.5}, sgd(0.05)),
    case("quantiles", 4, [dense(7, "tanh"), dense(6)], {"kind": "quantile", "quantiles": [0.1, 0.5, 0.9]}, sgd(0.05)),
    case("class weights", 6, CLASSES, {"kind": "crossEntropy", "classWeights": [0.5, 2, 3]}, sgd(0.05)),
    case("weights of probabilities", 5, [dense(2, "sigmoid")], {"kind": "binaryCrossEntropy", "classWeights": [0.5, 4]}, sgd(0.1)),
    case("momentum", 4, SMALL, SQUARED, {"kind": "momentum", "rate": 0.02, "momentum": 0.9}),
    case("nesterov with decay", 4, SMALL, SQUARED, {"kind": "nesterov", "rate": 0.02, "momentum": 0.8, "decay": 0.01}),
    case("rmsprop", 4, SMALL, SQUARED, {"kind": "rmsprop", "rate": 0.005, "rho": 0.95, "epsilon": 1e-6}),
    case("adam", 4, SMALL, SQUARED, {"kind": "adam", "rate": 0.01}),
    case("adam, batches of 4, decay, a rate of its own for biases", 4, SMALL, SQUARED, {"kind": "adam", "rate": 0.01, "biasRate": 0.03, "decay": 0.1}, 4),
    case("adamw of a classifier", 6, CLASSES, {"kind": "crossEntropy"}, {"kind": "adamw", "rate": 0.02, "decay": 0.1, "beta1": 0.8, "beta2": 0.99}),
    case("sgd, clipped by value", 4, SMALL, SQUARED, sgd(0.2, clipValue=0.1)),
    case("sgd, clipped by norm", 4, SMALL, SQUARED, sgd(0.2, clipNorm=0.5)),
    case("adam, clipped by norm, batches of 3", 4, SMALL, SQUARED, {"kind": "adam", "rate": 0.02, "clipNorm": 0.3}, 3),
    case("sgd with decay, a rate of its own for biases", 4, SMALL, SQUARED, sgd(0.05, biasRate=0.2, decay=0.05)),
    case("accumulated over 5 steps", 4, SMALL, SQUARED, sgd(0.3, accumulate=5)),
    case("steps of the rate", 4, SMALL, SQUARED, sgd(0.1, schedule={"kind": "step", "every": 6, "factor": 0.5})),
    case("exponential decay of the rate", 4, SMALL, SQUARED, sgd(0.1, schedule={"kind": "exponential", "factor": 0.9})),
    case("cosine decay of the rate", 4, SMALL, SQUARED, sgd(0.1, schedule={"kind": "cosine", "steps": 20, "floor": 0.1})),
    case("inverse square root of the rate", 4, SMALL, SQUARED, sgd(0.1, schedule={"kind": "inverseSquareRoot", "steps": 5})),
    case("a frozen layer", 4, [dense(7, "tanh", frozen=True), dense(2)], SQUARED, sgd(0.1)),
]


def targets_for(loss, count, n):
    if loss["kind"] == "binaryCrossEntropy":
        return torch.randint(0, 2, (count, n)).float()
    if loss["kind"] == "crossEntropy":
        return F.one_hot(torch.randint(0, n, (count,)), n).float()
    return torch.randn(count, n // len(loss.get("quantiles", [0])))


def cost(loss, z, a, y):
    """Mean over rows of the loss summed over outputs."""
    kind = loss["kind"]
    weights = torch.tensor(loss["classWeights"]) if "classWeights" in loss else torch.ones(a.shape[1])
    if kind == "absoluteError":
        return (a - y).abs().sum() / len(y)
    if kind == "huber":
        return F.huber_loss(a, y, reduction="sum", delta=loss["kappa"]) / len(y)
    if kind == "quantile":
        tau = torch.tensor(loss["quantiles"])
        r = y.unsqueeze(2) - a.reshape(len(y), -1, len(tau))
        return torch.maximum(tau * r, (tau - 1) * r).sum() / len(y)
    if kind == "binaryCrossEntropy":
        return (weights * F.binary_cross_entropy_with_logits(z, y, reduction="none")).sum() / len(y)
    if kind == "crossEntropy":
        return -(weights * y * F.log_softmax(z, dim=1)).sum() / len(y)
    return 0.5 * ((a - y) ** 2).sum() / len(y)


def rate_factor(schedule, t):
    kind = schedule["kind"]
    if kind == "step":
        return schedule["factor"] ** (t // schedule["every"])
    if kind == "exponential":
        return schedule["factor"] ** t
    if kind == "cosine":
        share = min(t / schedule["steps"], 1)
        return schedule["floor"] + (1 - schedule["floor"]) * 0.5 * (1 + math.cos(math.pi * share))
    return 1 / math.sqrt(1 + t / schedule["steps"])


def make_optimizer(o, weights, biases):
    """Weights decay, biases and layerNorm's parameters do not, and may have a rate of their own."""
    rate = o["rate"]
    groups = [
        {"params": weights, "lr": rate, "weight_decay": o.get("decay", 0)},
        {"params": biases, "lr": o.get("biasRate", rate), "weight_decay": 0},
    ]
    groups = [group for group in groups if group["params"]]
    kind = o["kind"]
    if kind in ("momentum", "nesterov"):
        return torch.optim.SGD(groups, lr=rate, momentum=o["momentum"], nesterov=kind == "nesterov")
    if kind == "rmsprop":
        return torch.optim.RMSprop(groups, lr=rate, alpha=o["rho"], eps=o["epsilon"])
    if kind in ("adam", "adamw"):
        betas = (o.get("beta1", 0.9), o.get("beta2", 0.999))
        return (torch.optim.Adam if kind == "adam" else torch.optim.AdamW)(groups, lr=rate, betas=betas, eps=1e-8)
    return torch.optim.SGD(groups, lr=rate)


def run(seed, name, network, m):
    torch.manual_seed(seed)
    layers, loss, o = network["layers"], network["loss"], network["optimizer"]
    modules = []
    below = network["inputs"]
    for layer in layers:
        if layer["kind"] == "dense":
            modules.append(torch.nn.Linear(below, layer["units"], bias=layer["bias"]))
            below = layer["units"]
        else:
            modules.append(torch.nn.LayerNorm(below))
        if layer.get("frozen"):
            modules[-1].requires_grad_(False)
    straight = torch.nn.Linear(network["inputs"], below, bias=False) if network["shortcut"] else None
    everything = modules + ([straight] if straight else [])
    parameters = [p for module in everything for p in module.parameters()]
    start = [p.detach().flatten().tolist() for p in parameters]
    rows = torch.randn(STEPS * m, network["inputs"])
    targets = targets_for(loss, STEPS * m, below)
    learning = [p for p in parameters if p.requires_grad]
    weights = [p for p in learning if p.dim() == 2]
    optimizer = make_optimizer(o, weights, [p for p in learning if p.dim() == 1])
    base = [group["lr"] for group in optimizer.param_groups]
    accumulate = o.get("accumulate", 1)
    losses = []
    for step in range(STEPS):
        x = rows[step * m : (step + 1) * m]
        y = targets[step * m : (step + 1) * m]
        a = x
        for i, (module, layer) in enumerate(zip(modules, layers)):
            z = module(a)
            if straight and i == len(modules) - 1:
                z = z + straight(x)
            a = ACTIVATE[layer["activation"]](z)
        j = cost(loss, z, a, y)
        (j / accumulate).backward()
        losses.append(j.item())
        if (step + 1) % accumulate:
            continue
        if "schedule" in o:
            for group, rate in zip(optimizer.param_groups, base):
                group["lr"] = rate * rate_factor(o["schedule"], (step + 1) // accumulate - 1)
        if "clipNorm" in o:
            torch.nn.utils.clip_grad_norm_(learning, o["clipNorm"])
        if "clipValue" in o:
            torch.nn.utils.clip_grad_value_(learning, o["clipValue"])
        optimizer.step()
        optimizer.zero_grad()
    return {
        "name": name,
        "examples": m,
        "network": network,
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
