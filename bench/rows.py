"""The table of what is measured: the single source of works, baselines and targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import beside
import large
import peers
import small
from bench import Bench
from compare import Outcome


@dataclass(frozen=True)
class Target:
    """What a ratio, or a figure where there is no baseline, is to be."""

    sign: str
    limit: float
    unit: str = ""

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.sign == ">=" else value <= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}{self.unit}"


def at_least(limit: float) -> Target:
    return Target(">=", limit)


def at_most(limit: float, unit: str = "") -> Target:
    return Target("<=", limit, unit)


@dataclass(frozen=True)
class Row:
    """A line of the table. One measurement may give the figures of several."""

    name: str
    set: str  # which run measures it: default, scale or peers
    measure: Callable[[Bench], dict[str, Outcome]]
    work: str
    baseline: str
    target: Target


BARE = "bare handler"
ROWS = (
    Row("verify", "default", small.verify_known, "verify, known token: rate", BARE, at_least(0.88)),
    Row("verify-p99", "default", small.verify_known, "verify, known token: p99", BARE, at_most(1.3)),
    Row("verify-random", "default", small.verify_random, "verify, 1 million tokens at random", BARE, at_least(0.5)),
    Row("mint", "default", small.mint, "mint, durable", BARE, at_least(0.25)),
    Row("mint-raw", "default", small.mint, "mint, durable", "raw rusqlite, the same groups", at_least(0.85)),
    Row("mint-keys", "default", small.mint_keys, "mint from 64 keys", "one key", at_least(0.9)),
    Row("cold-key", "default", small.cold_key, "first request with a cold key", "one argon2id hash", at_most(1.3)),
    Row("regenerate", "default", small.regenerate, "end an account's million tokens", "its ten", at_most(1.2)),
    Row("sweep", "default", beside.sweep, "mint beside a sweep of 1 million: p99", "no sweep", at_most(2)),
    Row("wrong-keys", "default", beside.wrong_keys, "verify beside wrong keys: p99", "no wrong keys", at_most(2)),
    Row("overload-memory", "default", beside.overload, "overload: peak memory", "", at_most(256, " MiB")),
    Row("overload-answers", "default", beside.overload, "overload: not 200, nor 503 with Retry-After", "", at_most(0)),
    Row("overload-recovery", "default", beside.overload, "overload: recovery", "", at_most(1, " s")),
    Row("overload-kept", "default", beside.overload, "overload: acknowledged and lost", "", at_most(0)),
    Row("mint-most", "scale", large.mint, "mint, 10 million kept", "10 thousand kept", at_least(0.8)),
    Row("verify-most", "scale", large.verify, "verify, 10 million, 100,000 hot", "10 thousand kept", at_least(0.95)),
    Row("list-most", "scale", large.lists, "list of 100, 10 million kept, 500/s: p99", "", at_most(3, " ms")),
    Row("start", "scale", large.start, "start with 10 million, to readiness", "", at_most(1, " s")),
    Row("start-memory", "scale", large.start, "memory then", "", at_most(200, " MiB")),
    Row("peers-verify", "peers", peers.compare, "verify", "fastest peer", at_least(30)),
    Row("peers-mint", "peers", peers.compare, "mint", "fastest peer", at_least(15)),
)


def measurements(rows: list[Row]) -> list[Callable[[Bench], dict[str, Outcome]]]:
    """What has to be measured for these rows, each once, in their order."""
    return list(dict.fromkeys(row.measure for row in rows))
