#!/bin/bash
# pp synth: the same bytes whatever the order and the processes; videos decode; truth is true.
set -eu
cd "$PP_WORK"
synth() { "$PP_BIN/pp" synth --seed 9 --seconds 3 --size 96x96 --fps 8 --rate 22050 --players 1,2,3 "$@"; }
[ -e /usr/share/sounds/sf2/TimGM6mb.sf2 ] || { echo "no TimGM6mb.sf2 here"; exit 77; }

synth -o a --count 6
synth -o b --count 6 --jobs 2
diff -rq a b
synth -o c --count 2 --first 4
for file in c/video-*.mp4 c/video-*.json; do cmp "$file" "a/${file#c/}"; done
synth -o d --count 1 --first 4 --seed 10
cmp -s d/video-0004*.mp4 a/video-0004*.mp4 && { echo "another seed, the same video"; exit 1; }

[ "$(wc -l <a/manifest.csv)" = 7 ]
for video in a/*.mp4; do
    ffmpeg -v error -xerror -i "$video" -f null - 2>decode.log
    [ ! -s decode.log ] || { cat decode.log; exit 1; }
done
/usr/bin/python3 "$PP_ROOT/tests/jobs/synth_truth.py" a

# What goes wrong is said in words.
status=0
synth -o e --count 1 --soundfont missing.sf2 2>log || status=$?
[ $status = 1 ] && grep -q "missing.sf2" log && grep -q "timgm6mb-soundfont" log
status=0
synth -o e --count 1 --instruments violin,kazoo 2>log || status=$?
[ $status = 2 ] && grep -q "kazoo" log
status=0
synth -o e --count 1 --size 97x96 2>log || status=$?
[ $status = 2 ] && grep -q "97x96" log
echo done
