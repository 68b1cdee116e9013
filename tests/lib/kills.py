#!/usr/bin/python3
"""Kills processes of runs under mpirun --enable-recovery at random, and looks after each kill at what
is left.

    kills.py --out OUT --ref REF --kills N --seed S --ranks R --mean SECONDS -- pp-cluster ARGUMENTS...

A kill is SIGKILL to a rank, the coordinator, mpirun, a decoder, or all of them at once. While a run
goes on after one, its ranks are stopped for as long as `pp fsck` reads the output folder. Runs follow
each other until there were N kills; one that ends with status 0 in spite of them must equal REF, and
the next begins anew. At the end a plain run must end with 0 and equal REF, byte for byte.

Committed work is never redone: a file that was there when a run began has the same inode and time
for as long as it is there, and by run.jsonl no video is computed to its end twice.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
BIN = pathlib.Path(os.environ["PP_BIN"])
KINDS = {"rank": 40, "decoder": 20, "coordinator": 15, "mpirun": 15, "everything": 10}
HANGS_AFTER_S = 90


class Failure(Exception):
    pass


# ---- processes ----------------------------------------------------------------------------------


def processes():
    """pid -> (parent, name), zombies left out."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue
        state, parent = text.rsplit(")", 1)[1].split()[:2]
        if state not in "ZX":
            found[int(folder.name)] = (int(parent), text[text.index("(") + 1:text.rindex(")")])
    return found


def below(root, everyone):
    inside, grew = {root}, True
    while grew:
        new = {pid for pid, (parent, _) in everyone.items() if parent in inside} - inside
        inside |= new
        grew = bool(new)
    return inside - {root}


def rank_of(pid):
    try:
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    for entry in environment:
        if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(entry.split(b"=")[1])
    return None


