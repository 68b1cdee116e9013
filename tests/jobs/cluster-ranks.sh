#!/usr/bin/env bash
# pp-cluster on tiny videos: 1, 2, 3 and 5 processes, long videos cut in different ways, fewer videos
# than ranks and none, bad inputs beside good ones, any names, exit statuses, second runs.
set -eu
cd "$PP_WORK"
cluster=$PP_BIN/pp-cluster
fail() { echo "FAILED: $*"; exit 1; }
video() { # NAME SECONDS HZ
    ffmpeg -v error -y -f lavfi -i "testsrc2=size=96x72:rate=8:duration=$2" \
        -f lavfi -i "aevalsrc='0.3*sin(2*PI*$3*t*(1+t/20))+0.1*sin(2*PI*1700*t)*gt(mod(t,3),1)':d=$2" \
        -c:v libx264 -preset ultrafast -c:a aac -f mp4 "$1"
}
expect() { # STATUS COMMAND...: the exit status, and the one in status.json
    local want=$1 got=0
    shift
    "$@" >said 2>&1 || got=$?
    [ $got = "$want" ] || { cat said; fail "status $got, not $want: $*"; }
}
equal() { # OUT OUT...: the same archives, byte for byte in everything that is in them
    /usr/bin/python3 "$PP_ROOT/tests/lib/compare_archives.py" "$@" >differences ||
        fail "$(head -n 20 differences)"
}

"$PP_BIN/pp" model init -o tiny.h5 --seed 3 --base-width 4 --levels 5 --components 4 --trunk-width 4 \
    --trunk-blocks 1 >/dev/null
mkdir -p good odd
video good/a.mp4 7 220
video good/b.mp4 3 330
video long.mp4 50 110

echo "== 1, 2, 3, 5 processes; one lease, and cut into segments of different length"
expect 0 "$cluster" -q --model tiny.h5 -o ref good long.mp4
[ -e ref/catalogue.sqlite ] || fail "no catalogue"
for n in 1 2 3 5; do
    expect 0 mpirun -n $n "$cluster" -q --model tiny.h5 -o "out$n" --single-lease-windows 2 \
        --segment-windows $((n + 1)) good long.mp4
    [ -z "$(ls "out$n/shards" 2>/dev/null)" ] || fail "partial results were left behind"
    [ "$("$PP_BIN/pp" status --exit-status "out$n")" = 0 ] || fail "status.json of $n processes"
done
equal ref out1 out2 out3 out5
at_work=$(sed -n 's/.*"event":"lease".*"rank":\([0-9]*\).*"kind":"stage".*/\1/p' out5/run.jsonl | sort -u | wc -l)
[ "$at_work" -ge 2 ] || fail "only $at_work ranks worked on the long video"
expect 0 mpirun -n 3 "$cluster" -q --model tiny.h5 --segment-windows 3 --single-lease-windows 0 -o cut good
equal --contents ref cut

echo "== several threads a worker"
for n in 2 3; do
    expect 0 "$cluster" -q --model tiny.h5 -o "threads$n" --threads $n good long.mp4
done
expect 0 mpirun -n 3 "$cluster" -q --model tiny.h5 -o threads4 --threads 4 --single-lease-windows 2 good long.mp4
equal ref threads2 threads3 threads4

echo "== fewer videos than ranks; none"
expect 0 mpirun -n 5 "$cluster" -q --model tiny.h5 -o few good/b.mp4
expect 0 mpirun -n 5 "$cluster" -q --model tiny.h5 -o few good/b.mp4 # nothing left to do
mkdir empty
for n in 1 3; do
    expect 1 mpirun -n $n "$cluster" -q --model tiny.h5 -o "none$n" empty
    grep -q "no videos in the folder" "none$n"/failed/*.json || fail "an empty folder without a reason"
done
expect 0 "$cluster" -q --model tiny.h5 -o part --part 1/1 good/b.mp4
[ "$("$PP_BIN/pp" status --exit-status --part 1/1 part)" = 0 ]
[ "$("$PP_BIN/pp" status --exit-status --part 1/2 part)" = 75 ]

echo "== bad beside good; names; equal files"
cp good/a.mp4 odd/"it's \"odd\" \$(x) ; & *.mp4"
cp good/a.mp4 odd/$'new\nline\xff\xfe.mp4'
cp good/b.mp4 odd/"$(printf 'n%.0s' {1..251}).mp4"
echo "this is text" >text.mp4
head -c 5000 /dev/urandom >noise.mkv
: >nothing.mp4
expect 1 mpirun -n 3 "$cluster" -q --model tiny.h5 -o bad odd text.mp4 noise.mkv nothing.mp4 missing.mp4 good
[ "$(ls bad/archives/*/*.h5 | wc -l)" = 2 ] || fail "equal files were computed twice"
[ "$(ls bad/failed | wc -l)" = 4 ] || fail "$(ls bad/failed | wc -l) failures, not 4"
equal --contents ref bad
/usr/bin/python3 - <<'PYTHON'
import glob, h5py, json
corpus = h5py.File("bad/corpus.h5")
paths = list(corpus["corpus/source_path"][:])
assert len(paths) == 5, paths
assert sum(b"new\nline\xff\xfe" in bytes(p) for p in paths) == 1, paths
assert sum(b"n" * 251 in bytes(p) for p in paths) == 1
for name in glob.glob("bad/failed/*.json"):
    failure = json.load(open(name))
    assert failure["reason"] and failure["advice"], failure
    assert failure["status"] in ("media", "not-found"), failure
    if failure["status"] == "media":
        assert "pp-decode" in failure["reproduce"], failure
