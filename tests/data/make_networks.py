#!/usr/bin/python3
"""Makes the small golden data of tests/unit/test_model*.c from the oracle's networks.

usage: tests/data/make_networks.py ORACLE_FOLDER      (Debian: python3-torch, python3-h5py)

Writes beside itself: network-{sound,frame,synthesizer}-{legacy,zip}.pth (a U-Net of base width 3
with 4 levels, a ResNet of base width 4, K = 5; weights on few levels, so that they pack small) and
networks.h5, inputs and what the oracle gives on them. The files are in git; this is how they came.
"""
import pathlib
import sys
from collections import OrderedDict

import h5py
import torch

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, LEVELS, TRUNK, K = 3, 4, 4, 5
ROWS, COLUMNS, SIZE = 32, 48, 64


def few_levels(x, step):
    return (x / step).round().clamp(-7, 7) * step


def weight(out, into, kernel, gain=2.0):
    deviation = (gain / (into * kernel * kernel)) ** 0.5
    return few_levels(torch.randn(out, into, kernel, kernel) * deviation, deviation / 3)


def norm(sd, name, channels):
    sd[name + ".weight"] = 1 + few_levels(0.2 * torch.randn(channels), 0.05)
    sd[name + ".bias"] = few_levels(0.3 * torch.randn(channels), 0.1)
    sd[name + ".running_mean"] = few_levels(0.3 * torch.randn(channels), 0.1)
    sd[name + ".running_var"] = 1 + few_levels(0.3 * torch.rand(channels), 0.05)
    sd[name + ".num_batches_tracked"] = torch.tensor(1234)


def sound():
    sd = OrderedDict()
    norm(sd, "bn0", 1)
    down = [WIDTH * min(2 ** d, 8) for d in range(LEVELS)]
    for d in range(LEVELS):
        p = "unet_block." + "".join("model.%d." % (1 if i == 0 else 3) for i in range(d))
        outer, inner = d == 0, d == LEVELS - 1
        sd[p + "model.%d.weight" % (0 if outer else 1)] = weight(down[d], 1 if outer else down[d - 1], 4)
        if not outer and not inner:
            norm(sd, p + "model.2", down[d])
        child = 4 if outer or inner else 6
        out = K if outer else down[d - 1]
        sd[p + "model.%d.weight" % child] = weight(out, down[d] * (1 if inner else 2), 3)
        if outer:
            sd[p + "model.%d.bias" % child] = few_levels(torch.randn(out), 0.2)
        else:
            norm(sd, p + "model.%d" % (child + 1), out)
    return sd


def frame():
    sd = OrderedDict()
    sd["features.0.weight"] = weight(TRUNK, 3, 7)
    norm(sd, "features.1", TRUNK)
    into = TRUNK
    for layer in range(4, 8):
        out = TRUNK * 2 ** (layer - 4)
        for block in range(2):
            p = "features.%d.%d." % (layer, block)
            sd[p + "conv1.weight"] = weight(out, into, 3)
            norm(sd, p + "bn1", out)
            sd[p + "conv2.weight"] = weight(out, out, 3, 0.5)
            norm(sd, p + "bn2", out)
            if block == 0 and layer > 4:
                sd[p + "downsample.0.weight"] = weight(out, into, 1)
                norm(sd, p + "downsample.1", out)
            into = out
    sd["fc.weight"] = weight(K, into, 3)
    sd["fc.bias"] = few_levels(torch.randn(K), 0.2)
    return sd


def main(oracle):
    sys.path.insert(0, oracle)
    import nets
    torch.manual_seed(7)
    weights = {"sound": sound(), "frame": frame(),
               "synthesizer": OrderedDict(scale=1 + few_levels(torch.randn(K), 0.2),
                                          bias=torch.tensor([-0.4]))}
    for name, sd in weights.items():
        torch.save(sd, HERE / ("network-%s-zip.pth" % name))
        parallel = OrderedDict(("module." + key, value) for key, value in sd.items()
                               if "num_batches" not in key)
        torch.save(parallel, HERE / ("network-%s-legacy.pth" % name),
                   _use_new_zipfile_serialization=False)
    x = few_levels(torch.randn(2, 1, ROWS, COLUMNS), 0.2)
    rgb = (torch.rand(2, SIZE, SIZE, 3) * 15).floor() * 17
    mean, std = torch.tensor([.485, .456, .406]), torch.tensor([.229, .224, .225])
    pictures = ((rgb / 255 - mean) / std).permute(0, 3, 1, 2)
    magnitude = few_levels(torch.rand(ROWS, COLUMNS), 0.1)
    with torch.no_grad():
        maps = nets.unet(weights["sound"], x)
        features = nets.dilated_resnet18(weights["frame"], pictures)
        vectors = torch.sigmoid(features.permute(0, 2, 3, 1).reshape(-1, K))
        pooled = nets.pool_frames(features)
        masks = torch.sigmoid(nets.synthesize(weights["synthesizer"], vectors, maps[0]))
        energy = ((masks * magnitude) ** 2).sum((1, 2))
    with h5py.File(HERE / "networks.h5", "w") as file:
        for name, value in (("input", x[:, 0]), ("rgb", rgb.to(torch.uint8)),
                            ("magnitude", magnitude), ("maps", maps), ("features", features),
                            ("pooled", pooled), ("masks_every_5", masks[::5, ::5, ::5]),
                            ("energy", energy)):
            file.create_dataset(name, data=value.numpy(), compression=9, shuffle=True)


main(sys.argv[1])
