"""Other services, beside Moneyer: how each is installed, filled, started and asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import Bench
from compare import Outcome, of_ratios
from processes import Server, free_port, spawn
from tools import CORES, HOST, MINT, ROOT, VERIFY, Sample, Work

SOURCES = ROOT / "bench/peers"
INSTALLED = ROOT / "target/peers"
BETTER_AUTH, DJANGO = INSTALLED / "better-auth", INSTALLED / "django"
AS_CLIENT = "Authorization: Basic YmVuY2g6b2Ytbm8tdmFsdWU="  # bench:of-no-value
GRANT, ASKED = "grant_type=client_credentials&scope=tiles", "token={value}"


class Unavailable(Exception):
    """No other service could be installed."""


@dataclass(frozen=True)
class Peer:
    """One of the services: how it creates and verifies, and by which value of those that it was filled with."""

    name: str
    install: Callable[[], None]
    start: Callable[[Bench], tuple[Server, dict[str, str]]]
    create: str
    create_with: str
    verify: str
    verify_with: str


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )
    if done.returncode:
        raise OSError(f"{command[0]} failed: {done.stderr[-1500:]}")
    return done.stdout


def once(folder: Path, versions: Path, install: Callable[[], None]) -> None:
    """Installs what is not installed yet in these versions."""
    mark = folder / "installed"
    if mark.exists() and mark.read_bytes() == versions.read_bytes():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install()
    shutil.copyfile(versions, mark)


def install_better_auth() -> None:
    def install() -> None:
        shutil.copy(SOURCES / "better-auth/package.json", BETTER_AUTH)
        # better-sqlite3 is built here, not fetched from where its makers keep programs; with the headers of
        # Debian's Node.js where they are.
        how = {"npm_config_build_from_source": "true"}
        if Path("/usr/include/node").exists():
            how["npm_config_nodedir"] = "/usr"
        run("npm", "install", "--no-audit", "--no-fund", folder=BETTER_AUTH, **how)

    once(BETTER_AUTH, SOURCES / "better-auth/package.json", install)
    shutil.copy(SOURCES / "better-auth/server.mjs", BETTER_AUTH)


def install_django() -> None:
    needed = SOURCES / "django/requirements.txt"

    def install() -> None:
        run(sys.executable, "-m", "venv", ".", folder=DJANGO)
        pip = DJANGO / "bin/pip"
        run(pip, "install", "--quiet", "--disable-pip-version-check", "-r", needed, folder=DJANGO)

    once(DJANGO, needed, install)


def start_better_auth(bench: Bench) -> tuple[Server, dict[str, str]]:
    port, store = free_port(), bench.tools.folder / f"better-auth-{free_port()}.db"
    made = json.loads(run("node", "server.mjs", folder=BETTER_AUTH, DATABASE=str(store)))
    log = store.with_suffix(".log")
    environment = {"DATABASE": str(store), "PORT": str(port), "WORKERS": str(CORES)}
    server = Server("better-auth", spawn(["node", "server.mjs"], log, BETTER_AUTH, **environment), port, log)
    server.wait_until_listening()
    return server, made


def start_django(bench: Bench) -> tuple[Server, dict[str, str]]:
    port, store = free_port(), bench.tools.folder / f"django-{free_port()}.db"
    sources = SOURCES / "django"
    environment = {"DATABASE": str(store), "PYTHONDONTWRITEBYTECODE": "1"}
    made = json.loads(run(DJANGO / "bin/python", "site_of_peers.py", folder=sources, **environment))
    log = store.with_suffix(".log")
    command = [DJANGO / "bin/gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(CORES), "--threads", "4"]
    command += ["--keep-alive", "60", "--no-control-socket", "site_of_peers:application"]
    server = Server("gunicorn", spawn(command, log, sources, **environment), port, log)
    server.wait_until_listening()
    return server, made


def request(target: str, *headers: str, body: str = "", length: int = 0) -> str:
    """A GET, or a POST when there is a body or none is wanted; `length` is that of the body as it is sent."""
    method, target = target.split(" ")
    head = [f"{method} {target} HTTP/1.1", HOST, *headers]
    if method == "POST":
        head.append(f"Content-Length: {length or len(body)}")
    return "\r\n".join([*head, "", body])


FORM = "Content-Type: application/x-www-form-urlencoded"
PEERS = (
    Peer(
        "better-auth, API-key plugin",
        install_better_auth,
        start_better_auth,
        request("GET /create", "X-Api-Key: {value}"),
        "user",
        request("GET /verify", "X-Api-Key: {value}"),
        "key",
    ),
    Peer(
        "djangorestframework-api-key",
        install_django,
        start_django,
        request("POST /api-key/create"),
        "api-key",
        request("GET /api-key/verify", "Authorization: Api-Key {value}"),
        "api-key",
    ),
    Peer(
        "django-rest-knox",
        install_django,
        start_django,
        request("POST /knox/create"),
        "knox",
        request("GET /knox/verify", "Authorization: Token {value}"),
        "knox",
    ),
    Peer(
        "django-oauth-toolkit, introspection",
        install_django,
        start_django,
        request("POST /o/token/", AS_CLIENT, FORM, body=GRANT),
        "oauth",
        request("POST /o/introspect/", "Authorization: Bearer asking", FORM, body=ASKED, length=len("token=asked")),
        "oauth",
    ),
)


def compare(bench: Bench) -> dict[str, Outcome]:
    """Every service and Moneyer, creating and verifying, one after the other, several times."""
    found: dict[str, dict[str, list[Sample]]] = {}
    usable, missing = [], []
    for peer in PEERS:
        try:
            peer.install()
            usable.append(peer)
        except OSError as reason:
            missing.append(peer.name)
            print(f"{peer.name} cannot be installed: {reason}", file=sys.stderr)
    if not usable:
        raise Unavailable("None of the other services could be installed.")
    for _ in range(min(bench.sizes.repeats, 3)):
        for work, sample in moneyer(bench).items():
            found.setdefault("Moneyer", {}).setdefault(work, []).append(sample)
        for peer in usable:
            for work, sample in one(bench, peer).items():
                found.setdefault(peer.name, {}).setdefault(work, []).append(sample)
    for name, works in found.items():
        for work, samples in works.items():
            bench.detail(f"{name}: {work}", samples)
    note = f"without {', '.join(missing)}" if missing else ""
    return {f"peers-{work}": against_fastest(found, work, note) for work in ("verify", "mint")}


def against_fastest(found: dict[str, dict[str, list[Sample]]], work: str, note: str) -> Outcome:
    rates = {name: [sample.rate for sample in works[work]] for name, works in found.items()}
    own = rates.pop("Moneyer")
    fastest = max(rates, key=lambda name: median(rates[name]))
    return of_ratios(own, rates[fastest], "/s", "; ".join(filter(None, [f"the fastest is {fastest}", note])))


def moneyer(bench: Bench) -> dict[str, Sample]:
    store = bench.stores.copy(bench.sizes.few, sampled=bench.sizes.few)
    server = bench.tools.serve(store.file)
    verify, mint = bench.only_first(Work(VERIFY, store.sample)), bench.only_first(Work(MINT, store.keys))
    bench.know_keys(server, mint)
    samples = warm_sample(bench, server, verify=verify, mint=mint)
    store.remove()
    return samples


def one(bench: Bench, peer: Peer) -> dict[str, Sample]:
    server, made = peer.start(bench)
    verify = Work(peer.verify, value(bench, made[peer.verify_with], "verify"))
    mint = Work(peer.create, value(bench, made[peer.create_with], "mint"))
    return warm_sample(bench, server, verify=verify, mint=mint)


def value(bench: Bench, text: str, name: str) -> Path:
    file = bench.tools.folder / f"value-{name}"
    file.write_text(text + "\n")
    return file


def warm_sample(bench: Bench, server: Server, **works: Work) -> dict[str, Sample]:
    try:
        samples = {}
        for name, work in works.items():
            bench.tools.wrk(server, work, 1)
            samples[name] = bench.tools.wrk(server, work, bench.sizes.seconds)
            if samples[name].refused:
                raise RuntimeError(f"{server.name} refused {samples[name].refused} requests to {name}")
        return samples
    finally:
        server.stop()
