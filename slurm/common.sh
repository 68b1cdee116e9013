# Sourced by the batch scripts: what a job on Slurm needs besides the program.
#
#   PP_BIN      folder of the programs       (default: build/bin beside this folder, else $PATH)
#   PP_LAUNCH   mpirun (default) or srun     srun uses --mpi=pmix; there one dead rank ends the step
#   PP_START_NOW=1  a requeued job asks to start at once instead of after Slurm's two minutes

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

# When the job's time ends, in seconds since 1970: leases that would not finish are not given out.
pp_end_time() {
    if [ -n "${SLURM_JOB_END_TIME:-}" ]; then echo "$SLURM_JOB_END_TIME"; return; fi
    local text
    text=$(scontrol show job "$SLURM_JOB_ID" 2>/dev/null | sed -n 's/.*EndTime=\([^ ]*\).*/\1/p')
    case $text in ""|Unknown|N/A) ;; *) date -d "$text" +%s ;; esac
}

# Runs a program on every task; forwards the drain signal that Slurm sends to this shell alone.
# A wait that a signal ends returns early, so wait until the launcher has really ended.
pp_launch() { # PROGRAM ARGUMENT...
    local pid status
    PP_END_TIME=$(pp_end_time)
    export PP_END_TIME
    if [ "${PP_LAUNCH:-mpirun}" = srun ]; then
        srun --mpi=pmix --kill-on-bad-exit=0 "$@" &
        pid=$!
        # srun keeps USR1 for itself; the controller passes it to every task of the step.
        trap 'echo "time is nearly up: draining"; scancel --signal=USR1 "$SLURM_JOB_ID.0"' USR1 TERM
    else
        mpirun --enable-recovery --oversubscribe --bind-to none -x PP_END_TIME "$@" &
        pid=$!
        trap 'echo "time is nearly up: draining"; kill -USR1 '$pid USR1 TERM
    fi
    while :; do
        wait $pid
        status=$?
        kill -0 $pid 2>/dev/null || break
    done
    trap - USR1 TERM
    return $status
}

pp_requeue() {
    local job=$SLURM_JOB_ID
    [ -n "${SLURM_ARRAY_JOB_ID:-}" ] && job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    echo "not all done: requeueing job $job (restart $((${SLURM_RESTART_COUNT:-0} + 1)))"
    if [ "${PP_START_NOW:-0}" = 1 ]; then
        # The update is refused until the requeue has gone through, and the requeue ends this shell:
        # so ask from a process that outlives it.
        setsid bash -c 'for _ in $(seq 60); do sleep 1
            scontrol update "JobId=$0" StartTime=now && break; done' "$job" >/dev/null 2>&1 &
    fi
    scontrol requeue "$job"
}

# Ends the batch script by what the run wrote in OUT/status.json (launchers lose exit codes).
pp_obey_status() { # OUT [pp status options]
    local status
    status=$("$PP_BIN/pp" status --exit-status "$@")
    case $status in
    0) echo "all done"; exit 0 ;;
    1) echo "done, with failures:"; "$PP_BIN/pp" status "$@"; exit 1 ;;
    2) echo "the job's arguments are wrong; see above"; exit 2 ;;
    *) pp_requeue; exit 75 ;;
    esac
}

echo "== $(date -u +%FT%TZ) job ${SLURM_JOB_ID:-none} on ${SLURM_JOB_NODELIST:-this host}," \
    "${SLURM_NTASKS:-1} tasks, restart ${SLURM_RESTART_COUNT:-0}"
