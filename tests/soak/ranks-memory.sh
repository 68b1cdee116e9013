#!/usr/bin/env bash
# Many ranks on one machine with a model of the published size: its weights lie in memory once, and no
# rank has more than 150 MB of its own (decoders apart).
# PP_RANKS (64) workers; PP_MODEL: a model file (default: made untrained, 160 MB)
set -eu
name=ranks-memory
. "$PP_ROOT/tests/lib/any.sh"
ranks=${PP_RANKS:-64}
model=${PP_MODEL:-model.h5}
export PP_LOCAL=$PWD/local
[ -e "$model" ] || "$bin/pp" model init -o "$model" --seed 1 >/dev/null || fail "no model"
mkdir -p videos local
for i in $(seq "$ranks"); do
    make_video -f lavfi -i "testsrc2=s=192x128:r=8:d=6,hue=h=$i" \
        -f lavfi -i "sine=f=$((200 + 10 * i)):r=11025:d=6" -c:v libx264 -preset ultrafast -c:a aac "videos/$i.mp4"
done
begin=$SECONDS
mpirun --oversubscribe -n $((ranks + 1)) "$bin/pp-cluster" --quiet --dead-after 900 --out out --model "$model" videos \
    >log 2>&1 </dev/null &
launcher=$!
$python - "$launcher" <<'END' || { wait $launcher || true; tail -n 20 log; fail "memory"; }
import os, re, sys, time
launcher, own, rss, pss = int(sys.argv[1]), {}, 0, 0

def field(text, name):
    return sum(int(n) for n in re.findall(rf"^{name}:\s+(\d+) kB", text, re.M))

while os.path.exists(f"/proc/{launcher}/stat") and open(f"/proc/{launcher}/stat").read().split()[2] != "Z":
    sum_pss = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/comm").read().strip() != "pp-cluster":
                continue
            if int(re.search(r"PPid:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) != launcher:
                continue
            rollup = open(f"/proc/{pid}/smaps_rollup").read()
            parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", open(f"/proc/{pid}/smaps").read(), flags=re.M)
            packed = "".join(p for p in parts if "/pixelplayer-" in p.split("\n")[0])
            # Pages of the weights' file count as private while nobody else has touched them yet.
            private = (field(rollup, "Private_Clean") + field(rollup, "Private_Dirty")
                       - field(packed, "Private_Clean") - field(packed, "Private_Dirty"))
            own[pid] = max(own.get(pid, 0), private)
            rss, sum_pss = max(rss, field(packed, "Rss")), sum_pss + field(packed, "Pss")
        except (OSError, TypeError):
            continue
    pss = max(pss, sum_pss)
    time.sleep(0.5)
worst = max(own.values(), default=0) / 1024
print(f"  {len(own)} ranks: at most {worst:.0f} MB private a rank; weights mapped by one "
      f"{rss / 1024:.0f} MB, resident for all together {pss / 1024:.0f} MB")
sys.exit(not own or worst > 150)
END
wait $launcher || { tail -n 20 log; fail "the run"; }
done_count=$(ls out/archives/*/*.h5 | wc -l)
[ "$done_count" = "$ranks" ] || fail "$done_count archives of $ranks"
echo "  $ranks archives on $ranks ranks in $((SECONDS - begin)) s"
