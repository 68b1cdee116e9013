#!/usr/bin/env bash
# pp-train: a stopped, a killed and a straight training give the same losses to the last digit, on one
# rank and on two; two ranks step as one rank with both batches; what cannot be used is told.
set -eu
cd "$PP_WORK"
fail() { echo "train-resume: $*"; exit 1; }

echo "== a small corpus, with a silent, a broken and a short clip"
"$PP_BIN/pp" synth -o corpus --count 10 --seed 3 --players 1 --seconds 4 --size 96x96 --fps 4 --rate 11025 \
    --no-tracks --instruments violin,piano,drum,flute,tuba >/dev/null
ffmpeg -v error -f lavfi -i anullsrc=r=11025:cl=mono -t 4 corpus/silent.wav
ffmpeg -v error -f lavfi -i sine=r=11025 -t 0.4 corpus/short.wav
head -c 3000 "$(ls corpus/*.mp4 | head -n 1)" >corpus/broken.mp4
printf 'a,silent.wav,,,train,violin\nb,short.wav,,,train,violin\nc,broken.mp4,,,train,violin\n' >>corpus/manifest.csv
printf 'd,missing.mp4,,,train,violin\n' >>corpus/manifest.csv

cat >job.ini <<'INI'
[model]
condition = both
base = 4
levels = 3
components = 4
rows = 64
frames = 32
picture_size = 32
trunk_width = 4
trunk_blocks = 1
pictures = 1
[data]
train = corpus/manifest.csv
validation_share = 0.4
cache = cache
[augment]
reverb = 0.5
pitch_semitones = 2
equaliser_db = 6
noise_db = -30
colour = 0.2
blur = 0.3
[train]
optimiser = adamw
batch = 2
steps = 24
average = 0.9
schedule = cosine
warmup_steps = 5
[run]
progress_every = 1
validate_every = 8
validation_mixes = 6
validation_sdr_mixes = 2
checkpoint_every = 6
INI
losses() { # FOLDER: what must not depend on stops
    /usr/bin/python3 - "$1" <<'PYTHON'
import json, sys
for line in open(sys.argv[1] + "/progress.jsonl"):
    point = json.loads(line)
    print(point["step"], repr(point["loss"]), repr(point.get("validation_loss")), repr(point.get("gain_db")))
PYTHON
}

echo "== straight"
"$PP_BIN/pp-train" -o straight job.ini 2>said || { cat said; fail "the straight run failed"; }
grep -q "3 CLIPS SKIPPED: 1 silent, 1 broken, 1 too short" said || { cat said; fail "skipped clips are not told"; }
grep -q "missing.mp4" said || fail "a missing file is not told"
[ "$(losses straight | wc -l)" = 24 ] || fail "24 steps, 24 points"
grep -q '"done"' straight/status.json || fail "status.json does not say done"
"$PP_BIN/pp" model show straight/model.h5 >/dev/null || fail "the model cannot be read"
grep -q "<svg" straight/curve.svg || fail "no curve"

echo "== stopped by signal and by time, then killed, and gone on each time"
stopped=0
for how in USR1 time KILL none; do
    case $how in
    time) set -- --set run.time_limit_s=1 ;;
    *) set -- ;;
    esac
    "$PP_BIN/pp-train" -o stops "$@" job.ini 2>>stops.log &
    pid=$!
    before=$(grep -c . stops/progress.jsonl 2>/dev/null || true)
    if [ $how = USR1 ] || [ $how = KILL ]; then
        for _ in $(seq 400); do
            now=$(grep -c . stops/progress.jsonl 2>/dev/null || true)
            [ "${now:-0}" -ge $((${before:-0} + 3)) ] && break
            kill -0 $pid 2>/dev/null || break
            sleep 0.02
        done
        kill -$how $pid 2>/dev/null || true
    fi
    status=0; wait $pid || status=$?
    case $how:$status in
    USR1:75 | time:75 | KILL:137) stopped=$((stopped + 1)) ;;
    *:0) ;;
    *) cat stops.log; fail "stopped by $how: status $status" ;;
    esac
