"""3: from the topic into the store, beside a loop in C over the same topic that discards."""

import tempfile

from harness.load import fill, kafka_pass
from harness.measure import Figure, alternate, column
from harness.processes import TOPIC, EmbeddedBroker

PARTITIONS = 200  # of about 5 MiB each: the embedded broker keeps a million actions of 400 bytes


def run(bench):
    count = bench.size(full=1_000_000, quick=300_000)
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS))
    fill(bench, broker, count)

    def ours(warming_up):
        with tempfile.TemporaryDirectory(dir=bench.scratch) as folder:
            return kafka_pass(
                bench.program("PathBenchmark"), "ingest", broker.bootstrap_servers, TOPIC, count, f"{folder}/data")

    def theirs(warming_up):
        return kafka_pass(bench.rdkafka, "discard", broker.bootstrap_servers, TOPIC, count)

    results = alternate(bench.rounds, {"ours": ours, "base": theirs})
    work, baseline = f"ingest of {count:,} actions: topic → committed in the store", "C loop that discards"
    cpu = {"cpu_unit": "µs an action", "cpu_ours": column(results["ours"], "cpu"),
           "cpu_base": column(results["base"], "cpu")}
    memory = max(column(results["ours"], "anonymous_kib")) / 1024
    return [
        Figure(3, work, baseline, "≥", 0.85, "actions/s", column(results["ours"], "rate"),
               column(results["base"], "rate"), **cpu, note=f"anonymous memory at the end {memory:.0f} MiB at most"),
        Figure(3, "… CPU an action", baseline, "≤", 1.8, "µs CPU", cpu["cpu_ours"], cpu["cpu_base"]),
    ]
