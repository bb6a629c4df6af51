#!/usr/bin/env python3
"""A broker that is killed, stopped and started again under a running node: what it kept is what the feed serves.

    broker_faults.py STRANDLINE BROKER [--stop-seconds N] [--only SCENARIO,…]

BROKER is the suite's own (`noida-db`): a cluster of somebody else's cannot be killed. Each scenario has a broker, a
topic and a node to itself. Actions are numbered and posted to the node, so that each one's acknowledgement is known.

    killed      kill -9 of the broker once all it acknowledged is on its disk: nothing is lost, nothing comes twice
    shortened   kill -9 in the middle of posting: the broker forgets what it had acknowledged, and its log is shorter
                than what the store has. The node says so, and does not take new records for old ones
    regrown     the same, and before the node sees it others publish more than was lost: no offset is missing, and the
                records at them are others. The node says so
    regrown_dead  the same with a node that is dead meanwhile
    archived    the same for archives, of a broker whose disk was put back to an older state: an archiver that runs,
                and one that is started afterwards, say so and archive nothing of it
    stopped     SIGSTOP of the broker for longer than a session lasts, then SIGCONT
    frozen      the same of the node, while others go on publishing
    gone        the broker goes and does not come back: the node says so and still ends in time
    silent      the broker is stopped and stays so: the node still ends in time
"""

import argparse
import gzip
import http.client
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.archiver import Archiver, files, make_signing_key  # noqa: E402
from Support.broker import Broker  # noqa: E402
from Support.node import STOP_SECONDS_MAX, Failure, Node, Topic, free_port  # noqa: E402
from Support.page import Page  # noqa: E402

QUEUE = "/v1/faults/queues/numbered/actions"
NOBODYS_QUEUE = "/v1/faults/queues/nobody/actions"
KEY = b"faults/numbered"
STALENESS_SECONDS = 3  # the default is 10: the test is to be quick
PATIENCE_SECONDS_MAX = 90  # librdkafka waits up to 10 s between two tries to connect
SYNC_SECONDS = 2.5  # after that the broker has written what it acknowledged
LOG_LINES_PER_SECOND_MAX = 20  # a node that loops says the same again and again


def body(number):
    return b'{"event":"Numbered","details":{"number":%d}}' % number


