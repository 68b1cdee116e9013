# Sourced by the batch scripts: what a job on Slurm needs besides the program.
#
#   PP_BIN      folder of the programs       (default: build/bin beside this folder, else $PATH)
#   PP_LAUNCH   mpirun (default) or srun     srun uses --mpi=pmix; there one dead rank ends the step
#   PP_BIND     core or none                 (default: core where Slurm keeps other jobs off our cores)
#   PP_START_NOW=0  a drained job waits Slurm's two minutes before it starts again
#   PP_FRUITLESS    so many runs in a row that finish nothing, and the job gives up (default 3)

export OMPI_MCA_mpi_yield_when_idle=1   # waiting ranks must not take the cores of working ones
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}   # since Slurm 22.05 srun does not inherit it
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

pp_home() { # the folder that holds jobs/, models/ and slurm/
    if [ -n "${PP_HOME:-}" ]; then echo "$PP_HOME"
    elif [ -d "${SLURM_SUBMIT_DIR:-.}/slurm" ]; then echo "${SLURM_SUBMIT_DIR:-.}"
    else dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"; fi
}
if [ -z "${PP_BIN:-}" ]; then
    PP_BIN=$(pp_home)/build/bin
    [ -x "$PP_BIN/pp-cluster" ] || PP_BIN=$(dirname "$(command -v pp-cluster || echo ./pp-cluster)")
fi
if [ ! -x "$PP_BIN/pp-cluster" ]; then
    echo "No pp-cluster in $PP_BIN. Build it (make) or set PP_BIN to the folder of the programs." >&2
    exit 2
fi

pp_job_id() { # as scontrol wants it: the number of an array's last task is that of the whole array
    if [ -n "${SLURM_ARRAY_JOB_ID:-}" ]; then echo "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    else echo "$SLURM_JOB_ID"; fi
}

# When the job's time ends, in seconds since 1970: leases that would not finish are not given out.
pp_end_time() {
    if [ -n "${SLURM_JOB_END_TIME:-}" ]; then echo "$SLURM_JOB_END_TIME"; return; fi
    local text
    text=$(scontrol show job "$(pp_job_id)" 2>/dev/null | sed -n 's/.*EndTime=\([^ ]*\).*/\1/p')
    case $text in ""|Unknown|N/A) ;; *) date -d "$text" +%s ;; esac
}

# ---- the output folder ---------------------------------------------------------------------------

# The folder whose status.json is obeyed. An older run's word on how it ended goes: a run that never
# comes to write its own must not pass for that one.
pp_open() { # OUT [I/N]
    PP_OUT=$1 PP_PART=${2:-}
    PP_SUFFIX=${PP_PART:+-part-${PP_PART%/*}-of-${PP_PART#*/}}
    PP_FRUITLESS_FILE=$PP_OUT/.fruitless-$(pp_job_id)
    mkdir -p "$PP_OUT" && rm -f "$PP_OUT/status$PP_SUFFIX.json" || exit 2
    PP_MARK=$(pp_mark)
}

# What changes whenever a lease ends or a training is saved.
pp_mark() {
    cat "$PP_OUT/run$PP_SUFFIX.jsonl" 2>/dev/null | grep -c '"event":"finished"'
    stat -c %y "$PP_OUT/checkpoint.h5" 2>/dev/null
}

# Fails after too many runs in a row that finished nothing: the next one would not either.
pp_is_fruitful() {
    local fruitless
    if [ "$(pp_mark)" != "$PP_MARK" ]; then rm -f "$PP_FRUITLESS_FILE"; return 0; fi
    fruitless=$(($(cat "$PP_FRUITLESS_FILE" 2>/dev/null || echo 0) + 1))
    echo "this run finished nothing ($fruitless in a row)"
    echo "$fruitless" >"$PP_FRUITLESS_FILE"
    [ "$fruitless" -lt "${PP_FRUITLESS:-3}" ] && return 0
    rm -f "$PP_FRUITLESS_FILE"
    return 1
}

# ---- running -------------------------------------------------------------------------------------

# Binding helps, but where other jobs may run on this node's cores it would put all on the first ones.
pp_binding() {
    local bind=${PP_BIND:-none}
    [ -z "${PP_BIND:-}" ] && [ "$(nproc)" = "${SLURM_CPUS_ON_NODE:-0}" ] && bind=core
    if [ "$bind" = core ]; then bind=core:overload-allowed; fi   # one rank more than cores
    echo "$bind"
}

# A coordinator on top of a worker for every task: it sleeps between messages. One task does all alone.
pp_ranks() {
    case ${SLURM_NTASKS:-} in ""|1) echo "${SLURM_NTASKS:-}" ;; *) echo $((SLURM_NTASKS + 1)) ;; esac
}

