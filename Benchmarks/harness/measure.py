"""CPU time, memory and ratios."""

import os
import pathlib
import statistics
from dataclasses import dataclass, field

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    """User and system time of processes so far, all their threads."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_SECOND


def anonymous_kib(pid):
    """Resident memory without mapped files: what is the process's own."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def read_bytes(pid):
    """What the process had read from the disk, faults of mapped files included."""
    fields = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["read_bytes"])


@dataclass
class Figure:
    """One figure of the table: a value of each round, beside its baseline's of the same round."""

    row: int
    work: str
    baseline: str  # what is beside it; empty for a bound of its own
    sense: str  # "≥" or "≤"
    limit: float  # of the ratio, or of the value where there is no baseline
    unit: str
    ours: list
    base: list = field(default_factory=list)
    cpu_unit: str = ""
    cpu_ours: list = field(default_factory=list)
    cpu_base: list = field(default_factory=list)
    note: str = ""

    @property
    def ratios(self):
        return [a / b for a, b in zip(self.ours, self.base)] if self.base else list(self.ours)

    @property
    def median(self):
        return statistics.median(self.ratios)

    @property
    def met(self):
        return self.median >= self.limit if self.sense == "≥" else self.median <= self.limit


def alternate(rounds, passes):
    """Runs every pass once to warm up, then all of them in turn, `rounds` times: {name: [result of each round]}."""
    results = {name: [] for name in passes}
    for number in range(rounds + 1):
        for name, one in passes.items():
            result = one(warming_up=number == 0)
            if number > 0:
                results[name].append(result)
    return results


def column(results, member):
    return [result[member] for result in results]
