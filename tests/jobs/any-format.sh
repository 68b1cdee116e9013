#!/usr/bin/env bash
# Every format and oddity in one job on 4 ranks: an archive or a reason for each, and good videos
# beside them come out byte for byte as without them.
set -eu
name=any-format
. "$PP_ROOT/tests/lib/any.sh"
odd=$PP_ROOT/tests/lib/odd_videos.py
tiny_model model.h5
$python "$odd" make videos || fail "the videos could not be made"
run_cluster 1 0 alone --model model.h5 videos/good
run_cluster 4 1 out --model model.h5 videos/good videos/odd videos/odd/cover.* videos/bad/missing.mp4 \
    videos/bad/nothing-inside videos/bad/*.mp[34] videos/bad/random.mkv
$python "$odd" check videos out || fail "see above"
$python "$odd" same videos out alone || fail "good videos were harmed"
"$bin/pp" fsck out >fsck.log || { cat fsck.log; fail "fsck"; }
