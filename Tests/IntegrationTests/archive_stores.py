#!/usr/bin/env python3
"""Real events through a real broker into real object stores, with kills of the archiver, and back.

    archive_stores.py STRANDLINE [--kills N] [--seed N] [FILE.ndjson…]
                        with what .ci/with-broker and .ci/with-objectstores set, and the readers at hand; 5 kills

CloudTrail events are published with kcat; an archive is made of them in SeaweedFS (S3), in OpenStack Swift through its
own API and through its S3 API, each by a service that is killed a few times and by `--once` at the end. Each must hold
the same objects as one made in a folder without faults, `verify` must find nothing wrong, and every event must come
back byte for byte. aws-cli, boto3 and DuckDB then read each archive without Strandline: the same objects, the same
lines.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.archiver import compare, files  # noqa: E402
from Support.node import Failure, Topic  # noqa: E402
from Support.objectstore import client  # noqa: E402
from Support.readers import check_with_boto3, check_with_duckdb, fetch_with_aws_cli  # noqa: E402
from cloudtrail import DEFAULT_FILES, PROJECT, QUEUES, action  # noqa: E402

RECORDS_MIN = 1_500  # the events are published as often as it takes, so that there are some objects
OBJECT_RECORDS = 150
UP_SECONDS = (0.2, 2.0)
BUCKET = "archive"


PREFIX = "some/prefix"


class Store:
    """`s3` are endpoint, access key and secret by which programs that are not ours read the bucket."""

    def __init__(self, name, scheme, bucket, environment, s3):
        self.name, self.bucket, self.s3 = name, bucket, s3
        self.url, self.environment = f"{scheme}://{bucket}/{PREFIX}", {**os.environ, **environment}


def stores():
    found = []
    for kind in ["SEAWEEDFS", "SWIFT"]:
        s3 = [os.environ[f"OBJECTSTORE_S3_{kind}_{part}"] for part in ["ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"]]
        bucket = f"{BUCKET}-s3"
        client(*s3).create_bucket(Bucket=bucket)
        found.append(Store(f"S3, {kind.lower()}", "s3", bucket, {
            "AWS_ENDPOINT_URL": s3[0], "AWS_ACCESS_KEY_ID": s3[1], "AWS_SECRET_ACCESS_KEY": s3[2],
            "AWS_REGION": "us-east-1"}, s3))
    auth, user, key = (os.environ[f"OBJECTSTORE_SWIFT_{part}"] for part in ["AUTH", "USER", "KEY"])
    make_container(auth, user, key, BUCKET)
    # The same Swift's S3 API shows its containers as buckets.
    found.append(Store("OpenStack Swift", "swift", BUCKET, {"ST_AUTH": auth, "ST_USER": user, "ST_KEY": key}, s3))
    return found


def make_container(auth, user, key, container):
    with urllib.request.urlopen(
            urllib.request.Request(auth, headers={"X-Auth-User": user, "X-Auth-Key": key}), timeout=30) as answer:
        url, token = answer.headers["X-Storage-Url"], answer.headers["X-Auth-Token"]
    request = urllib.request.Request(f"{url}/{container}", method="PUT", headers={"X-Auth-Token": token})
    urllib.request.urlopen(request, timeout=30).close()


def command(strandline, topic, url, group, spool):
    return [strandline, "archive", "--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name, "--to", url,
            "--group", f"{topic.name}.{group}", "--object-records", str(OBJECT_RECORDS), "--spool", spool,
            "--kafka-property", "group.instance.id=archiver"]


def call(arguments, environment, **options):
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=300, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


def listing(strandline, topic, url, environment):
    lines = call([strandline, "archive", "list", url, "--topic", topic.name, "--json"], environment).splitlines()
    return [(entry["key"], entry["bytes"]) for entry in map(json.loads, lines)]


def check_store(strandline, topic, store, kills, moments, folder, events, reference):
    archive = command(strandline, topic, store.url, store.name.replace(", ", "-").replace(" ", "-"), f"{folder}/spool")
    log_path = os.path.join(folder, "log")
    for _ in range(kills):
        with open(log_path, "ab") as log:
            process = subprocess.Popen(
                archive, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=store.environment)
        time.sleep(moments.uniform(*UP_SECONDS))
        if process.poll() is not None:
            raise Failure(f"strandline archive ended by itself with {process.returncode}; see {log_path}")
        process.kill()
        process.wait()
    call(archive + ["--once"], store.environment)
    found = listing(strandline, topic, store.url, store.environment)
    if found != reference:
        raise Failure(f"{store.name}: {len(found)} objects, {len(reference)} in the folder, not the same")
    report = json.loads(call([strandline, "verify", store.url, "--json"], store.environment).splitlines()[-1])
    if not report["clean"] or report["unsealedObjects"] or report["unfinishedCuts"]:
        raise Failure(f"{store.name}: {report}")
    for queue, expected in events.items():
        bodies = call(
            [strandline, "archive", "cat", store.url, "--topic", topic.name, "--queue", queue, "--bodies"],
            store.environment)
        if bodies != b"".join(line + b"\n" for line in expected):
            raise Failure(f"{store.name}: queue {queue} came back otherwise than it was published")
    print(f"  {store.name}: {len(found)} objects as in the folder, {report['actions']} actions byte for byte, "
          f"{kills} kills")
    read_without_strandline(topic, store, folder, events)


def read_without_strandline(topic, store, folder, events):
    with tempfile.TemporaryDirectory(dir=folder) as copy:
        fetched = fetch_with_aws_cli(*store.s3, store.bucket, PREFIX, copy)
        got = check_with_boto3(client(*store.s3), store.bucket, PREFIX, topic.name)
        compare(fetched, got)
        compare(objects(got), objects(files(f"{folder}/archive")))
        count = check_with_duckdb(copy, topic.name, events)
    print(f"  {store.name}: aws-cli and boto3 read {len(got)} objects, DuckDB {count} lines: the same bytes")


def objects(found):
    """Without the manifests, whose last depends on when one looks."""
    return {name: content for name, content in found.items() if not name.startswith("_manifests/")}


def check(strandline, bootstrap_servers, paths, kills, seed):
    moments = random.Random(seed)
    lines = [action(line) for path in paths for line in pathlib.Path(path).read_bytes().splitlines() if line.strip()]
    events = {queue: [] for queue in QUEUES}
    published = []
    for number in range(-(-RECORDS_MIN // len(lines))):
        for index, line in enumerate(lines):
            queue = QUEUES[(index + number) % len(QUEUES)]
            events[queue].append(line)
            published.append((f"{PROJECT}/{queue}".encode(), line))
    topic = Topic(strandline, bootstrap_servers)
    try:
        with tempfile.TemporaryDirectory(prefix="strandline-archive-test-") as folder:
            topic.publish(published)
            os.mkdir(f"{folder}/archive")
            url = f"file://{folder}/archive"
            call(command(strandline, topic, url, "folder", f"{folder}/spool") + ["--once"], dict(os.environ))
            reference = listing(strandline, topic, url, dict(os.environ))
            if len(reference) < 3:
                raise Failure(f"only {len(reference)} objects: not much of a test")
            for store in stores():
                check_store(strandline, topic, store, kills, moments, folder, events, reference)
    finally:
        topic.delete()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strandline")
    parser.add_argument("files", nargs="*", default=DEFAULT_FILES)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ or "OBJECTSTORE_SWIFT_AUTH" not in os.environ:
        sys.exit(__doc__)
    print(f"  seed {options.seed}")
    try:
        check(options.strandline, os.environ["KAFKA_BOOTSTRAP_SERVERS"], options.files, options.kills, options.seed)
    except Failure as failure:
        sys.exit(f"FAILED (seed {options.seed}): {failure}")
    print("archive_stores: passed")
