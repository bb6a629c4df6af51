"""5: from the topic into sealed gzip objects on file, beside a loop in C and zlib at the same level.

ArchiveBenchmark takes the rounds in turns by itself, the embedded broker in a process of its own.
"""

import json

from harness.measure import Figure, column
from harness.processes import run as run_program

PARTITIONS = 200  # of about 5 MiB each: the embedded broker keeps a million actions of 400 bytes


def run(bench):
    count = bench.size(full=1_000_000, quick=100_000)
    text = run_program(
        [bench.program("ArchiveBenchmark"), count, PARTITIONS, "--rounds", bench.rounds, "--json"], timeout=1_800)
    rounds = json.loads(text.splitlines()[-1])["rounds"]
    ours, cpu = column(rounds, "ours"), column(rounds, "oursCPU")
    work = f"archive of {count:,} actions: topic → sealed gzip objects on file"
    return [
        Figure(5, work, baseline, "≥", 0.8, "actions/s", ours, column(rounds, name), "µs an action", cpu,
               column(rounds, f"{name}CPU"))
        for baseline, name in [
            ("C loop + zlib over the values", "baseline"), ("C loop + zlib over the archive's lines", "baselineLines")]]