def send(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


class Run:
    def __init__(self, options, log):
        self.process = subprocess.Popen(
            ["mpirun", "--enable-recovery", "--oversubscribe", "-n", str(options.ranks), *options.command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.seen = {}  # pid -> name, of everything that ever belonged to it

    def alive(self):
        return self.process.poll() is None

    def look(self):
        everyone = processes()
        for pid in below(self.process.pid, everyone):
            self.seen[pid] = everyone[pid][1]
        return [pid for pid, name in self.seen.items() if everyone.get(pid, (0, ""))[1] == name]

    def ranks(self):
        return {rank_of(pid): pid for pid in self.look() if self.seen[pid] == "pp-cluster"}

    def decoders(self):
        return [pid for pid in self.look() if self.seen[pid].startswith("pp-decode")]

    def kill(self, kind, dice):
        """What was killed, in words, or None where there is nothing of that kind."""
        ranks = self.ranks()
        if kind == "mpirun":
            return "mpirun" if self.alive() and send(self.process.pid, signal.SIGKILL) else None
        if kind == "everything":
            pids = self.look()
            for pid in [self.process.pid, *pids]:
                send(pid, signal.SIGKILL)
            return "everything" if pids else None
        if kind == "decoder":
            choice = sorted(self.decoders())
        else:
            choice = [pid for rank, pid in sorted(ranks.items(), key=str) if kind != "coordinator" or rank == 0]
        if not choice:
            return None
        pid = dice.choice(choice)
        names = {p: f"rank {r}" for r, p in ranks.items()}
        return names.get(pid, self.seen[pid]) if send(pid, signal.SIGKILL) else None

    def wait_gone(self):
        """After mpirun's death its ranks leave by themselves, or not."""
        end = time.time() + 20
        while self.look() and time.time() < end:
            time.sleep(0.1)
        for pid in self.look():
            send(pid, signal.SIGKILL)
        self.process.wait()

    def stop_all(self, number):
        for pid in self.look():
            send(pid, number)


# ---- what is left ---------------------------------------------------------------------------


def check(command, what):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{what}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


def committed(out):
    found = {}
    for folder in ("archives", "shards"):
        for path in pathlib.Path(out, folder).rglob("*.h5"):
            try:
                info = path.stat()
            except FileNotFoundError:
                continue
            found[str(path)] = (info.st_ino, info.st_mtime_ns)
    return found


def look_at(options, before, when):
    if not os.path.isdir(options.out):
        return
    check([BIN / "pp", "fsck", options.out], f"fsck {when}")
    now = committed(options.out)
    again = [path for path in before if now.get(path, before[path]) != before[path]]
    if again:
        raise Failure(f"{when}: made again: {again}")


def computed_twice(out):
    """By run.jsonl: videos that were computed to their end more than once."""
    leases, computed = {}, collections.Counter()
    for line in open(f"{out}/run.jsonl", encoding="utf-8", errors="replace"):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of a killed run
        details = event.get("details", {})
        if event["event"] == "start":
            leases = {}
        elif event["event"] == "lease":
            leases[details["lease"]] = details
        elif event["event"] == "finished" and details["counts"] and not details.get("already_done"):
            lease = leases[details["lease"]]
            whole = lease["kind"] == "whole" and details["stage_s"][5] > 0
            if whole or lease.get("stage") == "publish":
                computed[lease["video"]] += 1
    return [video for video, times in computed.items() if times > 1]


def must_equal(options, when):
    check([sys.executable, HERE / "compare_archives.py", options.ref, options.out], f"{when}: archives")
    check([BIN / "pp", "fsck", options.out], f"{when}: fsck")
    if list(pathlib.Path(options.out).glob("shards/*")):
        raise Failure(f"{when}: partial results were left behind")
    twice = computed_twice(options.out)
    if twice:
        raise Failure(f"{when}: computed twice: {twice}")


def status_of(out):
    try:
        with open(f"{out}/status.json", encoding="utf-8") as file:
            return json.load(file)["status"]
    except OSError:
        return 75


# ---- runs ---------------------------------------------------------------------------------------


def one_run(options, dice, tally):
    """Kills at random until the run ends."""
    before, begun = committed(options.out), time.time()
    with open(f"{options.out}.log", "w", encoding="utf-8") as log:
        run = Run(options, log)
        strike = begun + dice.uniform(0.1, 2 * options.mean)
        last = begun
        while run.alive():
            if time.time() > last + HANGS_AFTER_S:
                run.kill("everything", dice)
                raise Failure(f"the run hangs {HANGS_AFTER_S} s after the last kill")
            if time.time() < strike or tally["kills"] >= options.kills:
                run.look()
                time.sleep(0.02)
                continue
            kind = dice.choices(list(KINDS), KINDS.values())[0]
            what = run.kill(kind, dice)
            strike = time.time() + dice.uniform(0.05, 2 * options.mean)
            if what is None:
                continue
            tally["kills"] += 1
            tally[kind] += 1
            last = time.time()
            if kind in ("mpirun", "everything"):
                run.wait_gone()
                look_at(options, before, f"after the death of {what}")
                break
            run.stop_all(signal.SIGSTOP)
            try:
                look_at(options, before, f"after the death of {what}")
            finally:
                run.stop_all(signal.SIGCONT)
        run.wait_gone()
    look_at(options, before, "after the run")
    tally["runs"] += 1
    status = status_of(options.out)
    if status not in (0, 75):
        raise Failure(f"status {status}: {open(f'{options.out}.log', encoding='utf-8').read()[-3000:]}")
    if status == 0:
        must_equal(options, "a run that ended in spite of kills")
        tally["ended"] += 1
        shutil.rmtree(options.out)


def main():
    parser = argparse.ArgumentParser()
    for name, kind in (("out", str), ("ref", str), ("kills", int), ("seed", int), ("ranks", int), ("mean", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    dice, tally, told = random.Random(options.seed), collections.Counter(), 0
    while tally["kills"] < options.kills:
        one_run(options, dice, tally)
        if tally["kills"] >= told + 20:
            told = tally["kills"]
            print(f"  {dict(tally)}", flush=True)
    # with the default patience: a plain run must end even where the disk stalls for some seconds
    subprocess.run(["mpirun", "--oversubscribe", "-n", str(options.ranks), *options.command, "--dead-after", "60"],
                   check=False, stdin=subprocess.DEVNULL)
    if status_of(options.out) != 0:
        raise Failure(f"the last, plain run: status {status_of(options.out)}")
    must_equal(options, "the last, plain run")
    kinds = ", ".join(f"{kind} {tally[kind]}" for kind in KINDS)
    print(f"{tally['kills']} kills ({kinds}) in {tally['runs']} runs, {tally['ended']} of which ended with 0 "
          "all the same: nothing corrupt, nothing made twice, every archive equal to an undisturbed run's")


try:
    main()
except Failure as failure:
    print(f"FAILED: {failure}")
    sys.exit(1)
