#!/usr/bin/env bash
# Jobs that cannot come to an end are not started again for ever: one that cannot begin ends at once with
# the reason, one whose leases never fit into its time limit gives up and says so.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5
small_videos videos 1 600
printf '[job]\ninput = videos\noutput = out\nmodel = missing.h5\n' >refused.ini
mkdir out
printf '{"format":"pixelplayer-status","version":1,"status":75,"state":"stopped"}' >out/status.json
job=$(sbatch --parsable -N 2 -n 2 -t 5 -o refused.log "$PP_ROOT/slurm/index.sbatch" refused.ini)
state=$(end_of_job "$job" 60)
cat refused.log
[ "$state" = FAILED ] || fail "without its model the job is $state"
[ "$(job_field "$job" Restarts)" = 0 ] || fail "without its model it was started again"
grep -q "could not begin" refused.log && grep -q missing.h5 refused.log || fail "the reason is not told"

sed 's/missing/model/' refused.ini >long.ini
job=$(sbatch --parsable -n 1 -t 5 -o long.log "$PP_ROOT/slurm/index.sbatch" \
    --single-lease-windows 1000 --time-limit 12 long.ini)
state=$(end_of_job "$job" 150)
cat long.log
[ "$state" = FAILED ] || fail "the job that never fits is $state"
[ "$(job_field "$job" Restarts)" = 2 ] || fail "it was started again $(job_field "$job" Restarts) times"
grep -q "giving up" long.log || fail "it does not say that it gives up"
grep -q "would not end before the time limit" long.log || fail "the reason is not told"
