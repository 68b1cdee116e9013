#!/usr/bin/env bash
# sbatch slurm/index.sbatch on a corpus whose time limit strikes at least twice: the job drains,
# requeues itself, resumes and ends with status 0; nothing committed is computed again; archives
# equal a plain run's. Runs within tools/slurm-sandbox (make test-slurm).
set -eu
cd "$PP_WORK"
export PP_BIN PP_HOME=$PP_ROOT PP_START_NOW=1
small=(--base-width 16 --levels 5 --components 8 --trunk-width 16 --trunk-blocks 1)
"$PP_BIN/pp" model init --seed 3 "${small[@]}" -o model.h5 >/dev/null

# As many videos as keep two workers busy for two and a half limits, by the clock of this machine.
"$PP_BIN/pp" synth -o probe --count 1 --seed 1 --players 2 --seconds 60 --no-tracks >/dev/null
start=$(date +%s%N)
"$PP_BIN/pp-cluster" --quiet --frame-interval 0.1 --model model.h5 --out probe-out probe/manifest.csv
one_ms=$((($(date +%s%N) - start) / 1000000))
count=$((220 * 2 * 1000 / one_ms + 1))
echo "one video takes $one_ms ms here: $count videos"
"$PP_BIN/pp" synth -o corpus --count $count --seed 2 --players 1,2 --seconds 60 --no-tracks >/dev/null
printf '[job]\ninput = corpus/manifest.csv\noutput = out\nmodel = model.h5\n[parameters]\nframe_interval = 0.1\n' >job.ini

job=$(sbatch --parsable -N 2 -n 3 -t 2 --signal=B:USR1@5 -o job.log "$PP_ROOT/slurm/index.sbatch" job.ini)
for _ in $(seq 240); do
    sleep 5
    state=$(scontrol show job "$job" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p')
    case $state in PENDING|RUNNING|CONFIGURING|COMPLETING|REQUEUED) ;; *) break ;; esac
done
cat job.log
restarts=$(scontrol show job "$job" | sed -n 's/.*Restarts=\([0-9]*\).*/\1/p')
echo "state $state after $restarts restarts"
[ "$state" = COMPLETED ]
[ "$restarts" -ge 2 ]
[ "$("$PP_BIN/pp" status --exit-status out)" = 0 ]

"$PP_BIN/pp-cluster" --quiet --frame-interval 0.1 --model model.h5 --out plain corpus/manifest.csv
compared=0
for archive in plain/archives/*/*.h5; do
    /usr/bin/python3 "$PP_ROOT/tests/lib/check_archive.py" --same "$archive" "out/${archive#plain/}" >/dev/null
    compared=$((compared + 1))
done
[ $compared = "$count" ]
"$PP_ROOT/tests/slurm/computed_once.py" out/run.jsonl "$count"
