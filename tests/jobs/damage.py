#!/usr/bin/env python3
"""Damaged copies of a video, the same ones for the same seed.

usage: damage.py SOURCE FOLDER COUNT [SEED]

Writes FOLDER/damaged-000.EXT ... and prints one line each: name, what was done to it. Kinds in turn:
flipped bytes, cuts, holes, swapped and doubled boxes, absurd header fields, foreign bytes. Boxes are
those of ISO base media files (MP4, MOV); other files get blocks of bytes instead.
"""
import pathlib
import random
import struct
import sys

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts", b"dinf", b"moof",
              b"traf", b"mvex", b"meta"}


def boxes(data, start=0, end=None):
    """(offset, size, type) of every box, parents before children."""
    end = len(data) if end is None else end
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield at, size, kind
        if kind in CONTAINERS:
            yield from boxes(data, at + head + (4 if kind == b"meta" else 0), at + size)
        at += size


def header_boxes(data):
    return [b for b in boxes(data) if b[2] not in CONTAINERS | {b"mdat", b"free"} and b[1] > 12]


def flip(rng, data):
    count = rng.choice([1, 3, 10, 100, 1000])
    first = rng.randrange(len(data))
    last = min(len(data), first + rng.choice([200, 5000, len(data)]))
    for _ in range(count):
        data[rng.randrange(first, last)] ^= 1 << rng.randrange(8)
    return f"{count} bits flipped between {first} and {last}"


def flip_header(rng, data):
    found = header_boxes(data)
    if not found:
        return flip(rng, data)
    at, size, kind = rng.choice(found)
    count = rng.choice([1, 2, 8])
    for _ in range(count):
        data[rng.randrange(at + 8, at + size)] ^= 1 << rng.randrange(8)
    return f"{count} bits flipped in {kind.decode('latin1')}"


def cut(rng, data):
    length = rng.choice([rng.randrange(len(data)), rng.randrange(min(len(data), 5000)),
                         len(data) - rng.randrange(1, 100)])
    del data[length:]
    return f"cut to {length} bytes"


def hole(rng, data):
    first = rng.randrange(len(data))
    length = rng.choice([100, 4096, 100000, len(data) // 3])
    last = min(len(data), first + length)
    if rng.random() < 0.5:
        data[first:last] = bytes(last - first)
        return f"zeros from {first} to {last}"
    del data[first:last]
    return f"bytes from {first} to {last} left out"


def swap(rng, data):
    found = list(boxes(data))
    if len(found) > 3:
        (a, a_size, a_kind), (b, b_size, b_kind) = sorted(rng.sample(found, 2))
        if a + a_size <= b:
            first, second = bytes(data[a:a + a_size]), bytes(data[b:b + b_size])
            between = bytes(data[a + a_size:b])
            data[a:b + b_size] = second + between + first
            return f"{a_kind.decode('latin1')} and {b_kind.decode('latin1')} swapped"
        data[b:b] = bytes(data[b:b + b_size])
        return f"{b_kind.decode('latin1')} doubled"
    block = max(1, len(data) // 16)
    a, b = rng.randrange(8) * block, (8 + rng.randrange(7)) * block
    data[a:a + block], data[b:b + block] = data[b:b + block], data[a:a + block]
    return f"blocks at {a} and {b} swapped"


def absurd(rng, data):
    value = rng.choice([0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0x10000, 0xdeadbeef])
    found = header_boxes(data)
    if found:
        at, size, kind = rng.choice(found)
        place = at + rng.choice([0, 8, 12, 16, rng.randrange(8, size, 4)])
        name = kind.decode("latin1")
    else:
        place, name = rng.randrange(min(len(data), 2000)), "the header"
    place = min(place, len(data) - 4)
    struct.pack_into(">I", data, place, value)
    return f"{value:#x} at {place}, in {name}"


def rename(rng, data):
    found = header_boxes(data)
    if not found:
        return absurd(rng, data)
    at, _, kind = rng.choice(found)
    other = rng.choice(found)[2]
    data[at + 4:at + 8] = other
    return f"{kind.decode('latin1')} called {other.decode('latin1')}"


def foreign(rng, data):
    at = rng.randrange(len(data))
    noise = rng.randbytes(rng.choice([1, 7, 188, 5000]))
    data[at:at] = noise
    return f"{len(noise)} foreign bytes at {at}"


KINDS = [flip, cut, swap, absurd, flip_header, hole, rename, absurd, foreign, flip_header]


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    source, folder, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    whole = source.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = random.Random(seed * 1000003 + number)
        data = bytearray(whole)
        did = KINDS[number % len(KINDS)](rng, data)
        if rng.random() < 0.2:
            did += ", " + rng.choice(KINDS)(rng, data)
        name = f"damaged-{number:03d}{source.suffix}"
        (folder / name).write_bytes(data)
        print(f"{name}\t{did}")


main()
