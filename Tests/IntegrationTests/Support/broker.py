"""A real broker process that a test may kill, stop and start again. Python's standard library only."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from Support.node import Failure, free_port

READY_SECONDS_MAX = 60


class Broker:
    """One broker of the suite (`noida-db`), with a data directory that outlives its processes."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix="strandline-broker-")
        self.port = free_port()
        self.process = None

    @property
    def bootstrap_servers(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Returns once it answers."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "start", "--only", "kafka", "--kafka-port", str(self.port), "--host", "127.0.0.1",
                 "--data-dir", os.path.join(self.folder, "data")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"the broker ended with {self.process.returncode}: {self.log_tail()}")
            done = subprocess.run(
                ["kcat", "-b", self.bootstrap_servers, "-L", "-m", "2"], stdin=subprocess.DEVNULL, capture_output=True)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise Failure(f"the broker did not answer within {READY_SECONDS_MAX} s: {self.log_tail()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def keep_copy(self):
        """Copies what the broker has on disk, while it does not run."""
        shutil.copytree(os.path.join(self.folder, "data"), os.path.join(self.folder, "copy"))

    def restore_copy(self):
        """Puts the copy back in place of what came since, while the broker does not run."""
        shutil.rmtree(os.path.join(self.folder, "data"))
        os.rename(os.path.join(self.folder, "copy"), os.path.join(self.folder, "data"))

    def pause(self):
        """It keeps its connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def records(self, topic):
        """What the topic holds, as another client reads it: {partition: [(offset, value)]}."""
        done = subprocess.run(
            ["kcat", "-C", "-b", self.bootstrap_servers, "-t", topic, "-o", "beginning", "-e", "-q", "-X",
             "receive.message.max.bytes=1000000000", "-f", "%p %o %s\\n"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if done.returncode != 0:
            raise Failure(f"kcat ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        found = {}
        for line in done.stdout.splitlines():
            partition, offset, value = line.split(b" ", 2)
            found.setdefault(int(partition), []).append((int(offset), value))
        return found

    def log_tail(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-20:])

    def remove(self, keep=False):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if keep:
            print(f"  kept for a look: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
