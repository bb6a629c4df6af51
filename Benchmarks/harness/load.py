"""Load, each tool in one place: wrk, and the drivers in C."""

import json
import re
import resource

from harness.measure import cpu_seconds
from harness.processes import LOAD_CORE, TOPIC, Failure, Server, run

LATENCY_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000}


def wrk(url, connections, seconds, pids, headers=None):
    """What wrk measured, and what the server's processes and wrk used of the CPU meanwhile."""
    before, before_wrk = cpu_seconds(pids), ended_children_cpu_seconds()
    text = run(
        ["wrk", "--threads", 1, "--connections", connections, "--duration", f"{seconds}s", "--latency", "--timeout",
         "30s", *(word for name, value in (headers or {}).items() for word in ("--header", f"{name}: {value}")), url],
        LOAD_CORE)
    used, used_wrk = cpu_seconds(pids) - before, ended_children_cpu_seconds() - before_wrk
    if "Non-2xx" in text or "Socket errors" in text:
        raise Failure(f"wrk saw errors at {url}:\n{text}")
    requests, wall = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), "cpu": used / max(1, int(requests)) * 1e6,
        "busy": used / float(wall), "wrk_busy": used_wrk / float(wall), "p99": float(number) * LATENCY_UNITS[unit]}


def ended_children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def kafka_pass(program, *arguments, core=None):
    """A pass of `rdkafka` or `PathBenchmark`, by the line both print."""
    fields = run([program, *arguments], core).split()
    count, wall, cpu = int(fields[0]), float(fields[1]), float(fields[2])
    return {
        "rate": count / wall, "cpu": cpu / count * 1e6,
        "anonymous_kib": int(fields[3]) if len(fields) > 3 else None}


def fill(bench, broker, count, project="bench", ttl=0, rate=0, core=None):
    """Writes actions over 1,000 queues of a project, and returns when all are acknowledged."""
    run([bench.rdkafka, "fill", broker.bootstrap_servers, TOPIC, count, project, ttl, rate], core)


def writer(bench, broker, rate, project="bench"):
    """The same without end, so many a second."""
    return Server([bench.rdkafka, "fill", broker.bootstrap_servers, TOPIC, 0, project, 0, rate], LOAD_CORE)


def page_latency(bench, node, paths, seconds, rate=0):
    """Latency in µs of GETs of random `paths` (a file) over one connection; see latency.c."""
    before = cpu_seconds(node.pids)
    result = json.loads(run([bench.latency, "pages", node.address, paths, rate, seconds], LOAD_CORE))
    latency = result["latency"]
    return {**latency, **{k: v for k, v in result.items() if k != "latency"},
            "cpu": (cpu_seconds(node.pids) - before) / latency["count"] * 1e6}
