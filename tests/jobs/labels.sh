#!/usr/bin/env bash
# Names for sources, end to end: learned from labelled solos, given by pp-cluster, changed without
# anything else being computed, and asked for (--query), also of a sound without pictures.
set -eu
name=labels
. "$PP_ROOT/tests/lib/any.sh"

echo "== three instruments that nobody confuses: low, high and trembling, bursts of noise"
solo() { # LABEL NUMBER COLOUR SOUND
    mkdir -p "solos/$1"
    make_video -f lavfi -i "$4" -f lavfi -i "color=$3:s=64x64:r=4:d=4" \
        -vf "noise=alls=20:all_seed=$2" -c:v mpeg4 -q:v 3 -c:a pcm_s16le "solos/$1/$2.mkv"
}
for i in 1 2 3 4; do
    solo gong $i red "sine=f=$((100 + 9 * i)):r=11025:d=4"
    solo kazoo $i green "sine=f=$((900 + 70 * i)):r=11025:d=4,tremolo=f=$((4 + i))"
    solo siren $i blue "anoisesrc=s=$i:c=pink:a=0.5:r=11025:d=4,tremolo=f=2:d=1"
done
cat >job.ini <<'INI'
[model]
condition = both
base = 4
levels = 3
components = 4
rows = 64
frames = 64
picture_size = 32
trunk_width = 2
trunk_blocks = 1
pictures = 1
[data]
train = solos
folder_labels = yes
cache = cache
validation_share = 0
[train]
batch = 2
steps = 3
[run]
validation_mixes = 2
validation_sdr_mixes = 2
INI
"$bin/pp-train" -o trained job.ini >train.log 2>&1 || { cat train.log; fail "pp-train"; }
cp trained/model.h5 plain.h5

echo "== without labels: features are there, names are not"
run_cluster 1 0 out --model plain.h5 --window-step 48 solos
cp -r out unlabelled
"$bin/pp" label show plain.h5 | grep -q "none" || fail "a model without labels has some"

echo "== learned from folders, and the same from a manifest"
"$bin/pp" label train --model plain.h5 -o named.h5 --folds 4 out | tee train.txt
"$bin/pp" label train --model plain.h5 -o again.h5 --folds 4 --json out >train.json
{
    echo "path,labels"
    for video in solos/*/*.mkv; do echo "$video,$(basename "$(dirname "$video")")"; done
} >labels.csv
"$bin/pp" label train --model plain.h5 -o manifest.h5 --folds 4 --labels labels.csv out >/dev/null
"$bin/pp" label train --model plain.h5 -o other.h5 --folds 4 --penalty 0.5 out >/dev/null
$python - <<'PYTHON'
import h5py, json
facts = json.load(open("train.json"))
assert facts["videos"] == 12 and facts["classes"] == 3, facts
assert facts["accuracy"] == 1 and facts["sure_precision"] >= 0.95, facts
plain, named, again, manifest, other = (h5py.File(f"{name}.h5") for name in
                                        ("plain", "named", "again", "manifest", "other"))
digests = [file.attrs["label_digest"] for file in (named, again, manifest, other)]
assert digests[0] == digests[1] == digests[2] != digests[3], digests
assert "labels" not in plain and plain.attrs["digest"] == named.attrs["digest"]
PYTHON

echo "== given by pp-cluster to archives that are there: nothing is read but they"
cp -rp solos kept
lone=" $(stat -c %s solos/*/*.mkv | sort | uniq -u | tr '\n' ' ')" # files of one size are compared
zeroed=0
for video in solos/*/*.mkv; do # any look into a video would show
    size=$(stat -c %s "$video")
    case "$lone" in *" $size "*) ;; *) continue ;; esac
    head -c "$size" /dev/zero >zeros
    touch -r "$video" zeros
    cp -p zeros "$video"
    zeroed=$((zeroed + 1))
done
[ $zeroed -gt 3 ] || fail "only $zeroed videos of their own size"
"$bin/pp-cluster" --dry-run --explain --model named.h5 --window-step 48 --out out solos >dry
[ "$(grep -c "its labels alone" dry)" = 12 ] || { cat dry; fail "more than labels would run"; }
run_cluster 3 0 out --model named.h5 --window-step 48 solos
for label in gong kazoo siren; do cp -p kept/$label/* solos/$label/; done
$python - <<'PYTHON'
import glob, h5py
CHANGED = {"sources/label", "sources/audioset_id", "sources/confidence", "annotations"}
def same(a, b):
    names = []
    a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    for name in names:
        if name in CHANGED: continue
        assert a[name][...].tobytes() == b[name][...].tobytes(), name
        assert dict(a[name].attrs).keys() == dict(b[name].attrs).keys(), name
count = 0
for path in sorted(glob.glob("out/archives/*/*.h5")):
    before, now = h5py.File(path.replace("out/", "unlabelled/")), h5py.File(path)
    same(before, now)
    truth = now.attrs["source_path"].decode().split("/")[-2]
    levels = [now[f"/stems/{s:02d}/audio"].attrs["level_db"] for s in range(now.attrs["sources"])]
    loudest = levels.index(max(levels))
    labels = [text.decode() for text in now["/sources/label"][:]]
    assert labels[loudest] in (truth, "unknown"), (path, labels, truth)
    count += labels[loudest] == truth
    assert 0.3 < now["/sources/confidence"][loudest] <= 1
    for row in now["/annotations"][:]:
        assert row["label"].decode() == labels[row["source"]]
        assert row["confidence"] == now["/sources/confidence"][row["source"]]
    assert not before.attrs["label_digest"] and now.attrs["label_digest"] == h5py.File("named.h5").attrs["label_digest"]
