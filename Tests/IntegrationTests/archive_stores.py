#!/usr/bin/env python3
"""Real events through a real broker into real object stores, with kills of the archiver, and back.

    archive_stores.py STRANDLINE [KILLS [SEED]]      with what .ci/with-broker and .ci/with-objectstores set

CloudTrail events are published with kcat; an archive is made of them in SeaweedFS (S3), in OpenStack Swift through its
own API and through its S3 API, each by a service that is killed a few times and by `--once` at the end. Each must hold
the same objects as one made in a folder without faults, `verify` must find nothing wrong, and every event must come
back byte for byte.
"""

import datetime
import hashlib
import hmac
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.node import Failure, Topic, run  # noqa: E402
from cloudtrail import DEFAULT_FILES, PROJECT, QUEUES, action  # noqa: E402

ROUNDS = 20  # of all events, so that there are some objects
OBJECT_RECORDS = 150
UP_SECONDS = (0.2, 2.0)
BUCKET = "archive"


class Store:
    def __init__(self, name, url, environment):
        self.name, self.url, self.environment = name, url, {**os.environ, **environment}


def stores():
    found = []
    for kind in ["SEAWEEDFS", "SWIFT"]:
        endpoint, key, secret = (
            os.environ[f"OBJECTSTORE_S3_{kind}_{part}"] for part in ["ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])
        bucket = f"{BUCKET}-s3"
        make_bucket(endpoint, key, secret, bucket)
        found.append(Store(f"S3, {kind.lower()}", f"s3://{bucket}/some/prefix", {
            "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1"}))
    auth, user, key = (os.environ[f"OBJECTSTORE_SWIFT_{part}"] for part in ["AUTH", "USER", "KEY"])
    make_container(auth, user, key, BUCKET)
    found.append(Store("OpenStack Swift", f"swift://{BUCKET}/some/prefix", {
        "ST_AUTH": auth, "ST_USER": user, "ST_KEY": key}))
    return found


def make_bucket(endpoint, key, secret, bucket):
    """PUT Bucket, signed with AWS Signature Version 4."""
    host = urllib.parse.urlsplit(endpoint).netloc
    now = datetime.datetime.now(datetime.timezone.utc)
    date, stamp, empty = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(b"").hexdigest()
    scope = f"{date}/us-east-1/s3/aws4_request"
    signed = "host;x-amz-content-sha256;x-amz-date"
    canonical = (f"PUT\n/{bucket}\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n{signed}\n{empty}")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signing = b"AWS4" + secret.encode()
    for part in [date, "us-east-1", "s3", "aws4_request", text]:
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    request = urllib.request.Request(f"{endpoint}/{bucket}", method="PUT", headers={
        "x-amz-date": stamp, "x-amz-content-sha256": empty,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signing.hex()}"})
    urllib.request.urlopen(request, timeout=30).close()


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


def check(strandline, bootstrap_servers, kills, seed):
    moments = random.Random(seed)
    lines = [action(line) for path in DEFAULT_FILES for line in path.read_bytes().splitlines() if line.strip()]
    events = {queue: [] for queue in QUEUES}
    published = []
    for number in range(ROUNDS):
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
    if len(sys.argv) < 2 or "KAFKA_BOOTSTRAP_SERVERS" not in os.environ or "OBJECTSTORE_SWIFT_AUTH" not in os.environ:
        sys.exit(__doc__)
    kill_count = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    random_seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"  seed {random_seed}")
    try:
        check(sys.argv[1], os.environ["KAFKA_BOOTSTRAP_SERVERS"], kill_count, random_seed)
    except Failure as failure:
        sys.exit(f"FAILED (seed {random_seed}): {failure}")
    print("archive_stores: passed")
