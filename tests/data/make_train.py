#!/usr/bin/env python3
"""Makes train_golden.h5: one training step of a tiny PixelPlayer in PyTorch, with gradients, running
statistics and the parameters after three steps of each optimiser. Run once, by hand:

    /usr/bin/python3 tests/data/make_train.py ../shared/oracle/nets.py tests/data/train_golden.h5 \\
        tests/data/train_trunk.pth

The second file is the video network again, as torchvision would save it.

The networks are the oracle's own functions; only their BatchNorm is put into training mode. Needs
Debian's python3-torch and python3-h5py; the tests need neither.
"""
import importlib.util
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

BASE, LEVELS, K, ROWS, FRAMES = 4, 4, 3, 32, 16
WIDTH, BLOCKS, SIZE, PICTURES = 2, (1, 2, 1, 2), 32, 2
LABELS, MIXES, SOURCES = 3, 3, 2
CLIP = np.array([[0, 1], [-1, 2], [-1, -1]], np.int32)  # which picture each source asks by
LABEL = np.array([[-1, -1], [2, 0], [1, 2]], np.int32)  # which label
STATE = {}
PACKED = {"shuffle": True, "compression": 9}


def load_oracle(path):
    spec = importlib.util.spec_from_file_location("nets", path)
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    nets.batch_norm = lambda sd, name, x: F.batch_norm(
        x, STATE[name + ".running_mean"], STATE[name + ".running_var"], sd[name + ".weight"],
        sd[name + ".bias"], training=True, momentum=0.1, eps=nets.BN_EPS)
    return nets


def make_parameters():
    """Names and shapes as in the published checkpoints, in the order the C side lists them."""
    p = {}

    def norm(name, c):
        p[name + ".weight"] = 1 + 0.3 * torch.randn(c)
        p[name + ".bias"] = 0.3 * torch.randn(c)
        STATE[name + ".running_mean"] = torch.zeros(c)
        STATE[name + ".running_var"] = torch.ones(c)

    def conv(name, out, cin, k):
        p[name + ".weight"] = torch.randn(out, cin, k, k) * (2 / (cin * k * k)) ** 0.5

    conv("features.0", WIDTH, 3, 7)
    norm("features.1", WIDTH)
    cin = WIDTH
    for layer in range(4, 8):
        out = WIDTH << (layer - 4)
        for block in range(BLOCKS[layer - 4]):
            n = "features.%d.%d." % (layer, block)
            conv(n + "conv1", out, cin, 3), norm(n + "bn1", out)
            conv(n + "conv2", out, out, 3), norm(n + "bn2", out)
            if block == 0 and layer > 4:
                conv(n + "downsample.0", out, cin, 1), norm(n + "downsample.1", out)
            cin = out
    conv("fc", K, cin, 3)
    p["fc.bias"] = 0.1 * torch.randn(K)
    p["labels.weight"] = torch.randn(LABELS, K)
    norm("bn0", 1)
    ch = [BASE << min(d, 3) for d in range(LEVELS)]
    prefix = ["unet_block." + "".join("model.%d." % (1 if i == 0 else 3) for i in range(d)) +
              "model." for d in range(LEVELS)]
    for d in range(LEVELS):
        conv(prefix[d] + ("0" if d == 0 else "1"), ch[d], 1 if d == 0 else ch[d - 1], 4)
        if 0 < d < LEVELS - 1:
            norm(prefix[d] + "2", ch[d])
    for d in reversed(range(LEVELS)):
        n = 4 if d in (0, LEVELS - 1) else 6
        conv(prefix[d] + str(n), K if d == 0 else ch[d - 1], ch[d] * (1 if d == LEVELS - 1 else 2), 3)
        if d > 0:
            norm(prefix[d] + str(n + 1), ch[d - 1])
        else:
            p[prefix[d] + str(n) + ".bias"] = 0.1 * torch.randn(K)
    p["scale"] = 1 + 0.2 * torch.randn(K)
    p["bias"] = 0.1 * torch.randn(1)
    return p


def loss_of(nets, p, data, kind="bce"):
    sd = {k: v for k, v in p.items() if k.startswith("unet_block") or k.startswith("bn0")}
    maps = nets.unet(sd, data["sound"][:, None])
    frames = data["pictures"].flatten(0, 1).permute(0, 3, 1, 2)
    features = trunk(nets, p, frames)
    clips = features.unflatten(0, (-1, PICTURES))
    logits, targets, weights = [], [], []
    for b in range(MIXES):
        for n in range(SOURCES):
            vectors = []
            if CLIP[b, n] >= 0:
                vectors.append(nets.pool_frames(clips[CLIP[b, n]])[0])
            if LABEL[b, n] >= 0:
                vectors.append(p["labels.weight"][LABEL[b, n]])
            for v in vectors:
                logits.append(nets.synthesize(p, torch.sigmoid(v)[None], maps[b])[0])
                targets.append(data["target"][b, n])
                weights.append(data["weight"][b])
    z, t, w = torch.stack(logits), torch.stack(targets), torch.stack(weights)
    if kind == "bce":
        return F.binary_cross_entropy(torch.sigmoid(z), t, weight=w)
    d = torch.sigmoid(z) - t
    return (w * (d.abs() if kind == "l1" else d ** 2)).mean()


