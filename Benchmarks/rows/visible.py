"""6: from the emit of an action to the page that shows it, beside a raw consumer that gets the same records."""

import json

from harness.measure import Figure, alternate
from harness.processes import FETCH_WAIT_MILLISECONDS, TOPIC, EmbeddedBroker, ServingNode, run as run_program

PARTITIONS = 8
RATES = [1_000, 20_000]


def run(bench):
    seconds = bench.size(full=5, quick=2)
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS))
    node = ServingNode(bench, broker)
    node.wait_until_ready()
    number = 0

    def one(rate):
        def measure(warming_up):
            nonlocal number
            number += 1
            return json.loads(run_program([
                bench.latency, "visible", broker.bootstrap_servers, TOPIC, node.address, f"sample-{number}", rate,
                1 if warming_up else seconds, FETCH_WAIT_MILLISECONDS]))
        return measure

    results = alternate(bench.rounds, {rate: one(rate) for rate in RATES})
    return [
        Figure(
            6, f"emit → visible on a page, {percentile}, {rate:,}/s", "emit → a raw consumer has the same records",
            "≤", 1.5, "ms", [round_["visible"][percentile] / 1e3 for round_ in results[rate]],
            [round_["received"][percentile] / 1e3 for round_ in results[rate]])
        for rate in RATES for percentile in ("p50", "p99")]
