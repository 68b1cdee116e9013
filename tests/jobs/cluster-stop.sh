#!/usr/bin/env bash
# pp-cluster asked to stop, out of time, and with ranks killed: it says 75 (or goes on), loses nothing,
# and a plain run afterwards gives the same bytes.
#   KILLS=N  so many random kills in the last part (default 2), SEED=S
set -eu
cd "$PP_WORK"
cluster=$PP_BIN/pp-cluster
fail() { echo "FAILED: $*"; cat said 2>/dev/null | tail -n 20; exit 1; }
equal() { # OUT OUT...: the same archives, byte for byte in everything that is in them
    /usr/bin/python3 "$PP_ROOT/tests/lib/compare_archives.py" "$@" >differences ||
        fail "$(head -n 20 differences)"
}
"$PP_BIN/pp" model init -o tiny.h5 --seed 3 --base-width 16 --levels 5 --components 4 --trunk-width 8 \
    --trunk-blocks 1 >/dev/null
mkdir videos
for i in 1 2 3 4; do
    seconds=$((i == 1 ? 60 : 9 + i))
    ffmpeg -v error -y -f lavfi -i "testsrc2=size=160x120:rate=12:duration=$seconds" \
        -f lavfi -i "aevalsrc='0.3*sin(2*PI*$((110 * i))*t*(1+t/20))':d=$seconds" \
        -c:v libx264 -preset ultrafast -c:a aac videos/$i.mp4
done
# plain kernels: slow, so that it is still at work when a signal comes
job=(-q --model tiny.h5 --kernels plain --single-lease-windows 4 --segment-windows 2 --dead-after 4)
"$cluster" -q --model tiny.h5 --kernels plain -o ref videos
full=$(sed -n 's/.*"elapsed_s": \([0-9.]*\).*/\1/p' ref/status.json)
echo "undisturbed, one process: $full s"

started() { # OUT: waits until work has begun
    for _ in $(seq 300); do
        grep -q '"event":"lease"' "$1/run.jsonl" 2>/dev/null && return
        sleep 0.1
    done
    fail "$1 never began"
}
status_of() { "$PP_BIN/pp" status --exit-status "$1"; }

echo "== SIGTERM and SIGUSR1 to one process, and through mpirun: 75, then 0 and the same bytes"
for signal in TERM USR1; do
    out=alone-$signal
    "$cluster" "${job[@]}" -o $out videos >said 2>&1 &
    pid=$!
    started $out
    kill -$signal $pid
    got=0
    wait $pid || got=$?
    if [ $signal = TERM ]; then [ $got = 75 ] || fail "SIGTERM: status $got"; fi
    [ "$(status_of $out)" = $got ] || fail "status.json says $(status_of $out), not $got"
    mpirun -n 3 "$cluster" "${job[@]}" -o $out videos >said 2>&1 || fail "after SIG$signal: $?"
    equal ref $out
done
mpirun -n 3 "$cluster" "${job[@]}" -o through videos >said 2>&1 &
pid=$!
started through
kill -TERM $pid
wait $pid || true
[ "$(status_of through)" = 75 ] || fail "SIGTERM through mpirun: $(status_of through)"
mpirun -n 3 "$cluster" "${job[@]}" -o through videos >said 2>&1 || fail "after SIGTERM: $?"
equal ref through

echo "== no time left: nothing is begun that would not end"
got=0
PP_END_TIME=$(($(date +%s) + 5)) "$cluster" "${job[@]}" -o late videos >said 2>&1 || got=$?
[ $got = 75 ] || fail "a run without time: status $got"

echo "== a run that cannot begin says so, in place of what an older run said"
got=0
"$cluster" -q --model missing.h5 -o late videos >said 2>&1 || got=$?
[ $got = 2 ] && [ "$(status_of late)" = 2 ] || fail "without its model: status $got, $(status_of late)"
"$PP_BIN/pp" status late | grep -q "could not begin" || fail "pp status does not say that it could not begin"

echo "== a worker killed under --enable-recovery: the others finish, status 0"
victim() { # MPIRUN-PID N: the N-th of its ranks
    pgrep -P "$1" | sort -n | sed -n "$2p"
}
finish() { # PID: waits, but not for ever
    for _ in $(seq 1300); do # ranks of one that died while it started wait for up to 100 s
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    pgrep -P "$1" | xargs -r kill -9
    fail "mpirun did not end"
}
mpirun --enable-recovery -n 4 "$cluster" "${job[@]}" -o killed videos >said 2>&1 &
pid=$!
started killed
kill -9 "$(victim $pid 3)"
finish $pid
[ "$(status_of killed)" = 0 ] || fail "a killed worker: status $(status_of killed)"
equal ref killed
[ -z "$(ls killed/shards 2>/dev/null)" ] || fail "partial results were left behind"

echo "== the coordinator killed: workers leave; the next run goes on"
mpirun --enable-recovery -n 3 "$cluster" "${job[@]}" -o headless videos >said 2>&1 &
pid=$!
started headless
kill -9 "$(victim $pid 1)"
finish $pid
[ "$(status_of headless)" = 75 ] || fail "without a coordinator: status $(status_of headless)"
mpirun -n 3 "$cluster" "${job[@]}" -o headless videos >said 2>&1 || fail "after a coordinator's death: $?"
equal ref headless

kills=${KILLS:-2} seed=${SEED:-1}
echo "== $kills random kills of anything, seed $seed"
RANDOM=$seed
for i in $(seq "$kills"); do
    mpirun --enable-recovery -n 4 "$cluster" "${job[@]}" -o random videos >said 2>&1 &
    pid=$!
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    case $((RANDOM % 5)) in
    0) kill -9 $pid 2>/dev/null || true; what=mpirun ;;
    *) n=$((1 + RANDOM % 4)); target=$(victim $pid $n); what="rank $((n - 1))"
       if [ -n "$target" ]; then kill -9 "$target" 2>/dev/null || true; fi ;;
    esac
    finish $pid
    sleep 1 # ranks of a dead mpirun need a moment
    [ ! -e random ] || "$PP_BIN/pp" fsck random >said 2>&1 || fail "fsck after killing $what"
    echo "  $what: status $(status_of random)"
    if [ "$(status_of random)" = 0 ]; then # all done in spite of it: begin again
        equal ref random
        rm -rf random
    fi
done
mpirun -n 4 "$cluster" "${job[@]}" -o random videos >said 2>&1 || fail "after random kills: $?"
equal ref random
"$PP_BIN/pp" fsck random >/dev/null || fail "fsck at the end"
echo "nothing lost"
