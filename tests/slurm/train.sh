#!/usr/bin/env bash
# sbatch slurm/train.sbatch, interrupted by the time limit: it stops with a checkpoint, requeues itself
# and goes on where it was. All losses equal an uninterrupted training's to the last digit.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_videos videos 12 4
cat >job.ini <<'INI'
[model]
base = 4
levels = 3
components = 4
rows = 64
frames = 64
picture_size = 32
trunk_width = 4
trunk_blocks = 1
pictures = 1
[data]
train = videos
validation_share = 0.3
cache = cache
[train]
batch = 8
steps = 100
synchronised_norm = no
[run]
out = straight
progress_every = 1
validate_every = 40
validation_mixes = 16
validation_sdr_mixes = 0
checkpoint_every = 30
INI
losses() { # OUT: what must not depend on stops
    sed 's/"hours":[^,]*,//; s/"samples_per_s":[^,}]*//' "$1/progress.jsonl"
}

# Two ranks that need more than the minute they get.
cpu_s=$(cpu_seconds mpirun --oversubscribe -n 2 "$PP_BIN/pp-train" job.ini)
[ "$("$PP_BIN/pp" status --exit-status straight)" = 0 ] || fail "the straight training failed"
slow_down pp-train "$(awk "BEGIN { print $cpu_s / (2 * 130) }")"
job=$(sbatch --parsable -N 2 -n 2 -t 1 --signal=B:USR1@5 -o job.log "$PP_ROOT/slurm/train.sbatch" --out stopped job.ini)
state=$(end_of_job "$job" 500)
full_speed pp-train
cat job.log
restarts=$(job_field "$job" Restarts)
echo "state $state after $restarts restarts"
[ "$state" = COMPLETED ] || fail "the job is $state"
[ "$restarts" -ge 1 ] || fail "the limit did not strike"
grep -q "going on from step [1-9]" job.log || fail "it did not go on from a checkpoint"
[ "$(losses straight | wc -l)" = 100 ] || fail "100 points"
diff <(losses straight) <(losses stopped) >differences || fail "other losses: $(head differences)"
