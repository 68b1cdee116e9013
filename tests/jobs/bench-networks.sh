#!/usr/bin/env bash
# pp bench networks, kernels and pipeline: complete, and right before fast.
set -eu
pp=$PP_BIN/pp
cd "$PP_WORK"
"$pp" model init -o tiny.h5 --seed 3 --base-width 8 --levels 5 --components 6 --trunk-width 8 \
    --trunk-blocks 1 --picture 112
"$pp" bench networks tiny.h5 --runs 2 --windows 2 --json >networks.json
"$pp" bench kernels tiny.h5 --runs 2 --json >kernels.json
"$pp" bench kernels tiny.h5 --runs 2 | tail -n 5
/usr/bin/python3 - <<'PYTHON'
import json
for name in ("networks.json", "kernels.json"):
    shown = json.load(open(name))
    assert shown["sound_ms"] > 0 and shown["frames3_ms"] > 0 and shown["sgemm_gflops"] > 0
    assert len(shown["sound"]["layers"]) == 10 and len(shown["frames"]["layers"]) == 14
    for layer in shown["sound"]["layers"] + shown["frames"]["layers"]:
        assert layer["ms"] > 0 and layer["gflops_done"] >= 0 and layer["share_of_sgemm"] >= 0
        assert ("plain_ms" in layer) == (name == "kernels.json")
    parts = sum(layer["ms"] for layer in shown["sound"]["layers"])
    assert parts <= shown["sound"]["ms"] * 1.001, (parts, shown["sound"]["ms"])
PYTHON
status=0; "$pp" bench networks tiny.h5 --kernels none 2>said || status=$?
[ $status = 2 ] && grep -q "no kernel set" said

# A worker's time: every part there, and together they are the whole.
ffmpeg -v error -nostdin -f lavfi -i testsrc2=s=160x120:r=10:d=20 -f lavfi -i sine=f=300:r=22050:d=20 \
    -c:v mpeg4 -c:a flac video.mkv
"$pp" bench pipeline video.mkv tiny.h5 --json >pipeline.json
"$pp" bench pipeline video.mkv tiny.h5 --cpu -1 --runs 2 --batch 1 | tail -n 3
/usr/bin/python3 - <<'PYTHON'
import json
shown = json.load(open("pipeline.json"))
parts = shown["parts_ms_a_window"]
assert set(parts) == set("other hash resample decode stft see listen quantise energy cast separate stitch write".split())
assert all(ms >= 0 for ms in parts.values()) and parts["see"] > 0 and parts["listen"] > 0, parts
assert abs(sum(parts.values()) / shown["ms_a_window"] - 1) < 0.05, (sum(parts.values()), shown["ms_a_window"])
assert shown["windows"] >= 4 and abs(shown["networks_ms_a_window"] - parts["see"] - parts["listen"]) < 1e-6
PYTHON
status=0; "$pp" bench pipeline nothing.mkv tiny.h5 2>said || status=$?
[ $status = 1 ] && grep -q "nothing.mkv" said
