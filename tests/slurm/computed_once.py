#!/usr/bin/python3
"""Reads OUT/run.jsonl over all runs: no video may have been computed to its end twice.

    computed_once.py run.jsonl VIDEOS
"""
import collections
import json
import sys

runs, leases, computed = 0, {}, collections.Counter()
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    try:
        event = json.loads(line)
    except ValueError:
        continue  # the last line of a killed run
    details = event["details"]
    if event["event"] == "start":
        runs, leases = runs + 1, {}
    elif event["event"] == "lease":
        leases[details["lease"]] = details
    elif event["event"] == "finished" and details["counts"] and not details["already_done"]:
        lease = leases[details["lease"]]
        if lease["kind"] == "whole" or lease.get("stage") == "publish":
            computed[lease["video"]] += 1
twice = [video for video, times in computed.items() if times > 1]
print(f"{runs} runs, {len(computed)} videos computed, {len(twice)} of them twice")
sys.exit(0 if not twice and len(computed) == int(sys.argv[2]) else 1)
