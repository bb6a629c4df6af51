#!/usr/bin/env python3
"""kill -9 of a worker with a spool, again and again, while its broker is away half of the time: every action that it
accepted is on the feed exactly once, in order, or named as missing.

    spool_crash.py STRANDLINE BROKER [--kills N] [--seed N]      10 kills by default

The worker is `strandline emit --spool`: it is fed numbered lines, and tells up to which line its spool has them. BROKER
is the suite's own (`noida-db`): it is stopped (SIGSTOP) and let go on, so that a worker is killed with a broker, without
one, and while one comes back. The node is killed now and then too.
"""

import argparse
import http.client
import json
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

from Support.broker import Broker  # noqa: E402
from Support.node import Failure, Node, Topic  # noqa: E402
from Support.page import Page  # noqa: E402

PROJECT, QUEUES, SOURCE = "spool", ["one", "two"], "/workers/crash"
UP_SECONDS = (0.05, 1.2)  # how long a worker lives before it is killed
LINES_AT_A_TIME = 100
PAUSE_SECONDS = [0.06, 0.1, 0.2]  # between them; emit hands over what it has when its input pauses for 50 ms
CATCH_UP_SECONDS_MAX = 120
FILLING_BYTES = 200


def body(number):
    return '{"event":"Numbered","details":{"number":%d,"filling":"%s"}}' % (number, "x" * FILLING_BYTES)