def trunk(nets, p, x):
    """nets.dilated_resnet18 with any number of blocks; equal to it for two (check_trunk)."""
    bn = lambda name, y: nets.batch_norm(p, name, y)
    x = F.relu(bn("features.1", F.conv2d(x, p["features.0.weight"], stride=2, padding=3)))
    x = F.max_pool2d(x, 3, stride=2, padding=1)
    for layer in range(4, 8):
        block = 0
        while "features.%d.%d.conv1.weight" % (layer, block) in p:
            n = "features.%d.%d." % (layer, block)
            opens = block == 0 and layer > 4
            stride = 2 if opens and layer < 7 else 1
            d1, d2 = (2 if layer == 7 and block > 0 else 1), (2 if layer == 7 else 1)
            y = F.conv2d(x, p[n + "conv1.weight"], stride=stride, padding=d1, dilation=d1)
            y = F.relu(bn(n + "bn1", y))
            y = bn(n + "bn2", F.conv2d(y, p[n + "conv2.weight"], padding=d2, dilation=d2))
            if opens:
                x = bn(n + "downsample.1",
                       F.conv2d(x, p[n + "downsample.0.weight"], stride=stride))
            x = F.relu(x + y)
            block += 1
    return F.conv2d(x, p["fc.weight"], p["fc.bias"], padding=1)


def check_trunk(nets):
    """The walk above is the oracle's network where that is defined: two blocks a layer."""
    global BLOCKS
    kept, BLOCKS = BLOCKS, (2, 2, 2, 2)
    p, x = make_parameters(), torch.randn(2, 3, SIZE, SIZE)
    assert torch.equal(trunk(nets, p, x), nets.dilated_resnet18(p, x))
    BLOCKS = kept


def optimised(nets, start, data, make):
    """Parameters after three steps on the same batch."""
    p = {k: v.clone().requires_grad_() for k, v in start.items()}
    optimiser = make(p)
    losses = []
    for _ in range(3):
        optimiser.zero_grad()
        loss = loss_of(nets, p, data)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses, {k: v.detach() for k, v in p.items()}


def groups(p, rates):
    def rate(name):
        if name.startswith("features."):
            return rates[2]
        return rates[1] if name.startswith(("fc.", "labels.")) or name in ("scale", "bias") else rates[0]
    return [{"params": [v], "lr": rate(k)} for k, v in p.items()]


def save_trunk(params, path):
    """The trunk alone under torchvision's names, with a classifier that nobody wants."""
    renamed = {"fc.weight": torch.zeros(5, WIDTH << 3), "fc.bias": torch.zeros(5)}
    for name, value in {**params, **STATE}.items():
        if name.startswith("features.0.") or name.startswith("features.1."):
            renamed[("conv1" if name[9] == "0" else "bn1") + name[10:]] = value.float()
        elif name.startswith("features."):
            renamed["layer%d%s" % (int(name[9]) - 3, name[10:])] = value.float()
    torch.save(renamed, path)


def main(oracle, out, trunk_path):
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    nets = load_oracle(oracle)
    check_trunk(nets)
    STATE.clear()
    params = {k: v.float().double() for k, v in make_parameters().items()}
    save_trunk(params, trunk_path)
    f = lambda *s: torch.randn(*s).float().double()
    data = {"sound": 2 * f(MIXES, ROWS, FRAMES) - 4, "weight": f(MIXES, ROWS, FRAMES).abs(),
            "target": (f(MIXES, SOURCES, ROWS, FRAMES) > 0).double(),
            "pictures": f(3, PICTURES, SIZE, SIZE, 3)}
    p = {k: v.clone().requires_grad_() for k, v in params.items()}
    loss = loss_of(nets, p, data)
    loss.backward()
    after = {k: v.clone() for k, v in STATE.items()}
    with h5py.File(out, "w") as h5:
        h5.attrs["what"] = "one training step of a tiny PixelPlayer: inputs, parameters, gradients"
        h5.attrs["loss"] = loss.item()
        for kind in ("l1", "l2"):
            h5.attrs["loss_" + kind] = loss_of(nets, p, data, kind).item()

        def put(name, value):
            value = value.detach().numpy().astype(np.float32)
            h5.create_dataset(name, data=value, **(PACKED if value.size > 3000 else {}))

        for k, v in data.items():
            put("data/" + k, v)
        h5["data/clip"], h5["data/label"] = CLIP, LABEL
        for k, v in p.items():
            put("parameters/" + k, v)
            put("gradients/" + k, v.grad)
        for k, v in after.items():
            put("statistics/" + k, v)
        rates = (1e-2, 2e-2, 5e-3)
        sgd = lambda q: torch.optim.SGD(groups(q, rates), lr=1, momentum=0.9, weight_decay=1e-2)
        adamw = lambda q: torch.optim.AdamW(groups(q, rates), lr=1, weight_decay=1e-1)
        for name, make in (("sgd", sgd), ("adamw", adamw)):
            losses, end = optimised(nets, params, data, make)
            h5[name + "/losses"] = np.array(losses)
            for k in ("features.0.weight", "features.7.1.bn2.bias", "fc.weight", "labels.weight", "bn0.bias",
                      "unet_block.model.1.model.1.weight", "unet_block.model.4.weight", "scale"):
                put(name + "/" + k, end[k])


main(*sys.argv[1:])
