#!/usr/bin/env bash
# Damaged copies of a video (tests/jobs/damage.py: flipped bytes, cuts, swapped boxes, absurd headers)
# in one job on 3 ranks: every one an archive or a reason with advice, none by its sandbox; no rank is
# lost; time and memory of each within the limits. Then strace: a decoder opens nothing and connects nowhere.
# PP_DAMAGED=300 for the full count (24).
set -eu
name=any-damage
. "$PP_ROOT/tests/lib/any.sh"
count=${PP_DAMAGED:-24}
tiny_model model.h5
sample=$PP_SHARED/samples/big-buck-bunny-480p-30s.mp4
if [ -e "$sample" ]; then make_video -ss 6 -t 6 -i "$sample" -c copy real.mp4
else
    echo "no sample video here: a synthetic one stands in"
    make_video -f lavfi -i testsrc2=s=160x120:r=10:d=6 -f lavfi -i "aevalsrc=sin(2*PI*t*(200+40*t)):s=44100:d=6" \
        -c:v libx264 -pix_fmt yuv420p -g 10 -c:a aac real.mp4
fi
"$python" "$PP_ROOT/tests/jobs/damage.py" real.mp4 damaged "$count" 3 >what.txt
start=$SECONDS
"$python" "$PP_ROOT/tests/lib/peaks.py" --decoders mpirun --oversubscribe -n 3 "$bin/pp-cluster" --quiet \
    --out out --model model.h5 damaged >peaks.txt 2>out.log || true
read -r seen most_kb address_kb <peaks.txt
echo "  $seen decoders seen: at most $((most_kb / 1024)) MB, $((address_kb / 1024)) MB of addresses"
[ "$seen" -gt 0 ] && [ "$address_kb" -le $((3072 * 1024)) ] || fail "a decoder beyond its limit of memory"
"$python" - "$count" "$((SECONDS - start))" <<'END' || { tail -n 20 out.log; fail "see above"; }
import collections, json, os, sys

count, seconds, wall = int(sys.argv[1]), {}, int(sys.argv[2])
what = dict(line.rstrip("\n").split("\t") for line in open("what.txt"))
events = [json.loads(line) for line in open("out/run.jsonl")]
status = json.load(open("out/status.json"))
ends, faults, reasons = {}, [], collections.Counter()
for event in events:
    details = event["details"]
    if event["event"] == "outcome":
        ends[os.path.basename(details["path"])] = details
for name in sorted(what):
    end = ends.get(name)
    if end is None:
        faults.append(f"{name} ({what[name]}): neither archive nor reason")
    elif end["status"] == "ok" and not os.path.exists(f"out/{end['archive']}"):
        faults.append(f"{name}: its archive is not there")
records = [json.load(open(f"out/failed/{r}")) for r in os.listdir("out/failed")]
for record in records:
    name = os.path.basename(record["path"])
    reasons[record["status"]] += 1
    if not record["reason"] or not record["advice"] or not record["reproduce"]:
        faults.append(f"{name}: its record is empty: {record}")
    if record["status"] != "media":
        print(f"  {name} ({what[name]}): {record['status']}: {record['reason']}")
    if record["status"] not in ("media", "limit", "timeout") or "sandbox" in record["reason"]:
        faults.append(f"{name} ({what[name]}): {record['status']}: {record['reason']}")
longest = max(e["details"]["seconds"] for e in events if e["event"] in ("finished", "failed"))
archives = sum(e["status"] == "ok" for e in ends.values())
run = status["run"]
print(f"  {count} damaged copies: {archives} archives, {dict(reasons)}; {wall} s, longest lease "
      f"{longest:.1f} s; ranks lost {run['ranks_lost']}; status {status['status']}")
if archives + len(records) != count or len(records) != run["videos"]["failed"]:
    faults.append(f"{archives} archives and {len(records)} reasons of {count}; {run['videos']}")
if run["ranks_lost"] or longest > 120 or status["status"] != (1 if records else 0):
    faults.append("ranks lost, a lease beyond its time, or the wrong status")
if archives < count // 8 or len(records) < count // 8:
    faults.append("the damage is all too great or too small to show anything")
print("\n".join(faults))
sys.exit(bool(faults))
END
archives=(out/archives/*/*.h5)
"$python" "$PP_ROOT/tests/lib/check_archive.py" "${archives[@]}" >check.log || { grep -v '^ ' check.log; fail "an archive"; }

# System calls of a decoder on copies of each kind.
if ! command -v strace >/dev/null; then echo "strace is not installed: not traced"; exit 0; fi
traced=0
for copy in damaged/damaged-00[0-9].mp4; do
    strace -f -o calls.txt "$bin/pp-decode" --try "$copy" >try.log 2>&1 || true
    # from its filter on, a process is in its sandbox
    awk '/SECCOMP_SET_MODE_FILTER.*len=/ { in_it[$1] = 1; next }
        in_it[$1] { calls++ }
        in_it[$1] && /^[0-9]+ +(open|creat|socket|connect|bind|exec|fork|vfork|clone|unlink|rename|mkdir|link|symlink|kill)/ \
            { print; bad++ }
        END { exit bad > 0 || calls < 5 }' calls.txt || { tail -n 3 try.log; fail "$copy: $(wc -l <calls.txt) calls"; }
    traced=$((traced + 1))
done
echo "  $traced copies traced: nothing opened, nothing connected"
