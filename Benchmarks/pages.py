#!/usr/bin/env python3
"""Page reads of `strandline serve` beside nginx, which serves the same bytes as a static file.

    pages.py STRANDLINE NGINX [ROUNDS [SECONDS]]

The node reads from the embedded broker of another process (`strandline dev`): the tests' small broker answers an empty
fetch at once instead of waiting, which keeps a client busy all the time. Both servers have one core and the load generator (wrk, 64 connections) the other; rounds alternate between them, and
the table holds the medians. Prints Markdown.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True  # no stray files in the source tree
sys.path.insert(0, str(ROOT / "Tests" / "IntegrationTests"))

from Support.node import PUBLISHER, Failure, Node, free_port  # noqa: E402

PROJECT = "bench"
QUEUES = ["one", "two", "three"]
BODY_BYTES = 400
LIMITS = [10, 50]
CONNECTIONS = 64
SERVER_CORE, LOAD_CORE = "0", "1"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

NGINX_CONF = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  open_file_cache max=16;
  sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {folder}/pages; }}
}}
"""


def body(number):
    head = b'{"event":"ClaimExpired","details":{"number":%d,"filler":"' % number
    return head + b"x" * (BODY_BYTES - len(head) - 3) + b'"}}'


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_SECOND


def load(url, seconds, pids):
    """Requests a second, CPU microseconds a request, median and 99th percentile latency as wrk prints them."""
    before = cpu_seconds(pids)
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, "wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration",
         f"{seconds}s", "--latency", url], capture_output=True, text=True, check=True)
    used = cpu_seconds(pids) - before
    text = done.stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise Failure(f"wrk saw errors at {url}:\n{text}")
    requests = int(re.search(r"(\d+) requests in", text)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    latency = {percent: value for percent, value in re.findall(r"(50|99)%\s+(\S+)", text)}
    return rate, used / requests * 1e6, latency["50"], latency["99"]


def wait_for(url):
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                if response.status == 200:
                    return response.read()
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise Failure(f"no page at {url}")
        time.sleep(0.05)


class EmbeddedBroker:
    """The broker of a `strandline dev` whose own feed nobody asks."""

    name = "audit.actions"

    def __init__(self, strandline, folder):
        self.process = subprocess.Popen(
            ["taskset", "-c", LOAD_CORE, strandline, "dev", "--json", "--listen", "127.0.0.1:0", "--data",
             f"{folder}/dev"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.bootstrap_servers = json.loads(self.process.stdout.readline())["bootstrapServers"]

    def publish(self, keyed_values):
        subprocess.run(
            ["kcat", "-b", self.bootstrap_servers, "-P", "-t", self.name, "-K", "\\t", *PUBLISHER],
            input=b"".join(key + b"\t" + value + b"\n" for key, value in keyed_values), check=True)

    def end(self):
        self.process.terminate()
        self.process.wait()


def measure(strandline, nginx, rounds, seconds):
    broker_folder = tempfile.TemporaryDirectory()
    topic = EmbeddedBroker(strandline, broker_folder.name)
    node = Node(strandline, topic)
    node.command = ["taskset", "-c", SERVER_CORE, *node.command]
    web = None
    passed = False
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.chmod(folder, 0o755)  # nginx's worker is another user when this runs as root
            topic.publish([(f"{PROJECT}/{queue}".encode(), body(n)) for n in range(200) for queue in QUEUES])
            node.start()
            node.wait_until_ready()
            urls = {limit: f"{node.url}/v1/{PROJECT}/queues/two/actions?limit={limit}" for limit in LIMITS}
            os.mkdir(f"{folder}/pages")
            for limit, url in urls.items():
                page = wait_for(url)
                deadline = time.monotonic() + 30
                while page.count(b'"ttl"') < limit and time.monotonic() < deadline:
                    page = wait_for(url)
                pathlib.Path(f"{folder}/pages/{limit}.json").write_bytes(page)
            port = free_port()
            pathlib.Path(f"{folder}/nginx.conf").write_text(NGINX_CONF.format(folder=folder, port=port))
            web = subprocess.Popen(
                ["taskset", "-c", SERVER_CORE, nginx, "-p", folder, "-e", f"{folder}/error.log", "-c",
                 f"{folder}/nginx.conf"], stdin=subprocess.DEVNULL)
            static = {limit: f"http://127.0.0.1:{port}/{limit}.json" for limit in LIMITS}
            for url in static.values():
                wait_for(url)
            children = pathlib.Path(f"/proc/{web.pid}/task/{web.pid}/children").read_text().split()
            servers = {"strandline serve": ([str(node.process.pid)], urls), "nginx, static file": (children, static)}
            results = {}
            for number in range(rounds + 1):
                for limit in LIMITS:
                    for name, (pids, addresses) in servers.items():
                        # The first round warms up and does not count.
                        result = load(addresses[limit], seconds if number else 1, pids)
                        if number:
                            results.setdefault((limit, name), []).append(result)
            print(f"\n### Pages: one core a server, {CONNECTIONS} connections, medians of {rounds} alternating rounds\n")
            print("| page | server | requests/s | of nginx | CPU µs a request | of nginx | latency 50 % / 99 % |")
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for limit in LIMITS:
                size = os.path.getsize(f"{folder}/pages/{limit}.json")
                base = results[limit, "nginx, static file"]
                for name in servers:
                    rows = results[limit, name]
                    rate, base_rate = (statistics.median(row[0] for row in r) for r in (rows, base))
                    cpu, base_cpu = (statistics.median(row[1] for row in r) for r in (rows, base))
                    middle = sorted(rows, key=lambda row: row[0])[len(rows) // 2]
                    print(f"| {limit} actions, {size:,} B | {name} | {rate:,.0f} | {rate / base_rate:.2f} | {cpu:.1f} |"
                          f" {cpu / base_cpu:.2f} | {middle[2]} / {middle[3]} |")
            node.stop()
            passed = True
        finally:
            if web is not None:
                web.terminate()
                web.wait()
            node.remove(keep=not passed)
            topic.end()
            broker_folder.cleanup()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        measure(sys.argv[1], sys.argv[2], *(int(a) for a in (sys.argv[3:] + ["5", "4"][len(sys.argv) - 3:])))
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
