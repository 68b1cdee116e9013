#!/usr/bin/python3
"""Compares an archive's mixture with what the ffmpeg program makes of the source.

    check_mixture.py ARCHIVE...

The difference must lie 60 dB below the mixture, sample by sample from the first one on, and the
lengths must agree to one sample; the residual recorded against its own mask 80 dB below.
"""
import subprocess
import sys

import h5py
import numpy as np


def decoded(path, rate):
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-vn", "-ac", "1", "-ar", str(rate),
         "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-"], stdout=subprocess.PIPE,
        check=True).stdout
    return np.frombuffer(raw, "<f4").astype(np.float64)


def level_db(difference, reference):
    return 10 * np.log10(max(np.sum(difference ** 2), 1e-30) / max(np.sum(reference ** 2), 1e-30))


def check(path):
    with h5py.File(path, "r") as archive:
        source = archive.attrs["source_path"]
        source = source.decode() if isinstance(source, bytes) else source
        reference = decoded(source, int(archive.attrs["rate_hz"]))
        mixture = archive["/mixture/audio"][0].astype(np.float64)
        residual_db = float(archive.attrs["residual_difference_db"])
    faults = []
    if abs(len(reference) - len(mixture)) > 1:
        faults.append(f"{len(mixture)} samples, ffmpeg gives {len(reference)}")
    both = min(len(reference), len(mixture))
    off = level_db(mixture[:both] - reference[:both], reference[:both])
    if not off <= -60:
        faults.append(f"mixture {off:.1f} dB off ffmpeg's")
    if not residual_db <= -80:
        faults.append("the residual of its own mask is further off than -80 dB")
    print(f"{path}: mixture {off:.1f} dB from ffmpeg's, residual {residual_db:.1f} dB from its own "
          "mask's", *faults, sep="; ")
    return faults


sys.exit(1 if any([check(path) for path in sys.argv[1:]]) else 0)
