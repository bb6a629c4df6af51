"""Real object stores that a test may kill and start again. Needs boto3 (.ci/requirements-clients.txt)."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.config
import botocore.exceptions

from Support.node import Failure, free_port

CI = pathlib.Path(__file__).parents[3] / ".ci"
READY_SECONDS_MAX = 90
SETTLED_SECONDS_MAX = 90
STARTS_MAX = 5


def client(endpoint, key, secret, attempts=3):
    """boto3's S3 client."""
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1",
        config=botocore.config.Config(
            s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": attempts}))


def contents(s3, bucket, prefix):
    """Every object below a prefix and its bytes, by the rest of its name."""
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for entry in page.get("Contents", []):
            answer = s3.get_object(Bucket=bucket, Key=entry["Key"])
            found[entry["Key"][len(prefix) + 1:]] = answer["Body"].read()
    return found


class ObjectStoreServer:
    """One server whose folder outlives its processes. `bucket` exists once it has been started."""

    def __init__(self, kind, command, ports, key, secret, environment, bucket="archive"):
        self.kind, self.command, self.ports, self.bucket = kind, command, ports, bucket
        self.key, self.secret, self.environment_of = key, secret, environment
        self.folder = tempfile.mkdtemp(prefix="strandline-objectstore-")
        self.port = free_ports(ports)
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self):
        """What a client of ours needs."""
        return self.environment_of(self)

    def client(self, attempts=3):
        return client(self.endpoint, self.key, self.secret, attempts)

    def start(self):
        """Does not wait until it answers."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [*self.command, os.path.join(self.folder, "data"), str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait_until_ready(self):
        """Returns once it stores. One that could not have its ports yet is started again."""
        deadline, starts = time.monotonic() + READY_SECONDS_MAX, 1
        s3 = self.client(attempts=1)
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                if starts == STARTS_MAX:
                    raise Failure(f"{self.kind} ended with {self.process.returncode}: {self.log_tail()}")
                starts += 1
                time.sleep(0.5)
                self.start()
            try:
                s3.head_bucket(Bucket=self.bucket)
                s3.put_object(Bucket=self.bucket, Key="is-ready", Body=b"")
                return
            except botocore.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    try:
                        s3.create_bucket(Bucket=self.bucket)
                    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
                        pass
            except botocore.exceptions.BotoCoreError:
                pass
            time.sleep(0.1)
        raise Failure(f"{self.kind} did not answer within {READY_SECONDS_MAX} s: {self.log_tail()}")

    def wait_until_settled(self):
        """Returns once lists no longer lag because of a kill: OpenStack Swift's updater has told its containers all that
        its object server noted down for it (and no more: what that one could not even note is not waited for)."""
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        while True:
            pending = list(pathlib.Path(self.folder).glob("data/node/*/async_pending*/*/*"))
            if not pending:
                return
            if time.monotonic() > deadline:
                raise Failure(f"{self.kind} has not told its containers of {pending}: {self.log_tail()}")
            time.sleep(0.1)

    def log_tail(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def remove(self, keep=False):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if keep:
            print(f"  kept for a look: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def seaweedfs():
    return ObjectStoreServer(
        "SeaweedFS", [str(CI / "seaweedfs")], 8, "AKTESTER", "testing-secret", s3_environment)


def openstack_swift(python):
    """Its own API; what it holds is looked at through its S3 API."""
    return ObjectStoreServer(
        "OpenStack Swift", [python, str(CI / "openstack_swift.py")], 4, "test:tester", "testing", lambda server: {
            "ST_AUTH": f"{server.endpoint}/auth/v1.0", "ST_USER": server.key, "ST_KEY": server.secret})


def s3_environment(server):
    return {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": server.key,
            "AWS_SECRET_ACCESS_KEY": server.secret, "AWS_REGION": "us-east-1"}


def free_ports(count):
    """The first of so many free loopback ports in a row, below 32768."""
    for _ in range(100):
        first = free_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise Failure(f"found no {count} free ports in a row on 127.0.0.1")
