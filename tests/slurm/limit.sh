#!/usr/bin/env bash
# sbatch slurm/index.sbatch on a corpus whose time limit strikes at least twice: the job drains,
# requeues itself, resumes and ends with status 0; nothing committed is computed again; archives
# equal a plain run's.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5 --base-width 16 --trunk-width 20
small_videos videos 19 9
small_videos long 1 60
cat >job.ini <<'INI'
[job]
input = videos
input = long
output = out
model = model.h5
[parameters]
frame_interval = 0.08
single_lease_windows = 4
segment_windows = 2
INI

# Two workers that need more than twice the minute that they get, on a machine of any speed
# (decoders are not slowed down, and ranks begin at full speed).
cpu_s=$(cpu_seconds "$PP_BIN/pp-cluster" --quiet --out plain job.ini)
share=$(awk "BEGIN { print $cpu_s / (2 * 200) }")
echo "$cpu_s s of work; ranks run $share of the time"
slow_down pp-cluster "$share"

"$PP_ROOT/tests/lib/watch_commits.py" out >commits &
watcher=$!
job=$(sbatch --parsable -N 2 -n 2 -t 1 --signal=B:USR1@5 -o job.log "$PP_ROOT/slurm/index.sbatch" job.ini)
state=$(end_of_job "$job" 600)
full_speed pp-cluster
cat job.log
restarts=$(job_field "$job" Restarts)
echo "state $state after $restarts restarts"
[ "$state" = COMPLETED ] || fail "the job is $state"
[ "$restarts" -ge 2 ] || fail "the limit struck $restarts times"
[ "$("$PP_BIN/pp" status --exit-status out)" = 0 ] || fail "status.json is not 0"
equal_archives plain out
kill $watcher
wait $watcher || fail "work was done again: $(cat commits)"
cat commits
