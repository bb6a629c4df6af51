"""Processes: ours, the broker's and those of peers. Each is pinned, paused and ended by its id."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "IntegrationTests"))

from Support.node import Failure, Node, free_port  # noqa: E402,F401

# One core for what is measured, the other for all that puts load on it.
SERVER_CORE, LOAD_CORE = "0", "1"
END_SECONDS_MAX = 10
# The embedded broker sits an empty fetch's wait out, whatever arrives or is asked meanwhile; Kafka answers a fetch when
# there is something. A short wait on both sides stands for that.
FETCH_WAIT_MILLISECONDS = 10
TOPIC = "audit.actions"


def pinned(core, command):
    return (["taskset", "-c", core] if core else []) + [str(word) for word in command]


def run(command, core=None, timeout=900):
    """Standard output of a command that must end well."""
    done = subprocess.run(
        pinned(core, command), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Server:
    """A process that runs until it is ended, with those it starts."""

    def __init__(self, command, core=None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, log=None, **options):
        errors = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(
                pinned(core, command), stdin=stdin, stdout=errors if log and stdout is subprocess.DEVNULL else stdout,
                stderr=errors, **options)
        finally:
            if log:
                errors.close()

    @property
    def pid(self):
        return self.process.pid

    @property
    def pids(self):
        """Its own id and those of all below it."""
        found, unseen = [], [self.pid]
        while unseen:
            pid = unseen.pop()
            found.append(pid)
            try:
                unseen += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            except OSError:
                pass
        return found

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    def send(self, number):
        for pid in self.pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def end(self, first=signal.SIGTERM):
        if self.process.poll() is not None:
            return
        self.resume()
        self.process.send_signal(first)
        try:
            self.process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait()


class EmbeddedBroker(Server):
    """librdkafka's mock cluster in a process of its own. It keeps about 5 MiB a partition.

    The small broker of the integration tests answers an empty fetch at once instead of waiting, which keeps a client
    busy all the time: it would be measured, too.
    """

    name = TOPIC  # as the integration tests' Node asks for it

    def __init__(self, bench, partitions, core=None):
        super().__init__(
            [bench.program("PathBenchmark"), "broker", partitions], core, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.bootstrap_servers = self.process.stdout.readline().decode().strip()
        if not self.bootstrap_servers:
            raise Failure("the embedded broker did not start")


class ServingNode(Server):
    """`strandline serve` with a data directory of its own, which outlives its processes."""

    def __init__(self, bench, broker, core=None, default_ttl=86_400):
        self.node = Node(bench.program("strandline"), broker, default_ttl)
        self.node.command = pinned(core, self.node.command)
        self.node.command += ["--kafka-property", f"fetch.wait.max.ms={FETCH_WAIT_MILLISECONDS}"]
        bench.ending(self.remove)
        self.start()

    def start(self):
        self.node.start()
        self.process = self.node.process

    def wait_until_ready(self):
        self.node.wait_until_ready()

    def pin(self, core):
        """To one core, from now on and at every start."""
        run(["taskset", "--all-tasks", "--pid", "--cpu-list", core, self.pid])
        self.node.command = pinned(core, self.node.command)

    def remove(self):
        self.node.remove()

    @property
    def url(self):
        return self.node.url

    @property
    def address(self):
        return f"127.0.0.1:{self.node.port}"

    def metric(self, name):
        """The sum of a metric's series."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines
                   if line.startswith((name + " ", name + "{")))

    def wait_for_stored(self, count, seconds=300):
        """Until so many actions were stored since it started."""
        deadline = time.monotonic() + seconds
        while (stored := self.metric("strandline_actions_stored_total")) < count:
            self.node.ensure_running()
            if time.monotonic() > deadline:
                raise Failure(f"{stored:,.0f} of {count:,} actions were stored within {seconds} s")
            time.sleep(0.05)


    def wait_until_caught_up(self, records, seconds=120):
        """Until at most so many records wait in Kafka."""
        deadline = time.monotonic() + seconds
        while (lag := self.metric("strandline_ingest_lag_records")) > records:
            self.node.ensure_running()
            if time.monotonic() > deadline:
                raise Failure(f"{lag:,.0f} records still wait after {seconds} s")
            time.sleep(0.2)


def fetch(url, headers=None, seconds=30):
    """The body of the first answer 200 to a GET."""
    deadline = time.monotonic() + seconds
    last = "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=5) as response:
                if response.status == 200:
                    return response.read()
                last = response.status
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read()[:200]!r}"
        except OSError as error:
            last = error
        time.sleep(0.02)
    raise Failure(f"no page at {url}: {last}")
