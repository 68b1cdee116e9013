#!/usr/bin/env python3
"""Seconds of a Mix-and-Separate training step in PyTorch, for comparison with `pp-train --bench`.

    bench_train_torch.py ORACLE/nets.py '{"base": 16, "levels": 6, ...}' STEPS

The networks are the oracle's own functions with BatchNorm in training mode; the same shapes, loss,
number of masks and optimiser as the job, one thread. Prints one JSON object like pp-train's.
"""
import importlib.util
import json
import sys
import time

import torch
import torch.nn.functional as F


def load(path):
    spec = importlib.util.spec_from_file_location("nets", path)
    nets = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(nets)
    nets.batch_norm = lambda sd, name, x: F.batch_norm(
        x, None, None, sd[name + ".weight"], sd[name + ".bias"], training=True, eps=nets.BN_EPS)
    return nets


def parameters(s):
    p = {}

    def norm(name, c):
        p[name + ".weight"], p[name + ".bias"] = torch.ones(c), torch.zeros(c)

    def conv(name, out, cin, k):
        p[name + ".weight"] = torch.randn(out, cin, k, k) * (2 / (cin * k * k)) ** 0.5

    k, base, levels = s["components"], s["base"], s["levels"]
    if s["pictures"]:
        conv("features.0", s["trunk_width"], 3, 7), norm("features.1", s["trunk_width"])
        cin = s["trunk_width"]
        for layer in range(4, 8):
            out = s["trunk_width"] << (layer - 4)
            for block in range(2):
                n = "features.%d.%d." % (layer, block)
                conv(n + "conv1", out, cin, 3), norm(n + "bn1", out)
                conv(n + "conv2", out, out, 3), norm(n + "bn2", out)
                if block == 0 and layer > 4:
                    conv(n + "downsample.0", out, cin, 1), norm(n + "downsample.1", out)
                cin = out
        conv("fc", k, cin, 3)
        p["fc.bias"] = torch.zeros(k)
    if s["labels"]:
        p["labels.weight"] = torch.randn(s["labels"], k)
    norm("bn0", 1)
    ch = [base << min(d, 3) for d in range(levels)]
    prefix = ["unet_block." + "".join("model.%d." % (1 if i == 0 else 3) for i in range(d)) + "model."
              for d in range(levels)]
    for d in range(levels):
        conv(prefix[d] + ("0" if d == 0 else "1"), ch[d], 1 if d == 0 else ch[d - 1], 4)
        if 0 < d < levels - 1:
            norm(prefix[d] + "2", ch[d])
        n = 4 if d in (0, levels - 1) else 6
        conv(prefix[d] + str(n), k if d == 0 else ch[d - 1], ch[d] * (1 if d == levels - 1 else 2), 3)
        if d > 0:
            norm(prefix[d] + str(n + 1), ch[d - 1])
        else:
            p[prefix[d] + str(n) + ".bias"] = torch.zeros(k)
    p["scale"], p["bias"] = torch.ones(k), torch.zeros(1)
    return {name: torch.nn.Parameter(value) for name, value in p.items()}


def main(oracle, shape, steps):
    torch.set_num_threads(1)
    nets, s = load(oracle), json.loads(shape)
    p = parameters(s)
    b, n, h, w = s["batch"], s["sources"], s["rows"], s["frames"]
    sound, weight = 3 * torch.randn(b, 1, h, w) - 5, torch.rand(b, 1, h, w)
    target = (torch.rand(b, n, h, w) > 0.5).float()
    pictures = torch.rand(b * n * s["pictures"], 3, s["picture_size"], s["picture_size"])
    label = torch.arange(b * n).reshape(b, n) % max(s["labels"], 1)
    optimiser = torch.optim.AdamW(p.values(), 1e-3) if s["optimiser"] == "adamw" else \
        torch.optim.SGD(p.values(), 1e-3, momentum=0.9, weight_decay=1e-4)
    audio = {k: v for k, v in p.items() if k.startswith(("unet_block", "bn0"))}
    seconds = []
    for _ in range(int(steps)):
        start = time.perf_counter()
        optimiser.zero_grad()
        maps = nets.unet(audio, sound)
        vectors = []
        if s["pictures"]:
            features = nets.dilated_resnet18(p, pictures)
            vectors.append(features.unflatten(0, (b, n, s["pictures"])).amax(dim=(2, 4, 5)))
        if s["labels"]:
            vectors.append(p["labels.weight"][label])
        v = torch.sigmoid(torch.cat(vectors, 1)) * p["scale"]
        z = torch.bmm(v, maps.flatten(2)).unflatten(2, (h, w)) + p["bias"]
        t = target.repeat(1, len(vectors), 1, 1)
        loss = F.binary_cross_entropy_with_logits(z, t, weight=weight.expand_as(z))
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    print(json.dumps({"parameters": sum(v.numel() for v in p.values()), "batch": b,
                      "best_step_s": seconds[0], "median_step_s": seconds[len(seconds) // 2],
                      "mixes_per_s": b / seconds[len(seconds) // 2]}))


main(*sys.argv[1:])
