#!/usr/bin/env python3
"""kill -9 of the object store at random moments under load: the archive is the one that is made without faults.

    store_faults.py STRANDLINE [--swift-python PYTHON] [--kills N] [--stores s3,swift] [--seed N]
                                                     with KAFKA_BOOTSTRAP_SERVERS set and boto3 at hand; 10 kills

kcat publishes numbered actions all along, and one `strandline archive` stores them in a real server of the test's own:
SeaweedFS by S3, OpenStack Swift by its own API. The server is killed and started again on the same folder, now and then
a second time before it is up. The archiver must live through it. At the end the store must hold, object by object and
byte by byte, what an archive has that is made in a folder in one go; every action must come back, and
`strandline verify` must find nothing wrong.
"""

import argparse
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.archiver import Archiver, compare, files, make_signing_key, present_hour, read_back  # noqa: E402
from Support.load import Load, body  # noqa: E402
from Support.node import Failure, Topic  # noqa: E402
from Support.objectstore import contents, openstack_swift, seaweedfs  # noqa: E402

PROJECT = "faults"
QUEUES = [f"queue{number}" for number in range(16)]  # enough for every partition to have some
ACTIONS_PER_SECOND = 300
OBJECT_RECORDS = 50  # objects come all along
UP_SECONDS = (0.0, 1.5)  # how long it goes on storing before it is killed
MORE_SECONDS_MAX = 120
DOWN_SECONDS = (0.0, 1.0)
STARTING_SECONDS = (0.05, 2.0)  # how long one lives that is killed before it is up
STARTS_KILLED = 0.3
PREFIX = "some/prefix"


def kill_now_and_then(server, archiver, kills, moments):
    """Each life that comes up stores something before it ends, so that kills fall among uploads."""
    s3, killed, stored = server.client(), 0, 0
    while killed < kills:
        stored = wait_for_more(server, archiver, s3, stored)
        time.sleep(moments.uniform(*UP_SECONDS))
        server.kill()
        killed += 1
        time.sleep(moments.uniform(*DOWN_SECONDS))
        server.start()
        if killed < kills and moments.random() < STARTS_KILLED:
            time.sleep(moments.uniform(*STARTING_SECONDS))
            server.kill()
            killed += 1
            server.start()
        server.wait_until_ready()


def wait_for_more(server, archiver, s3, stored):
    """The archiver comes back by itself, once its wait for another try is over."""
    deadline = time.monotonic() + MORE_SECONDS_MAX
    while time.monotonic() < deadline:
        archiver.ensure_running()
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=server.bucket, Prefix=f"{PREFIX}/topic=")
        now = sum(len(page.get("Contents", [])) for page in pages)
        if now > stored:
            return now
        time.sleep(0.05)
    raise Failure(f"nothing was stored within {MORE_SECONDS_MAX} s of the store's return\n{archiver.log_tail()}")


def check_store(strandline, bootstrap_servers, server, scheme, kills, moments):
    folder = tempfile.mkdtemp(prefix="strandline-archive-test-")
    make_signing_key(folder)
    topic = Topic(strandline, bootstrap_servers)
    load = Load(topic, PROJECT, QUEUES, ACTIONS_PER_SECOND)
    archiver = Archiver(
        strandline, topic, folder, "faulted", object_records=OBJECT_RECORDS,
        url=f"{scheme}://{server.bucket}/{PREFIX}", environment=server.environment)
    passed = False
    try:
        server.start()
        server.wait_until_ready()
        archiver.start()
        load.start()
        kill_now_and_then(server, archiver, kills, moments)
        count = load.end()
        archiver.stop()
        print(f"  {server.kind}: {kills} kills, {count} records published")
        for attempt in range(100):
            hour = present_hour()
            archiver.drain()
            reference = Archiver(
                strandline, topic, folder, f"reference{attempt}", object_records=OBJECT_RECORDS)
            totals = reference.drain()
            if present_hour() == hour:  # else an hour was closed in between: once more
                break
        server.wait_until_settled()
        number = compare(contents(server.client(), server.bucket, PREFIX), files(reference.folder))
        print(f"  {number} objects, the same with faults and without; {totals['actions']} actions")
        archiver.verify()
        read_back(strandline, archiver, topic, PROJECT, QUEUES, lambda index: [
            body(number) for number in range(index, count, len(QUEUES))])
        archiver.check_spool()
        passed = True
    finally:
        archiver.remove()
        server.remove(keep=not passed)
        if passed:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"  kept for a look: {folder}", file=sys.stderr)
        topic.delete()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strandline")
    parser.add_argument("--swift-python", help="of the environment that has OpenStack Swift")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--stores", default="s3,swift")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ or options.kills < 1 or (
            "swift" in options.stores.split(",") and options.swift_python is None):
        sys.exit(__doc__)
    print(f"  seed {options.seed}")
    moments = random.Random(options.seed)
    try:
        for scheme in options.stores.split(","):
            server = seaweedfs() if scheme == "s3" else openstack_swift(options.swift_python)
            check_store(
                options.strandline, os.environ["KAFKA_BOOTSTRAP_SERVERS"], server, scheme, options.kills, moments)
    except Failure as failure:
        sys.exit(f"FAILED (seed {options.seed}): {failure}")
    print("store_faults: passed")
