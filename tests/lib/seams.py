#!/usr/bin/python3
"""How much a video cut into segments differs from the same one uncut, at the cuts and elsewhere.

    seams.py UNCUT CUT SEGMENT_WINDOWS RUN_JSONL RANKS SEGMENTS

Near a cut: within two windows' overlap of it. For each stem the energy of the difference there and in
the interior, against the stem's own energy. Exit status 1 where it is not zero, where there are fewer
than SEGMENTS segments, or where fewer than RANKS ranks worked on the video.
"""
import json
import sys

import h5py
import numpy as np

STEP, HOP, NEAR = 192, 256, 64 * 256


def seams(uncut, cut, segment_windows):
    with h5py.File(uncut, "r") as a, h5py.File(cut, "r") as b:
        windows, samples = int(a.attrs["windows"]), int(a.attrs["samples"])
        bounds = [w * STEP * HOP for w in range(segment_windows, windows, segment_windows)]
        at = np.zeros(samples, bool)
        for bound in bounds:
            at[max(0, bound - NEAR):bound + NEAR] = True
        worst = 0.0
        for stem in sorted(a["stems"]):
            x, y = (f[f"stems/{stem}/audio"][0].astype(np.float64) for f in (a, b))
            d = (x - y) ** 2
            near, inside = d[at].sum(), d[~at].sum()
            print(f"  stem {stem}: energy {np.sum(x ** 2):.4g}, difference at {len(bounds)} cuts "
                  f"{near:.3g}, between them {inside:.3g}")
            if not np.sum(x ** 2) > 0 and stem != "residual":
                print("  a silent stem shows nothing")
                worst = 1
            worst = max(worst, near, inside)
    return len(bounds) + 1, worst


def main(uncut, cut, segment_windows, events, ranks, segments):
    counted, worst = seams(uncut, cut, int(segment_windows))
    leases = [e["details"] for e in map(json.loads, open(events)) if e["event"] == "lease"]
    at_work = {}
    for lease in leases:
        if lease["kind"] == "stage":
            at_work.setdefault(lease["rank"], []).append(lease["segments"])
    busy = ", ".join(f"rank {r}: {len(s)} leases, {sum(s)} segments"
                     for r, s in sorted(at_work.items()))
    print(f"  {counted} segments; {busy}; difference {worst:g}")
    return 0 if worst == 0 and counted >= int(segments) and len(at_work) >= int(ranks) else 1


sys.exit(main(*sys.argv[1:]))
