#!/usr/bin/env bash
# The main job, whole: the published shape on a real video beside synthetic ones, on four ranks.
#
# Archives complete and read by h5py and h5dump; stems + residual = mixture; the residual against its
# own mask within -80 dB; the mixture within -60 dB of ffmpeg's, aligned to the sample; then the same
# inputs with 1, 2, 3 and 5 processes: every data set equal, byte for byte.
# Without the shared golden folder a small untrained model stands in for the reference model, and
# without the sample video only synthetic ones run.
set -eu
bin=$PP_BIN
cd "$PP_WORK"

if [ -e "$PP_SHARED/golden/reference/sound_best.pth" ]; then
    golden=$PP_SHARED/golden/reference
    "$bin/pp" model import --sound "$golden/sound_best.pth" --frame "$golden/frame_best.pth" \
        --synthesizer "$golden/synthesizer_best.pth" -o model.h5
else
    echo "no reference checkpoints here: a small untrained model stands in"
    "$bin/pp" model init --seed 1 --base-width 16 --levels 5 --components 8 -o model.h5
fi

"$bin/pp" synth -o corpus --count 3 --seed 7 --players 1,2,3 --seconds 9 >/dev/null
inputs=(corpus/manifest.csv)
sample=$PP_SHARED/samples/big-buck-bunny-480p-30s.mp4
if [ -e "$sample" ]; then inputs+=("$sample"); else echo "no sample video here"; fi

for ranks in 4 1 2 3 5; do
    run=("$bin/pp-cluster" --quiet --profile pixels --model model.h5 --out "out-$ranks" "${inputs[@]}")
    if [ $ranks = 1 ]; then "${run[@]}"
    else mpirun --oversubscribe -n $ranks "${run[@]}"; fi
    [ "$("$bin/pp" status --exit-status "out-$ranks")" = 0 ]
    ls "out-$ranks"/archives/*/*.h5 | wc -l
done

archives=(out-4/archives/*/*.h5)
[ ${#archives[@]} = $((3 + (${#inputs[@]} > 1))) ]
python=/usr/bin/python3
$python "$PP_ROOT/tests/lib/check_archive.py" "${archives[@]}"
for archive in "${archives[@]}"; do
    h5dump -H "$archive" >/dev/null
    $python "$PP_ROOT/tests/lib/check_mixture.py" "$archive"
    for ranks in 1 2 3 5; do
        $python "$PP_ROOT/tests/lib/check_archive.py" --same "$archive" "out-$ranks/${archive#out-4/}"
    done
done
h5dump -H out-4/corpus.h5 >/dev/null
echo "4 ranks = 1 = 2 = 3 = 5, ${#archives[@]} archives"