class Worker:
    """One process of `strandline emit --spool`, fed from a number on. `accepted` is how many lines it has told of."""

    def __init__(self, strandline, topic, spool, log, first, pace):
        self.first, self.accepted, self.written, self.pace = first, 0, 0, pace
        self.process = subprocess.Popen(
            [strandline, "emit", "--bootstrap-servers", topic.bootstrap_servers, "--topic", topic.name, "--spool",
             spool, "--source", SOURCE, "--ttl", "86400", "--timeout", "60", "--json",
             "--kafka-property", "reconnect.backoff.max.ms=500"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.stopping = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.writer = threading.Thread(target=self.write, daemon=True)
        self.report = None
        self.refused = []
        self.reader.start()
        self.writer.start()

    def write(self):
        try:
            while not self.stopping.is_set():
                lines = ""
                for _ in range(LINES_AT_A_TIME):
                    number = self.first + self.written
                    lines += '{"project":"%s","queue":"%s","body":%s}\n' % (
                        PROJECT, QUEUES[number % len(QUEUES)], body(number))
                    self.written += 1
                self.process.stdin.write(lines.encode())
                self.process.stdin.flush()
                time.sleep(self.pace)
        except OSError:  # killed
            pass

    def read(self):
        for line in self.process.stdout:
            try:
                told = json.loads(line)
            except ValueError:  # cut by the kill
                continue
            if "acceptedThrough" in told:
                self.accepted = told["acceptedThrough"]
            elif "accepted" in told:
                self.report = told
            else:
                self.refused.append(told)

    def kill(self):
        status = self.process.poll()
        if status is not None:
            raise Failure(f"the worker ended by itself with {status}")
        self.process.kill()
        self.join()

    def end(self):
        self.stopping.set()
        self.writer.join()
        try:
            self.process.stdin.close()
        except OSError:
            pass
        self.join()
        return self.process.returncode

    def join(self):
        self.process.wait()
        self.stopping.set()
        self.writer.join()
        self.reader.join()


def get(node, path):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def read_queue(node, queue, count):
    """All bodies of a queue, in order: until `count` are there, and what a last look may bring beyond them."""
    path, bodies = f"/v1/{PROJECT}/queues/{queue}/actions?limit=50", []
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    looks = 0
    while time.monotonic() < deadline:
        status, raw = get(node, path)
        if status == 200:
            page = Page(raw)
            bodies += page.bodies
            path = page.next
        elif status in (204, 503):
            if len(bodies) >= count:
                looks += 1
                if looks > 5:
                    break
            time.sleep(0.1)
        else:
            raise Failure(f"{path}: {status} {raw[:500]!r}")
    return bodies


def check(strandline, broker_binary, kills, seed):
    moments = random.Random(seed)
    broker = Broker(broker_binary)
    spool = tempfile.mkdtemp(prefix="strandline-spool-")
    broker.start()
    topic = Topic(strandline, broker.bootstrap_servers, partitions=3)
    node = Node(strandline, topic)
    log = tempfile.NamedTemporaryFile(prefix="strandline-worker-", suffix=".log")
    passed, is_away = False, False
    accepted = []  # ranges of numbers that a worker has told of
    next_number = 0
    try:
        node.start()
        node.wait_until_ready()
        for kill in range(kills):
            worker = Worker(strandline, topic, spool, log, next_number, moments.choice(PAUSE_SECONDS))
            time.sleep(moments.uniform(*UP_SECONDS))
            if moments.random() < 0.5:
                if is_away:
                    broker.resume()
                else:
                    broker.pause()
                is_away = not is_away
                time.sleep(moments.uniform(0, 0.3))
            worker.kill()
            if worker.refused and any(item["error"] != "spool_full" for item in worker.refused):
                raise Failure(f"lines were refused: {worker.refused[:3]}")
            refused = {item["line"] for item in worker.refused}
            accepted += [worker.first + line - 1 for line in range(1, worker.accepted + 1) if line not in refused]
            # What it was fed beyond that it may have accepted, or not: these numbers are not used again.
            next_number += worker.written
            if moments.random() < 0.2:
                node.kill()
                node.start()
        if is_away:
            broker.resume()
        worker = Worker(strandline, topic, spool, log, next_number, 0.02)
        time.sleep(1)
        status = worker.end()
        if status != 0 or worker.report is None or worker.report["spooled"] != 0:
            raise Failure(f"the last worker ended with {status}: {worker.report}, {worker.refused[:3]}")
        accepted += [worker.first + line - 1 for line in range(1, worker.accepted + 1)]
        node.wait_until_ready()
        compare(node, accepted, kills)
        node.stop()
        passed = True
    finally:
        if is_away:
            broker.resume()
        if not passed:
            log.seek(0)
            print(log.read().decode(errors="replace")[-4_000:], file=sys.stderr)
        node.remove(keep=not passed)
        broker.remove(keep=not passed)
        shutil.rmtree(spool, ignore_errors=True)


def compare(node, accepted, kills):
    served = 0
    for index, queue in enumerate(QUEUES):
        expected = [number for number in accepted if number % len(QUEUES) == index]
        raw = read_queue(node, queue, len(expected))
        got = [json.loads(item)["details"]["number"] for item in raw]
        if got != sorted(set(got)):
            twice = len(got) - len(set(got))
            raise Failure(f"queue {queue}: {twice} actions twice, or out of order")
        missing = sorted(set(expected) - set(got))
        if missing:
            raise Failure(f"queue {queue}: {len(missing)} of {len(expected)} accepted actions lost: {missing[:5]}…")
        served += len(got)
    status, raw = get(node, f"/v1/{PROJECT}/sources")
    if status != 200:
        raise Failure(f"/sources: {status} {raw!r}")
    logs = json.loads(raw)["sources"]
    if len(logs) != 1 or logs[0]["source"] != SOURCE:
        raise Failure(f"one log was expected: {logs}")
    status, raw = get(node, logs[0]["href"])
    log = json.loads(raw)
    if log["missing"] or log["received"] != f"1-{served}" or log["highest"] != served:
        raise Failure(f"the feed misses numbers: {log}")
    print(f"  {kills} kills: {len(accepted)} actions known to be accepted, {served} served, each once and in order;"
          f" the log has {log['received']}, {log['duplicates']} duplicates dropped")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strandline")
    parser.add_argument("broker")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"  seed {options.seed}")
    try:
        check(options.strandline, options.broker, options.kills, options.seed)
    except Failure as failure:
        sys.exit(f"FAILED (seed {options.seed}): {failure}")
    print("spool_crash: passed")
