# Sourced by tests/slurm/*.sh, which run within tools/slurm-sandbox.

cd "$PP_WORK" || exit 1
export PP_BIN PP_HOME=$PP_ROOT

fail() {
    echo "FAILED: $*"
    tail -n 40 ./*.log 2>/dev/null
    exit 1
}

small_model() { # FILE [pp model init options]
    "$PP_BIN/pp" model init --seed 3 --levels 5 --components 4 --trunk-blocks 1 \
        --base-width 8 --trunk-width 8 -o "$@" >/dev/null
}

# No two of the same size, so that parts of a corpus and hashes are as in life.
small_videos() { # FOLDER COUNT SECONDS
    local i
    mkdir -p "$1"
    for i in $(seq "$2"); do
        ffmpeg -nostdin -v error -f lavfi -i "testsrc2=size=160x120:rate=12:duration=$3" \
            -f lavfi -i "aevalsrc='0.3*sin(2*PI*$((110 + 37 * i))*t*(1+t/20))':d=$3" \
            -c:v libx264 -preset ultrafast -g 24 -c:a aac "$1/$i.mp4"
    done
}

job_field() { # JOB FIELD
    scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

# Prints the state a job ends in; a requeued job has not ended.
end_of_job() { # JOB SECONDS
    local state limit=$((SECONDS + $2))
    while [ $SECONDS -lt $limit ]; do
        state=$(job_field "$1" JobState)
        case $state in
        COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL) echo "$state"; return ;;
        esac
        sleep 1
    done
    echo "still $state after $2 s"
}

# Seconds of CPU that a command takes, children included. What it says is in cpu_seconds.log.
cpu_seconds() { # COMMAND [ARGUMENT...]
    local TIMEFORMAT="%U %S"
    { time "$@" >cpu_seconds.log 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
}

slow_down() { # PROGRAM SHARE: see the script
    "$PP_ROOT/tests/lib/slow_down.py" "$@" &
    slower=$!
    # The test ends with its name space: nobody is left stopped.
}

full_speed() {
    kill "$slower"
    sleep 0.2
    pkill -CONT -x "$1" || true
}

equal_archives() { # OUT OUT...
    /usr/bin/python3 "$PP_ROOT/tests/lib/compare_archives.py" "$@" >differences ||
        fail "archives differ: $(head -n 20 differences)"
}
