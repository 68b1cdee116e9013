#!/usr/bin/env bash
# A run that hangs when its time is nearly up, and does not drain: the job is requeued before Slurm ends
# it for good, and done in its next run.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5
small_videos videos 3 9
printf '[job]\ninput = videos\noutput = out\nmodel = model.h5\n' >job.ini
"$PP_BIN/pp-cluster" --quiet --out plain job.ini
slow_down pp-cluster 0.02
job=$(sbatch --parsable -N 2 -n 2 -t 1 --signal=B:USR1@5 -o job.log "$PP_ROOT/slurm/index.sbatch" job.ini)
for _ in $(seq 200); do
    grep -q '"event":"lease"' out/run.jsonl 2>/dev/null && break
    sleep 0.1
done
full_speed pp-cluster
pkill -STOP -x pp-cluster
for _ in $(seq 150); do
    [ "$(job_field "$job" Restarts)" = 1 ] && [ "$(job_field "$job" JobState)" = PENDING ] && break
    sleep 0.5
done
[ "$(job_field "$job" JobState)" = PENDING ] || fail "the job is $(job_field "$job" JobState)"
grep -q "does not end by itself" job.log || fail "it does not say why"
scontrol update JobId="$job" StartTime=now   # Slurm lets it wait for two minutes; the test does not
state=$(end_of_job "$job" 100)
cat job.log
[ "$state" = COMPLETED ] || fail "the job is $state"
equal_archives plain out
