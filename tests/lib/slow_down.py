#!/usr/bin/python3
"""Lets every process of a program have only a share of a processor, by stopping and continuing it:
so that time limits strike and nodes die in the middle of work that costs the machine little, on a fast
machine as on a slow or busy one.

    slow_down.py PROGRAM SHARE       until it is killed; a process starts with half a second for free
"""
import glob
import os
import signal
import sys
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
FREE_S = 0.5


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        name, fields = stat.read().split("(", 1)[1].rsplit(")", 1)
    fields = fields.split()
    return (name == sys.argv[1]), (int(fields[11]) + int(fields[12])) * TICK_S


share, since = float(sys.argv[2]), {}
while True:
    for folder in glob.glob("/proc/[0-9]*"):
        pid = int(folder[6:])
        try:
            ours, used = cpu_s(pid)
            if not ours:
                continue
            now = time.monotonic()
            allowed = FREE_S + share * (now - since.setdefault(pid, now))
            os.kill(pid, signal.SIGSTOP if used > allowed else signal.SIGCONT)
        except (OSError, IndexError):
            since.pop(pid, None)  # it has ended meanwhile
    time.sleep(0.05)
