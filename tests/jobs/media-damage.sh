#!/usr/bin/env bash
# Damaged copies of a real video beside two good ones, in one job: every one is an archive or a
# reason with a way out, each within its time, and the good ones are as they are alone.
# PP_DAMAGED=300 for the long run.
set -eu
cd "$PP_WORK"
copies=${PP_DAMAGED:-40}
export copies
fail() { echo "FAILED: $*"; exit 1; }
sample=$PP_SHARED/samples/big-buck-bunny-480p-30s.mp4
mkdir -p good damaged
if [ -e "$sample" ]; then
    # its first seconds, header first: so that damage meets every part of it
    ffmpeg -v error -nostdin -y -i "$sample" -t 5 -c copy -movflags +faststart good/real.mp4
else
    echo "no $sample here: a made-up video instead"
    ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=s=854x480:r=24:d=5 -f lavfi -i sine=d=5 \
        -c:v libx264 -preset veryfast -c:a aac -movflags +faststart good/real.mp4
fi
ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=s=96x72:r=8:d=4 -f lavfi -i sine=d=4 \
    -c:v mpeg4 -c:a flac good/small.mkv
/usr/bin/python3 "$PP_ROOT/tests/jobs/damage.py" good/real.mp4 damaged "$copies" 7 >damage.txt
"$PP_BIN/pp" model init -o tiny.h5 --seed 3 --base-width 4 --levels 5 --components 4 --trunk-width 4 \
    --trunk-blocks 1 >/dev/null
"$PP_BIN/pp-cluster" -q --model tiny.h5 --out alone good >said 2>&1 || fail "$(cat said)"
status=0
mpirun -n 3 "$PP_BIN/pp-cluster" -q --model tiny.h5 --out out good damaged >said 2>&1 || status=$?
[ $status = 1 ] || { tail -n 20 said; fail "status $status, not 1"; }
/usr/bin/python3 - <<'PY' || fail "see above"
import glob, hashlib, json, os, sys
archived = {os.path.basename(p)[-19:-3] for p in glob.glob("out/archives/*/*.h5")}
failed = [json.load(open(p)) for p in glob.glob("out/failed/*.json")]
reasons = {os.path.abspath(f["path"]): f for f in failed}
bad = 0
count = {}
for path in sorted(glob.glob("damaged/*") + glob.glob("good/*")):
    digest = hashlib.sha256(open(path, "rb").read()).hexdigest()[:16]
    reason = reasons.get(os.path.abspath(path))
    if digest in archived:
        kind = "archive"
    elif reason and reason["reason"] and reason["advice"] and reason["reproduce"]:
        kind = reason["status"]
        if reason["seconds"] > 100:
            print(path, "took", reason["seconds"], "s")
            bad += 1
    else:
        # the same bytes under two names fail once
        kind = "same" if any(f["sha256"][:16] == digest for f in failed) else "nothing"
    if kind == "nothing" or (path.startswith("good/") and kind != "archive"):
        print(path, ":", kind)
        bad += 1
    count[kind] = count.get(kind, 0) + 1
print(", ".join(f"{n} {k}" for k, n in sorted(count.items())))
copies = int(os.environ["copies"])
sys.exit(bad > 0 or count.get("archive", 0) < copies / 6 or count.get("media", 0) < copies / 15)
PY
for archive in alone/archives/*/*.h5; do
    other=out/${archive#alone/}
    [ -e "$other" ] || fail "$other is not there"
    h5diff "$archive" "$other" >differences 2>&1 || { head differences; fail "$other differs"; }
done
