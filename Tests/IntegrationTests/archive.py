#!/usr/bin/env python3
"""kill -9 of `strandline archive` at random moments under load: the archive is the one that is made without faults.

    archive.py STRANDLINE [KILLS [PERIOD [SEED]]]      with KAFKA_BOOTSTRAP_SERVERS set; 50 kills, periods of an hour

kcat publishes numbered actions all along, some of them broken. The archiver is killed and started again; at the end
`archive --once` drains the rest, and another archive is made of the same topic in one go. Both must have the same
files with the same bytes; every action must be in them once, in order, byte for byte; `strandline verify` must find
nothing wrong; and sha256sum, openssl and jq must come to the same result without Strandline. With periods of seconds,
most objects are closed by the clock, and what is compared of the manifests is what both archives have come to.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.node import STOP_SECONDS_MAX, Failure, Topic, run  # noqa: E402

PROJECT = "crash"
QUEUES = [f"queue{number}" for number in range(16)]  # enough for every partition to have some
ACTIONS_PER_SECOND = 1_000
ACTIONS_MAX = 80_000  # the small test broker is good for some 100,000 messages
UP_SECONDS = (0.05, 1.5)  # how long a process lives before it is killed: while it starts, finds its place, reads, stores
OBJECT_RECORDS = 200
HOUR = 3_600


def body(number):
    if number % 997 == 0:
        return b"broken %d" % number
    return b'{"event":"Numbered","details":{"number":%d,"filler":"%s"}}' % (number, b"x" * (number * 7 % 600))


class Load(threading.Thread):
    """Publishes numbered records, round robin over the queues, until told to stop."""

    def __init__(self, topic):
        super().__init__(daemon=True)
        self.topic, self.ending, self.published, self.failure = topic, threading.Event(), 0, None

    def run(self):
        try:
            kcat = self.topic.publisher()
            started = time.monotonic()
            while not self.ending.wait(0.02) and self.published < ACTIONS_MAX:
                due = min(int((time.monotonic() - started) * ACTIONS_PER_SECOND), ACTIONS_MAX)
                for number in range(self.published, due):
                    key = f"{PROJECT}/{QUEUES[number % len(QUEUES)]}".encode()
                    kcat.stdin.write(key + b"\t" + body(number) + b"\n")
                kcat.stdin.flush()
                self.published = due
            kcat.stdin.close()
            if kcat.wait(timeout=60) != 0:
                raise Failure(f"kcat ended with {kcat.returncode}")
        except Exception as error:  # raised again by `end`, on the main thread
            self.failure = error

    def end(self):
        self.ending.set()
        self.join()
        if self.failure is not None:
            raise self.failure
        return self.published


class Archiver:
    """`strandline archive` into a folder."""

    def __init__(self, strandline, topic, folder, name, period):
        self.folder = os.path.join(folder, name)
        self.log_path = os.path.join(folder, name + ".log")
        self.spool = os.path.join(folder, name + ".spool")
        os.makedirs(self.folder)
        self.url = f"file://{self.folder}"
        self.command = [
            strandline, "archive", "--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name,
            "--group", f"{topic.name}.{name}", "--to", self.url, "--object-records", str(OBJECT_RECORDS),
            "--period", str(period), "--lateness", str(lateness(period)),
            "--signing-key-file", os.path.join(folder, "signing.pem"), "--spool", self.spool,
            # A member that is killed and comes back is the same one: nobody waits for its session to time out.
            "--kafka-property", "group.instance.id=archiver"]
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ensure_running(self):
        status = self.process.poll()
        if status is not None:
            raise Failure(f"strandline archive ended by itself with {status}:\n{self.log_tail()}")

    def kill(self):
        self.ensure_running()
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.ensure_running()
        self.process.terminate()
        try:
            status = self.process.wait(timeout=STOP_SECONDS_MAX + 5)
        except subprocess.TimeoutExpired:
            raise Failure(f"strandline archive did not end within {STOP_SECONDS_MAX} s of SIGTERM\n{self.log_tail()}")
        if status != 0:
            raise Failure(f"strandline archive ended with {status} after SIGTERM\n{self.log_tail()}")

    def drain(self):
        done = subprocess.run(
            self.command + ["--once", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f"archive --once ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def objects(self):
        return sum(1 for path in files(self.folder) if path.endswith(".ndjson.gz"))

    def log_tail(self, lines=30):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])


def files(folder):
    """Every file below a folder and its bytes, by relative path; what a store is still writing has a dot before it."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def compare(faulted, reference, period):
    ours, theirs = files(faulted), files(reference)
    if period < HOUR:  # the silence of the last seconds depends on when one looks
        common = {path for path in ours if path in theirs} | {path for path in [*ours, *theirs] if path[0] != "_"}
        ours, theirs = ({path: found[path] for path in found if path in common or "_cuts" in path}
                        for found in (ours, theirs))
    for path in sorted(set(ours) | set(theirs)):
        if ours.get(path) != theirs.get(path):
            where = "only with faults" if path not in theirs else "only without" if path not in ours else "other bytes"
            raise Failure(f"{path}: {where}; {len(ours)} files with faults, {len(theirs)} without")
    return len(ours)


def lateness(period):
    return 120 if period == HOUR else 1


def present_hour():
    return int(time.time() - lateness(HOUR)) // HOUR


