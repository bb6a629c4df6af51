#!/usr/bin/env python3
"""Real events, clients that are not ours: kcat publishes them, curl reads them back by following `next`.

    cloudtrail.py STRANDLINE [FILE.ndjson…]      with KAFKA_BOOTSTRAP_SERVERS set

Every event must come back, in order, byte for byte, at each limit; a poll of the last `next` gives 204, and after one
more action 200 with exactly that one. A line that is an action already (has `event`) is published as it stands; any
other object is wrapped: `event` from its eventSource and eventName, the line itself as `details`.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from Support.node import Failure, Node, Topic  # noqa: E402
from Support.page import Page  # noqa: E402

FIXTURES = pathlib.Path(__file__).parents[2] / "Fixtures"
DEFAULT_FILES = [FIXTURES / "cloudtrail" / "events.ndjson", FIXTURES / "actions" / "unusual.ndjson"]
PROJECT = "integration"
QUEUES = ["alpha", "beta.2", "Gamma_3-c"]
LIMITS = [1, 10, 50]
DEFAULT_TTL = 86_400
FOLLOW_SECONDS_MAX = 60  # without anything new


def action(line):
    record = json.loads(line)
    if isinstance(record.get("event"), str):
        return line
    name = ":".join(str(record[key]) for key in ("eventSource", "eventName") if key in record) or "Record"
    return b'{"event":' + json.dumps(name).encode() + b',"details":' + line + b"}"


class Response:
    """What curl got: status, header fields (lower-case names), body bytes."""

    def __init__(self, node, path):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--include", "--max-time", "30", node.url + path], capture_output=True)
        if done.returncode != 0:
            node.ensure_running()
            raise Failure(f"curl {path}: {done.stderr.decode()}")
        head, _, self.body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}


def get(node, path):
    """As a patient client: waits as long as the node says that it cannot vouch for an answer yet (503)."""
    deadline = time.monotonic() + FOLLOW_SECONDS_MAX
    while True:
        response = Response(node, path)
        if response.status != 503 or time.monotonic() > deadline:
            return response
        time.sleep(0.1)


def read_page(node, path, queue, limit):
    response = get(node, path)
    if response.status == 204:
        if response.body or "content-length" in response.fields:
            raise Failure(f"204 with a body or Content-Length for {path}")
        return None
    if response.status != 200:
        raise Failure(f"{path}: {response.status} {response.body[:500]!r}")
    page = Page(response.body)
    prefix = f"/v1/{PROJECT}/queues/{queue}/actions"
    if not (page.next or "").startswith(prefix):
        raise Failure(f"next is {page.next!r}, not a path that begins with {prefix}")
    if f'<{page.next}>; rel="next"' not in response.fields.get("link", ""):
        raise Failure(f"Link is {response.fields.get('link')!r}, next is {page.next!r}")
    if response.fields.get("content-location") != path:
        raise Failure(f"Content-Location is {response.fields.get('content-location')!r}, the request was {path}")
    if not 1 <= len(page.bodies) <= limit:
        raise Failure(f"a page of {len(page.bodies)} at limit {limit}")
    for href, ttl, age in zip(page.hrefs, page.ttls, page.ages):
        if not href.startswith(prefix + "/") or "=" in href:
            raise Failure(f"an href is {href!r}")
        if ttl != DEFAULT_TTL or not 0 <= age <= 3_600:
            raise Failure(f"ttl {ttl}, age {age}")
    return page


def follow(node, path, queue, limit, count):
    """Reads until `count` actions have come, and returns them with the last `next`."""
    bodies, deadline = [], time.monotonic() + FOLLOW_SECONDS_MAX
    while len(bodies) < count:
        page = read_page(node, path, queue, limit)
        if page is not None:
            bodies += page.bodies
            path = page.next
            deadline = time.monotonic() + FOLLOW_SECONDS_MAX
        elif time.monotonic() > deadline:
            break
        else:
            time.sleep(0.1)
    return bodies, path


def hold_against(expected, got, where):
    for index, (want, have) in enumerate(zip(expected, got)):
        if want != have:
            raise Failure(f"{where}: number {index} differs\n  published: {want!r}\n  served:    {have!r}")
    if len(expected) != len(got):
        raise Failure(f"{where}: {len(expected)} published, {len(got)} served; the first missing:"
                      f" {(expected + [b''])[len(got):len(got) + 1]!r:.300}")


def check(strandline, bootstrap_servers, files):
    lines = [line for file in files for line in pathlib.Path(file).read_bytes().split(b"\n") if line.strip()]
    expected = {queue: [] for queue in QUEUES}
    records = []
    for index, line in enumerate(lines):
        queue, value = QUEUES[index % len(QUEUES)], action(line)
        expected[queue].append(value)
        records.append((f"{PROJECT}/{queue}".encode(), value))

    topic = Topic(strandline, bootstrap_servers)
    node = Node(strandline, topic, DEFAULT_TTL)
    passed = False
    try:
        topic.publish(records)
        node.start()
        node.wait_until_ready()
        ends = {}
        for limit in LIMITS:
            for queue in QUEUES:
                start = f"/v1/{PROJECT}/queues/{queue}/actions?limit={limit}"
                got, end = follow(node, start, queue, limit, len(expected[queue]))
                hold_against(expected[queue], got, f"queue {queue}, limit {limit}")
                ends[queue, limit] = end
            print(f"  limit {limit}: {len(records)} actions of {len(QUEUES)} queues, in order, byte for byte")
        for (queue, limit), end in ends.items():
            if read_page(node, end, queue, limit) is not None:
                raise Failure(f"queue {queue}, limit {limit}: the last next gave a page although nothing came since")
        more = {queue: b'{ "event" : "OneMore", "details" : {"queue":"%s"} }' % queue.encode() for queue in QUEUES}
        topic.publish([(f"{PROJECT}/{queue}".encode(), value) for queue, value in more.items()])
        for (queue, limit), end in ends.items():
            got, after = follow(node, end, queue, limit, 1)
            hold_against([more[queue]], got, f"queue {queue}, limit {limit}, after one more")
            if read_page(node, after, queue, limit) is not None:
                raise Failure(f"queue {queue}, limit {limit}: there is more than the one that was published")
        print("  last next: 204; after one more action: 200 with that one")
        node.stop()
        passed = True
    finally:
        node.remove(keep=not passed)
        topic.delete()


if __name__ == "__main__":
    if len(sys.argv) < 2 or "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
        sys.exit(__doc__)
    try:
        check(sys.argv[1], os.environ["KAFKA_BOOTSTRAP_SERVERS"], sys.argv[2:] or DEFAULT_FILES)
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
    print("cloudtrail: passed")