done
echo "stopped $stopped times"
[ $stopped -ge 1 ] || fail "no run was stopped before its end"
diff <(losses straight) <(losses stops) || fail "a stopped run has other losses than a straight one"

echo "== the same on two ranks"
ranks() { mpirun --oversubscribe -n "$@"; }
ranks 2 "$PP_BIN/pp-train" -o two job.ini 2>/dev/null
status=0
ranks 2 "$PP_BIN/pp-train" -o two-stops --set run.time_limit_s=1 job.ini 2>/dev/null || status=$?
[ $status = 0 ] || [ $status = 75 ] || fail "two ranks stopped by time: status $status"
ranks 2 "$PP_BIN/pp-train" -o two-stops job.ini 2>/dev/null
diff <(losses two) <(losses two-stops) || fail "two ranks, stopped, have other losses"

echo "== and with BatchNorm of each rank's own"
own=(--set train.synchronised_norm=no)
ranks 2 "$PP_BIN/pp-train" -o own "${own[@]}" job.ini 2>/dev/null
status=0
ranks 2 "$PP_BIN/pp-train" -o own-stops "${own[@]}" --set run.time_limit_s=1 job.ini 2>/dev/null || status=$?
[ $status = 0 ] || [ $status = 75 ] || fail "two ranks stopped by time: status $status"
ranks 2 "$PP_BIN/pp-train" -o own-stops "${own[@]}" job.ini 2>/dev/null
diff <(losses own) <(losses own-stops) || fail "two ranks with BatchNorm of their own have other losses"

echo "== two ranks with half the batch step as one rank"
"$PP_BIN/pp-train" -o one4 --set train.batch=4 --set train.steps=4 job.ini 2>/dev/null
ranks 2 "$PP_BIN/pp-train" -o two2 --set train.batch=2 --set train.steps=4 job.ini 2>/dev/null
ranks 4 "$PP_BIN/pp-train" -o four1 --set train.batch=1 --set train.steps=4 job.ini 2>/dev/null
/usr/bin/python3 - <<'PYTHON'
import h5py, json, numpy as np
def losses(folder):
    return np.array([json.loads(line)["loss"] for line in open(folder + "/progress.jsonl")])
for other in ("two2", "four1"):
    print(other, abs(losses("one4") - losses(other)).max())
    assert abs(losses("one4") - losses(other)).max() < 1e-5 * losses("one4").max() * 4
with h5py.File("one4/checkpoint.h5") as one, h5py.File("two2/checkpoint.h5") as two:
    worst = 0
    def compare(name, item):
        global worst
        if isinstance(item, h5py.Dataset):
            worst = max(worst, abs(item[()] - two["first/" + name][()]).max() / (abs(item[()]).max() + 1e-9))
    one["first"].visititems(compare)
    print("first moments differ by at most", worst)
    assert worst < 1e-2
PYTHON

echo "== local BatchNorm, and going on with other ranks, run"
ranks 3 "$PP_BIN/pp-train" -o three --set train.synchronised_norm=no job.ini 2>/dev/null
"$PP_BIN/pp-train" -o three --set train.synchronised_norm=no --set train.steps=26 job.ini 2>said
grep -q "1 ranks where there were 3" said || fail "another number of ranks is not told"

echo "== refused"
refused() { # WORDS ARGUMENTS...
    local words=$1 status=0
    shift
    "$PP_BIN/pp-train" "$@" 2>said || status=$?
    [ $status = 2 ] && grep -q "$words" said || { cat said; fail "status $status, not refused: $*"; }
}
sed 's/^batch/bacth/' job.ini >bad.ini
refused "no key named 'bacth'" -o x bad.ini
refused "no key 'train.rate'" -o x --set train.rate=1 job.ini
refused "whole number from 1" -o x --set train.batch=0 job.ini
refused "divisible by 8" -o x --set model.frames=36 job.ini
refused "nothing to train on" -o x <(sed '/^train =/d' job.ini)
"$PP_BIN/pp-train" --keys | grep -q "^rate_sound = 0.001" || fail "--keys"
