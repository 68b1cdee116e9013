#!/usr/bin/env bash
# A decoder killed, stopped, or out of memory while it works under mpirun on 3 ranks: no rank is lost,
# good videos beside it are unharmed, and its own video is tried 3 times on 2 ranks, then recorded with
# a reason and a command that shows it; or, where only the first attempt was harmed, it succeeds.
set -eu
name=any-decoder
. "$PP_ROOT/tests/lib/any.sh"
tiny_model model.h5
both() { # SIZE RATE SECONDS PITCH
    echo "-f lavfi -i testsrc2=s=$1:r=$2:d=$3 -f lavfi -i aevalsrc=sin(2*PI*t*(200+$4*t)):s=22050:d=$3 -c:v mpeg4 -c:a aac"
}
# shellcheck disable=SC2046
{
    for i in 1 2 3 4; do make_video $(both 64x48 5 5 "$i") "good-$i.mkv"; done
    make_video $(both 640x360 1 240 9) victim.mkv # pictures too large for memory left over
}
run_cluster 1 0 alone --model model.h5 good-*.mkv victim.mkv
check_run() { # OUT GOOD: status.json, ranks, the first GOOD good videos' archives
    "$python" - "$1" <<'END' || fail "$1: ranks were lost"
import json, sys
run = json.load(open(f"{sys.argv[1]}/status.json"))["run"]
print(f"  ranks {run['ranks']}, lost {run['ranks_lost']}, videos {run['videos']}")
sys.exit(run["ranks_lost"] != 0 or run["ranks"] != 3)
END
    for archive in alone/archives/*/good-*.h5; do same_archives "$archive" "$1/${archive#alone/}"; done
}
disturbed() { # HOW MOST STATUS OUT
    "$python" "$PP_ROOT/tests/lib/disturb.py" "$1" victim.mkv "$2" "$4.harm" &
    local watcher=$!
    # shellcheck disable=SC2064
    trap "kill $watcher 2>/dev/null || true" EXIT
    run_cluster 3 "$3" "$4" --model model.h5 --decoder-wait 3 good-*.mkv victim.mkv
    kill $watcher 2>/dev/null || true
    wait $watcher 2>/dev/null || true
    echo "$1, at most $2 times (0: always): harmed $(wc -l <"$4.harm") decoders"
    check_run "$4"
}
for how in kill stop starve; do
    disturbed $how 1 0 "once-$how"
    [ "$(wc -l <"once-$how.harm")" = 1 ] || fail "$how: it was not harmed"
    same_archives alone/archives/*/victim-*.h5 "once-$how"/archives/*/victim-*.h5
    grep -q '"event":"failed"' "once-$how/run.jsonl" || fail "$how: the harm is in no event"

    disturbed $how 0 1 "always-$how"
    [ "$(ls "always-$how/failed" | wc -l)" = 1 ] || fail "$how: not one failure"
    "$python" - $how "always-$how"/failed/*.json >reproduce.sh <<'END' || fail "$how: the record"
import json, sys
how, record = sys.argv[1], json.load(open(sys.argv[2]))
wanted = {"kill": "crash", "stop": "timeout", "starve": "limit"}[how]
print(f"  {record['status']} on ranks {record['ranks']}, {record['attempts']} attempts: "
      f"{record['reason']} | {record['advice']}", file=sys.stderr)
print(record["reproduce"])
ranks = record["ranks"] if isinstance(record["ranks"], list) else str(record["ranks"]).split(",")
assert record["path"].endswith("victim.mkv") and record["advice"]
assert record["status"] == wanted and record["attempts"] == 3 and len(set(ranks)) == 2
END
    # nobody harms it now: the same command decodes it
    bash reproduce.sh >reproduced.log 2>&1 || { cat reproduced.log; fail "the reproducer failed"; }
    grep -q '^ok$' reproduced.log || fail "the reproducer says nothing"
done
# and the next run, asked to, has it
run_cluster 3 0 always-kill --model model.h5 --only-failed good-*.mkv victim.mkv
same_archives alone/archives/*/victim-*.h5 always-kill/archives/*/victim-*.h5
