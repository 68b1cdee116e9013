#!/usr/bin/env bash
# pp eval --truth: archives of pp-cluster against the truth of pp synth.
set -eu
pp=$PP_BIN/pp
cd "$PP_WORK"
fail() { echo "eval-truth: $*"; exit 1; }

"$pp" synth -o corpus --count 3 --players 1,2,3 --seconds 7 --size 160x120 --fps 6 --seed 21 >/dev/null
# Every mask is one half: each stem is the mixture at half its level, which no figure may call a gain.
"$pp" model init -o half.h5 --base-width 4 --levels 4 --components 4 --trunk-width 4 \
    --trunk-blocks 1 --picture 64 --constant-mask 0.5 >/dev/null
"$PP_BIN/pp-cluster" --out out --model half.h5 corpus/*.mp4 >run 2>&1 || { cat run; fail "pp-cluster"; }

"$pp" eval --truth corpus --out report out | tee table
"$pp" eval --truth corpus --json out >again
grep -q "^solos: 1 videos" table && grep -q "^trios: 1 videos" table || fail "groups are missing"
/usr/bin/python3 - <<'PYTHON'
import h5py, json, glob, math
r = json.load(open("report/whole.json"))
assert r == json.load(open("again")), "two runs differ"
assert r["videos"] == 3 and r["missing"] == 0, r
whole = r["groups"][0]
assert abs(whole["gain_db"]["mean"]) < 0.05, whole["gain_db"]
assert [len(s["performers"]) for s in r["scores"]] == [1, 2, 3]
# A solo's track is what was encoded: the lossy sound of the video lies close to it.
solo = r["scores"][0]["performers"][0]
assert solo["stem"] == 0 and solo["sdr_db"] > 15 and solo["sir_db"] is None, solo
for s in r["scores"][1:]:
    for p in s["performers"]:
        assert abs(p["sdr_db"] - p["mixture_sdr_db"]) < 0.05, p
# Activity counted again from the archives and the truth.
def covers(rows, t): return any(a <= t < b for a, b in rows)
both = found = true = 0
for score in r["scores"]:
    truth = json.load(open(score["video"][:-4] + ".json"))
    name = score["video"].split("/")[-1][:-4]
    with h5py.File(glob.glob(f"out/archives/*/{name}-*.h5")[0]) as archive:
        rows = [(row["start"], row["end"], row["source"]) for row in archive["annotations"][:]]
    pairs = [(p["stem"], t["active"]) for p, t in zip(score["performers"], truth["performers"])]
    taken = {stem for stem, _ in pairs}
    pairs += [(s, []) for s in range(score["stems"]) if s not in taken]
    for stem, active in pairs:
        mine = [(a, b) for a, b, s in rows if s == stem and stem >= 0]
        for i in range(round(truth["duration_s"] * 10)):
            f, t = covers(mine, i / 10 + 0.05), covers(active, i / 10 + 0.05)
            both, found, true = both + (f and t), found + (f and not t), true + (t and not f)
got = whole["activity"]
assert abs(got["both"] - both) <= 2 and abs(got["only_found"] - found) <= 2, (got, both, found, true)
PYTHON

rm out/archives/*/video-0001-*.h5
"$pp" eval --truth corpus out >table
grep -q "1 of 3 videos without a score" table || fail "a missing archive is not said: $(cat table)"
if "$pp" eval --truth out out >table 2>said; then fail "no truth, and no failure"; fi
echo "eval-truth: all right"