assert count >= 11, count
PYTHON

echo "== the same as from nothing, on 1 and on 3 processes"
run_cluster 1 0 fresh --model named.h5 --window-step 48 solos
run_cluster 3 0 fresh3 --model named.h5 --window-step 48 solos
for archive in out/archives/*/*.h5; do
    same_archives "$archive" "fresh/${archive#out/}"
    same_archives "$archive" "fresh3/${archive#out/}"
done

echo "== pp label apply, and every tool with labels"
"$bin/pp" label apply --model other.h5 out >apply.txt
grep -q "^12 archives labelled anew" apply.txt || fail "apply: $(cat apply.txt)"
"$bin/pp-cluster" --dry-run --explain --model other.h5 --window-step 48 --out out solos >dry
[ "$(grep -c "^is done" dry)" = 12 ] || { cat dry; fail "labels applied are not taken for done"; }
"$bin/pp" label apply --model named.h5 out >/dev/null
for archive in out/archives/*/*.h5; do same_archives "$archive" "fresh/${archive#out/}"; done
"$bin/pp" fsck out >/dev/null || fail "fsck"
$python "$PP_ROOT/tests/lib/check_archive.py" out/archives/*/*.h5 >check || { cat check; fail "check"; }
"$bin/pp" query out --instrument gong | grep -q "gong/" || fail "no gong to be found"
"$bin/pp" report out | grep -q "kazoo 0\.[0-9]\|kazoo 1" || fail "no kazoo in the report"
"$bin/pp" export -o listen out/archives/*/1-*.h5 >/dev/null
ls listen/*/stem-*-siren.wav >/dev/null || fail "no siren among the exports"
if "$bin/pp" label apply --model plain.h5 out 2>said; then fail "labels of a model without any"; fi
if "$bin/pp" label train --model plain.h5 --labels /dev/null out 2>said; then fail "no labels at all"; fi

echo "== asked for by name, with pictures and without"
ffmpeg -v error -i solos/gong/1.mkv -vn duet.wav
run_cluster 1 0 asked --model named.h5 --window-step 48 --query "Gong, kazoo" duet.wav solos/gong/1.mkv
run_cluster 3 0 asked3 --model named.h5 --window-step 48 --query "gong,kazoo" duet.wav solos/gong/1.mkv
for archive in asked/archives/*/*.h5; do same_archives "$archive" "asked3/${archive#asked/}"; done
$python - <<'PYTHON'
import glob, h5py, json, math, numpy as np
classes = json.loads(h5py.File("named.h5").attrs["classes"])
for path in glob.glob("asked/archives/*/*.h5"):
    file = h5py.File(path)
    sound_only = file.attrs["source_path"].decode().endswith(".wav")
    assert [text.decode() for text in file["/sources/label"][:]] == ["gong", "kazoo"], path
    for s, name in enumerate(("gong", "kazoo")):
        vector = np.float32(classes["vectors"][classes["names"].index(name)])
        assert (file["/sources/vector"][s] == vector).all(), (path, name)
    assert (file["/sources/confidence"][:] == 1).all()
    assert file["/frames/time"].shape == ((0,) if sound_only else (2,)), file["/frames/time"].shape
    if sound_only:
        assert (file["/pixels/source"][...] == -1).all()
        assert np.isnan(file["/sources/box"][...]).all()
        assert math.isnan(file["/stems/00/audio"].attrs["center_x"])
PYTHON
$python "$PP_ROOT/tests/lib/check_archive.py" asked/archives/*/*.h5 >check || { cat check; fail "check"; }
"$bin/pp" fsck asked >/dev/null || fail "fsck of what was asked for"
"$bin/pp" report asked | grep -q "kazoo 1.00.*not in the picture" || fail "the report: $("$bin/pp" report asked)"
"$bin/pp" report --json asked | $python -c "import json, sys; [json.loads(line) for line in sys.stdin]"
"$bin/pp" query asked --instrument kazoo | grep -q duet.wav || fail "what was asked for is not found"
"$bin/pp" export --wav --maps -o listen2 asked/archives/*/*.h5 >/dev/null || fail "export of sound alone"
"$bin/pp" label apply --model other.h5 asked | grep -q "2 were asked for by name" || fail "names asked for were guessed"
"$bin/pp-cluster" --dry-run --explain --model other.h5 --window-step 48 --query gong,kazoo --out asked duet.wav |
    grep -q "^is done" || fail "another labeller undoes what was asked for"
"$bin/pp-cluster" --dry-run --explain --model named.h5 --window-step 48 --query kazoo --out asked duet.wav solos/gong/1.mkv |
    grep -q "^runs" || fail "another question has no other answer"
got=0
"$bin/pp-cluster" --model named.h5 --window-step 48 --query gong,tuba --out asked duet.wav 2>said || got=$?
[ "$got" = 2 ] && grep -q "gong, kazoo, siren" said || fail "status $got: $(cat said)"
run_cluster 1 1 refused --model named.h5 --window-step 48 duet.wav # without a question pictures are needed
echo "labels: all right"
