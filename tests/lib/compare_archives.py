#!/usr/bin/python3
"""Compares the archives of output folders: the same names, and in every archive the same data sets
and attributes, byte for byte.

    compare_archives.py OUT OUT...               every later folder against the first
    compare_archives.py --contents OUT OUT...    archives are matched by their hash alone; names,
                                                 paths and ids may differ; the first may hold more

Exit status 0: equal; 1: a line for each difference; 77: no h5py here.
"""
import pathlib
import re
import sys

try:
    import h5py
    import numpy as np
except ImportError:
    print("python3-h5py is not installed")
    sys.exit(77)

NAMES = {"source_path", "source_path_hex", "source_id"}


def archives(out):
    found = {}
    for path in sorted(pathlib.Path(out).glob("archives/*/*.h5")):
        name = str(path.relative_to(out))
        found[re.search(r"-([0-9a-f]{16})\.h5$", name).group(1)] = path
    return found


def contents(path, skip):
    """Every attribute and data set as bytes, by name."""
    found = {}
    with h5py.File(path, "r") as file:
        def take(name, item):
            for key in item.attrs:
                if key in skip or key in ("DIMENSION_LIST", "REFERENCE_LIST"):
                    continue
                value = item.attrs[key]
                found[f"{name}@{key}"] = value if isinstance(value, (str, bytes)) \
                    else np.asarray(value).tobytes()
            if isinstance(item, h5py.Dataset):
                found[name] = (str(item.dtype), item.shape, item[()].tobytes())
        take("/", file)
        file.visititems(take)
    return found


def differences(first, second, by_contents):
    a, b = archives(first), archives(second)
    missing = set(b) - set(a) if by_contents else set(a) ^ set(b)
    for digest in sorted(missing):
        yield f"{digest}: only in {first if digest in a else second}"
    for digest in sorted(set(a) & set(b)):
        names = [str(a[digest].relative_to(first)), str(b[digest].relative_to(second))]
        if not by_contents and names[0] != names[1]:
            yield f"{digest}: {names[0]} in {first}, {names[1]} in {second}"
        skip = NAMES if by_contents else set()
        one, two = contents(a[digest], skip), contents(b[digest], skip)
        for name in sorted(set(one) | set(two)):
            if one.get(name) != two.get(name):
                yield f"{names[0]}: {name} differs between {first} and {second}"


def main(arguments):
    by_contents = arguments[:1] == ["--contents"]
    folders = arguments[by_contents:]
    if len(folders) < 2:
        print(__doc__)
        return 2
    if not archives(folders[0]):
        print(f"no archives in {folders[0]}")
        return 1
    found = [line for other in folders[1:] for line in differences(folders[0], other, by_contents)]
    print("\n".join(found[:50]) if found else f"{len(archives(folders[0]))} archives equal")
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
