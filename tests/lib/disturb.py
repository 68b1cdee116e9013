#!/usr/bin/python3
"""Does harm to the decoder processes that work on one video, until it is told to stop.

    disturb.py kill|stop|starve VIDEO MOST LOG

kill: SIGKILL; stop: SIGSTOP; starve: no more memory than it has. Each of at most MOST decoders
(0: any number) once, found by the descriptor of VIDEO it holds; a line in LOG for each.
"""
import glob
import os
import resource
import signal
import sys
import time


def decoders(video):
    wanted = os.stat(video)
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/comm", encoding="utf-8") as comm:
                if comm.read() != "pp-decode-video\n":
                    continue
            for fd in glob.glob(f"{folder}/fd/*"):
                held = os.stat(fd)
                if (held.st_dev, held.st_ino) == (wanted.st_dev, wanted.st_ino):
                    yield int(folder[6:])
                    break
        except OSError:
            continue  # it has ended meanwhile


def harm(how, pid):
    if how == "starve":
        with open(f"/proc/{pid}/statm", encoding="utf-8") as statm:
            now = int(statm.read().split()[0]) * resource.getpagesize()
        resource.prlimit(pid, resource.RLIMIT_AS, (now, now))
    else:
        os.kill(pid, signal.SIGKILL if how == "kill" else signal.SIGSTOP)


def main(how, video, most, log):
    seen = set()
    with open(log, "w", encoding="utf-8", buffering=1) as lines:
        while not int(most) or len(seen) < int(most):
            for pid in set(decoders(video)) - seen:
                try:
                    harm(how, pid)
                except OSError:
                    continue
                seen.add(pid)
                lines.write(f"{how} {pid}\n")
            time.sleep(.002)


main(*sys.argv[1:])
