#!/usr/bin/env bash
# The tools for an output folder on what pp-cluster really writes: damage is found, set aside, and
# exactly that made again, to the byte; caches follow; exports add up; leftovers go.
set -eu
pp=$PP_BIN/pp
cd "$PP_WORK"
fail() { echo "output-folder: $*"; exit 1; }
same() { /usr/bin/python3 "$PP_ROOT/tests/lib/check_archive.py" --same "$1" "$2" >same.log || status=$?
         [ "${status:-0}" = 77 ] || [ "${status:-0}" = 0 ] || { cat same.log; fail "$1 differs from $2"; }; }

"$pp" synth -o corpus --count 3 --players 1,2,2 --seconds 7 --size 160x120 --fps 6 --seed 5 >/dev/null
"$pp" model init -o model.h5 --seed 3 --base-width 4 --levels 4 --components 4 --trunk-width 4 \
    --trunk-blocks 1 --picture 64 >/dev/null
run() { "$PP_BIN/pp-cluster" --quiet --out out --model model.h5 corpus/*.mp4 2>run.log || { cat run.log; fail pp-cluster; }; }
run
"$pp" index out >/dev/null
"$pp" fsck out | tee fsck.log
grep -q "^3 archives, 0 shards, 0 failure records" fsck.log || fail "fsck counts wrongly"
[ "$("$pp" query out --csv 'SELECT count(*) FROM videos' | tail -n 1)" = 3 ] || fail "the catalogue"
"$pp" report --json out >report.json
/usr/bin/python3 - <<'END' || fail "pp report"
import json
for video in map(json.loads, open("report.json")):
    assert video["archive"].startswith("out/archives/") and video["work_s"] > 0, video
    assert abs(video["times_real_time"] * video["work_s"] - video["duration_s"]) < 1e-6, video
    assert all(source["path"].startswith("/stems/") for source in video["sources"]), video
END
"$pp" report out | grep -q "times real time" || fail "pp report leaves out how fast it was"
archives=(out/archives/*/*.h5)
mkdir before && cp "${archives[@]}" before/

# one bad byte in the middle of one archive
bad=${archives[1]}
size=$(stat -c %s "$bad")
printf '\125\252\125\252' | dd of="$bad" bs=1 seek=$((size / 2)) conv=notrunc status=none
"$pp" fsck out >fsck.log && fail "fsck finds nothing wrong"
grep -q "^damaged .*$(basename "$bad")" fsck.log || { cat fsck.log; fail "the damaged archive is not named"; }
"$pp" fsck --repair out >/dev/null || fail "repair"
[ ! -e "$bad" ] && ls out/damaged/*"$(basename "$bad")" >/dev/null || fail "it was not set aside"
"$pp" fsck out >/dev/null || fail "damage is left after the repair"

touch -d '2 hours ago' "out/archives/$(basename "$(dirname "$bad")")/x.h5.tmp-elsewhere-1-00"
sleep 0.1; touch mark; run
[ "$(find out/archives -name '*.h5' -newer mark | wc -l)" = 1 ] || fail "not exactly one was made again"
for archive in "${archives[@]}"; do same "before/$(basename "$archive")" "$archive"; done
"$pp" gc out | grep -q "^1 files" || fail "gc leaves the temporary file"
"$pp" index out >/dev/null
"$pp" fsck out >/dev/null || fail "fsck at the end"

"$pp" export --wav --bits 16 --maps --map-windows 1 -o listen "${archives[@]}" | tail -n 1
[ "$(find listen -name '*.wav' | wc -l)" -ge 6 ] && [ "$(find listen -name '*.png' | wc -l)" = 6 ] ||
    fail "exports are missing"
