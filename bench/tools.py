"""The programs that measure: Moneyer itself, the baselines, wrk; and how they are called."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from processes import Server, answer_bytes, free_port, spawn

ROOT = Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
HOST = "Host: 127.0.0.1"
VERIFY = f"GET /v2/verify HTTP/1.1\r\n{HOST}\r\nAuthorization: Bearer {{value}}\r\n\r\n"
MINT = f"GET /v2/auth HTTP/1.1\r\n{HOST}\r\nAuthorization: Bearer {{value}}\r\n\r\n"
LIST = f"GET /v2/auth?list=1 HTTP/1.1\r\n{HOST}\r\nAuthorization: Bearer {{value}}\r\n\r\n"


@dataclass(frozen=True)
class Sample:
    """What one run against one server gave: latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    p999: float
    refused: int
    cpu_per_1000: float
    peak_mib: float

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Work:
    """A request, as it is sent, and the values that go into it."""

    request: str
    values: Path

    def first(self) -> bytes:
        with self.values.open() as values:
            return self.request.replace("{value}", values.readline().rstrip("\n")).encode()


@dataclass(frozen=True)
class Tools:
    """The programs, and the temporary folder for what they write."""

    moneyer: Path
    baselines: Path
    folder: Path

    def baseline(self, *arguments: object) -> Any:
        """Runs a baseline to its end, and gives what it printed: JSON."""
        return json.loads(self.text(*arguments))

    def text(self, *arguments: object) -> str:
        command = [str(self.baselines), *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def serve(self, store: Path, **settings: str) -> Server:
        """Starts Moneyer as it is shipped, with its log in a file."""
        port = free_port()
        log = self.folder / f"moneyer-{port}.log"
        command = [self.moneyer, "serve", "--database", f"sqlite:{store}", "--listen", f"127.0.0.1:{port}"]
        server = Server("moneyer", spawn(command, log, self.folder, **settings), port, log)
        server.wait_until_ready("/health/readiness")
        return server

    def bare(self, like: Server, work: Work) -> Server:
        """Starts the bare handler, whose answer is as long as that of `like` to the same request."""
        port = free_port()
        log = self.folder / f"bare-{port}.log"
        size = answer_bytes(like, work.first())
        command = [self.baselines, "bare", "--listen", f"127.0.0.1:{port}"]
        options = ["--workers", str(CORES), "--answer-bytes", str(size)]
        server = Server("bare", spawn([*command, *options], log, self.folder), port, log)
        server.wait_until_ready("/")
        return server

    def _request_file(self, work: Work) -> Path:
        file = self.folder / "request"
        file.write_bytes(work.request.encode())
        return file

    def wrk(self, server: Server, work: Work, seconds: float, connections: int = 64) -> Sample:
        """As many requests as the server takes, from `connections` at once."""
        request = self._request_file(work)
        command = ["wrk", "-t2", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
        command += ["--timeout", "10s", "--script", str(ROOT / "bench/wrk/load.lua")]
        command += [f"http://127.0.0.1:{server.port}/", "--", str(request), str(work.values)]
        before = server.cpu_seconds()
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        cpu = server.cpu_seconds() - before
        server.shorten_log()
        found = json.loads(ran.stdout.splitlines()[-1])
        if not found["requests"] or found["failed"]:
            raise RuntimeError(f"{server.name}: {ran.stdout}")
        return Sample(
            rate=found["requests"] / found["seconds"],
            p50=found["p50"],
            p99=found["p99"],
            p999=found["p999"],
            refused=found["refused"],
            cpu_per_1000=1000 * cpu / found["requests"],
            peak_mib=server.memory_mib("VmHWM"),
        )

    def paced(self, server: Server, work: Work, rate: float, seconds: float, **options: object) -> dict[str, Any]:
        """Requests at a fixed rate, to the end."""
        process = self.start_paced(server, work, rate, seconds, **options)
        return finish(process)

    def start_paced(
        self, server: Server, work: Work, rate: float, seconds: float, **options: object
    ) -> subprocess.Popen[str]:
        request = self.folder / f"request-{free_port()}"
        request.write_bytes(work.request.encode())
        settings = {"connections": 64} | options
        command = [str(self.baselines), "load", "--address", f"127.0.0.1:{server.port}", "--request", str(request)]
        command += ["--values", str(work.values), "--rate", str(rate), "--seconds", str(seconds)]
        for name, value in settings.items():
            command += [f"--{name}", str(value)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Waits for paced load to end, and gives its counts and latencies."""
    printed, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("the load could not be generated")
    found: dict[str, Any] = json.loads(printed)
    return found


def require_good(found: dict[str, Any]) -> dict[str, Any]:
    """Fails when requests of paced load were refused or failed; some may not have been sent in time."""
    statuses = found["statuses"]
    if set(statuses) - {"200", "0"} or statuses.get("0", 0) > found["unsent"] or not statuses.get("200"):
        raise RuntimeError(f"requests were refused or failed: {statuses}, {found['unsent']} not sent")
    return found


@dataclass(frozen=True)
class Traced:
    """One paced request: when it was due (seconds since the epoch), its latency (ms), its status."""

    due: float
    latency: float
    status: int


def read_trace(file: Path) -> list[Traced]:
    lines = (line.split() for line in file.read_text().splitlines())
    traced = [Traced(int(due) / 1e6, int(latency) / 1e3, int(status)) for due, latency, status in lines]
    return sorted(traced, key=lambda request: request.due)


def percentile(latencies: list[float], part: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
