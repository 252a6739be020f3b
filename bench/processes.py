"""The processes that are measured: started, watched and ended by their process ids."""

from __future__ import annotations

import atexit
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_START = 60.0
LONGEST_STOP = 15.0

_running: list[subprocess.Popen[bytes]] = []


def end_all_at_exit() -> None:
    """Has everything that was started ended with this process, also on Ctrl-C or SIGTERM."""
    atexit.register(lambda: [end(process) for process in list(_running)])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def spawn(command: Sequence[str | Path], log: Path, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Starts a process in `folder`, without Moneyer's own variables; its output is appended to `log`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MONEYER_")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=kept | environment,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the others
        )
    _running.append(process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, by force when it takes too long, and what it started itself."""
    if process in _running:
        _running.remove(process)
    if process.returncode is not None:
        return
    process.terminate()
    deadline = time.monotonic() + LONGEST_STOP
    # Its id stays its own, and that of its group, until it has been waited for.
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while os.waitid(os.P_PID, process.pid, how) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A server that listens on loopback, with the processes that it started itself."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def stop(self) -> None:
        end(self.process)

    def shorten_log(self) -> None:
        """What was logged is of no use once it has been measured."""
        os.truncate(self.log, 0)

    def family(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def cpu_seconds(self) -> float:
        ticks = 0
        for pid in self.family():
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
        return ticks / CLOCK_TICKS

    def memory_mib(self, field: str) -> float:
        """`VmRSS`, what is in memory at present, or `VmHWM`, the most that ever was."""
        kib = 0
        for pid in self.family():
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))
        return kib / 1024

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait_until_listening(self) -> None:
        self.wait_until_ready("/nothing-is-here", 600)

    def wait_until_ready(self, path: str, below: int = 300) -> None:
        """Returns as soon as `path` is answered with a status below this."""
        deadline = time.monotonic() + LONGEST_START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self.get(path)[0] < below:
                    return
            except OSError:
                pass
            time.sleep(0.002)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.name} did not start: {tail}")


def answer_bytes(server: Server, request: bytes) -> int:
    """How long the whole answer to a request is, head and body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{server.name} refuses the request: {answer.decode(errors='replace')}")
        return len(head) + 4 + int(lengths[0])
