"""9: what a follower that waits costs: a connection that has asked once and got 204, of a thousand."""

import json
import subprocess
import time

from harness.load import fill
from harness.measure import Figure, anonymous_kib
from harness.processes import EmbeddedBroker, Failure, Server, ServingNode, fetch

FOLLOWERS = 1_000
ACTIONS = 10_000


def run(bench):
    broker = bench.closing(EmbeddedBroker(bench, 16))
    fill(bench, broker, ACTIONS)
    kib = []
    for _ in range(bench.rounds):  # a node each: what one has freed it does not ask for again
        node = ServingNode(bench, broker)
        node.wait_until_ready()
        node.wait_for_stored(ACTIONS)
        path = "/v1/bench/queues/queue-7/actions?limit=50"
        page = json.loads(fetch(node.url + path))
        path = next(link["href"] for link in page["links"] if link["rel"] == "next")
        for _ in range(100):
            fetch(node.url + "/livez")
        time.sleep(1)
        before = anonymous_kib(node.pid)
        followers = Server(
            [bench.latency, "idle", node.address, path, FOLLOWERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if followers.process.stdout.readline().strip() != b"ready":
                raise Failure("the followers did not get through")
            time.sleep(1)
            kib.append((anonymous_kib(node.pid) - before) / FOLLOWERS)
        finally:
            followers.end()
            node.remove()
    return [Figure(
        9, f"anonymous memory a follower, {FOLLOWERS:,} idle keep-alive connections", "", "≤", 50, "KiB", kib)]
