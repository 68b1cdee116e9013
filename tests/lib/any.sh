# Sourced by tests/jobs/any-*.sh: small models, runs, and what a run leaves. Needs $name, $PP_BIN,
# $PP_ROOT; works in $PP_WORK.
python=/usr/bin/python3
bin=$PP_BIN
cd "$PP_WORK" || exit 1

fail() { echo "$name: $*"; exit 1; }
make_video() { ffmpeg -v error -nostdin -y "$@" || fail "ffmpeg $*"; }
tiny_model() { # FILE: a few milliseconds a window
    "$bin/pp" model init -o "$1" --seed 3 --base-width 4 --levels 5 --components 4 --trunk-width 8 \
        --trunk-blocks 1 --picture 64 --n-fft 512 --log-rows 64 >/dev/null || fail "no model"
}
# RANKS STATUS OUT ARGUMENTS...: runs, and the status must be that of the launcher and of the file
run_cluster() {
    local ranks=$1 wanted=$2 out=$3 got=0 said
    shift 3
    if [ "$ranks" = 1 ]; then "$bin/pp-cluster" --quiet --out "$out" "$@" >"$out.log" 2>&1 || got=$?
    else mpirun --oversubscribe -n "$ranks" "$bin/pp-cluster" --quiet --out "$out" "$@" \
        >"$out.log" 2>&1 </dev/null || got=$?; fi
    said=$("$bin/pp" status --exit-status "$out")
    [ "$said" = "$wanted" ] && [ "$got" = "$wanted" ] && return
    tail -n 30 "$out.log"
    fail "status $got of $out, $said in status.json, not $wanted"
}
same_archives() { # A B
    $python "$PP_ROOT/tests/lib/check_archive.py" --same "$1" "$2" >same.log || { cat same.log; fail "$1 differs from $2"; }
}
same_folders() { # OUT OUT...: the same archives, byte for byte in everything that is in them
    $python "$PP_ROOT/tests/lib/compare_archives.py" "$@" >same.log || { cat same.log; fail "archives differ: $*"; }
}
