#!/usr/bin/env bash
# mpirun and srun --mpi=pmix both run the job, and both pass the drain signal on; srun with a PMI that
# Open MPI does not speak starts singletons, and each refuses with the line to type instead.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5 --trunk-width 16
small_videos videos 6 9
cat >job.ini <<'INI'
[job]
input = videos
output = plain
model = model.h5
[parameters]
frame_interval = 0.1
INI
cpu_s=$(cpu_seconds "$PP_BIN/pp-cluster" --quiet job.ini)
slow_down pp-cluster "$(awk "BEGIN { print $cpu_s / (2 * 40) }")"
for launch in mpirun srun; do
    job=$(PP_LAUNCH=$launch sbatch --parsable -N 2 -n 2 -t 5 -o $launch.log \
        "$PP_ROOT/slurm/index.sbatch" --out out-$launch job.ini)
    for _ in $(seq 240); do
        [ "$(grep -c '"event":"finished"' out-$launch/run.jsonl 2>/dev/null)" -ge 1 ] 2>/dev/null && break
        sleep 0.25
    done
    scancel --batch --signal=USR1 "$job"   # as Slurm does before the time limit
    state=$(end_of_job "$job" 200)
    cat $launch.log
    [ "$state" = COMPLETED ] || fail "$launch: $state"
    [ "$(job_field "$job" Restarts)" = 1 ] || fail "$launch: $(job_field "$job" Restarts) restarts"
    [ "$("$PP_BIN/pp" status --exit-status out-$launch)" = 0 ] || fail "$launch: status.json is not 0"
    grep -q '"why":"a\(sked to stop\| rank was asked to stop\)"' out-$launch/run.jsonl || fail "$launch: no drain"
    grep -q '"ranks":3' out-$launch/run.jsonl || fail "$launch: not two workers and a coordinator"
done
full_speed pp-cluster
equal_archives plain out-mpirun out-srun

for wrong in none pmi2; do
    for program in "pp-cluster --model model.h5 --out out-wrong videos" "pp-train train.ini"; do
        printf '[data]\ntrain = videos\ncache = cache\n[run]\nout = out-wrong\n' >train.ini
        status=0
        # shellcheck disable=SC2086  # several words on purpose
        srun --mpi=$wrong -n 2 "$PP_BIN"/$program >wrong.log 2>&1 || status=$?
        cat wrong.log
        [ $status != 0 ] || fail "--mpi=$wrong was taken"
        grep -q "an --mpi that Open MPI does not speak" wrong.log || fail "--mpi=$wrong: the reason"
        grep -q "srun --mpi=pmix ${program%% *}" wrong.log || fail "--mpi=$wrong: the line to type"
        [ ! -d out-wrong ] || fail "--mpi=$wrong: work was done"
    done
done
