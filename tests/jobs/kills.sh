#!/usr/bin/env bash
# kill -9 under mpirun --enable-recovery: three workers one after another, then anything at random.
#   PP_KILLS=N  random kills (6; `make test-kills` does 300), PP_SEED=S
set -eu
name=kills
. "$PP_ROOT/tests/lib/any.sh"
"$bin/pp" model init -o tiny.h5 --seed 3 --base-width 12 --levels 5 --components 4 --trunk-width 8 \
    --trunk-blocks 1 >/dev/null
mkdir videos
for i in 1 2 3 4 5 6; do
    seconds=$((i == 1 ? 80 : 7 + i)) # the first is cut among ranks
    make_video -f lavfi -i "testsrc2=size=160x120:rate=12:duration=$seconds" \
        -f lavfi -i "aevalsrc='0.3*sin(2*PI*$((110 * i))*t*(1+t/20))':d=$seconds" \
        -c:v libx264 -preset ultrafast -c:a aac videos/$i.mp4
done
job=(--quiet --model tiny.h5 --single-lease-windows 4 --segment-windows 2 --dead-after 3)
"$bin/pp-cluster" "${job[@]}" --out ref videos >ref.log 2>&1 || fail "the undisturbed run"

echo "== three workers of seven killed one after another: status 0"
mpirun --enable-recovery --oversubscribe -n 8 "$bin/pp-cluster" "${job[@]}" --out three videos >three.log 2>&1 </dev/null &
pid=$!
for _ in $(seq 300); do grep -qs '"event":"finished"' three/run.jsonl && break; sleep 0.05; done
killed=0
for rank in 3 5 7; do
    for process in $(pgrep -P $pid); do
        if grep -qzx "OMPI_COMM_WORLD_RANK=$rank" "/proc/$process/environ" 2>/dev/null; then
            kill -9 "$process" && killed=$((killed + 1))
        fi
    done
    sleep 0.1
done
[ $killed = 3 ] || fail "only $killed workers were there to be killed"
wait $pid || fail "mpirun: $?"
[ "$("$bin/pp" status --exit-status three)" = 0 ] || { cat three.log; fail "status $("$bin/pp" status --exit-status three)"; }
echo "$(grep -c '"event":"dead"' three/run.jsonl) deaths were noticed"
same_folders ref three
"$bin/pp" fsck three >fsck.log || { cat fsck.log; fail "fsck"; }

kills=${PP_KILLS:-6} seed=${PP_SEED:-1}
echo "== $kills random kills, seed $seed"
$python "$PP_ROOT/tests/lib/kills.py" --out random --ref ref --kills "$kills" --seed "$seed" --ranks 5 \
    --mean 2 -- "$bin/pp-cluster" "${job[@]}" --out random videos
