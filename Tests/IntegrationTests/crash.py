#!/usr/bin/env python3
"""kill -9 of `strandline serve` at random moments under load, and a restart each time: nothing lost, nothing twice.

    crash.py STRANDLINE [--kills N] [--seed N]      with KAFKA_BOOTSTRAP_SERVERS set; 20 kills by default

kcat publishes numbered actions for three queues at a steady rate all along. One reader a queue follows `next` across
every crash, keeping its marker; at the end another reads from the head. Both must have every action exactly once, in
order.
"""

import argparse
import http.client
import os
import pathlib
import random
import sys
import threading
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.load import ACTIONS_MAX, Load, body  # noqa: E402
from Support.node import Failure, Node, Topic  # noqa: E402
from Support.page import Page  # noqa: E402

PROJECT = "crash"
QUEUES = ["one", "two", "three"]
ACTIONS_PER_SECOND_MAX = 1_500
UP_SECONDS = (0.05, 1.5)  # how long a process lives before it is killed: while it starts, recovers, catches up, serves
CATCH_UP_SECONDS_MAX = 120
PAGE_ACTIONS_MAX = 50
ROUND_SECONDS = 1.2  # a life and a restart, about: so long the load has to last for each kill


class Reader(threading.Thread):
    """Follows one queue with one marker, whatever happens to the node, until it has `target` actions."""

    def __init__(self, node, queue):
        super().__init__(daemon=True)
        self.node, self.queue, self.bodies, self.failure = node, queue, [], None
        self.path = f"/v1/{PROJECT}/queues/{queue}/actions?limit={PAGE_ACTIONS_MAX}"
        self.target, self.deadline = None, None

    def run(self):
        connection = None
        try:
            while not self.is_done():
                try:
                    if connection is None:
                        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=10)
                    connection.request("GET", self.path)
                    response = connection.getresponse()
                    raw = response.read()
                except (OSError, http.client.HTTPException):  # killed, or not up again yet
                    if connection is not None:
                        connection.close()
                    connection = None
                    time.sleep(0.02)
                    continue
                if response.status == 200:
                    page = Page(raw)
                    self.bodies += page.bodies
                    self.path = page.next
                elif response.status in (204, 503):
                    time.sleep(0.02)
                else:
                    raise Failure(f"{self.path}: {response.status} {raw[:500]!r}")
        except Exception as error:  # raised again by `result`, on the main thread
            self.failure = error
        finally:
            if connection is not None:
                connection.close()

    def is_done(self):
        if self.target is None:
            return False
        return len(self.bodies) >= self.target or time.monotonic() > self.deadline

    def result(self, target):
        """What was read, once `target` actions have come or time is up."""
        self.deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
        self.target = target
        self.join()
        if self.failure is not None:
            raise self.failure
        return self.bodies


def hold_against(expected, got, where):
    if got == expected:
        return
    missing, extra = set(expected) - set(got), len(got) - len(set(got))
    first = next((i for i, (want, have) in enumerate(zip(expected, got)) if want != have), min(len(expected), len(got)))
    raise Failure(
        f"{where}: {len(expected)} published, {len(got)} served; {len(missing)} lost, {extra} twice; they part at"
        f" {first}: expected {expected[first:first + 1]!r}, served {got[first:first + 1]!r}")


def check(strandline, bootstrap_servers, kills, seed):
    moments = random.Random(seed)
    topic = Topic(strandline, bootstrap_servers)
    node = Node(strandline, topic)
    rate = min(ACTIONS_PER_SECOND_MAX, ACTIONS_MAX / (kills * ROUND_SECONDS))
    load, readers = Load(topic, PROJECT, QUEUES, rate), [Reader(node, queue) for queue in QUEUES]
    passed = False
    try:
        node.start()
        for thread in [load, *readers]:
            thread.start()
        node.wait_until_ready()
        for _ in range(kills):
            time.sleep(moments.uniform(*UP_SECONDS))
            node.kill()
            node.start()
        count = load.end()
        started = time.monotonic()
        node.wait_until_ready()
        print(f"  {kills} kills, {count} actions published; ready {time.monotonic() - started:.1f} s after the last one")
        expected = {queue: [body(n) for n in range(i, count, len(QUEUES))] for i, queue in enumerate(QUEUES)}
        for reader in readers:
            hold_against(expected[reader.queue], reader.result(len(expected[reader.queue])),
                         f"queue {reader.queue}, followed across all crashes")
        for queue in QUEUES:
            reader = Reader(node, queue)
            reader.start()
            # One more than there are would come if an action were stored twice at the end.
            hold_against(expected[queue], read_to_the_end(reader, len(expected[queue])), f"queue {queue}, from the head")
        node.stop()
        passed = True
        print("  nothing lost, nothing twice, in order: followed across the crashes, and read again from the head")
    finally:
        node.remove(keep=not passed)
        topic.delete()


def read_to_the_end(reader, count):
    """All the queue holds: `count` actions and what a last poll may bring beyond them."""
    bodies = reader.result(count)
    last = Reader(reader.node, reader.queue)
    last.path = reader.path
    last.deadline, last.target = time.monotonic() + 1, 1
    last.start()
    last.join()
    if last.failure is not None:
        raise last.failure
    return bodies + last.bodies


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strandline")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ or options.kills < 1:
        sys.exit(__doc__)
    print(f"  seed {options.seed}")
    try:
        check(options.strandline, os.environ["KAFKA_BOOTSTRAP_SERVERS"], options.kills, options.seed)
    except Failure as failure:
        sys.exit(f"FAILED (seed {options.seed}): {failure}")
    print("crash: passed")
