"""Measures Moneyer; see docs/benchmarks.md. `scripts/bench.sh` makes sure of what this needs."""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import large
import report
from bench import QUICK, REAL, SMOKE, Bench, Sizes
from peers import Unavailable
from processes import end_all_at_exit
from rows import ROWS, Row, measurements
from stores import Stores
from tools import ROOT, Tools

KEPT = ROOT / "target/bench"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--scale", action="store_true", help="what depends on ten million tokens")
    which.add_argument("--peers", action="store_true", help="other services, beside Moneyer")
    which.add_argument("--smoke", action="store_true", help="every part once, small and short; figures mean nothing")
    names = ", ".join(row.name for row in ROWS)
    which.add_argument("--quick", nargs="+", metavar="NAME", help=f"these rows alone, shorter, only shown: {names}")
    return parser.parse_args()


def build(profile: list[str]) -> dict[str, Path]:
    """Builds Moneyer and the baselines, and says where they are."""
    command = ["cargo", "build", "--locked", *profile, "--bin", "moneyer", "--bench", "baselines"]
    messages = subprocess.run(
        [*command, "--message-format=json-render-diagnostics"], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout
    found = [json.loads(line) for line in messages.splitlines()]
    programs = {m["target"]["name"]: Path(m["executable"]) for m in found if m.get("executable")}
    return programs


def measure(bench: Bench, rows: list[Row]) -> None:
    for what in measurements(rows):
        print(f"measuring: {what.__name__}", file=sys.stderr, flush=True)
        outcomes = what(bench)
        bench.outcomes |= outcomes
        for row in rows:
            if row.name in outcomes:
                print(report.line(row, outcomes[row.name]), flush=True)


def prepared(sizes: Sizes, profile: list[str], folder: Path) -> Bench:
    programs = build(profile)
    kept = folder / "stores" if sizes == SMOKE else KEPT / "stores"
    tools = Tools(programs["moneyer"], programs["baselines"], folder)
    return Bench(tools, Stores(tools, kept), sizes)


def smoke(folder: Path) -> None:
    """Every part but the peers, which are not installed everywhere; fails when a row has no figure."""
    has_release = (ROOT / "target/release/moneyer").exists()
    bench = prepared(SMOKE, ["--release"] if has_release else [], folder)
    rows = [row for row in ROWS if row.set != "peers"]
    measure(bench, rows)
    large.between(bench)
    missing = [row.name for row in rows if row.name not in bench.outcomes]
    if missing or not bench.details or len(bench.growth) != 2:
        raise RuntimeError(f"there are no figures for {missing or 'the details or plots'}")
    report.write(folder / "docs", "scale", rows, bench)
    if not all((folder / "docs" / page).exists() for page in ("benchmarks.md", "benchmarks/latency.svg")):
        raise RuntimeError("the page was not written")
    print("Every part gave its figures. They mean nothing: sizes and times were small.")


def main() -> None:
    chosen = arguments()
    end_all_at_exit()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    KEPT.mkdir(parents=True, exist_ok=True)
    # Below target/, so that it is on a real disk: durability is measured.
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=KEPT))
    try:
        if chosen.smoke:
            smoke(folder)
        elif chosen.quick:
            unknown = set(chosen.quick) - {row.name for row in ROWS}
            if unknown:
                sys.exit(f"There is no row {', '.join(sorted(unknown))}; see --help.")
            measure(prepared(QUICK, ["--release"], folder), [row for row in ROWS if row.name in chosen.quick])
        else:
            name = "scale" if chosen.scale else "peers" if chosen.peers else "default"
            rows = [row for row in ROWS if row.set == name]
            bench = prepared(REAL, ["--release"], folder)
            measure(bench, rows)
            if chosen.scale:
                large.between(bench)
            report.write(ROOT / "docs", name, rows, bench)
    except Unavailable as unavailable:
        sys.exit(str(unavailable))
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
