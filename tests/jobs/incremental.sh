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

echo "== another synthesizer: the networks of pictures and sound are not run again"
seconds=${PP_SECONDS:-20}
"$bin/pp" model init -o full-a.h5 --seed 3 >/dev/null # of the published shape
"$bin/pp" model init -o full-b.h5 --seed 3 --constant-mask 0.4 >/dev/null
make_video -f lavfi -i "testsrc2=s=320x240:r=12:d=$seconds" -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200+t))':d=$seconds" \
    -c:v libx264 -preset ultrafast -c:a aac long.mp4
for model in full-a full-b; do
    "$bin/pp-cluster" -q --model $model.h5 --profile pixels --out long long.mp4 >said 2>&1 || fail "$model: $?"
done
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
