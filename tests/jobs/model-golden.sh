#!/usr/bin/env bash
# Models from the command line: import, init, show, check; against the shared golden data where it is.
set -eu
pp=$PP_BIN/pp
cd "$PP_WORK"
fail() { echo "model-golden: $*"; exit 1; }

echo "== a new model, shown and refused where it should be"
"$pp" model init -o tiny.h5 --seed 5 --base-width 4 --levels 5 --components 6 --trunk-width 8 \
    --trunk-blocks 1 --picture 112
"$pp" model init -o again.h5 --seed 5 --base-width 4 --levels 5 --components 6 --trunk-width 8 \
    --trunk-blocks 1 --picture 112 >/dev/null
"$pp" model show tiny.h5 --layers | tee shown | head -n 3
grep -q untrained shown || fail "an untrained model does not say so"
"$pp" model show tiny.h5 --json >tiny.json
/usr/bin/python3 - <<'PYTHON'
import json
shown = json.load(open("tiny.json"))
assert shown["components"] == 6 and shown["grid"] == 7 and shown["untrained"], shown
assert shown["sound"]["levels"] == 5 and shown["frame"]["blocks"] == 4, shown
PYTHON
[ "$("$pp" model show again.h5 --json | grep '"digest"' | head -n 1)" = \
  "$(grep '"digest"' tiny.json | head -n 1)" ] || fail "one seed gave two models"

status=0; "$pp" model import --sound tiny.h5 --frame tiny.h5 --synthesizer tiny.h5 -o no.h5 \
    2>said || status=$?
[ $status = 1 ] && grep -q "not a PyTorch checkpoint" said || fail "imported what is none"
printf '\200\002\212\012\154\374\234\106\371\040\152\250\120\031.\200\002M\351\003.' >evil.pth
printf '\200\002}X\015\000\000\000little_endian\210s.\200\002cos\nsystem\nX\011\000\000\000touch pwn\205R.' \
    >>evil.pth
status=0; "$pp" model import --sound evil.pth --frame evil.pth --synthesizer evil.pth -o no.h5 \
    2>said || status=$?
[ $status = 1 ] && grep -q "os.system" said || fail "a hostile checkpoint: $(cat said)"
[ ! -e pwn ] && [ ! -e no.h5 ] || fail "a hostile checkpoint left something"
status=0; "$pp" model import --sound evil.pth -o no.h5 2>said || status=$?
[ $status = 2 ] || fail "a missing argument is status $status"

golden=$PP_SHARED/golden
if [ ! -d "$golden" ]; then
    echo "no $golden here: the published checkpoints were not checked"
    exit 77
fi
for model in reference small-zip; do
    echo "== $model"
    "$pp" model import --sound "$golden/$model/sound_best.pth" \
        --frame "$golden/$model/frame_best.pth" \
        --synthesizer "$golden/$model/synthesizer_best.pth" -o $model.h5 --name $model
    for kernels in plain ""; do
        "$pp" model check $model.h5 --inputs "$golden/inputs.h5" -o out.h5 \
            --expected "$golden/$model/expected.h5" ${kernels:+--kernels $kernels} | tee said
        [ "$(grep -c 'at most' said)" = 10 ] || fail "not all ten outputs were compared"
    done
done

echo "== a difference is seen"
/usr/bin/python3 - <<'PYTHON'
import h5py
with h5py.File("out.h5", "r+") as file:
    file["mask"][10, 10] += 0.01
    assert file["pixel_energy"].attrs["long_name"] and file["pixel_energy"].attrs["units"]
PYTHON
status=0; "$pp" model check small-zip.h5 --inputs "$golden/inputs.h5" --expected out.h5 \
    >said || status=$?
[ $status = 1 ] && [ "$(grep -c BEYOND said)" = 1 ] || fail "a wrong mask went unseen"
rm -f ./*.h5