# Slurm ends a job that is over its time for good. So if the drain takes too long, requeue without it:
# what is committed stays, the leases in flight are lost.
pp_requeue_in_time() {
    local left=$((${PP_END_TIME:-0} - $(date +%s) - 5))
    [ -n "$PP_END_TIME" ] || return
    [ $left -le 0 ] || sleep $left
    echo "the run does not end by itself"
    pp_requeue
}

pp_forward() { # SIGNAL PID
    if [ "$1" = TERM ]; then PP_TERMINATED=1; fi
    echo "$(date -u +%FT%TZ) signal $1: draining"
    if [ "${PP_LAUNCH:-mpirun}" = srun ]; then
        # srun keeps USR1 for itself; the controller passes it to every task of the step.
        scancel --signal=USR1 "$SLURM_JOB_ID.0"
    else
        kill -USR1 "$2"
    fi
    if [ "$1" = USR1 ] && [ -z "$PP_WATCH" ]; then
        pp_requeue_in_time &
        PP_WATCH=$!
    fi
}

# Runs a program on so many ranks (none given: on what Slurm has), and passes the signals on which
# Slurm sends to this shell alone. A signal ends `wait` early: wait until the launcher has ended.
pp_launch() { # RANKS PROGRAM ARGUMENT...
    local pid ranks=() left=1
    [ -n "$1" ] && ranks=(-n "$1")
    shift
    PP_END_TIME=$(pp_end_time) PP_TERMINATED=0 PP_WATCH=
    export PP_END_TIME
    if [ "${PP_LAUNCH:-mpirun}" = srun ]; then
        srun --mpi=pmix --overcommit --kill-on-bad-exit=0 "${ranks[@]}" "$@" &
    else
        mpirun --enable-recovery --oversubscribe --bind-to "$(pp_binding)" -x PP_END_TIME \
            "${ranks[@]}" "$@" &
    fi
    pid=$!
    # shellcheck disable=SC2064  # this pid
    trap "pp_forward USR1 $pid" USR1
    # shellcheck disable=SC2064
    trap "pp_forward TERM $pid" TERM
    while [ $left = 1 ]; do
        wait $pid
        PP_LAUNCHED=$?
        kill -0 $pid 2>/dev/null || left=0
    done
    # The launcher has ended by itself: the warning of the limit, which may still be on its way, must
    # not end this shell before it has requeued.
    trap '' USR1
    trap - TERM
    [ -z "$PP_WATCH" ] || kill "$PP_WATCH" 2>/dev/null
    return 0
}

# ---- afterwards ----------------------------------------------------------------------------------

pp_requeue() {
    local job
    job=$(pp_job_id)
    echo "not all done: requeueing job $job (restart $((${SLURM_RESTART_COUNT:-0} + 1)))"
    # A run that ended without a word may have lost a node which Slurm has still to notice.
    if [ "${PP_START_NOW:-1}" = 1 ] && [ -f "$PP_OUT/status$PP_SUFFIX.json" ]; then
        # The update is refused until the requeue has gone through, and the requeue ends this shell:
        # so ask from a process that outlives it (where Slurm lets it: else two minutes it is).
        setsid bash -c 'for _ in $(seq 60); do sleep 1
            scontrol update "JobId=$0" StartTime=now && break; done' "$job" >/dev/null 2>&1 &
    fi
    scontrol requeue "$job" || echo "Slurm refuses to requeue it: submit the same line again"
}

# Ends the batch script by what the run wrote in OUT/status.json (launchers lose exit codes).
pp_obey_status() {
    local status part=()
    [ -n "$PP_PART" ] && part=(--part "$PP_PART")
    status=$("$PP_BIN/pp" status --exit-status "${part[@]}" "$PP_OUT")
    case $status in
    0) echo "all done"; exit 0 ;;
    1) echo "done, with failures:"; "$PP_BIN/pp" status "${part[@]}" "$PP_OUT"; exit 1 ;;
    2) echo "the job cannot run as it is:"; "$PP_BIN/pp" status "${part[@]}" "$PP_OUT"; exit 2 ;;
    esac
    [ -f "$PP_OUT/status$PP_SUFFIX.json" ] ||
        echo "the run ended without a word (${PP_LAUNCH:-mpirun}: status $PP_LAUNCHED)"
    if [ $PP_TERMINATED = 1 ]; then
        echo "stopped from outside: whoever did it decides whether it runs again"
        exit 75
    fi
    if ! pp_is_fruitful; then
        echo "giving up: is the time limit too short for what is left (sbatch -t), or see above"
        "$PP_BIN/pp" status "${part[@]}" "$PP_OUT"
        exit 1
    fi
    pp_requeue
    exit 75
}

echo "== $(date -u +%FT%TZ) job $(pp_job_id) on ${SLURM_JOB_NODELIST:-this host}," \
    "${SLURM_NTASKS:-1} tasks, restart ${SLURM_RESTART_COUNT:-0}"
