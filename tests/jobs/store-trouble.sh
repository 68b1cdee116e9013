#!/usr/bin/env bash
# Stores in trouble: too small, full, read-only, slow. A clear message, nothing half-visible, and the
# run goes on when the trouble is over. Full and read-only need root, for a file system of their own.
set -eu
name=store-trouble
. "$PP_ROOT/tests/lib/any.sh"
tiny_model model.h5
mkdir videos
for i in 1 2 3 4; do
    make_video -f lavfi -i "testsrc2=s=64x48:r=4:d=$((20 + i))" \
        -f lavfi -i "aevalsrc='0.3*sin(2*PI*t*(200*$i+t))+0.1*random(0)':s=11025:d=$((20 + i))" \
        -c:v mpeg4 -c:a flac "videos/$i.mkv"
done
cluster() { "$bin/pp-cluster" -q --model model.h5 "$@"; }
status_of() { "$bin/pp" status --exit-status "$1"; }
sound() { "$bin/pp" fsck "$1" >fsck.log 2>&1 || { cat fsck.log; fail "fsck $2"; }; }
cluster --out ref videos >ref.log 2>&1 || fail "the undisturbed run"

echo "== no room for it: refused before anything is done, with the way out; a switch goes on"
truncate -s 8T huge.mkv
got=0
cluster --out small huge.mkv >said 2>&1 || got=$?
cat said
[ $got = 1 ] || fail "status $got, not 1"
grep -q "free; this run would take about" said || fail "no word on space"
grep -q -- "--skip-space-check" said || fail "no way out"
[ "$(status_of small)" = 1 ] || fail "status.json: $(status_of small)"
"$bin/pp" status small | grep -q "would take about" || fail "pp status does not know why"
rm -f huge.mkv
cp videos/1.mkv huge.mkv && truncate -s 1T huge.mkv # a video with a terabyte of nothing behind it
cluster --out small --skip-space-check --dead-after 5 videos/1.mkv >said 2>&1 || fail "with the switch"
rm -f huge.mkv

echo "== a slow store: said, and nothing is lost"
cat >slow.c <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd)
{
    static int calls;
    if (++calls == 6) sleep(6);
    return (int)syscall(SYS_fsync, fd);
}
C
${CC:-gcc} -shared -fPIC -o slow.so slow.c
got=0
mpirun --oversubscribe -x LD_PRELOAD="$PWD/slow.so" -n 3 "$bin/pp-cluster" -q --model model.h5 \
    --dead-after 3 --out slow videos >said 2>&1 </dev/null || got=$?
grep -m 1 "the storage is slow: bringing .* took [67] s" said || { cat said; fail "nothing said of it"; }
echo "status $got, $(status_of slow) in status.json"
case $(status_of slow) in 0 | 75) ;; *) cat said; fail "a slow store is no failure" ;; esac
sound slow "on a slow store"
cluster --out slow videos >said 2>&1 || { cat said; fail "after a slow store"; }
same_folders ref slow

[ "$(id -u)" = 0 ] && mkdir disk && mount -t tmpfs -o size=5m tmpfs disk 2>/dev/null ||
    { echo "full and read-only stores: only as root"; exit 77; }
trap 'cd /; umount "$PP_WORK/disk"' EXIT
out=disk/out
echo "== a full store: status 1, the file and the way out; then room, and it goes on"
got=0
cluster --out $out --skip-space-check videos >said 2>&1 || got=$?
tail -n 3 said
[ $got = 1 ] || { cat said; fail "a full disk: status $got"; }
grep -q "No space left on device" said || fail "no word on the full disk"
grep -q "free some space" said || fail "no way out"
sound $out "on a full disk"
find $out -name '*.tmp-*' | grep . && fail "temporary files on a full disk"
mount -o remount,size=200m disk
before=$(find $out/archives -name '*.h5' 2>/dev/null | wc -l)
echo "$before archives were made before it was full"
cluster --out $out videos >said 2>&1 || { cat said; fail "with room again"; }
same_folders ref $out

echo "== a read-only store: said at once; then writable again"
rm -rf "$out"
mpirun --oversubscribe -n 2 "$bin/pp-cluster" -q --model model.h5 --single-lease-windows 2 \
    --out $out videos >said 2>&1 </dev/null & pid=$!
for _ in $(seq 100); do grep -qs '"event":"lease"' $out/run.jsonl && break; sleep 0.02; done
mount -o remount,ro disk 2>/dev/null || echo "  (still being written to: only tried before a run)"
wait $pid || true
mount -o remount,ro disk
sound $out "on a read-only disk"
got=0
cluster --out $out videos >said 2>&1 || got=$?
cat said
[ $got = 1 ] || fail "a read-only disk: status $got"
grep -q "Read-only file system" said || fail "no word on the read-only disk"
grep -q "writable" said || fail "no way out"
mount -o remount,rw disk
cluster --out $out videos >said 2>&1 || { cat said; fail "writable again"; }
same_folders ref $out
