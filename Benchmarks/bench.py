#!/usr/bin/env python3
"""Runs the rows of the table, and writes RESULTS.md. Started by `Benchmarks/run`, which builds what it needs.

    bench.py [GROUP…]      all groups without arguments
"""

import contextlib
import importlib
import os
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no stray files in the source tree

from harness.processes import Failure  # noqa: E402
from harness.results import keep  # noqa: E402

GROUPS = {
    "pages": "1, 2", "ingest": "3", "emit": "4", "archive": "5", "visible": "6", "size": "7, 9, 10", "expiry": "8",
    "followers": "9", "emission": "11"}
ROUNDS, QUICK_ROUNDS = 5, 2
OPEN_FILES = 4_096  # a thousand followers have a connection each


class Bench:
    """What the rows are given: programs, sizes, a scratch folder, and an end for everything they start."""

    def __init__(self):
        self.products = pathlib.Path(os.environ["BENCH_PRODUCTS"])
        self.scratch = os.environ["BENCH_SCRATCH"]
        self.rdkafka, self.latency, self.file = (
            pathlib.Path(self.scratch, name) for name in ("rdkafka", "latency", "file"))
        self.nginx, self.redis, self.webdis = (os.environ[f"BENCH_{name}"] for name in ("NGINX", "REDIS", "WEBDIS"))
        self.webdis_version = os.environ.get("BENCH_WEBDIS_VERSION", "?")
        self.zaqar_python = pathlib.Path(os.environ["BENCH_ZAQAR_PYTHON"])
        self.quick = os.environ.get("QUICK", "") not in ("", "0")
        self.rounds = int(os.environ.get("ROUNDS") or (QUICK_ROUNDS if self.quick else ROUNDS))
        self.cores = os.cpu_count()
        self.open = contextlib.ExitStack()

    def program(self, name):
        return self.products / name

    def size(self, full, quick):
        return quick if self.quick else full

    def ending(self, call):
        """To be called when the group is over, whatever happened, the last given first."""
        self.open.callback(call)

    def closing(self, server):
        self.ending(server.end)
        return server

    def folder(self):
        made = tempfile.mkdtemp(dir=self.scratch)
        self.ending(lambda: shutil.rmtree(made, ignore_errors=True))
        return made


def main(groups):
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        sys.exit(f"unknown group '{unknown[0]}'; there are: {', '.join(GROUPS)}")
    bench = Bench()
    if bench.cores < 2:
        sys.exit("the benchmarks need two cores: one for the server, one for the load")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, most) if most > 0 else OPEN_FILES, most))
    for number in (signal.SIGTERM, signal.SIGHUP):  # what was started is ended then, too
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    failed = False
    for group in groups or GROUPS:
        begin, load = time.monotonic(), os.getloadavg()[0]
        print(f"▸ {group} (row {GROUPS[group]})", flush=True)
        try:
            with bench.open:
                figures = importlib.import_module(f"rows.{group}").run(bench)
        except (Failure, AssertionError, OSError) as error:
            print(f"  FAILED: {error}", flush=True)
            failed = True
            continue
        keep(bench, group, figures, load)
        for figure in figures:
            beside = f" beside {figure.baseline}" if figure.baseline else f" {figure.unit}"
            print(f"  {figure.work}: {figure.median:.2f}{beside}, goal {figure.sense} {figure.limit:g}, "
                  f"{'met' if figure.met else 'MISSED'}", flush=True)
        print(f"  took {time.monotonic() - begin:.0f} s", flush=True)
    print("▸ Benchmarks/RESULTS.md has the table")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
