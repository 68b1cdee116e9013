#!/usr/bin/env bash
# Peak memory of every process (decoders apart) does not grow with the video: ten minutes, two hours
# and ten hours of pictures and sound that never repeat, each on 3 ranks, agree within 10 %.
# PP_LENGTHS_S: seconds of the videos, the first of which the others are compared with.
set -eu
name=any-memory
. "$PP_ROOT/tests/lib/any.sh"
tiny_model model.h5
for seconds in ${PP_LENGTHS_S:-600 7200 36000}; do
    make_video -f lavfi -i "testsrc2=s=64x48:r=2:d=$seconds,noise=alls=25:allf=t" \
        -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200+t/30))+0.05*random(0)':s=11025:d=$seconds" \
        -c:v mpeg4 -q:v 5 -g 12 -c:a flac "video-$seconds.mkv"
    begin=$SECONDS
    $python "$PP_ROOT/tests/lib/peaks.py" mpirun --oversubscribe -n 3 "$bin/pp-cluster" --quiet \
        --out "out-$seconds" --model model.h5 "video-$seconds.mkv" >"peaks-$seconds" 2>"log-$seconds" ||
        { tail -n 20 "log-$seconds"; fail "the run on $seconds s"; }
    echo "$seconds s of video in $((SECONDS - begin)) s; rank and peak kB: $(tr '\n' ';' <"peaks-$seconds")"
    set -- "$@" "peaks-$seconds"
done
$python - "$@" <<'END' || fail "memory grows with the video"
import sys
peaks = {path: dict(map(int, line.split()) for line in open(path)) for path in sys.argv[1:]}
short, ends = peaks.pop(sys.argv[1]), 0
for path, long in peaks.items():
    if len(short) != 3 or set(short) != set(long):
        sys.exit(f"{path}: not three ranks: {long}")
    worst = max(long[rank] / short[rank] for rank in short)
    print(f"  {path} against {sys.argv[1]}: at most {100 * (worst - 1):+.1f} %")
    ends |= worst > 1.1
sys.exit(ends)
END
