#!/usr/bin/env python3
"""Checks a corpus of `pp synth` against its own truth: python3 synth_truth.py FOLDER."""
import csv
import json
import pathlib
import subprocess
import sys

import numpy


def read_wav(path):
    data = path.read_bytes()
    at = data.index(b"data")
    size = int.from_bytes(data[at + 4:at + 8], "little")
    return numpy.frombuffer(data[at + 8:at + 8 + size], "<f4")


def level_db(samples):
    return 10 * numpy.log10(numpy.mean(samples.astype(float) ** 2) + 1e-12)


def check(folder, row):
    truth = json.loads((folder / row["path"]).with_suffix(".json").read_text())
    performers = truth["performers"]
    assert truth["video"] == row["path"] and truth["world"] == row["split"]
    assert row["labels"].split(";") == [p["instrument"] for p in performers]
    tracks = [read_wav(folder / p["track"]) for p in performers]
    mixture = numpy.sum(tracks, axis=0, dtype=numpy.float32)
    assert abs(len(mixture) / truth["rate_hz"] - truth["duration_s"]) < 1e-6
    assert numpy.max(numpy.abs(mixture)) <= 0.8901
    for performer, track in zip(performers, tracks):
        assert abs(level_db(track) - performer["level_db"]) < 0.05
        end = 0
        assert performer["active"]
        for on, off in performer["active"]:
            assert end <= on < off <= truth["duration_s"] + 1e-6
            end = off
            part = track[int(on * truth["rate_hz"]):int(off * truth["rate_hz"])]
            assert level_db(part) > -62, (on, off)
        for name in ("boxes", "instrument_boxes"):
            assert len(performer[name]) == int(truth["duration_s"] / truth["box_step_s"]) + 1
            for x0, y0, x1, y1 in performer[name]:
                assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    decoded = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", folder / row["path"], "-ac", "1", "-ar",
         str(truth["rate_hz"]), "-f", "f32le", "-"], check=True, capture_output=True).stdout
    decoded = numpy.frombuffer(decoded, "<f4")[:len(mixture)]
    assert len(decoded) == len(mixture)
    error = level_db(decoded - mixture) - level_db(mixture)
    assert error < -8, f"the video's sound is not the sum of its tracks ({error:.1f} dB)"
    return error


def main():
    folder = pathlib.Path(sys.argv[1])
    rows = list(csv.DictReader((folder / "manifest.csv").open()))
    errors = [check(folder, row) for row in rows]
    print(f"{len(rows)} videos agree with their truth; coded sound within {max(errors):.1f} dB")


main()
