#!/usr/bin/env bash
# Decoders killed, stopped and out of memory while a job is at work: no rank is lost, what failed has
# its reason, the command that shows it again works, and the other videos are archived.
set -eu
cd "$PP_WORK"
fail() { echo "FAILED: $*"; exit 1; }
video() { # NAME SECONDS HZ
    ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=s=320x240:r=24:d=$2" -f lavfi \
        -i "sine=f=$3:d=$2" -c:v libx264 -preset ultrafast -g 250 -c:a aac "$1"
}
"$PP_BIN/pp" model init -o tiny.h5 --seed 3 --base-width 4 --levels 5 --components 4 --trunk-width 4 \
    --trunk-blocks 1 >/dev/null
mkdir -p in
video in/victim.mp4 40 300
video in/stopped.mp4 41 400
for n in 1 2 3; do video in/good$n.mp4 5 ${n}00; done

# Every decoder that has the victim open is killed; the first one with the other is stopped, and a
# supervisor is killed. Only processes of this job are touched.
# (A stopped decoder is given up after the 15 s that this job waits for an answer.)
mpirun -n 3 "$PP_BIN/pp-cluster" --model tiny.h5 --decoder-wait 15 --out out in >said 2>&1 &
job=$!
/usr/bin/python3 - $job <<'PY' || fail "nobody could be disturbed"
import os, signal, sys, time
job, done, end = int(sys.argv[1]), {"killed": 0, "stopped": 0, "supervisor": 0}, time.time() + 300

def processes():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = open(f"/proc/{name}/stat").read()
        except OSError:
            continue
        comm, rest = text[text.index("(") + 1:].rsplit(")", 1)
        state, parent = rest.split()[:2]
        yield int(name), comm, state, int(parent)

def of_job(everyone):
    inside, grew = {job}, True
    while grew:
        new = {pid for pid, _, _, parent in everyone if parent in inside} - inside
        inside |= new
        grew = bool(new)
    return inside

stopped_at = None
while time.time() < end and os.path.exists(f"/proc/{job}"):
    everyone = list(processes())
    ours = of_job(everyone)
    if {s for p, _, s, _ in everyone if p == job} <= {"Z"}:
        break
    for pid, comm, state, _ in everyone:
        if pid not in ours or state == "Z":
            continue
        try:
            video = os.path.basename(os.readlink(f"/proc/{pid}/fd/4"))
            if comm == "pp-decode-video" and video == "victim.mp4":
                os.kill(pid, signal.SIGKILL)
                done["killed"] += 1
            elif comm == "pp-decode-video" and video == "stopped.mp4" and not done["stopped"]:
                os.kill(pid, signal.SIGSTOP)
                done["stopped"] += 1
        except OSError:
            pass
    if done["killed"] and done["supervisor"] < 1:
        supervisors = [p for p, comm, _, _ in everyone if p in ours and comm == "pp-decode"]
        if supervisors:
            os.kill(supervisors[-1], signal.SIGKILL)
            done["supervisor"] += 1
    time.sleep(0.01)
print(done)
sys.exit(not (done["killed"] >= 3 and done["stopped"] and done["supervisor"]))
PY
status=0
wait $job || status=$?
[ $status = 1 ] || { cat said; fail "status $status, not 1"; }
[ "$(find out/archives -name '*.h5' | wc -l)" = 4 ] || { cat said; fail "not 4 archives"; }
[ "$(find out/failed -name '*.json' | wc -l)" = 1 ] || fail "not one failure"
/usr/bin/python3 - <<'PY' || fail "the reason is not what it should be"
import glob, json, subprocess
failure = json.load(open(glob.glob("out/failed/*.json")[0]))
print(failure["reason"], "-", failure["attempts"], "attempts")
assert failure["path"].endswith("victim.mp4") and "killed (signal 9)" in failure["reason"]
assert failure["attempts"] == 3 and failure["advice"]
again = subprocess.run(failure["reproduce"], shell=True, capture_output=True, text=True)
assert again.returncode == 0 and again.stdout.endswith("ok\n"), again.stdout
PY

# Out of memory, and crashes: a pp-decode that does it on purpose lies beside the program.
mkdir -p bin
ln -f "$PP_BIN/pp-cluster" bin/ 2>/dev/null || cp "$PP_BIN/pp-cluster" bin/
for fault in eat@scan crash@pictures; do
    printf '#!/bin/sh\nexec "%s" --fault=%s "$@"\n' "$PP_BIN/pp-decode" $fault >bin/pp-decode
    chmod +x bin/pp-decode
    status=0
    mpirun -n 2 bin/pp-cluster -q --model tiny.h5 --out "out-$fault" in/good?.mp4 >said 2>&1 ||
        status=$?
    [ $status = 1 ] || { cat said; fail "$fault: status $status, not 1"; }
    [ "$(find "out-$fault/failed" -name '*.json' | wc -l)" = 3 ] || fail "$fault: not 3 failures"
    grep -h '"reason"' "out-$fault"/failed/*.json | head -n 1
done
