"""A `strandline archive` process under test, and what lies in an archive. Python's standard library only."""

import base64
import json
import os
import pathlib
import subprocess
import time

from Support.node import STOP_SECONDS_MAX, Failure, run

HOUR = 3_600


def lateness(period):
    return 120 if period == HOUR else 1


def present_hour():
    """The newest hour that an archiver would close now."""
    return int(time.time() - lateness(HOUR)) // HOUR


def make_signing_key(folder):
    run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{folder}/signing.pem"])
    run(["openssl", "pkey", "-in", f"{folder}/signing.pem", "-pubout", "-out", f"{folder}/signing.pub"])


class Archiver:
    """`strandline archive` into a folder of its own below `folder`, or to a `url`."""

    def __init__(self, strandline, topic, folder, name, period=HOUR, object_records=200, url=None, environment=None):
        self.strandline, self.name = strandline, name
        self.public_key = os.path.join(folder, "signing.pub")
        self.folder = os.path.join(folder, name)
        self.log_path = os.path.join(folder, name + ".log")
        self.spool = os.path.join(folder, name + ".spool")
        self.environment = {**os.environ, **(environment or {})}
        if url is None:
            os.makedirs(self.folder)
        self.url = url or f"file://{self.folder}"
        self.command = [
            strandline, "archive", "--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name,
            "--group", f"{topic.name}.{name}", "--to", self.url, "--object-records", str(object_records),
            "--period", str(period), "--lateness", str(lateness(period)),
            "--signing-key-file", os.path.join(folder, "signing.pem"), "--spool", self.spool,
            # A member that is killed and comes back is the same one: nobody waits for its session to time out.
            "--kafka-property", "group.instance.id=archiver"]
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)

    def ensure_running(self):
        status = self.process.poll()
        if status is not None:
            raise Failure(f"strandline archive ended by itself with {status}:\n{self.log_tail()}")

    def kill(self):
        self.ensure_running()
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; the process must end in time and with status 0."""
        self.ensure_running()
        self.process.terminate()
        try:
            status = self.process.wait(timeout=STOP_SECONDS_MAX + 5)
        except subprocess.TimeoutExpired:
            raise Failure(f"strandline archive did not end within {STOP_SECONDS_MAX} s of SIGTERM\n{self.log_tail()}")
        if status != 0:
            raise Failure(f"strandline archive ended with {status} after SIGTERM\n{self.log_tail()}")

    def call(self, arguments):
        """Runs a command of ours in the archiver's environment, and returns what it printed."""
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, env=self.environment, timeout=600)
        if done.returncode != 0:
            raise Failure(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout.decode()[-4_000:]}"
                          f"{done.stderr.decode()[-4_000:]}")
        return done.stdout

    def drain(self):
        return json.loads(self.call(self.command + ["--once", "--json"]).splitlines()[-1])

    def verify(self):
        out = self.call([self.strandline, "verify", self.url, "--public-key", self.public_key, "--json"])
        report = json.loads(out.splitlines()[-1])
        if not report["clean"] or report["unsealedObjects"] or report["uncheckedSignatures"] or report["unfinishedCuts"]:
            raise Failure(f"verify: {out.decode()}")
        print(f"  verify: nothing wrong in {report['manifests']} manifests and {report['objects']} objects")

    def check_spool(self):
        if os.path.isdir(self.spool) and os.listdir(self.spool):
            raise Failure(f"left in the spool: {os.listdir(self.spool)}")

    def remove(self):
        """Ends what is left of it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self, lines=30):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])


def read_back(strandline, archiver, topic, project, queues, expected):
    """Every action of each queue once, in order, byte for byte: `expected(index)` are those of a queue."""
    found = {queue: [] for queue in queues}
    command = [strandline, "archive", "cat", archiver.url, "--topic", topic.name, "--project", project]
    for line in archiver.call(command).splitlines():
        record = json.loads(line)
        found[record["queue"]].append(exact_body(record, line))
    for index, queue in enumerate(queues):
        wanted = expected(index)
        if found[queue] != wanted:
            raise Failure(f"queue {queue}: {len(wanted)} published, {len(found[queue])} in the archive, or others")
    print(f"  every action of {len(queues)} queues read back, byte for byte")


def exact_body(record, line):
    """README, "The lines": the bytes of the body, from the line of a record without headers."""
    if "bodyBase64" in record:
        return base64.b64decode(record["bodyBase64"])
    return line.split(b',"headers":{},"body":', 1)[1][:-1]


def files(folder):
    """Every file below a folder and its bytes, by relative path; what a store is still writing has a dot before it."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def compare(ours, theirs):
    """Holds the objects of an archive, by name, against those of one that was made without faults."""
    for path in sorted(set(ours) | set(theirs)):
        if ours.get(path) != theirs.get(path):
            where = "only with faults" if path not in theirs else "only without" if path not in ours else "other bytes"
            raise Failure(f"{path}: {where}; {len(ours)} objects with faults, {len(theirs)} without")
    return len(ours)
