"""A `strandline serve` process under test, and the topic it reads. Python's standard library only."""

import http.client
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 25  # what the program promises after SIGTERM
PUBLISHER = [
    "-X", "topic.partitioner=murmur2_random",  # the partition a JVM producer would choose
    "-X", "enable.idempotence=true",  # a resend after a lost answer must not look like a duplicate of ours
]


class Failure(Exception):
    """What the test found to be wrong."""


def free_port():
    """A loopback port below 32768 (above lies the range of client sockets)."""
    for _ in range(100):
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("found no free port on 127.0.0.1")


class Topic:
    """A topic of the test's own on the cluster under test, removed again when the test ends."""

    def __init__(self, strandline, bootstrap_servers, partitions=4):
        self.bootstrap_servers = bootstrap_servers
        self.name = f"strandline.test.{os.getpid()}.{random.randrange(1 << 32):08x}"
        run([strandline, "topic", "create", "--bootstrap-servers", bootstrap_servers, "--topic", self.name,
             "--partitions", str(partitions)])

    def publisher(self):
        """kcat, which takes one `key TAB value` a line on standard input; ends well when all is acknowledged."""
        return subprocess.Popen(
            ["kcat", "-b", self.bootstrap_servers, "-P", "-t", self.name, "-K", "\\t", *PUBLISHER],
            stdin=subprocess.PIPE)

    def publish(self, keyed_values):
        """Publishes (key, value) pairs in order and returns once the brokers have acknowledged all of them."""
        kcat = self.publisher()
        kcat.communicate(b"".join(key + b"\t" + value + b"\n" for key, value in keyed_values))
        if kcat.returncode != 0:
            raise Failure(f"kcat ended with {kcat.returncode}")

    def delete(self):
        """Removes the topic and its dead letters: a DeleteTopics request (key 20, version 1), as kcat has none."""
        def text(value):
            return struct.pack(">h", len(value)) + value.encode()
        body = struct.pack(">i", 2) + text(self.name) + text(self.name + ".dlq") + struct.pack(">i", 10_000)
        request = struct.pack(">hhi", 20, 1, 1) + text("strandline-test") + body
        host, _, port = self.bootstrap_servers.split(",")[0].rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=15) as broker:
                broker.sendall(struct.pack(">i", len(request)) + request)
                broker.recv(4)
        except OSError as error:
            print(f"  could not delete topic {self.name}: {error}", file=sys.stderr)


class Node:
    """One `strandline serve` with a data directory of its own; can be killed and started again."""

    def __init__(self, strandline, topic, default_ttl=86_400):
        self.folder = tempfile.mkdtemp(prefix="strandline-test-")
        self.port = free_port()
        self.log_path = os.path.join(self.folder, "log")
        self.command = [
            strandline, "serve", "--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name,
            "--data", os.path.join(self.folder, "data"), "--listen", f"127.0.0.1:{self.port}",
            "--default-ttl", str(default_ttl), "--audit-default", "all"]
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ensure_running(self):
        status = self.process.poll()
        if status is not None:
            raise Failure(f"strandline serve ended by itself with {status}:\n{self.log_tail()}")

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS_MAX
        last = "no answer"
        while time.monotonic() < deadline:
            self.ensure_running()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                response = connection.getresponse()
                last = f"{response.status} {response.read()!r}"
                if response.status == 200:
                    return
            except OSError:
                pass
            except http.client.HTTPException as error:
                last = repr(error)
            finally:
                connection.close()
            time.sleep(0.02)
        raise Failure(f"/readyz was not 200 within {READY_SECONDS_MAX} s, last: {last}\n{self.log_tail()}")

    def kill(self):
        self.ensure_running()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the process must end in time and with status 0."""
        self.ensure_running()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=STOP_SECONDS_MAX + 5)
        except subprocess.TimeoutExpired:
            raise Failure(f"strandline serve did not end within {STOP_SECONDS_MAX} s of SIGTERM\n{self.log_tail()}")
        if status != 0:
            raise Failure(f"strandline serve ended with {status} after SIGTERM\n{self.log_tail()}")

    def log_tail(self, lines=30):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def remove(self, keep=False):
        """Ends what is left of it; keeps the data directory and the log for a look after a failure."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if keep:
            print(f"  kept for a look: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
