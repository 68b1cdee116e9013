#!/usr/bin/python3
"""Runs a command and prints peak memory of what runs below it; exit status as the command's.

    peaks.py COMMAND...               each pp-cluster: a line "RANK KILOBYTES"
    peaks.py --decoders COMMAND...    of all decoders: "COUNT KILOBYTES KILOBYTES", how many were
                                      seen, the most memory of one and the most address space
"""
import glob
import subprocess
import sys
import time


def parents():
    found = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                pid, rest = file.read().split(" (", 1)
            name, rest = rest.rsplit(") ", 1)
            found[int(pid)] = (name, int(rest.split()[1]))
        except (OSError, ValueError):
            continue
    return found


def is_below(pid, top, found):
    while pid in found and pid != top:
        pid = found[pid][1]
    return pid == top


def read_status(pid, key):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next((int(line.split()[1]) for line in file if line.startswith(key + ":")), 0)


def rank_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        environ = dict(v.split(b"=", 1) for v in file.read().split(b"\0") if b"=" in v)
    return int(environ.get(b"OMPI_COMM_WORLD_RANK", b"0"))


def look(top, program, peaks):
    found = parents()
    for pid, (name, _) in found.items():
        if not name.startswith(program) or not is_below(pid, top, found):
            continue
        try:
            key = rank_of(pid) if program == "pp-cluster" else pid
            peaks[key] = (read_status(pid, "VmHWM"), read_status(pid, "VmPeak"))
        except OSError:
            continue


def main(arguments):
    decoders = arguments[0] == "--decoders"
    program, pause_s = ("pp-decode", .02) if decoders else ("pp-cluster", .1)
    peaks = {}
    command = arguments[decoders:]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr) as run:
        while run.poll() is None:
            look(run.pid, program, peaks)
            time.sleep(pause_s)
    if decoders:
        print(len(peaks), *(max((p[i] for p in peaks.values()), default=0) for i in range(2)))
    else:
        for rank, (resident, _) in sorted(peaks.items()):
            print(rank, resident)
    return run.returncode


sys.exit(main(sys.argv[1:]))
