#!/usr/bin/env bash
# A corpus run again: nothing changed, one video changed, another synthesizer. By run.jsonl only that
# runs which must, and by times and inodes nothing else is written.
#   PP_VIDEOS=N     how many (60); PP_SECONDS=N length of the video for another synthesizer (20)
#   PP_MOST_MS=N    the unchanged run may take so long (`make bench-incremental`: 10 000 in 3 s)
set -eu
name=incremental
. "$PP_ROOT/tests/lib/any.sh"
videos=${PP_VIDEOS:-60}
shape=(--seed 3 --base-width 4 --levels 5 --components 4 --trunk-width 8 --trunk-blocks 1 --picture 64
    --n-fft 512 --log-rows 64)
"$bin/pp" model init -o a.h5 "${shape[@]}" >/dev/null
make_video -f lavfi -i "testsrc2=s=32x32:r=1:d=1" -f lavfi -i "sine=300:d=0.6:r=11025" -c:v mjpeg -q:v 12 \
    -c:a pcm_s16le -metadata comment=NUMBER-0000000 tiny.mov
$python - "$videos" <<'END' # each with bytes of its own
import os
import sys

base = open("tiny.mov", "rb").read()
assert b"NUMBER-0000000" in base
os.makedirs("videos")
for i in range(int(sys.argv[1])):
    with open(f"videos/{i:05d}.mov", "wb") as file:
        file.write(base.replace(b"NUMBER-0000000", b"NUMBER-%07d" % i))
END
run() { # MODEL: its events go to `events`
    rm -f out/run.jsonl
    local begin
    begin=$(date +%s%N)
    "$bin/pp-cluster" -q --model "$1" --profile pixels --out out videos >said 2>&1 || { tail said; fail "a run: $?"; }
    took_ms=$((($(date +%s%N) - begin) / 1000000))
    cp out/run.jsonl events
}
leases() { grep -c '"event":"lease"' events || true; }
files() { find out -type f ! -name 'run.jsonl' ! -name 'status.json' -printf '%p %i %T@\n' | sort; }

run a.h5
echo "$videos videos: $took_ms ms"
files >before
run a.h5
echo "unchanged: $took_ms ms, $(leases) leases"
[ "$(leases)" = 0 ] || fail "an unchanged corpus: $(leases) leases"
files | cmp - before || fail "an unchanged corpus was rewritten"
if [ -n "${PP_MOST_MS:-}" ] && [ "$took_ms" -gt "$PP_MOST_MS" ]; then fail "$took_ms ms, not $PP_MOST_MS"; fi

sed -i 's/NUMBER-0000007/NUMBER-CHANGED/g' videos/00007.mov
run a.h5
echo "one changed: $took_ms ms, $(leases) leases"
changed=$(grep '"event":"outcome"' events | grep -c '"status":"ok"')
[ "$changed" = 1 ] || fail "one changed: $changed were made"
grep '"event":"outcome"' events | grep -q 00007.mov || fail "not the one that changed"
files >after
kept=$(join <(grep archives/ before) <(grep archives/ after) | awk '$2 == $4 && $3 == $5' | wc -l)
[ "$kept" -ge $((videos - 1)) ] || fail "only $kept archives were left alone"

"$bin/pp" index out >/dev/null # the archive of the old content stays, but is nobody's
rows=$("$bin/pp" query out --csv 'SELECT count(*) FROM videos' | tail -n 1)
[ "$rows" = "$videos" ] || fail "$rows videos in the index, not $videos"
archives() { find out/archives -name '*.h5' | wc -l; }
[ "$(archives)" = $((videos + 1)) ] || fail "$(archives) archives of $videos videos and an old one"
"$bin/pp" gc out >said
[ "$(archives)" = $((videos + 1)) ] || fail "pp gc removed an archive unasked: $(cat said)"
"$bin/pp" gc --superseded out >said
[ "$(archives)" = "$videos" ] || fail "$(archives) archives after pp gc --superseded: $(cat said)"
run a.h5
[ "$(leases)" = 0 ] || fail "pp gc removed an archive that is in use"

echo "== two sets of parameters in one folder: refused, unless all that is there is made again"
mkdir few other && cp videos/0000[1-3].mov few && cp videos/00004.mov other
small() { # WANTED ARGUMENTS...
    local wanted=$1 got=0
    "$bin/pp-cluster" -q --model a.h5 --out set "${@:2}" >said 2>&1 || got=$?
    [ $got = "$wanted" ] || { cat said; fail "${*:2}: status $got, not $wanted"; }
}
made() { find set/archives -name '*.h5' -newer mark | wc -l; }
small 0 few
touch mark
small 2 --most-sources 2 other
grep -q "other parameters" said && grep -q -- "--out" said || { cat said; fail "no reason, or no way out"; }
grep -q '"state": "refused"' set/status.json || fail "status.json does not say that it was refused"
small 2 --dry-run --most-sources 2 other
small 2 --most-sources 2 --part 1/2 other
[ "$(made)" = 0 ] || fail "a refused run made something"
small 0 other # the same parameters
[ "$(made)" = 1 ] || fail "$(made) were made, not one"
touch mark
mv few/00001.mov few/renamed.mov
small 0 --dry-run --explain --most-sources 2 few other
[ "$(grep -c 'listen runs again' said)" = 3 ] || { cat said; fail "--explain does not say what runs"; }
small 0 --most-sources 2 few other # covers all of them
[ "$(made)" = 4 ] || fail "$(made) of 4 were made again"
small 0 --mixed --most-sources 3 other
small 2 --most-sources 2 few
small 0 --most-sources 3 few other

echo "== another synthesizer: the networks of pictures and sound are not run again"
seconds=${PP_SECONDS:-20}
"$bin/pp" model init -o full-a.h5 --seed 3 >/dev/null # of the published shape
"$bin/pp" model init -o full-b.h5 --seed 3 --constant-mask 0.4 >/dev/null
make_video -f lavfi -i "testsrc2=s=320x240:r=12:d=$seconds" -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200+t))':d=$seconds" \
    -c:v libx264 -preset ultrafast -c:a aac long.mp4
for model in full-a full-b; do
    "$bin/pp-cluster" --dry-run --explain --model $model.h5 --profile pixels --out long long.mp4 >dry-$model 2>&1
    "$bin/pp-cluster" -q --model $model.h5 --profile pixels --out long long.mp4 >said 2>&1 || fail "$model: $?"
done
grep -q "see and listen are read back" dry-full-b || { cat dry-full-b; fail "--explain does not say what is kept"; }
cat dry-full-b
$python - "$seconds" <<'END' || fail "see or listen were run again"
import json
import sys

runs = []
for line in open("long/run.jsonl"):
    event = json.loads(line)
    if event["event"] == "start":
        runs.append([0.0] * 6)
    elif event["event"] == "finished":
        runs[-1] = [a + b for a, b in zip(runs[-1], event["details"]["stage_s"])]
for stages in runs:
    print("  probe, see, listen, cast, separate, publish:", *(f"{s:.2f}" for s in stages), f"= {sum(stages):.2f} s")
print(f"  {sys.argv[1]} s of video: {sum(runs[0]) / sum(runs[1]):.1f} times faster")
networks = [see + listen for _, see, listen, *_ in runs]
# what is left of both is reading maps and energies back from the archive
sys.exit(networks[1] > 0.6 * networks[0] or runs[1][1] > 0.3 * runs[0][1])
END
"$bin/pp" fsck out >fsck.log || { cat fsck.log; fail "fsck"; }
