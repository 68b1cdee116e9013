#!/usr/bin/env bash
# Nodes die in the middle of two two-node jobs: under one the node where a worker runs, under the other
# the one where the batch shell, the launcher and the coordinator run. Both jobs are requeued, finish on
# the nodes that are left, and their archives equal a plain run's.
# nodes: 4
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5
small_videos videos 8 9
cat >job.ini <<'INI'
[job]
input = videos
output = plain
model = model.h5
[parameters]
frame_interval = 0.1
INI
cpu_s=$(cpu_seconds "$PP_BIN/pp-cluster" --quiet job.ini)
slow_down pp-cluster "$(awk "BEGIN { print $cpu_s / (2 * 60) }")"

submit() { # OUT
    sbatch --parsable --exclusive -N 2 -n 2 -t 10 -o "$1.log" "$PP_ROOT/slurm/index.sbatch" --out "$1" job.ini
}
worker_lost=$(submit out-worker)
batch_lost=$(submit out-batch)
for out in out-worker out-batch; do
    for _ in $(seq 120); do
        [ "$(grep -c '"event":"finished"' $out/run.jsonl 2>/dev/null)" -ge 2 ] 2>/dev/null && break
        sleep 0.5
    done
done
[ "$(job_field "$worker_lost" BatchHost)" = node1 ] || fail "the batch shell is not on node1"
[ "$(job_field "$batch_lost" BatchHost)" = node3 ] || fail "the batch shell is not on node3"
for node in node2 node3; do
    slurm-sandbox kill-node $node
    echo "$(date -u +%T) $node is dead"
done
# Slurm lets a job that lost a node wait for two minutes; the test does not.
for job in $worker_lost $batch_lost; do
    for _ in $(seq 120); do
        [ "$(job_field "$job" Restarts)" -ge 1 ] && [ "$(job_field "$job" JobState)" = PENDING ] &&
            scontrol update JobId="$job" StartTime=now && break
        sleep 0.5
    done
done
for job in $worker_lost $batch_lost; do
    state=$(end_of_job "$job" 300)
    echo "job $job: $state after $(job_field "$job" Restarts) restarts on $(job_field "$job" NodeList)"
    [ "$state" = COMPLETED ] || fail "job $job is $state"
    [ "$(job_field "$job" Restarts)" -ge 1 ] || fail "job $job was not started again"
done
cat out-*.log
equal_archives plain out-worker out-batch
