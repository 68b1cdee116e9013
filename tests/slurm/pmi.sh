#!/usr/bin/env bash
# mpirun and srun --mpi=pmix both run the job; srun with a PMI that Open MPI does not speak starts
# singletons, and each refuses with the line to type instead.
set -eu
cd "$PP_WORK"
export PP_BIN PP_HOME=$PP_ROOT
"$PP_BIN/pp" model init --base-width 4 --levels 5 --components 4 --trunk-width 8 --trunk-blocks 1 \
    -o model.h5 >/dev/null
"$PP_BIN/pp" synth -o corpus --count 2 --seed 2 --players 1,2 --seconds 8 --no-tracks >/dev/null
for launch in mpirun srun; do
    printf '[job]\ninput = corpus/manifest.csv\noutput = out-%s\nmodel = model.h5\n' $launch >$launch.ini
    PP_LAUNCH=$launch sbatch --wait -N 2 -n 3 -t 5 -o $launch.log "$PP_ROOT/slurm/index.sbatch" $launch.ini
    cat $launch.log
    [ "$("$PP_BIN/pp" status --exit-status out-$launch)" = 0 ]
done
for archive in out-mpirun/archives/*/*.h5; do
    /usr/bin/python3 "$PP_ROOT/tests/lib/check_archive.py" --same "$archive" \
        "out-srun/${archive#out-mpirun/}"
done

status=0
srun --mpi=none -n 2 "$PP_BIN/pp-cluster" --model model.h5 --out out-wrong corpus >wrong.log 2>&1 || status=$?
cat wrong.log
[ $status != 0 ]
grep -q -- '--mpi=pmix' wrong.log
[ ! -d out-wrong/archives ]
