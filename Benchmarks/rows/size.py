"""7, 9 and 10: the same node with 10 million live actions and with 10 thousand: pages, memory, cold starts."""

import json
import os
import pathlib
import signal
import time
import urllib.request

from harness.load import fill, page_latency
from harness.measure import Figure, alternate, anonymous_kib, column, read_bytes
from harness.processes import SERVER_CORE, EmbeddedBroker, ServingNode, fetch

PARTITIONS = 200
QUEUES = 1_000
FEW = 10_000
CHUNK = 400_000  # at a time, or the embedded broker drops what is not read yet
DEEP_QUEUES = 20  # of which pages behind a marker are asked
DEEP_PAGES = 100  # of each
DEEP_LIMIT = 5  # a queue of the small store has 10 actions: 5 stand behind a marker
START_SECONDS_MAX = 300


class Sized:
    """A node with so many live actions, on a broker of its own."""

    def __init__(self, bench, count):
        self.count = count
        self.broker = bench.closing(EmbeddedBroker(bench, PARTITIONS))
        self.node = None
        for start in range(0, count, CHUNK):
            fill(bench, self.broker, min(CHUNK, count - start))
            if self.node is None:
                self.node = ServingNode(bench, self.broker)
                self.node.wait_until_ready()
            self.node.wait_for_stored(min(start + CHUNK, count))
        self.node.pin(SERVER_CORE)
        self.folder = bench.folder()

    def heads(self):
        return self.write("heads", [f"/v1/bench/queues/queue-{n}/actions?limit=10" for n in range(QUEUES)])

    def deep(self):
        """Pages behind markers from all over some queues."""
        paths = []
        for queue in range(0, QUEUES, QUEUES // DEEP_QUEUES):
            path = f"/v1/bench/queues/queue-{queue}/actions?limit={DEEP_LIMIT}"
            page = json.loads(fetch(self.node.url + path))
            per_queue = self.count // QUEUES
            step = max(DEEP_LIMIT, per_queue // DEEP_PAGES)
            read = DEEP_LIMIT
            while read + DEEP_LIMIT <= per_queue:
                after = next(link["href"] for link in page["links"] if link["rel"] == "next")
                paths.append(with_limit(after, DEEP_LIMIT))
                for _ in range(max(1, step // 50)):
                    page = json.loads(fetch(self.node.url + with_limit(after, min(50, step))))
                    if not page["messages"]:
                        break
                    read += len(page["messages"])
                    after = next(link["href"] for link in page["links"] if link["rel"] == "next")
        return self.write("deep", paths)

    def write(self, name, paths):
        file = pathlib.Path(self.folder, name)
        file.write_text("\n".join(paths) + "\n")
        return file

    def start_cold(self, how):
        """Ends the node, drops its files from the page cache, and starts it: seconds to the first page."""
        node = self.node
        if how == "killed":
            node.process.send_signal(signal.SIGKILL)
            node.process.wait()
        else:
            node.node.stop()
        evict(f"{node.node.folder}/data")
        begin = time.monotonic()
        node.start()
        url = f"{node.url}/v1/bench/queues/queue-7/actions?limit=10"
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5) as response:
                    if response.status == 200 and response.read().count(b"ClaimExpired") == 10:
                        break
            except OSError:
                node.node.ensure_running()
                if time.monotonic() - begin > START_SECONDS_MAX:
                    raise
                time.sleep(0.002)
        took = time.monotonic() - begin
        return {"seconds": took, "read": read_bytes(node.pid), "memory": anonymous_kib(node.pid) / 1024}


def with_limit(path, limit):
    head, _, query = path.partition("?")
    return head + "?" + "&".join(
        [item for item in query.split("&") if not item.startswith("limit=")] + [f"limit={limit}"])


def evict(folder):
    """Has the system forget the files' contents, as after a restart of the machine."""
    os.sync()
    for file in pathlib.Path(folder).rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def run(bench):
    many = bench.size(full=10_000_000, quick=1_000_000)
    stores = {"many": Sized(bench, many), "few": Sized(bench, FEW)}
    seconds = bench.size(full=3, quick=1)
    figures = []
    lists = {name: {"heads": store.heads(), "deep": store.deep()} for name, store in stores.items()}
    memory = []

    def latency(name, kind):
        def measure(warming_up):
            result = page_latency(bench, stores[name].node, lists[name][kind], seconds)
            assert result["not_200"] == 0, "an answer without a page"
            if name == "many" and not warming_up:
                memory.append(anonymous_kib(stores[name].node.pid) / 1024)
            return result
        return measure

    label = f"{many:,} live actions"
    pages = alternate(bench.rounds, {(n, k): latency(n, k) for k in ("heads", "deep") for n in stores})
    for kind, work in [("heads", "page of 10 from the head, 1,000 queues"),
                       ("deep", f"page of {DEEP_LIMIT} behind a marker, anywhere in {DEEP_QUEUES} queues")]:
        ours, base = pages["many", kind], pages["few", kind]
        p99 = [max(column(side, "p99")) for side in (ours, base)]
        figures.append(Figure(
            7, f"{work}, {label}, p50", f"itself, {FEW:,} live", "≤", 1.3, "µs", column(ours, "p50"),
            column(base, "p50"), "µs a request", column(ours, "cpu"), column(base, "cpu"),
            f"p99, worst round: {p99[0]:.0f} / {p99[1]:.0f} µs"))
    figures.append(Figure(
        9, f"anonymous memory at {label}, after {2 * (bench.rounds + 1)} rounds of pages", "", "≤", 150, "MiB", memory))

    starts = alternate(bench.rounds, {
        (name, how): (lambda store, how: lambda warming_up: store.start_cold(how))(store, how)
        for how in ("stopped", "killed") for name, store in stores.items()})
    for how, work in [("stopped", "after a clean stop"), ("killed", "after kill -9")]:
        ours, base = starts["many", how], starts["few", how]
        read = [sorted(column(side, "read"))[len(side) // 2] / 1e6 for side in (ours, base)]
        figures.append(Figure(
            10, f"cold start to the first page, {work}, {label}", f"itself, {FEW:,} live", "≤", 1.3, "ms",
            [s * 1e3 for s in column(ours, "seconds")], [s * 1e3 for s in column(base, "seconds")],
            note=f"read from disk {read[0]:,.0f} / {read[1]:,.0f} MB (median); our anonymous memory then "
                 f"{max(column(ours, 'memory')):.0f} MiB at most"))
    return figures
