#!/usr/bin/env bash
# Peak memory of every process (decoders apart) does not grow with the video: a short and a long
# video of pictures and sound that never repeat, each on 3 ranks, agree within 10 %.
# PP_SHORT_S, PP_LONG_S: seconds of both (10 minutes, 2 hours); PP_LONG_S=36000 is a festival.
set -eu
name=any-memory
. "$PP_ROOT/tests/lib/any.sh"
tiny_model model.h5
for seconds in "${PP_SHORT_S:-600}" "${PP_LONG_S:-7200}"; do
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
short, long = (dict(map(int, line.split()) for line in open(path)) for path in sys.argv[1:])
worst = max(long[rank] / short[rank] for rank in short)
print(f"  long against short: at most {100 * (worst - 1):+.1f} %")
sys.exit(len(short) != 3 or set(short) != set(long) or worst > 1.1)
END
