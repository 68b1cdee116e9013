#!/usr/bin/python3
"""Reads archives with h5py, a reader that is not ours, and checks them against
docs/formats/archive.md.

    check_archive.py ARCHIVE...          every data set: units, long_name, fletcher32, shape from
                                         the header; stems + residual = mixture
    check_archive.py --same A B          every data set of A and B equal, byte for byte

Exit status 0: all is well; 1: a line for each fault; 77: no h5py here.
"""
import sys

try:
    import h5py
    import numpy as np
except ImportError:
    print("python3-h5py is not installed")
    sys.exit(77)

SUM_TOLERANCE = 1e-6  # of the peak


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def datasets(file):
    found = {}
    file.visititems(lambda name, item: found.update({"/" + name: item})
                    if isinstance(item, h5py.Dataset) else None)
    return found


def expected_shapes(attrs):
    F, W, N = (int(attrs[name]) for name in ("frames", "windows", "samples"))
    K, G, S = (int(attrs[name]) for name in ("components", "grid", "sources"))
    T, R, C = (int(attrs[name]) for name in ("thumbnail_size", "log_rows", "window_frames"))
    shapes = {
        "/frames/time": ((F,), "f8"), "/frames/thumbnail": ((F, T, T, 3), "u1"),
        "/pixels/features": ((F, G, G, K), "f4"), "/pixels/energy": ((W, G, G), "f4"),
        "/pixels/source": ((W, G, G), "i1"),
        "/windows/start": ((W,), "f8"), "/windows/end": ((W,), "f8"),
        "/sources/label": ((S,), "S"), "/sources/audioset_id": ((S,), "S"),
        "/sources/confidence": ((S,), "f4"), "/sources/vector": ((S, K), "f4"),
        "/sources/box": ((S, W, 4), "f4"), "/sources/level_db": ((S, W), "f4"),
        "/annotations": (None, "V"),
        "/mixture/audio": ((1, N), "f4"), "/stems/residual/audio": ((1, N), "f4"),
    }
    for source in range(S):
        shapes[f"/stems/{source:02d}/audio"] = ((1, N), "f4")
    if int(attrs.get("label_features", 0)):
        shapes["/sources/label_features"] = ((S, int(attrs["label_features"])), "f4")
    if int(attrs["with_maps"]):
        shapes["/components/maps"] = ((W, K, R, C), "u1")
        shapes["/components/scale"] = shapes["/components/offset"] = ((W, K), "f4")
    return shapes


SCALES = {"/frames/thumbnail": {0: "/frames/time"}, "/pixels/features": {0: "/frames/time"},
          "/pixels/energy": {0: "/windows/start"}, "/pixels/source": {0: "/windows/start"},
          "/sources/box": {1: "/windows/start"}, "/sources/level_db": {1: "/windows/start"},
          "/components/maps": {0: "/windows/start"}}
HEADER = ["format", "version", "source_path", "source_id", "source_sha256",
          "source_identity", "audio_track", "source_start_s", "source_end_s", "duration_s",
          "model_name", "model_digest", "model_untrained", "parameters", "kernels",
          "tool_version", "media", "rate_hz"] + [
              f"stage_key_{stage}"
              for stage in ("probe", "see", "listen", "cast", "separate", "publish")]


def check_set(name, data, shape, kind):
    if shape is not None and data.shape != shape:
        yield f"{name} has shape {data.shape}, not {shape}"
    if not (data.dtype.str[1:].startswith(kind) or data.dtype.kind == kind):
        yield f"{name} is of type {data.dtype}, not {kind}"
    for attribute in ("units", "long_name"):
        if not text(data.attrs.get(attribute, "")):
            yield f"{name} has no {attribute}"
    if not data.fletcher32:
        yield f"{name} has no checksums"
    for axis, scale in SCALES.get(name, {}).items():
        if [item.name for item in data.dims[axis].values()] != [scale]:
            yield f"{name} has no dimension scale {scale}"
    data[...]  # through all checksums


