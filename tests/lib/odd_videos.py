#!/usr/bin/python3
"""Videos as odd as they come, and what has to become of each.

    odd_videos.py make DIR             writes DIR/good, DIR/odd (archives) and DIR/bad (reasons)
    odd_videos.py check DIR OUT        an archive with the expected facts for each of DIR/odd and
                                       DIR/good, a reason with advice for each of DIR/bad
    odd_videos.py same DIR OUT ALONE   the good videos' archives equal those of a run without the rest
"""
import json
import os
import random
import struct
import subprocess
import sys

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_archive.py")


def pictures(size="64x48", seconds=3, rate=5):
    return f"-f lavfi -i testsrc2=s={size}:r={rate}:d={seconds}"


def sound(seconds=3, rate=11025, layout="mono", pitch=300):
    return (f"-f lavfi -i aevalsrc=0.3*sin(2*PI*t*({pitch}+30*t)):s={rate}:d={seconds},"
            f"aformat=channel_layouts={layout}")


BOTH = f"{pictures()} {sound()}"
PLAIN = "-c:v mpeg4 -c:a pcm_s16le"
H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"
JPEG = "-f lavfi -i testsrc2=s=64x64:d=1:r=1"
COVER = "-map 1:a -map 0:v -c:v mjpeg -disposition:v attached_pic"

# name: ffmpeg's arguments, seconds of sound (or least, most), what must hold of m, the archive's facts
ODD = {
    "one-frame.mkv": (f"{pictures(seconds=1, rate=1)} {sound()} {PLAIN}", 3, "m['video_end_s'] <= 1.01"),
    "wide.mkv": (f"{pictures('4100x8')} {sound()} -vf format=yuv444p,crop=4097:3 -c:v ffv1 -c:a flac", 3,
                 "(m['width'], m['height']) == (4097, 3)"),
    "dot.mkv": (f"{BOTH} -vf format=yuv444p,crop=1:1:9:9 -c:v ffv1 -c:a flac", 3,
                "(m['width'], m['height']) == (1, 1)"),
    "blink.mp4": (f"{pictures(seconds=.2)} {sound(.2)} {H264}", (.18, .3), "True"),
    "picture-shorter.mkv": (f"{pictures(seconds=1)} {sound(5)} {PLAIN}", 5, "m['video_end_s'] < 1.3"),
    "sound-shorter.mkv": (f"{pictures(seconds=5)} {sound(1)} {PLAIN}", 1, "m['video_end_s'] > 4.7"),
    "mono.mkv": (f"{BOTH} {PLAIN}", 3, "m['audio_channels'] == 1"),
    "surround.mkv": (f"{pictures()} {sound(layout='5.1')} {PLAIN}", 3, "m['audio_channels'] == 6"),
    "8khz.mkv": (f"{pictures()} {sound(rate=8000)} {PLAIN}", 3, "m['audio_rate_hz'] == 8000"),
    "96khz.mkv": (f"{pictures()} {sound(rate=96000)} -c:v mpeg4 -c:a flac", 3,
                  "m['audio_rate_hz'] == 96000"),
    "rotated.mp4": (f"{BOTH} {H264}", (2.9, 3.2),
                    "m['rotation_degrees'] in (90, 270) and m['width'] == 48"),
    "variable.mkv": (f"{pictures(seconds=6, rate=10)} {sound(6)} "
                     "-vf select='lt(n,10)+not(mod(n,7))' -vsync vfr " + PLAIN, 6, "True"),
    "offset.ts": (f"{BOTH} -c:v libx264 -preset ultrafast -c:a mp2 -output_ts_offset 100", (2.9, 3.2),
                  "m['video_end_s'] < 4"),
    "cover.mp3": (f"{JPEG} {sound()} {COVER} -c:a libmp3lame -id3v2_version 3", (2.9, 3.2),
                  "m['is_cover_picture']"),
    "cover.m4a": (f"{JPEG} {sound()} {COVER} -c:a aac", (2.9, 3.2), "m['is_cover_picture']"),
    "vp8.webm": (f"{BOTH} -c:v libvpx -deadline realtime -c:a libvorbis", (2.9, 3.2),
                 "(m['video_codec'], m['audio_codec']) == ('vp8', 'vorbis')"),
    "mpeg4.mkv": (f"{pictures(seconds=4)} {sound(4)} -c:v mpeg4 -c:a flac", 4,
                  "(m['video_codec'], m['audio_codec']) == ('mpeg4', 'flac')"),
    "prores.mov": (f"{BOTH} -c:v prores -c:a pcm_s16le", 3, "m['video_codec'] == 'prores'"),
    "stream.ts": (f"{BOTH} -c:v libx264 -preset ultrafast -c:a aac", (2.9, 3.2),
                  "m['container'].startswith('mpegts')"),
    "old.avi": (f"{BOTH} -c:v mpeg4 -c:a libmp3lame", (2.9, 3.2), "m['container'] == 'avi'"),
    "theora.ogg": (f"{BOTH} -c:v libtheora -c:a libvorbis", (2.9, 3.2), "m['container'] == 'ogg'"),
    "two-tracks.mkv": (f"{pictures()} {sound(pitch=200)} {sound(pitch=900)} -map 0 -map 1 -map 2 "
                       + PLAIN, 3, "(m['audio_tracks'], m['audio_track']) == (2, 0)"),
    "48h.mkv": (f"{BOTH} {PLAIN} -output_ts_offset 172800", 3, "m['video_end_s'] < 4"),
    "black.mkv": (f"-f lavfi -i color=black:s=64x48:r=5:d=3 {sound()} {PLAIN}", 3, "True"),
    "silent.mkv": (f"{pictures()} -f lavfi -i anullsrc=r=11025:cl=mono -t 3 {PLAIN}", 3,
                   "a['sources'] == 0"),
    "late-sound.mkv": (f"{pictures(seconds=6)} -itsoffset 2 {sound(4)} {PLAIN}", 6, "quiet(0, 1.9)"),
}
NAMES = [b"with space.mkv", b"it's \"quoted\" $HOME `x`.mkv", b"new\nline.mkv", b"caf\xe9 \xff.mkv",
         b"-o.mkv", b"%s%n.mkv", b"x" * 251 + b".mkv"]
