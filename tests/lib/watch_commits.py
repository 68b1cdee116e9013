#!/usr/bin/python3
"""Watches the committed files of an output folder over several runs: what one run has committed no
later run may write again.

    watch_commits.py OUT        until SIGTERM; prints what it saw; exit status 1: a line for each file
                                that was written again
"""
import os
import signal
import sys
import time

out, seen, again, ending = sys.argv[1], {}, [], []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))


def runs():
    try:
        with open(f"{out}/run.jsonl", encoding="utf-8", errors="replace") as events:
            return sum('"event":"start"' in line for line in events)
    except OSError:
        return 0


def look(run):
    for folder in ("archives", "shards", "failed"):
        for path, _, names in os.walk(f"{out}/{folder}"):
            for name in names:
                if ".tmp-" in name:
                    continue
                file = f"{path}/{name}"
                try:
                    now = os.stat(file)
                except OSError:
                    continue  # partial results go when a video is done
                identity = (now.st_ino, now.st_mtime_ns)
                known, when = seen.setdefault(file, (identity, run))
                if known != identity:
                    if when < run:
                        again.append(f"{file}: of run {when}, written again in run {run}")
                    seen[file] = (identity, run)


while not ending:
    look(runs())
    time.sleep(0.2)
look(runs())
per_run = [sum(when == run for _, when in seen.values()) for run in range(1, runs() + 1)]
print(f"{len(seen)} files committed, by run: {per_run}; written again: {len(again)}")
print("\n".join(again), end="")
sys.exit(1 if again else 0)