def check_sum(file, sources):
    mixture = file["/mixture/audio"][0].astype(np.float64)
    total = file["/stems/residual/audio"][0].astype(np.float64)
    peak = np.abs(mixture).max(initial=0)
    for source in range(sources):
        stem = file[f"/stems/{source:02d}/audio"][0].astype(np.float64)
        peak = max(peak, np.abs(stem).max(initial=0))
        total = total + stem
    worst = np.abs(total - mixture).max(initial=0)
    print(f"  stems + residual = mixture within {worst:.3g} (peak {peak:.3g})")
    if not worst <= SUM_TOLERANCE * peak:
        yield f"stems and residual differ from the mixture by {worst:.3g} of a peak of {peak:.3g}"


def check_values(file):
    """Invariants of the numbers themselves."""
    start, end = file["/windows/start"][:], file["/windows/end"][:]
    if not (end > start).all() or not (np.diff(start) > 0).all():
        yield "windows are not in order"
    if not (np.diff(file["/frames/time"][:]) > 0).all():
        yield "frames are not in order"
    sources = int(file.attrs["sources"])
    owner = file["/pixels/source"][:]
    if owner.size and (owner.min() < -1 or owner.max() >= sources):
        yield "a pixel belongs to a source that is not there"
    box = file["/sources/box"][:]
    seen = box[np.isfinite(box).all(axis=-1)]
    if seen.size and (seen.min() < 0 or seen.max() > 1 or (seen[:, :2] > seen[:, 2:]).any()):
        yield "a box lies outside the picture"
    rows = file["/annotations"][:]
    if rows.size and ((rows["end"] < rows["start"]).any() or rows["source"].min() < 0
                      or rows["source"].max() >= sources):
        yield "an annotation ends before it starts or is of no source"
    vector = file["/sources/vector"][:]
    if vector.size and not (vector.min() >= 0 and vector.max() <= 1):
        yield "a source's vector lies outside 0..1"


def check(path):
    with h5py.File(path, "r") as file:
        missing = [name for name in HEADER if name not in file.attrs]
        if missing:
            yield f"the header lacks {', '.join(missing)}"
            return
        if text(file.attrs["format"]) != "pixelplayer-archive":
            yield "is no archive"
        shapes, found = expected_shapes(file.attrs), datasets(file)
        for name in sorted(set(shapes) | set(found)):
            if name not in found:
                yield f"{name} is missing"
            elif name not in shapes:
                yield f"{name} is not in the format"
            else:
                yield from check_set(name, found[name], *shapes[name])
        print(f"{path}: {len(found)} data sets, {int(file.attrs['sources'])} sources, "
              f"{int(file.attrs['samples'])} samples, {int(file.attrs['windows'])} windows")
        if not set(shapes) - set(found):
            yield from check_sum(file, int(file.attrs["sources"]))
            yield from check_values(file)


def compare(first, second):
    with h5py.File(first, "r") as a, h5py.File(second, "r") as b:
        ours, theirs = datasets(a), datasets(b)
        for name in sorted(set(ours) | set(theirs)):
            if name not in ours or name not in theirs:
                yield f"{name} is in one of the two alone"
            elif ours[name].shape != theirs[name].shape or ours[name].dtype != theirs[name].dtype:
                yield f"{name} differs in shape or type"
            elif ours[name][...].tobytes() != theirs[name][...].tobytes():
                yield f"{name} differs"
        print(f"{first} and {second}: {len(ours)} data sets compared")


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--same":
        faults = [f"{arguments[2]}: {fault}" for fault in compare(*arguments[1:])]
    elif arguments and not arguments[0].startswith("-"):
        faults = [f"{path}: {fault}" for path in arguments for fault in check(path)]
    else:
        print(__doc__)
        return 2
    print("\n".join(faults) if faults else "all is well")
    return 1 if faults else 0


sys.exit(main(sys.argv[1:]))
