"""What was found, as lines and as docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import Bench
from compare import Outcome, shortly
from plot import plot
from rows import Row

ROOT = Path(__file__).resolve().parent.parent
INTRODUCTION = (ROOT / "bench/introduction.txt").read_text()
COMMANDS = {
    "default": ("Against the limits", "./scripts/bench.sh"),
    "scale": ("With ten million tokens", "./scripts/bench.sh --scale"),
    "peers": ("Against other services", "./scripts/bench.sh --peers"),
}
TABLE = "| work | Moneyer | baseline | ratio (spread) | target | met |\n| --- | --- | --- | --- | --- | --- |\n"


def cells(row: Row, outcome: Outcome) -> list[str]:
    baseline, ratio = "-", "-"
    if outcome.baseline:
        baseline = f"{row.baseline}: {outcome.baseline}"
        ratio = f"{outcome.value:.2f} ({outcome.low:.2f} to {outcome.high:.2f})"
    elif outcome.low != outcome.high:
        ratio = f"({shortly(outcome.low)} to {shortly(outcome.high)})"
    met = "met" if row.target.is_met(outcome.value) else "**not met**"
    subject = f"{outcome.subject}; {outcome.note}" if outcome.note else outcome.subject
    return [row.work, subject, baseline, ratio, str(row.target), met]


def line(row: Row, outcome: Outcome) -> str:
    return " | ".join(cells(row, outcome)).replace("**", "")


def machine() -> dict[str, str]:
    """The machine, in words."""
    cpu = [text for text in Path("/proc/cpuinfo").read_text().splitlines() if text.startswith("model name")]
    total = Path("/proc/meminfo").read_text().split()[1]
    found = subprocess.run(["stat", "-f", "-c", "%T", ROOT / "target"], capture_output=True, text=True, check=True)
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True, cwd=ROOT)
    return {
        "cores": f"{os.cpu_count()} cores, {cpu[0].partition(':')[2].strip() if cpu else platform.machine()}",
        "memory": f"{int(total) / 1024 / 1024:.0f} GiB of memory",
        "system": f"{platform.system()} {platform.release()}, {found.stdout.strip()}",
        "rustc": rustc.stdout.strip(),
    }


def write(docs: Path, name: str, rows: list[Row], bench: Bench) -> None:
    """Keeps the figures of one run beside those of the others, and writes the page and the plots anew."""
    figures = docs / "benchmarks"
    figures.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rows": [cells(row, bench.outcomes[row.name]) for row in rows if row.name in bench.outcomes],
        "details": bench.details,
        "growth": bench.growth,
    }
    (figures / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    write_page(docs)


def write_page(docs: Path) -> None:
    """Writes the page, with its plots, from the figures that are kept."""
    page, growth = [INTRODUCTION], {}
    for name, (title, command) in COMMANDS.items():
        file = docs / f"benchmarks/{name}.json"
        if file.exists():
            found = json.loads(file.read_text())
            page.append(section(title, command, found))
            growth |= found["growth"]
    if growth:
        draw(docs / "benchmarks", growth)
        images = "![Requests per second](benchmarks/throughput.svg)\n\n![Latency](benchmarks/latency.svg)"
        page.append(f"## As tokens grow\n\n{images}\n")
    (docs / "benchmarks.md").write_text("\n".join(page))


def section(title: str, command: str, found: dict[str, Any]) -> str:
    parts = [f"## {title}\n\n`{command}`, {found['date']}. {'; '.join(found['machine'].values())}.\n\n{TABLE}"]
    parts += ["| " + " | ".join(row) + " |\n" for row in found["rows"]]
    if found["details"]:
        parts.append(
            "\n| run | requests/s | p50 ms | p99 ms | p99.9 ms | CPU s per 1,000 | peak memory MiB |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
        )
    for detail in found["details"]:
        latencies = " | ".join(f"{detail[part]:.2f}" for part in ("p50", "p99", "p999"))
        cost = f"{detail['cpu_per_1000']:.4f} | {detail['peak_mib']:.0f}"
        parts.append(f"| {detail['what']} | {detail['rate']:,.0f} | {latencies} | {cost} |\n")
    return "".join(parts)


def draw(folder: Path, growth: dict[str, list[dict[str, float]]]) -> None:
    def of(*figures: str) -> dict[str, list[tuple[float, float]]]:
        return {
            f"{work} {figure}" if len(figures) > 1 else work: [(p["tokens"], p[figure]) for p in points]
            for work, points in growth.items()
            for figure in figures
        }

    (folder / "throughput.svg").write_text(plot("Requests per second, 64 connections", "1/s", of("rate")))
    (folder / "latency.svg").write_text(plot("Latency, 64 connections", "ms", of("p50", "p99")))
