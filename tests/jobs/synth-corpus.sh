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

# Sound alone: the same, and every instrument in turn.
synth --sound-only -o s --count 23
synth --sound-only -o t --count 3 --first 20 --jobs 2
for file in t/sound-*; do cmp "$file" "s/${file#t/}"; done
[ "$(cut -d, -f6 s/manifest.csv | sort -u | wc -l)" = "$(($("$PP_BIN/pp" synth --list | wc -l) + 1))" ]
for file in s/*0[0-4]-*.flac; do
    level=$(ffmpeg -i "$file" -af volumedetect -f null - 2>&1 | sed -n 's/.*mean_volume: -\([0-9]*\).*/\1/p')
    [ "$level" -lt 45 ] || { echo "$file: -$level dB"; exit 1; }
done

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
