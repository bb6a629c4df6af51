#!/usr/bin/env python3
"""kill -9 of `strandline archive` at random moments under load: the archive is the one that is made without faults.

    archive.py STRANDLINE [KILLS [PERIOD [SEED]]]      with KAFKA_BOOTSTRAP_SERVERS set; 50 kills, periods of an hour

kcat publishes numbered actions all along, some of them broken. The archiver is killed and started again; at the end
`archive --once` drains the rest, and another archive is made of the same topic in one go. Both must have the same
files with the same bytes; every action must be in them once, in order, byte for byte; `strandline verify` must find
nothing wrong; and sha256sum, openssl and jq must come to the same result without Strandline. With periods of seconds,
most objects are closed by the clock, and what is compared of the manifests is what both archives have come to.
"""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support import load  # noqa: E402
from Support.archiver import (  # noqa: E402
    HOUR, Archiver, compare, files, lateness, make_signing_key, present_hour, read_back)
from Support.load import Load  # noqa: E402
from Support.node import Failure, Topic, run  # noqa: E402

PROJECT = "crash"
QUEUES = [f"queue{number}" for number in range(16)]  # enough for every partition to have some
ACTIONS_PER_SECOND = 1_000
UP_SECONDS = (0.05, 1.5)  # how long a process lives before it is killed: while it starts, finds its place, reads, stores


def is_broken(number):
    return number % 997 == 0


def body(number):
    return b"broken %d" % number if is_broken(number) else load.body(number)


def objects(archiver):
    return sum(1 for path in files(archiver.folder) if path.endswith(".ndjson.gz"))


def common(ours, theirs, period):
    """What both archives must have come to."""
    if period < HOUR:  # the silence of the last seconds depends on when one looks
        common = {path for path in ours if path in theirs} | {path for path in [*ours, *theirs] if path[0] != "_"}
        return ({path: found[path] for path in found if path in common or "_cuts" in path} for found in (ours, theirs))
    return ours, theirs


def check(strandline, bootstrap_servers, kills, period, seed):
    moments = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="strandline-archive-test-")
    make_signing_key(folder)
    topic = Topic(strandline, bootstrap_servers)
    archiver = Archiver(strandline, topic, folder, "faulted", period)
    publisher = Load(topic, PROJECT, QUEUES, ACTIONS_PER_SECOND, body)
    passed = False
    try:
        archiver.start()
        publisher.start()
        alive = []
        for _ in range(kills):
            time.sleep(moments.uniform(*UP_SECONDS))
            archiver.kill()
            alive.append(objects(archiver))
            archiver.start()
            if len(alive) % 10 == 5:  # also while the archiver is at work nothing is wrong
                run([strandline, "verify", archiver.url, "--public-key", f"{folder}/signing.pub"])
        count = publisher.end()
        deadline = time.monotonic() + 60
        while objects(archiver) <= alive[-1] and time.monotonic() < deadline:
            archiver.ensure_running()
            time.sleep(0.05)
        archiver.stop()
        moving = sum(1 for before, after in zip(alive, alive[1:]) if after > before)
        print(f"  {kills} kills, {count} records published; {objects(archiver)} objects so far, "
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
        number = compare(*common(files(archiver.folder), files(reference.folder), period))
        print(f"  {number} files, the same with faults and without; {totals['actions']} actions, "
              f"{totals['rejected']} rejected")
        archiver.verify()
        read_back(strandline, archiver, topic, PROJECT, QUEUES, lambda index: [
            body(number) for number in range(index, count, len(QUEUES)) if not is_broken(number)])
        verify_by_hand(archiver.folder, folder)
        archiver.check_spool()
        passed = True
    finally:
        archiver.remove()
        if passed:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"  kept for a look: {folder}", file=sys.stderr)
        topic.delete()


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