def check(strandline, bootstrap_servers, kills, period, seed):
    moments = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="strandline-archive-test-")
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{folder}/signing.pem"])
    run(["openssl", "pkey", "-in", f"{folder}/signing.pem", "-pubout", "-out", f"{folder}/signing.pub"])
    topic = Topic(strandline, bootstrap_servers)
    archiver = Archiver(strandline, topic, folder, "faulted", period)
    load = Load(topic)
    passed = False
    try:
        archiver.start()
        load.start()
        alive = []
        for _ in range(kills):
            time.sleep(moments.uniform(*UP_SECONDS))
            archiver.kill()
            alive.append(archiver.objects())
            archiver.start()
            if len(alive) % 10 == 5:  # also while the archiver is at work nothing is wrong
                run([strandline, "verify", archiver.url, "--public-key", f"{folder}/signing.pub"])
        count = load.end()
        deadline = time.monotonic() + 60
        while archiver.objects() <= alive[-1] and time.monotonic() < deadline:
            archiver.ensure_running()
            time.sleep(0.05)
        archiver.stop()
        moving = sum(1 for before, after in zip(alive, alive[1:]) if after > before)
        print(f"  {kills} kills, {count} records published; {archiver.objects()} objects so far, "
              f"{moving} of the lives stored some")
        if moving == 0:
            raise Failure(f"no process lived long enough to store anything\n{archiver.log_tail()}")
        if period < HOUR:
            time.sleep(period + lateness(period) + 1)  # so that the last period is over for both
        for attempt in range(100):
            hour = present_hour()
            archiver.drain()
            reference = Archiver(strandline, topic, folder, f"reference{attempt}", period)
            totals = reference.drain()
            if present_hour() == hour:  # else an hour was closed in between: once more
                break
        number = compare(archiver.folder, reference.folder, period)
        print(f"  {number} files, the same with faults and without; {totals['actions']} actions, "
              f"{totals['rejected']} rejected")
        verify(strandline, archiver.url, folder)
        read_back(strandline, archiver.url, topic, count)
        verify_by_hand(archiver.folder, folder)
        if os.path.isdir(archiver.spool) and os.listdir(archiver.spool):
            raise Failure(f"left in the spool: {os.listdir(archiver.spool)}")
        passed = True
    finally:
        if archiver.process is not None and archiver.process.poll() is None:
            archiver.process.kill()
            archiver.process.wait()
        if passed:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"  kept for a look: {folder}", file=sys.stderr)
        topic.delete()


def verify(strandline, url, folder):
    out = run([strandline, "verify", url, "--public-key", f"{folder}/signing.pub", "--json"])
    report = json.loads(out.splitlines()[-1])
    if not report["clean"] or report["unsealedObjects"] or report["uncheckedSignatures"] or report["unfinishedCuts"]:
        raise Failure(f"verify: {out}")
    print(f"  verify: nothing wrong in {report['manifests']} manifests and {report['objects']} objects")


def read_back(strandline, url, topic, count):
    """Every action once, in order within its queue, byte for byte."""
    for index, queue in enumerate(QUEUES):
        command = [strandline, "archive", "cat", url, "--topic", topic.name, "--project", PROJECT, "--queue", queue,
                   "--bodies"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if done.returncode != 0:
            raise Failure(f"archive cat ended with {done.returncode}: {done.stderr.decode()}")
        expected = [body(n) for n in range(index, count, len(QUEUES)) if n % 997 != 0]
        if done.stdout.splitlines() != expected:
            raise Failure(f"queue {queue}: {len(expected)} published, {len(done.stdout.splitlines())} in the archive")
    print(f"  every action of {len(QUEUES)} queues read back, byte for byte")


def verify_by_hand(archive, folder):
    """What README says of verifying without Strandline."""
    manifests = sorted(pathlib.Path(archive, "_manifests").rglob("*.json"))
    previous = {}
    for manifest in manifests:
        run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", f"{folder}/signing.pub", "-sigfile",
             f"{manifest}.sig", "-in", str(manifest)])
        named = run(["jq", "-r", ".previous", str(manifest)]).strip()
        if named != previous.get(manifest.parent, "null"):
            raise Failure(f"{manifest} names {named} before it")
        previous[manifest.parent] = run(["sha256sum", str(manifest)]).split()[0]
        if run(["jq", "-cSj", ".", str(manifest)]).encode() != manifest.read_bytes():
            raise Failure(f"{manifest}: jq -cSj writes it otherwise")
        sums = run(["jq", "-r", r'.objects[] | "\(.sha256)  \(.key)"', str(manifest)])
        done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet"], input=sums, text=True, cwd=archive,
                              capture_output=True) if sums else None
        if done is not None and done.returncode != 0:
            raise Failure(f"sha256sum: {done.stdout}{done.stderr}")
    print(f"  {len(manifests)} manifests checked with openssl, jq and sha256sum as well")


if __name__ == "__main__":
    if len(sys.argv) < 2 or "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
        sys.exit(__doc__)
    kill_count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    period_seconds = int(sys.argv[3]) if len(sys.argv) > 3 else HOUR
    random_seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    print(f"  seed {random_seed}")
    try:
        check(sys.argv[1], os.environ["KAFKA_BOOTSTRAP_SERVERS"], kill_count, period_seconds, random_seed)
    except Failure as failure:
        sys.exit(f"FAILED (seed {random_seed}): {failure}")
    print("archive: passed")