# name: part of its reason
BAD = {"missing.mp4": "No such file", "nothing-inside": "no video", "empty.mp4": "is empty",
       "text.mp4": "looks like text", "random.mkv": "is not a video", "no-sound.mp4": "has no sound",
       "no-picture.mp3": "has no picture", "encrypted.mp4": "encrypted", "unknown.mp4": "unknown codec"}


def ffmpeg(arguments, path):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-bitexact", *arguments.split(),
               b"file:" + os.fsencode(path)]
    subprocess.run(command, check=True)


def rewrite(path, change):
    with open(path, "rb") as file:
        data = change(file.read())
    with open(path, "wb") as file:
        file.write(data)


def cut_off(data):
    return data[:len(data) * 6 // 10]


def longer_header(data):
    """Movie and track headers of an MP4 that claim a thousand times the length."""
    data = bytearray(data)
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        place = data.find(box)
        while place >= 0:
            field = slice(place + at, place + at + 4)
            data[field] = struct.pack(">I", struct.unpack(">I", data[field])[0] * 1000 % 2 ** 31)
            place = data.find(box, place + 4)
    return bytes(data)


def turned(data):
    """The matrix of the first track of an MP4, the picture's: a quarter turn."""
    at = data.find(b"tkhd") + 44
    return data[:at] + struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30) + data[at + 36:]


def make(folder):
    good, odd, bad = (os.path.join(folder, part) for part in ("good", "odd", "bad"))
    for part in (good, odd, bad, os.path.join(bad, "nothing-inside")):
        os.makedirs(part)
    for i in range(3):
        ffmpeg(f"{pictures(seconds=7)} {sound(7, pitch=150 * (i + 2))} {H264}", f"{good}/good-{i}.mp4")
    for name, (arguments, _, _) in ODD.items():
        ffmpeg(arguments, f"{odd}/{name}")
    ffmpeg(f"{pictures(seconds=20)} {sound(20)} {H264} -g 5 -movflags +faststart", f"{odd}/cut.mp4")
    rewrite(f"{odd}/cut.mp4", cut_off)
    rewrite(f"{odd}/rotated.mp4", turned)
    ffmpeg(f"{BOTH} {H264}", f"{odd}/wrong-duration.mp4")
    rewrite(f"{odd}/wrong-duration.mp4", longer_header)
    with open(f"{odd}/jumps.ts", "wb") as joined:
        for i, offset in enumerate((500, 10, 3000)):
            ffmpeg(f"{pictures()} {sound(pitch=200 * (i + 1))} -c:v mpeg2video -c:a mp2 -g 5 "
                   f"-output_ts_offset {offset}", f"{folder}/piece.ts")
            with open(f"{folder}/piece.ts", "rb") as piece:
                joined.write(piece.read())
    for i, name in enumerate(NAMES):
        ffmpeg(f"{pictures(seconds=2)} {sound(2, pitch=100 * (i + 1))} {PLAIN} -f matroska",
               f"{folder}/piece.mkv")
        os.rename(f"{folder}/piece.mkv", os.path.join(os.fsencode(odd), name))
    open(f"{bad}/empty.mp4", "w").close()
    with open(f"{bad}/text.mp4", "w") as file:
        file.write("This is not a video.\n" * 50)
    with open(f"{bad}/random.mkv", "wb") as file:
        file.write(random.Random(1).randbytes(80000))
    ffmpeg(f"{pictures()} -c:v mpeg4", f"{bad}/no-sound.mp4")
    ffmpeg(f"{sound()} -c:a libmp3lame", f"{bad}/no-picture.mp3")
    for name, code in (("encrypted", b"encv"), ("unknown", b"zq7x")):
        ffmpeg(f"{BOTH} {H264}", f"{bad}/{name}.mp4")
        rewrite(f"{bad}/{name}.mp4", lambda data, code=code: data.replace(b"avc1", code))


