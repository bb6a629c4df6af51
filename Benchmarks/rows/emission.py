"""11: what a worker pays for an event that nobody wants, for one that is wanted, and for the spool."""

import pathlib
import shutil

from harness.load import kafka_pass
from harness.measure import Figure, alternate, column
from harness.processes import TOPIC, EmbeddedBroker

PARTITIONS = 16


def run(bench):
    return [skipped(bench), lazy(bench), spooled(bench)]


def nanoseconds(results):
    return [value * 1_000 for value in column(results, "cpu")]


def skipped(bench):
    count = bench.size(full=100_000_000, quick=10_000_000)
    results = alternate(bench.rounds, {
        "ours": lambda warming_up: kafka_pass(bench.program("PathBenchmark"), "skip", count),
        "base": lambda warming_up: kafka_pass(bench.file, "branch", count)})
    base = sum(nanoseconds(results["base"])) / bench.rounds
    return Figure(
        11, "an event that nobody wants, its details in a closure", "", "≤", 30, "ns CPU", nanoseconds(results["ours"]),
        note=f"a loop in C with a load, a test and a counter takes {base:.2f} ns")


def lazy(bench):
    broker = bench.closing(EmbeddedBroker(bench, PARTITIONS))
    count = bench.size(full=1_000_000, quick=100_000)
    results = alternate(bench.rounds, {
        "ours": lambda warming_up: kafka_pass(
            bench.program("PathBenchmark"), "lazy", broker.bootstrap_servers, TOPIC, count),
        "base": lambda warming_up: kafka_pass(bench.rdkafka, "emit", broker.bootstrap_servers, TOPIC, count)})
    return Figure(
        11, "an event that is wanted, its details made in a closure", "the same in C, bodies made before", "≥", 0.5,
        "actions/s", column(results["ours"], "rate"), column(results["base"], "rate"), "µs an action",
        column(results["ours"], "cpu"), column(results["base"], "cpu"))


def spooled(bench):
    folder = pathlib.Path(bench.folder())
    count = bench.size(full=400_000, quick=100_000)

    def ours(warming_up):
        spool = folder / "spool"
        result = kafka_pass(bench.program("PathBenchmark"), "spool", spool, count)
        # What lies in its files: their room is taken when they are made, and is zero until it is used.
        result["bytes"] = sum(len(path.read_bytes().rstrip(b"\0")) for path in spool.glob("*.spool"))
        shutil.rmtree(spool)
        return result

    each = ours(True)["bytes"] // count

    def base(warming_up):
        result = kafka_pass(bench.file, "write", folder / "file", count, each)
        (folder / "file").unlink()
        return result

    results = alternate(bench.rounds, {"ours": ours, "base": base})
    return Figure(
        11, f"an action put into the spool ({each} B each)", "write(2) of the same bytes", "≥", 0.3, "actions/s",
        column(results["ours"], "rate"), column(results["base"], "rate"), "µs an action",
        column(results["ours"], "cpu"), column(results["base"], "cpu"),
        note="ours validates the body, makes key and headers, numbers and checks the record, and copies it into the "
             "mapped file; no system call")
