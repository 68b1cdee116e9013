#!/usr/bin/env bash
# pp-train: published lists (AUDIO,FRAMES,COUNT), labels from folders, sound alone, three sources with
# a curriculum, ablations, starting from a model and from a trunk trained elsewhere.
set -eu
cd "$PP_WORK"
fail() { echo "train-inputs: $*"; exit 1; }

for i in 0 1 2 3 4 5; do
    label=$(echo violin tuba flute | cut -d' ' -f$((i % 3 + 1)))
    mkdir -p "solos/$label" "published/audio/$label" "published/frames/$label/$i"
    sound="sine=f=$((150 + 130 * i)):r=11025:d=4,tremolo=f=$((i + 2))"
    picture="testsrc=s=64x48:r=8:d=4,hue=h=$((60 * i))"
    ffmpeg -v error -f lavfi -i "$sound" -f lavfi -i "$picture" -c:v mpeg4 -c:a pcm_s16le "solos/$label/$i.mkv"
    ffmpeg -v error -i "solos/$label/$i.mkv" -vn "published/audio/$label/$i.wav" \
        -an -q:v 5 "published/frames/$label/$i/%06d.jpg"
    echo "audio/$label/$i.wav,frames/$label/$i,32" >>published/train.csv
done

cat >job.ini <<'INI'
[model]
base = 4
levels = 3
components = 4
rows = 64
frames = 32
picture_size = 32
trunk_width = 2
trunk_blocks = 1 2 1 2
pictures = 2
picture_spacing_s = 0.5
[data]
cache = cache
validation_share = 0
[train]
batch = 2
steps = 3
[run]
progress_every = 1
validation_mixes = 4
validation_sdr_mixes = 2
INI
run() { # OUT SETTINGS... ; what it said is in `said`
    local out=$1
    shift
    local arguments=()
    for setting in "$@"; do arguments+=(-s "$setting"); done
    "$PP_BIN/pp-train" -o "$out" "${arguments[@]}" job.ini 2>said || { cat said; fail "$out failed"; }
}

echo "== a published list, and the same as videos in folders"
run published data.train=published/train.csv model.condition=both
grep -q "training: 6 clips, .*, 3 labels; 0 without one label, 0 without pictures" said || { cat said; fail "the list"; }
run solos data.train=solos data.folder_labels=yes model.condition=both
grep -q "training: 6 clips, .*, 3 labels" said || { cat said; fail "the folders"; }
/usr/bin/python3 - <<'PYTHON'
import json, os, struct
losses = [[json.loads(l)["loss"] for l in open(f + "/progress.jsonl")] for f in ("published", "solos")]
print(losses)
assert abs(losses[0][0] - losses[1][0]) < 0.2 * losses[1][0], "the same clips, nearly the same first loss"
clips = [os.path.join(d, f) for d, _, files in os.walk("cache") for f in files]
assert len(clips) == 12
for clip in clips:
    pictures, size = struct.unpack("<II", open(clip, "rb").read(48)[40:48])
    assert size == 35 and 8 <= pictures <= 9, (clip, pictures, size)
PYTHON

echo "== sound alone, three sources after two, validation on other clips"
printf 'path,labels,split\n' >sounds.csv
for i in 0 1 2 3 4 5; do
    label=$(echo violin tuba flute | cut -d' ' -f$((i % 3 + 1)))
    echo "published/audio/$label/$i.wav,$label,$([ $i -lt 3 ] && echo train || echo other)" >>sounds.csv
done
run names data.train=sounds.csv data.train_split=train data.validation=sounds.csv data.validation_split=other \
    model.condition=label "mix.sources=2@0 3@2" mix.balance_labels=yes train.init=paper train.loss=l1 model.masks=ratio
grep -q "training: 3 clips" said && grep -q "validation: 3 clips" said || { cat said; fail "splits"; }
grep -q "by name" said || { cat said; fail "no SDR by name"; }
"$PP_BIN/pp" model show names/model.h5 | grep -q "stand-in" || fail "the stand-in is not told"
"$PP_BIN/pp" model show names/model.h5 | grep -q "for ratio masks" || fail "kind of masks"

echo "== ablations run; weights from elsewhere are taken"
run shuffled data.train=solos mix.shuffle_pictures=yes
run blanked data.train=solos mix.blank_pictures=yes
run trunk data.train=solos train.trunk="$PP_ROOT/tests/data/train_trunk.pth"
grep -q "tensors of the video network from" said || { cat said; fail "the trunk was not taken"; }
run again data.train=solos data.folder_labels=yes train.start=solos/model.h5 model.condition=both
grep -q "starting from" said || { cat said; fail "the model was not taken"; }
run again2 data.train=solos data.folder_labels=yes train.start=solos/best.h5 model.condition=both
status=0
"$PP_BIN/pp-train" -o no -s data.train=solos -s train.start=solos/model.h5 -s model.base=5 job.ini 2>said || status=$?
[ $status = 2 ] && grep -q "another shape" said || { cat said; fail "another shape: status $status"; }
status=0
"$PP_BIN/pp-train" -o no -s data.train=solos -s model.condition=label job.ini 2>said || status=$?
[ $status = 2 ] && grep -q "no clip has one label" said || { cat said; fail "no labels: status $status"; }
grep -q '"status": 1' no/status.json || fail "a run that cannot begin must not look as if it should be run again"