def outcomes(out):
    """Path (bytes) to the last outcome of it in the events."""
    found = {}
    with open(f"{out}/run.jsonl", encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "outcome":
                details = event["details"]
                path = (bytes.fromhex(details["path_hex"]) if "path_hex" in details
                        else details["path"].encode())
                if "archive" in details:
                    details["archive"] = os.path.join(out, details["archive"])
                found[path] = details
    return found


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def facts_of(path):
    import h5py
    import numpy as np
    with h5py.File(path, "r") as file:
        attributes, mixture = dict(file.attrs), file["/mixture/audio"][0]
    rate = int(attributes["rate_hz"])

    def quiet(start, end):
        return (np.abs(mixture[int(start * rate):int(end * rate)]).max() < 1e-4
                and np.abs(mixture[int(end * rate):]).max() > .01)
    return json.loads(text(attributes["media"])), attributes, len(mixture) / rate, quiet


def check_odd(path, details, seconds, holds):
    if details is None or details["status"] != "ok":
        return [f"no archive: {details}"]
    m, a, length, quiet = facts_of(details["archive"])
    least, most = seconds if isinstance(seconds, tuple) else (seconds - .1, seconds + .1)
    faults = [] if least <= length <= most else [f"{length:.3f} s of sound, not {least} to {most}"]
    if not eval(holds, {"m": m, "a": a, "quiet": quiet}):
        faults.append(f"not so: {holds}; {m}")
    cut = f", cut off at {m['truncated_at_s']:.2f} s" if m["truncated"] else ""
    print(f"  {os.path.basename(path)[:40]!r}: {length:.2f} s, {m['container']}, {m['video_codec']} "
          f"{m['width']}x{m['height']}, {m['audio_codec']}{cut}")
    return faults


def check(folder, out):
    found, faults, archives = outcomes(out), [], []
    absolute = os.fsencode(os.path.abspath(folder))
    wanted = {name.encode(): (seconds, holds) for name, (_, seconds, holds) in ODD.items()}
    wanted[b"cut.mp4"] = ((6, 16), "m['truncated'] and abs(m['truncated_at_s'] - 12) < 4")
    wanted[b"wrong-duration.mp4"] = ((2.9, 3.2), "m['header_duration_s'] > 1000")
    wanted[b"jumps.ts"] = ((8.5, 9.5), "True")
    wanted.update({name: (2, "not m['truncated']") for name in NAMES})
    for name, (seconds, holds) in wanted.items():
        path = absolute + b"/odd/" + name
        faults += [f"{name!r}: {fault}" for fault in check_odd(path, found.get(path), seconds, holds)]
        archives.append(found.get(path, {}).get("archive"))
    failed = {}
    for record in os.listdir(f"{out}/failed"):
        with open(f"{out}/failed/{record}", encoding="utf-8") as file:
            entry = json.load(file)
            failed[entry["path"]] = entry
    for name, words in BAD.items():
        entry = failed.pop(os.fsdecode(absolute) + "/bad/" + name, None)
        if entry is None:
            faults.append(f"{name}: no reason is recorded")
            continue
        print(f"  {name}: {entry['status']}: {entry['reason']} | {entry['advice']}")
        if words not in entry["reason"] or not entry["advice"]:
            faults.append(f"{name}: reason without '{words}' or without advice")
    faults += [f"failed as well: {path}: {entry['reason']}" for path, entry in failed.items()]
    with open(f"{out}/status.json", encoding="utf-8") as file:
        status = json.load(file)
    counts = status["run"]["videos"]
    if (status["status"], counts["failed"], counts["done"], len(status["failures"])) != (
            1, len(BAD), len(wanted) + 3, len(BAD)):
        faults.append(f"status.json says {status['status']}, {counts}")
    whole = subprocess.run([CHECK, *[a for a in archives if a]], stdout=subprocess.PIPE, text=True,
                           check=False)
    if whole.returncode:
        faults.append(whole.stdout)
    print(f"  {len(archives)} odd videos, {len(BAD)} bad ones, 3 good ones")
    return faults


def same(folder, out, alone):
    first, second, faults = outcomes(out), outcomes(alone), []
    for i in range(3):
        path = os.fsencode(os.path.abspath(f"{folder}/good/good-{i}.mp4"))
        with open(first[path]["archive"], "rb") as a, open(second[path]["archive"], "rb") as b:
            if a.read() != b.read():
                faults.append(f"{path!r} was harmed")
    return faults


def main(what, *arguments):
    faults = {"make": make, "check": check, "same": same}[what](*arguments) or []
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
