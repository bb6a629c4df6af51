"""4: ActionEmitter beside a loop in C with the same settings, records and headers."""

from harness.load import kafka_pass
from harness.measure import Figure, alternate, column
from harness.processes import TOPIC, EmbeddedBroker

PARTITIONS = 16
IN_FLIGHT = 1_000


def run(bench):
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS))
    figures = []
    for work, command, rest in [
            ("emit, fire and forget", "emit", []),
            (f"emit, acknowledged, {IN_FLIGHT:,} in flight", "acked", [IN_FLIGHT])]:
        count = bench.size(full=1_000_000, quick=100_000)

        def one(program):
            return lambda warming_up: kafka_pass(program, command, broker.bootstrap_servers, TOPIC, count, *rest)

        results = alternate(
            bench.rounds, {"ours": one(bench.program("PathBenchmark")), "base": one(bench.rdkafka)})
        figures.append(Figure(
            4, work, "the same in C", "≥", 0.9, "actions/s", column(results["ours"], "rate"),
            column(results["base"], "rate"), "µs an action", column(results["ours"], "cpu"),
            column(results["base"], "cpu")))
    return figures
