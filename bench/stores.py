"""Stores with so many tokens, filled once and copied for each measurement."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from processes import Server
from tools import ROOT, Tools

# What decides how a row looks: a store that was filled under another form is not used again.
FORM_OF_A_ROW = ("schema.sql", "benches/baselines/fill.rs", "src/store/sqlite/mint.rs", "src/keyring/sealing.rs")
FORM_OF_A_ROW += ("src/domain/digest.rs", "src/domain/token.rs", "src/domain/private_key.rs")
TWO_DAYS = 2 * 24 * 3600
ACCOUNT = "bench"


@dataclass(frozen=True)
class Filled:
    """A store, its private keys (one a line), and some of its tokens."""

    file: Path
    keys: Path
    sample: Path

    def count(self, tokens: str) -> int:
        """How many there are of the tokens of which this SQL is true; while no server has the store."""
        with closing(sqlite3.connect(self.file)) as store:
            found: int = store.execute(f"SELECT count(*) FROM tokens WHERE {tokens}").fetchone()[0]
        return found

    def remove(self) -> None:
        for suffix in ("", "-wal", "-shm", ".lock"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)


@dataclass
class Stores:
    """Makes stores below `kept`, where they stay, and gives copies of them."""

    tools: Tools
    kept: Path
    copies: int = 0

    def copy(self, tokens: int, *, sampled: int = 0, keys: int = 64, expired: int = 0, ended: int = 0) -> Filled:
        """A copy to work on of a store with so many tokens, `expired` more whose time has come or `ended`
        ones that are marked so, too, and a file with `sampled` of the tokens."""
        original = self._original(tokens, sampled, keys, expired, ended)
        self.copies += 1
        file = self.tools.folder / f"store-{self.copies}.db"
        shutil.copyfile(original.file, file)
        with file.open("rb") as written:
            os.fsync(written.fileno())  # not while something is measured
        return Filled(file, original.keys, original.sample)

    def _original(self, tokens: int, sampled: int, keys: int, expired: int, ended: int) -> Filled:
        form = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in FORM_OF_A_ROW))
        folder = self.kept / f"{form.hexdigest()[:12]}-{tokens}-{sampled}-{keys}-{expired}-{ended}"
        made = Filled(folder / "store.db", folder / "keys", folder / "sample")
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            self._make(unfinished, tokens, sampled, keys, expired + ended)
            if ended:
                mark_expired(unfinished / "store.db")
            unfinished.rename(folder)
        return made

    def _make(self, folder: Path, tokens: int, sampled: int, keys: int, expired: int) -> None:
        store, key_file, sample = folder / "store.db", folder / "keys", folder / "sample"
        self.add_keys(store, key_file, keys)
        if tokens or expired:
            server = self.tools.serve(store)
            mint_with_each(server, key_file)
            server.stop()
        fill = ("fill", "--store", store, "--keys", key_file)
        if expired:
            at = int(time.time()) - TWO_DAYS
            self.tools.text(*fill, "--tokens", expired, "--expired-at", at, "--sample", sample, "--sampled", 0)
        if tokens:
            self.tools.text(*fill, "--tokens", tokens, "--sample", sample, "--sampled", sampled)

    def add_keys(self, store: Path, key_file: Path, count: int) -> None:
        """Makes a store with an account that has so many private keys."""
        key_file.write_text(self.tools.text("keys", "--count", count))
        self.moneyer(store, "account", "create", ACCOUNT)
        self.moneyer(store, "key", "import", ACCOUNT, given=key_file.read_text())

    def moneyer(self, store: Path, *arguments: str, given: str = "") -> None:
        command = [self.tools.moneyer, "--database", f"sqlite:{store}", *arguments]
        done = subprocess.run(command, cwd=self.tools.folder, input=given, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"moneyer {' '.join(arguments)}: {done.stderr}")


def mark_expired(file: Path) -> None:
    """Marks the tokens whose time has come as ended, as a server's sweeper does."""
    mark = "UPDATE tokens SET ended_at = expires_at WHERE ended_at IS NULL AND expires_at <= ?"
    expired = "SELECT key_id, generation, token_id FROM live_index_expired"
    with closing(sqlite3.connect(file)) as store, store:
        store.execute(mark, [int(time.time())])
        store.execute(f"DELETE FROM live_index WHERE (key_id, generation, token_id) IN ({expired})")
        store.execute("DELETE FROM live_index_expired")


def mint_with_each(server: Server, key_file: Path) -> None:
    """Mints a token with each key, one after the other: after that the server knows them all."""
    for key in key_file.read_text().split():
        status, _ = server.get("/v2/auth", Authorization=f"Bearer {key}")
        if status != 200:
            raise RuntimeError(f"a key is refused: {status}")
