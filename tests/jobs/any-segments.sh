#!/usr/bin/env bash
# A long video is cut over ranks: 12 minutes of pictures that never repeat, as one lease and in 3
# different lengths of segments on 1, 2, 3 and 5 processes. At least 2 ranks work on it; every data
# set equal, byte for byte; nothing differs at the cuts.
set -eu
name=any-segments
. "$PP_ROOT/tests/lib/any.sh"
seconds=720
tiny_model model.h5
make_video -f lavfi -i "testsrc2=s=64x48:r=1:d=$seconds,noise=alls=25:allf=t" \
    -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200+t/3))+0.2*sin(2*PI*90*t)*sin(t/7)+0.05*random(0)':s=11025:d=$seconds" \
    -c:v mpeg4 -q:v 3 -g 12 -c:a pcm_s16le long.mkv

run() { # RANKS SEGMENT_WINDOWS
    run_cluster "$1" 0 "out-$1-$2" --model model.h5 --single-lease-windows 20 --segment-windows "$2" long.mkv
}
run_cluster 1 0 whole --model model.h5 --single-lease-windows 100000 long.mkv
uncut=$(echo whole/archives/*/*.h5)
$python "$PP_ROOT/tests/lib/check_archive.py" "$uncut"
grep -q '"stage_s"' whole/run.jsonl
grep -q '"kind": *"stage"' whole/run.jsonl && fail "the uncut one was cut"

for how in 1-20 2-20 3-20 5-20 5-9 3-27; do
    ranks=${how%-*} windows=${how#*-}
    run "$ranks" "$windows"
    cut=$(echo "out-$how"/archives/*/*.h5)
    same_archives "$uncut" "$cut"
    echo "$ranks processes, $windows windows a segment: $(tail -n 2 same.log | head -n 1)"
    $python "$PP_ROOT/tests/lib/seams.py" "$uncut" "$cut" "$windows" "out-$how/run.jsonl" \
        $((ranks < 3 ? 1 : 2)) 6 || fail "$how: a seam, too few segments or too few ranks"
done
