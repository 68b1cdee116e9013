#!/usr/bin/env bash
# Runs that meet in one output folder: the second is refused with the first one's host and time, parts
# that do not overlap run together, nothing is left locked by a run that ended, drained or was killed.
set -eu
name=store-lock
. "$PP_ROOT/tests/lib/any.sh"
tiny_model model.h5
mkdir videos
for i in 1 2 3 4 5 6; do
    make_video -f lavfi -i "testsrc2=s=64x48:r=4:d=$((i + 3))" -f lavfi -i "sine=$((150 * i)):d=$((i + 3))" \
        -c:v mpeg4 -c:a flac "videos/$i.mkv"
done
make_video -f lavfi -i "testsrc2=s=64x48:r=2:d=1800" -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200+t))':s=11025:d=1800" \
    -c:v mpeg4 -c:a flac long.mkv
locks() { find "$1" -name 'lock-*' | wc -l; }
held() { # OUT: waits until a run has its lock and has begun
    for _ in $(seq 200); do
        [ "$(locks "$1" 2>/dev/null)" = 1 ] && grep -q '"event":"lease"' "$1"/run*.jsonl 2>/dev/null && return
        sleep 0.05
    done
    fail "no run began in $1"
}
long_run() { "$bin/pp-cluster" -q --model model.h5 --out out "$@" long.mkv >first.log 2>&1 & first=$!; held out; }
refused() { # ARGUMENTS: with the holder's host, process and date
    local got=0
    "$bin/pp-cluster" -q --model model.h5 --out out "$@" videos >second.log 2>&1 || got=$?
    cat second.log
    [ $got = 75 ] || fail "a second run: status $got, not 75"
    grep -q "worked on by a run on $(hostname) (process $first, since $(date -u +%Y-)" second.log ||
        fail "the refusal does not say who"
    grep -q -- "--part 1/2" second.log || fail "the refusal has no way out"
}

echo "== a second run of an overlapping part is refused; the first is not disturbed"
long_run --part 1/1
kill -STOP $first # so that it is not done too soon
refused --part 2/3
kill -CONT $first
[ "$(locks out)" = 1 ] || fail "a refused run left a lock"
echo "== a drained run leaves no lock"
kill -USR1 $first
wait $first || true
[ "$(locks out)" = 0 ] || fail "a lock after a drain"

echo "== killed: the next start says so and does not wait"
long_run
kill -9 $first
wait $first 2>/dev/null || true
[ "$(locks out)" = 1 ] || fail "nothing was left behind"
begin=$(date +%s%N)
"$bin/pp-cluster" --model model.h5 --out out videos >next.log 2>&1 || { cat next.log; fail "the next run"; }
took=$((($(date +%s%N) - begin) / 1000000))
grep -q "did not end by itself: going on" next.log || fail "the next start does not speak of the killed run"
echo "the next run took $took ms"
[ "$(locks out)" = 0 ] || fail "a lock at the end"

echo "== parts that do not overlap at the same time; together they make the whole"
pids=""
for i in 1 2 3; do
    mpirun --oversubscribe -n 2 "$bin/pp-cluster" -q --model model.h5 --out parts --part $i/3 videos \
        >part$i.log 2>&1 </dev/null & pids="$pids $!"
done
for pid in $pids; do wait $pid || { cat part?.log; fail "a part"; }; done
[ "$(locks parts)" = 0 ] || fail "a lock after the parts"
"$bin/pp" index parts >index.log
rm -f long.mkv
run_cluster 1 0 whole --model model.h5 videos
same_folders whole parts