class World:
    """Broker, topic and node, and the actions that were acknowledged."""

    def __init__(self, strandline, broker_binary):
        self.strandline = strandline
        self.broker = Broker(broker_binary)
        self.broker.start()
        self.topic = Topic(strandline, self.broker.bootstrap_servers, partitions=1)
        self.node = self.make_node()
        self.next_number, self.acknowledged, self.doubtful = 0, [], []

    def make_node(self):
        node = Node(self.strandline, self.topic)
        node.command += ["--staleness-bound", str(STALENESS_SECONDS)]
        node.start()
        node.wait_until_ready()
        return node

    def ask(self, method, path, content=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=30)
        try:
            connection.request(method, path, content, {"Content-Type": "application/json"} if content else {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, count, ending=threading.Event()):
        """Posts so many actions, one a request; notes which were acknowledged, and which may have been."""
        for _ in range(count):
            if ending.is_set():
                return
            number, self.next_number = self.next_number, self.next_number + 1
            status, _, _ = self.ask("POST", QUEUE, b'{"body":' + body(number) + b"}")
            (self.acknowledged if status == 201 else self.doubtful).append(number)

    def post_until_acknowledged(self):
        """The node's producer may need a while, and a new one, after its broker came back."""
        wait_for("an acknowledged action", lambda: self.post(1) or self.acknowledged[-1:] == [self.next_number - 1])

    def kept(self):
        """What the broker has, in its order."""
        return [value for _, value in self.broker.records(self.topic.name).get(0, [])]

    def served(self):
        """What the feed has, from the head to the first answer that is no page."""
        bodies, path = [], QUEUE + "?limit=50"
        while True:
            status, _, raw = self.ask("GET", path)
            if status != 200:
                return bodies
            page = Page(raw)
            bodies += page.bodies
            path = page.next

    def compare(self, where):
        wait_for(f"all that the broker has is served ({where})", lambda: len(self.served()) >= len(self.kept()))
        kept, served = self.kept(), self.served()
        if kept != served:
            there = set(served)
            missing = [v for v in kept if v not in there]
            raise Failure(
                f"{where}: the broker has {len(kept)} records, {len(served)} are served; missing {missing[:5]!r}")
        if len(set(kept)) != len(kept):
            raise Failure(f"{where}: {len(kept) - len(set(kept))} actions are in the topic twice")

    def expect_acknowledged(self, where):
        served = set(self.served())
        lost = [n for n in self.acknowledged if body(n) not in served]
        if lost:
            raise Failure(f"{where}: {len(lost)} acknowledged actions are not served, first {lost[0]}")

    def answers(self):
        try:
            return self.ask("GET", "/livez")[0] == 200
        except OSError:
            return False

    def readiness(self):
        status, _, raw = self.ask("GET", "/readyz")
        return status, raw.decode()

    def expect_cut_off(self):
        """Cut off from Kafka: nothing is vouched for, what is there is served, and the node says what is wrong."""
        wait_for("an empty page that is refused", lambda: self.ask("GET", NOBODYS_QUEUE)[0] == 503)
        status, fields, raw = self.ask("GET", NOBODYS_QUEUE)
        problem = json.loads(raw)
        if status != 503 or "Retry-After" not in fields or "Kafka" not in problem["detail"]:
            raise Failure(f"an empty page of a node cut off: {status} {fields} {raw!r}")
        status, _, raw = self.ask("GET", QUEUE + "?limit=5")
        if status != 200 or not Page(raw).bodies:
            raise Failure(f"a page with actions of a node cut off: {status}")
        status, text = self.readiness()
        if status != 503 or "Kafka" not in text:
            raise Failure(f"/readyz of a node cut off: {status} {text}")

    def expect_quiet_log(self, seconds):
        """No line repeats without end."""
        before = len(self.node.log_tail(1_000_000).splitlines())
        time.sleep(seconds)
        lines = len(self.node.log_tail(1_000_000).splitlines()) - before
        if lines > LOG_LINES_PER_SECOND_MAX * seconds:
            raise Failure(f"{lines} log lines in {seconds} s:\n{self.node.log_tail()}")

    def stop_node(self):
        started = time.monotonic()
        self.node.stop()
        return time.monotonic() - started

    def end(self, passed):
        self.broker.resume()
        self.node.remove(keep=not passed)
        self.broker.remove(keep=not passed)


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited in vain: {what}")
        time.sleep(0.2)


def killed(world, options):
    for _ in range(3):
        world.post(100)
        time.sleep(SYNC_SECONDS)
        world.broker.kill()
        world.expect_cut_off()
        world.broker.start()
        world.post_until_acknowledged()
        world.node.wait_until_ready()
    world.post(20)
    world.compare("after three kills")
    world.expect_acknowledged("after three kills")
    return f"{len(world.acknowledged)} acknowledged, all served once; stopped in {world.stop_node():.1f} s"


def lose_the_end(world, before_restart=lambda: None, after_restart=lambda: None):
    """Kills the broker until it has forgotten what it acknowledged: how many records were stored, how many are gone."""
    for _ in range(10):
        world.post(50)
        time.sleep(SYNC_SECONDS)
        ending = threading.Event()
        posting = threading.Thread(target=world.post, args=(400, ending), daemon=True)
        posting.start()
        wait_for("actions under way", lambda: len(world.acknowledged) > 150 or not posting.is_alive())
        world.broker.kill()
        ending.set()
        stored = len(world.served())
        before_restart()
        world.broker.start()
        shortage = stored - len(world.kept())
        if shortage > 0:
            return stored, shortage, posting
        after_restart()
        posting.join()  # the post under way is given up by the node in its own time, and answered with 503
        world.post_until_acknowledged()
    raise Failure("the broker never forgot anything in ten kills")


def expect_refused(world, stored, words):
    """The node says that this is not the log it read, vouches for nothing, and takes nothing of it."""
    wait_for("a node that says it", lambda: words in world.readiness()[1])
    world.expect_quiet_log(3)
    status, text = world.readiness()
    if status != 503 or "empty data directory" not in text:
        raise Failure(f"/readyz says {status} {text}")
    wait_for("an empty page that is refused", lambda: world.ask("GET", NOBODYS_QUEUE)[0] == 503)
    if len(world.served()) != stored:
        raise Failure(f"{len(world.served())} actions are served, {stored} were stored")


def begin_anew(world):
    """The way out that the node names: an empty data directory is rebuilt from what the broker has."""
    took = world.stop_node()
    world.node.remove()
    world.node = world.make_node()
    world.compare("with an empty data directory")
    return took


def shortened(world, options):
    stored, shortage, posting = lose_the_end(world)
    expect_refused(world, stored, "before offset")
    posting.join()
    took = begin_anew(world)
    return f"the log ended {shortage} records before the store: said so; stopped in {took:.1f} s; rebuilt"


def grow_beyond(world, shortage):
    """Other records take the offsets that were lost, and go on behind them."""
    world.topic.publish([(KEY, b'{"event":"Other","details":{"number":%d}}' % n) for n in range(shortage + 50)])


def regrown(world, options):
    node = world.node.process
    stored, shortage, posting = lose_the_end(
        world, lambda: node.send_signal(signal.SIGSTOP), lambda: node.send_signal(signal.SIGCONT))
    grow_beyond(world, shortage)
    node.send_signal(signal.SIGCONT)
    expect_refused(world, stored, "another record")
    posting.join()
    took = begin_anew(world)
    return f"{shortage} offsets were given to other records meanwhile: said so; stopped in {took:.1f} s; rebuilt"


def regrown_dead(world, options):
    stored, shortage, posting = lose_the_end(world)
    posting.join()
    world.node.kill()
    grow_beyond(world, shortage)
    world.node.start()
    wait_for("a node that answers", world.answers)
    expect_refused(world, stored, "another record")
    took = begin_anew(world)
    return f"{shortage} offsets were given to others while the node was dead: said so; stopped in {took:.1f} s; rebuilt"


def archived(world, options):
    folder = pathlib.Path(world.node.folder)
    make_signing_key(folder)
    running = Archiver(world.strandline, world.topic, folder, "running", object_records=10)
    ended = Archiver(world.strandline, world.topic, folder, "ended", object_records=10)
    management = free_port()
    running.command += ["--management-listen", f"127.0.0.1:{management}"]
    world.topic.publish([(KEY, body(n)) for n in range(50)])
    time.sleep(SYNC_SECONDS)
    world.broker.kill()
    world.broker.keep_copy()
    world.broker.start()
    try:
        running.start()
        world.topic.publish([(KEY, body(n)) for n in range(50, 250)])
        ended.drain()
        wait_for("an archiver that has it all", lambda: archived_lines(running) >= 250)
        running.process.send_signal(signal.SIGSTOP)
        world.broker.kill()
        world.broker.restore_copy()
        world.broker.start()
        grow_beyond(world, 250)
        running.process.send_signal(signal.SIGCONT)
        wait_for("an archiver that says it", lambda: "another record" in readiness_of(management))
        done = subprocess.run([*ended.command, "--once"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if done.returncode == 0 or b"another record" not in done.stderr + done.stdout:
            raise Failure(f"archive --once ended with {done.returncode}: {done.stderr.decode()[-2_000:]}")
        for archiver in running, ended:
            lines = archived_lines(archiver)
            if lines != 250:
                raise Failure(f"archive '{archiver.name}' has {lines} lines, 250 records were archived before")
        running.stop()
    finally:
        running.remove()
    return f"200 offsets were given to others: both archivers said so, --once with exit code {done.returncode}"


def archived_lines(archiver):
    return sum(
        len(gzip.decompress(content).splitlines()) for name, content in files(archiver.folder).items()
        if name.endswith(".ndjson.gz"))


def readiness_of(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def stopped(world, options):
    world.post(100)
    world.broker.pause()
    try:
        started = time.monotonic()
        world.expect_cut_off()
        cut_off = time.monotonic() - started
        while time.monotonic() - started < options.stop_seconds:
            time.sleep(1)
            world.expect_cut_off()
    finally:
        world.broker.resume()
    world.post_until_acknowledged()
    world.node.wait_until_ready()
    world.post(50)
    world.compare("after SIGCONT")
    world.expect_acknowledged("after SIGCONT")
    return f"cut off after {cut_off:.1f} s of {options.stop_seconds}; stopped in {world.stop_node():.1f} s"


def frozen(world, options):
    world.post(100)
    world.node.process.send_signal(signal.SIGSTOP)
    try:
        numbers = range(world.next_number, world.next_number + 500)
        world.topic.publish([(KEY, body(n)) for n in numbers])
        world.acknowledged += numbers
        world.next_number += len(numbers)
        time.sleep(options.stop_seconds)
    finally:
        world.node.process.send_signal(signal.SIGCONT)
    # Its last look at the topic is old by now: the first answer must not vouch for what came since.
    status, fields, _ = world.ask("GET", NOBODYS_QUEUE)
    if status == 204 and len(world.served()) < len(world.kept()):
        raise Failure(f"an empty page is vouched for by a node that has just woken up: {fields}")
    world.node.wait_until_ready()
    world.post(50)
    world.compare("after SIGCONT")
    world.expect_acknowledged("after SIGCONT")
    return f"{len(world.acknowledged)} acknowledged, all served once; stopped in {world.stop_node():.1f} s"


def gone(world, options):
    world.post(100)
    time.sleep(1)
    world.broker.kill()
    world.expect_cut_off()
    status, _, _ = world.ask("POST", QUEUE, b'{"body":' + body(1_000_000) + b"}")
    if status != 503:
        raise Failure(f"a post without a broker is answered {status}")
    world.expect_quiet_log(3)
    took = world.stop_node()
    return f"stopped in {took:.1f} s of {STOP_SECONDS_MAX} allowed"


def silent(world, options):
    world.post(100)
    world.broker.pause()
    world.expect_cut_off()
    time.sleep(8)
    took = world.stop_node()
    return f"stopped in {took:.1f} s of {STOP_SECONDS_MAX} allowed"


SCENARIOS = [killed, shortened, regrown, regrown_dead, archived, stopped, frozen, gone, silent]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strandline")
    parser.add_argument("broker")
    parser.add_argument("--stop-seconds", type=float, default=8, help="how long a process is stopped (default 8)")
    parser.add_argument("--only", default="", help="scenarios, separated by commas")
    options = parser.parse_args()
    chosen = [name for name in options.only.split(",") if name]
    for scenario in SCENARIOS:
        if chosen and scenario.__name__ not in chosen:
            continue
        started = time.monotonic()
        world, passed = World(options.strandline, options.broker), False
        try:
            told = scenario(world, options)
            passed = True
        except Failure as failure:
            print(world.node.log_tail(), file=sys.stderr)
            sys.exit(f"FAILED, {scenario.__name__}: {failure}")
        finally:
            world.end(passed)
        print(f"  {scenario.__name__}: {told} ({time.monotonic() - started:.0f} s)")
    print("broker_faults: passed")


if __name__ == "__main__":
    main()
