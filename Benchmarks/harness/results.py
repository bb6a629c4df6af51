"""Keeps the figures of the latest run of each group, and writes them for people."""

import dataclasses
import datetime
import json
import pathlib
import platform
import re
import statistics
import subprocess

from harness.measure import Figure
from harness.processes import ROOT

DATA = ROOT / "Benchmarks" / "results.json"
TEXT = ROOT / "Benchmarks" / "RESULTS.md"

HEAD = """# Results

Written by `make bench`; [README.md](README.md) says what is measured, and how to read it. Each ratio is ours to the
baseline's of the same round, median (lowest – highest) of the rounds; the figures behind it are medians, ours / the
baseline's. A rate or a time by itself tells about the machine only.
"""


def text_of(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def version(command, pattern=r"\d+(?:\.\d+)+"):
    found = re.search(pattern, text_of(command))
    return found[0] if found else "?"


def machine(bench):
    cpu = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    zaqar = version([bench.zaqar_python, "-c", "from importlib.metadata import version; print(version('zaqar'))"])
    return {
        "machine": f"{cpu[1] if cpu else platform.machine()}, {bench.cores} cores, {int(memory[1]) // 2**20} GiB, "
                   f"{platform.system()} {platform.release()}",
        "versions": f"Swift {version(['swift', '--version'])}; "
                    f"librdkafka {version(['pkg-config', '--modversion', 'rdkafka'])}; "
                    f"wrk {version(['wrk', '--version'])}; nginx {version([bench.nginx, '-v'])}; "
                    f"Redis {version([bench.redis, '--version'])}; webdis {bench.webdis_version}; Zaqar {zaqar}"}


def commit():
    """The commit that was measured, and whether anything but the results differed from it."""
    name = text_of(["git", "rev-parse", "--short", "HEAD"])
    changed = text_of(["git", "status", "--porcelain", "--", "Sources", "Benchmarks", "Package.swift",
                       f":!{DATA.relative_to(ROOT)}", f":!{TEXT.relative_to(ROOT)}"])
    return name + (" with changes" if changed else "")


def keep(bench, group, figures, load):
    """Puts a group's figures in the place of those it had, and writes both files."""
    kept = json.loads(DATA.read_text()) if DATA.exists() else {}
    kept[group] = {
        "when": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(),
        "quick": bench.quick, "rounds": bench.rounds, "load": load, **machine(bench),
        "figures": [dataclasses.asdict(figure) for figure in figures]}
    DATA.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    TEXT.write_text(render(kept))


def render(kept):
    lines = [HEAD]
    rows = [(Figure(**figure), group, run) for group, run in kept.items() for figure in run["figures"]]
    rows.sort(key=lambda row: row[0].row)
    met = sum(figure.met for figure, _, _ in rows)
    lines += [f"{met} of {len(rows)} figures meet their goal."]
    quick = [group for group, run in kept.items() if run["quick"]]
    if quick:
        lines += ["", "**Quick runs (`QUICK=1`: fewer rounds, smaller sizes), to be repeated in full: "
                      f"{', '.join(quick)}.**"]
    lines += ["", "| # | work | beside | goal | ratio | | ours / baseline | CPU ours / baseline |",
              "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    lines += [line(figure) for figure, _, _ in rows]
    lines += ["", "## Notes", ""]
    lines += [f"- {figure.row}, {figure.work}, beside {figure.baseline or 'nothing'}: {figure.note}."
              for figure, _, _ in rows if figure.note]
    lines += ["", "## Runs", ""]
    for group, run in kept.items():
        lines.append(
            f"- `{group}`: {run['when']}, commit {run['commit']}, {run['rounds']} rounds"
            f"{', quick' if run['quick'] else ''}, load average when it began {run['load']:.1f}. {run['machine']}; "
            f"{run['versions']}.")
    return "\n".join(lines) + "\n"


def line(figure):
    median, low, high = figure.median, min(figure.ratios), max(figure.ratios)
    behind, cpu = "", ""
    if figure.base:
        ratio = f"**{median:.2f}** ({low:.2f} – {high:.2f})"
        behind = f"{number(figure.ours)} / {number(figure.base)} {figure.unit}"
    else:
        ratio = f"**{median:.1f}** ({low:.1f} – {high:.1f}) {figure.unit}"
    if figure.cpu_ours:
        cpu = (f"{number(figure.cpu_ours)} / {number(figure.cpu_base)} {figure.cpu_unit} "
               f"({statistics.median(a / b for a, b in zip(figure.cpu_ours, figure.cpu_base)):.2f} ×)")
    goal = f"{figure.sense} {figure.limit:g}" + ("" if figure.base else f" {figure.unit}")
    return (f"| {figure.row} | {figure.work} | {figure.baseline or '–'} | {goal} | {ratio} | "
            f"{'met' if figure.met else 'missed'} | {behind} | {cpu} |")


def number(values):
    value = statistics.median(values)
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