events = [json.loads(line) for line in open("bad/run.jsonl")]
assert [e["event"] for e in (events[0], events[-1])] == ["start", "end"]
assert sum(e["event"] == "outcome" for e in events) == 9
status = json.load(open("bad/status.json"))
assert status["status"] == 1 and status["run"]["videos"]["failed"] == 4, status
PYTHON

echo "== again: nothing runs; failures are remembered, tried when asked, forgotten when mended"
leases() { sed -n '/"event":"start"/h;/"event":"start"/!H;${x;p}' "$1/run.jsonl" | grep -c '"event":"lease"' || true; }
find bad -name '*.h5' -exec stat -c '%n %y' {} + | sort >before
expect 1 "$cluster" -q --model tiny.h5 -o bad odd text.mp4 noise.mkv nothing.mp4 missing.mp4 good
[ "$(leases bad)" = 0 ] || fail "an unchanged corpus was worked on"
find bad -name '*.h5' -exec stat -c '%n %y' {} + | sort >after
diff before after || fail "an unchanged corpus was rewritten"
expect 0 "$cluster" -q --model tiny.h5 -o bad --max-failures 50% odd text.mp4 noise.mkv nothing.mp4 missing.mp4 good
expect 1 "$cluster" -q --model tiny.h5 -o bad --only-failed text.mp4 good
[ "$(leases bad)" = 1 ] || fail "--only-failed ran $(leases bad) leases, not 1"
cp good/a.mp4 text.mp4
expect 0 "$cluster" -q --model tiny.h5 -o bad text.mp4
[ "$(ls bad/failed | wc -l)" = 3 ] || fail "the failure of a mended video stayed"
mv good/b.mp4 renamed.mp4
expect 0 "$cluster" -q --model tiny.h5 -o ref renamed.mp4
grep -q already_done ref/run.jsonl || fail "a renamed file was computed again"
mv renamed.mp4 good/b.mp4
expect 0 "$cluster" -q --model tiny.h5 -o ref --force good
equal ref out1

echo "== arguments"
expect 2 "$cluster" good
expect 2 "$cluster" -o x --most-sources 0 good
expect 2 "$cluster" -o x --threads 0 good
expect 2 "$cluster" -q --model missing.h5 -o x good
expect 2 env SLURM_NTASKS=4 "$cluster" -q --model tiny.h5 -o x good
grep -q "srun --mpi=pmix" said || fail "singletons are refused without the right line"
expect 0 "$cluster" --help
expect 0 mpirun -n 3 "$cluster" --version
[ "$(grep -c . said)" = 1 ] || fail "every rank told its version"
expect 0 "$cluster" -q --model tiny.h5 -o fresh --dry-run --explain good
grep -q "2 videos would run" said && [ ! -e fresh ] || fail "--dry-run: $(cat said)"
printf '[job]\noutput = jobout\ninput = good\n[parameters]\nmost_sources = 2\n' >job.ini
expect 0 mpirun -n 2 "$cluster" -q --model tiny.h5 job.ini
[ "$("$cluster" --print-out job.ini)" = "$PWD/jobout" ] || fail "--print-out"
printf '[job]\noutput = jobout\ninput = good\nmodle = x\n' >job.ini
expect 2 "$cluster" -q job.ini
echo "all as it should be"
