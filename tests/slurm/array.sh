#!/usr/bin/env bash
# slurm/submit-array on three parts. The limit strikes the parts, which go on by themselves; one part is
# cancelled, another holds a broken video: the job that waits for all of them still runs, rebuilds the
# caches and says what each part came to. Submitted again, the rest is done.
set -eu
. "$PP_ROOT/tests/lib/slurm.sh"
small_model model.h5
small_videos videos 15 9
cat >job.ini <<'INI'
[job]
input = videos
output = plain
model = model.h5
[parameters]
frame_interval = 0.1
INI
cpu_s=$(cpu_seconds "$PP_BIN/pp-cluster" --quiet job.ini)
head -c 20000 videos/1.mp4 >videos/broken.mp4
slow_down pp-cluster "$(awk "BEGIN { print $cpu_s / (3 * 160) }")"

submit() { # SBATCH-OPTIONS: prints the numbers of both jobs
    SBATCH_ARGS="-n 1 -o part-%a.log $1" REBUILD_ARGS="-o rebuild.log" "$PP_ROOT/slurm/submit-array" 3 \
        --out out job.ini | tr -cs '0-9\n' ' '
}
read -r array rebuild < <(submit "-t 1 --signal=B:USR1@5")
for _ in $(seq 120); do
    [ "$(cat out/run-part-*.jsonl 2>/dev/null | grep -c '"event":"finished"')" -ge 3 ] && break
    sleep 0.5
done
[ "$(job_field "${array}_2" JobState)" = RUNNING ] || fail "part 2 is not running"
scancel "${array}_2"
state=$(end_of_job "$rebuild" 500)
full_speed pp-cluster
cat part-*.log rebuild.log
echo "the last job: $state; restarts of the parts: $(job_field "${array}_1" Restarts)," \
    "$(job_field "${array}_2" Restarts), $(job_field "${array}_3" Restarts)"
[ "$state" = FAILED ] || fail "the last job is $state"
[ "$(job_field "${array}_2" JobState)" = CANCELLED ] || fail "a cancelled part went on"
[ "$(job_field "${array}_1" Restarts)$(job_field "${array}_3" Restarts)" != 00 ] || fail "no limit struck"
grep -q "part 2/3: not finished" rebuild.log || fail "the cancelled part is not told"
[ "$(grep -c "part [13]/3: \(all done\|done, with failures\)" rebuild.log)" = 2 ] || fail "parts 1 and 3"

echo "== again"
read -r array rebuild < <(submit "-t 10")
state=$(end_of_job "$rebuild" 300)
cat rebuild.log
[ "$state" = FAILED ] || fail "the last job is $state, but a video is broken"
grep -q "done, with failures" rebuild.log || fail "the part with the broken video is not told"
grep -q "broken.mp4" part-*.log || fail "the broken video is not listed"
[ "$(grep -c "all done" rebuild.log)" -ge 2 ] || fail "two parts are whole"
equal_archives plain out
[ "$("$PP_BIN/pp" query out --csv "select count(*) from videos" | tail -n 1)" = 15 ] || fail "the catalogue"
