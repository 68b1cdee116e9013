#!/usr/bin/env bash
# A short round of make fuzz: random damage against the file readers.
set -eu
make -s -C "$PP_ROOT" build/release/tests/fuzz_readers
cd "$PP_WORK"
"$PP_ROOT/build/release/tests/fuzz_readers" 60
