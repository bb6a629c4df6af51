"""Programs that are not ours read an archive: aws-cli, boto3 and DuckDB (.ci/requirements-clients.txt)."""

import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import duckdb

from Support.archiver import exact_body, files
from Support.node import Failure
from Support.objectstore import contents

AWS = pathlib.Path(sys.executable).parent / "aws"
# As README has it.
READ_JSON = """read_json('{}/topic=*/**/*.ndjson.gz', hive_partitioning = true,
    columns = {{project: 'VARCHAR', queue: 'VARCHAR', "partition": 'INTEGER', "offset": 'BIGINT', event: 'VARCHAR',
               "time": 'TIMESTAMP', body: 'JSON'}})"""


def fetch_with_aws_cli(endpoint, key, secret, bucket, prefix, folder):
    """The archive as `aws s3 sync` brings it."""
    done = subprocess.run(
        [AWS, "--endpoint-url", endpoint, "--region", "us-east-1", "s3", "sync", "--only-show-errors",
         f"s3://{bucket}/{prefix}", folder],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, env={
            "PATH": os.environ["PATH"], "HOME": folder, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true"})
    if done.returncode != 0:
        raise Failure(f"aws s3 sync ended with {done.returncode}: {done.stderr[-2_000:]}")
    return files(folder)


def check_with_boto3(s3, bucket, prefix, topic):
    """What boto3 lists and gets; each object has the SHA-256 that its manifest and its own metadata say."""
    found = contents(s3, bucket, prefix)
    stated = {}
    for name, manifest in found.items():
        if name.startswith(f"_manifests/topic={topic}/") and name.endswith(".json"):
            for entry in json.loads(manifest)["objects"]:
                stated[entry["key"]] = entry["sha256"]
    objects = {name for name in found if name.startswith(f"topic={topic}/")}
    if objects != set(stated):
        raise Failure(f"boto3 lists {len(objects)} objects, the manifests name {len(stated)}, not the same")
    for name in objects:
        sha256 = hashlib.sha256(found[name]).hexdigest()
        metadata = s3.head_object(Bucket=bucket, Key=f"{prefix}/{name}")["Metadata"]
        if sha256 != stated[name] or metadata.get("sha256") != sha256:
            raise Failure(f"{name} is {sha256}, should be {stated[name]}, and says {metadata}")
    return found


def check_with_duckdb(folder, topic, events):
    """Every line as DuckDB reads it, and what it makes of them in SQL: `events` are the published bodies by queue."""
    lines = []
    for path in pathlib.Path(folder, f"topic={topic}").rglob("*.ndjson.gz"):
        lines += gzip.decompress(path.read_bytes()).splitlines()
    read = duckdb.sql(
        f"SELECT json::VARCHAR FROM read_ndjson_objects('{folder}/topic=*/**/*.ndjson.gz', hive_partitioning = true) "
        f"WHERE topic = '{topic}' ORDER BY (json->'partition')::INTEGER, (json->'offset')::BIGINT").fetchall()
    read = [row[0].encode() for row in read]
    if sorted(read) != sorted(lines):
        raise Failure(f"DuckDB reads {len(read)} lines, not the {len(lines)} that are there")
    bodies = {}
    for line in read:
        record = json.loads(line)
        bodies.setdefault(record["queue"], []).append(exact_body(record, line))
    for queue, expected in events.items():
        if bodies.get(queue) != expected:
            raise Failure(f"DuckDB: queue {queue} is otherwise than it was published")
    counts = dict(duckdb.sql(
        f"SELECT queue, count(*) FROM {READ_JSON.format(folder)} WHERE topic = '{topic}' AND \"date\" >= DATE '2000-01-01' "
        "AND body->>'event' = event GROUP BY queue").fetchall())
    if counts != {queue: len(expected) for queue, expected in events.items()}:
        raise Failure(f"DuckDB counts {counts}")
    return len(read)
