"""8: page latency while a million actions expire and their segments go, beside the same node idle."""

import pathlib
import statistics
import time

from harness.load import fill, page_latency
from harness.measure import Figure
from harness.processes import LOAD_CORE, SERVER_CORE, EmbeddedBroker, ServingNode, Failure

PARTITIONS = 200
LASTING = 100_000  # actions that do not expire, over 1,000 queues
CHUNK = 400_000
IDLE_SLICES = 5  # of a second
RATE = 1_000  # pages a second, each counted from when it was due
WAIT_SECONDS_MAX = 240


def run(bench):
    count = bench.size(full=1_000_000, quick=200_000)
    ttl = bench.size(full=40, quick=20)  # longer than writing them takes
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS, LOAD_CORE))
    fill(bench, broker, LASTING)
    node = ServingNode(bench, broker, SERVER_CORE)
    node.wait_until_ready()
    node.wait_for_stored(LASTING)
    # Half of the requests go to queues whose actions expire: they find fewer, at last none (204).
    paths = pathlib.Path(bench.folder(), "paths")
    paths.write_text("".join(
        f"/v1/{project}/queues/queue-{n}/actions?limit=10\n" for n in range(100) for project in ("bench", "short")))

    def expired():
        return node.metric("strandline_actions_expired_total")

    def one_slice():
        return page_latency(bench, node, paths, 1, RATE)["p99"]

    stored, idle, expiring, worst = LASTING, [], [], []
    warm_ups = bench.size(full=1, quick=0)
    for number in range(-warm_ups, bench.rounds):
        for start in range(0, count, CHUNK):
            some = min(CHUNK, count - start)
            fill(bench, broker, some, "short", ttl)
            stored += some
            node.wait_for_stored(stored)
        before = expired()
        quiet = [one_slice() for _ in range(IDLE_SLICES)]
        if expired() != before:
            raise Failure("actions expired while the node was to be idle: writing took longer than their TTL")
        busy, deadline = [], time.monotonic() + WAIT_SECONDS_MAX
        while (seen := expired()) < before + count:
            if time.monotonic() > deadline:
                raise Failure(f"{seen - before:,.0f} of {count:,} actions expired within {WAIT_SECONDS_MAX} s")
            latency = one_slice()
            if expired() != seen:
                busy.append(latency)
        if number >= 0:
            idle.append(statistics.median(quiet))
            expiring.append(statistics.median(busy))
            worst.append(max(busy))
    return [Figure(
        8, f"page p99 while {count:,} actions expire, {RATE:,} pages/s", "itself, idle", "≤", 2, "µs", expiring, idle,
        note="seconds in which segments went; the worst of them " + " / ".join(f"{w:.0f}" for w in worst) + " µs")]
