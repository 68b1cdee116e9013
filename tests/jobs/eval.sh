#!/usr/bin/env bash
# pp eval from the command line: real decoding, a written protocol run again, refusals said aloud.
set -eu
pp=$PP_BIN/pp
cd "$PP_WORK"
fail() { echo "eval: $*"; exit 1; }
refused() { # WORDS COMMAND...: must fail and say the words
    local words=$1
    shift
    if "$@" >out 2>said; then fail "accepted: $*"; fi
    grep -q -- "$words" said || fail "'$words' is not in: $(cat said)"
}

echo "== solos, one of them silent, one broken"
"$pp" synth -o solos --count 4 --players 1 --seconds 3 --size 96x72 --fps 8 --seed 11 \
    --instruments flute,cello >/dev/null
ffmpeg -v error -f lavfi -i color=size=96x72:rate=8:duration=3 -f lavfi -i anullsrc -t 3 \
    -c:v libx264 -c:a aac solos/silent.mp4
echo "this is no video" >solos/broken.mp4
printf '5,silent.mp4,,,train,drum\n6,broken.mp4,,,train,drum\n' >>solos/manifest.csv
"$pp" model init -o tiny.h5 --base-width 4 --levels 4 --components 4 --trunk-width 4 \
    --trunk-blocks 1 --picture 64 --log-rows 64 --window-frames 64 --n-fft 254 --hop 100 >/dev/null

echo "== drawn, written, run again: equal to the byte"
quick="--nmf kl:2:10 --nmf-blind kl:2:10"
"$pp" eval -m tiny.h5 -n 6 -s 4 $quick -o first solos >table 2>said
cat said
grep -q "silent.mp4: refused as a reference: silent" said || fail "a silent solo was not refused aloud"
grep -q "broken.mp4: refused as a reference" said || fail "a broken solo was not refused aloud"
grep -q "2 references refused" table || fail "refusals are not in the table: $(cat table)"
grep -q untrained table || fail "an untrained model does not say so"
for row in mixture "ratio masks" "binary masks" shuffled blanked blindly oracle "ideal binary"; do
    grep -q "$row" table || fail "no row '$row': $(cat table)"
done
"$pp" eval -m tiny.h5 --protocol first/protocol.json -o second --json >json 2>/dev/null
cmp first/protocol.json second/protocol.json
cmp first/report.json second/report.json
"$pp" eval -m tiny.h5 -n 6 -s 5 $quick -o other solos >/dev/null 2>&1
cmp -s first/report.json other/report.json && fail "another seed gave the same report"
/usr/bin/python3 - <<'PYTHON'
import json, math
p, r = json.load(open("first/protocol.json")), json.load(open("json"))
assert len(p["mixtures"]) == 6 and len(p["refused"]) == 2
used = {s["sound"] for m in p["mixtures"] for s in m["sources"]}
assert all(len(p["files"][f]["sha256"]) == 64 for f in used)
for m in p["mixtures"]:
    assert len({s["label"] for s in m["sources"]}) == 2
by = {m["method"]: m for m in r["methods"]}
# Means can be recomputed from the scores.
for name, m in by.items():
    sdr = {}
    for s in r["scores"]:
        if s["method"] == name and s["sdr_db"] is not None:
            sdr.setdefault(s["mixture"], []).append(s["sdr_db"])
    mean = sum(sum(v) / len(v) for v in sdr.values()) / max(1, len(sdr))
    assert m["scored"] == len(sdr) and (not sdr or math.isclose(mean, m["sdr_db"]["mean"]))
assert by["ideal-ratio"]["gain_db"]["mean"] > 5 > by["model-ratio"]["gain_db"]["mean"]
assert by["mixture"]["sar_db"]["mean"] > 100
PYTHON
printf x >>"$(/usr/bin/python3 -c 'import json; p = json.load(open("first/protocol.json"))
print(p["files"][p["mixtures"][0]["sources"][0]["sound"]]["path"])')"
refused "not the file of the protocol" "$pp" eval -m tiny.h5 --protocol first/protocol.json

echo "== ready-made mixtures: sound files, still pictures, a video"
mkdir made
ffmpeg -v error -f lavfi -i sine=440:duration=1:sample_rate=11025 -af volume=0.5 made/a.wav
ffmpeg -v error -f lavfi -i anoisesrc=seed=1:duration=1:sample_rate=11025:amplitude=0.2 made/b.flac
ffmpeg -v error -i made/a.wav -i made/b.flac -filter_complex amix=normalize=0 made/mix.wav
ffmpeg -v error -f lavfi -i testsrc2=size=100x80:rate=1:duration=2 made/picture-%d.jpg
ffmpeg -v error -f lavfi -i testsrc=size=80x100:rate=5:duration=2 -c:v libx264 made/video.mp4
ffmpeg -v error -f lavfi -i anullsrc=sample_rate=11025 -t 1 made/silent.wav
{ echo "mixture,label_1,pictures_1,reference_1,label_2,pictures_2,reference_2"
  echo "mix.wav,sine,picture-*.jpg,a.wav,noise,video.mp4,b.flac"; } >made/pairs.csv
"$pp" eval -m tiny.h5 $quick --json made/pairs.csv >json 2>said
/usr/bin/python3 - <<'PYTHON'
import json
by = {m["method"]: m for m in json.load(open("json"))["methods"]}
assert by["model-ratio"]["scored"] == 1 and "shuffled" not in by, by  # one mixture: nothing to shuffle
assert by["ideal-ratio"]["gain_db"]["mean"] > 6, by["ideal-ratio"]
PYTHON
{ echo "mixture,reference_1,reference_2"; echo "mix.wav,a.wav,silent.wav"; } >made/silent.csv
refused "silent.wav: silent" "$pp" eval made/silent.csv
refused "no such file" "$pp" eval nowhere
refused "either solos or mixtures" "$pp" eval
refused "no method 'magic'" "$pp" eval --methods magic solos

if [ -f "$PP_SHARED/samples/real-pairs/pairs.csv" ]; then
    "$pp" eval --methods ideal-ratio --json "$PP_SHARED/samples/real-pairs/pairs.csv" >json 2>/dev/null
    /usr/bin/python3 - <<'PYTHON'
import json
r = json.load(open("json"))
mixture = r["methods"][0]["sdr_db"]["mean"]
print(f"real pairs: {r['mixtures']} mixtures, the mixture itself {mixture:.2f} dB")
assert r["mixtures"] == 14 and abs(mixture - 1.6) < 0.1
PYTHON
else
    echo "no $PP_SHARED/samples here: the real pairs were not measured"
fi
echo "eval: all right"
