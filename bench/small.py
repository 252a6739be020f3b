"""Measurements against baselines, with stores that are filled in seconds."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench import Bench
from compare import Outcome, Pairs, of_ratios, take_turns
from stores import ACCOUNT, Filled
from tools import MINT, VERIFY, Sample, Work


def verify_known(bench: Bench) -> dict[str, Outcome]:
    store = bench.stores.copy(bench.sizes.few, sampled=bench.sizes.few)
    pairs = against_bare(bench, "verify, one known token", bench.only_first(Work(VERIFY, store.sample)), store)
    bench.note_top_rate("verify", median(sample.rate for sample in pairs.subjects))
    return {"verify": pairs.outcome("rate", "/s"), "verify-p99": pairs.outcome("p99", " ms")}


def verify_random(bench: Bench) -> dict[str, Outcome]:
    count = bench.sizes.many
    store = bench.stores.copy(count, sampled=count)
    pairs = against_bare(bench, f"verify, {count:,} tokens at random", Work(VERIFY, store.sample), store)
    return {"verify-random": pairs.outcome("rate", "/s")}


def against_bare(bench: Bench, what: str, work: Work, store: Filled) -> Pairs:
    """A server and the bare handler take turns at the same requests."""
    server = bench.tools.serve(store.file)
    bare = bench.tools.bare(server, work)
    for either in (server, bare):
        bench.warm(either, work)
    seconds = bench.sizes.seconds
    pairs = take_turns(
        bench.sizes.repeats,
        lambda: bench.tools.wrk(server, work, seconds),
        lambda: bench.tools.wrk(bare, work, seconds),
    )
    server.stop()
    bare.stop()
    if any(sample.refused for sample in pairs.subjects):
        raise RuntimeError(f"{what}: requests were refused")
    bench.detail_pairs(what, "bare handler, the same requests", pairs)
    return pairs


def mint(bench: Bench) -> dict[str, Outcome]:
    """Each time into an empty store, against the bare handler and against the same rows written by raw
    SQLite in the groups in which the server committed them."""
    tools, seconds = bench.tools, bench.sizes.seconds
    store = bench.stores.copy(0, keys=1)
    work = Work(MINT, store.keys)
    server = tools.serve(store.file)
    bench.know_keys(server, work)
    bare = tools.bare(server, work)
    server.stop()
    bench.warm(bare, work)
    pairs, raw, raw_unindexed, groups = Pairs(), [], [], []
    for _ in range(bench.sizes.repeats):
        store = bench.stores.copy(0, keys=1)
        pairs.subjects.append(bench.mint_run(store, work, seconds))
        pairs.baselines.append(tools.wrk(bare, work, seconds))
        replayed = replay(bench, store)
        raw.append(replayed["rows_per_second"])
        raw_unindexed.append(replay(bench, store, "--unindexed")["rows_per_second"])
        groups.append(replayed["group"])
        store.remove()
    bare.stop()
    bench.detail_pairs("mint, one key", "bare handler, the same requests", pairs)
    rates = [sample.rate for sample in pairs.subjects]
    bench.note_top_rate("mint", median(rates))
    unindexed = median(rate / raw for rate, raw in zip(rates, raw_unindexed, strict=True))
    note = f"groups of {median(groups):.0f} rows; {unindexed:.2f} of the same without an index of digests"
    return {"mint": pairs.outcome("rate", "/s"), "mint-raw": of_ratios(rates, raw, "/s", note)}


def replay(bench: Bench, store: Filled, *options: str) -> Any:
    """Writes a store's rows again by raw SQLite."""
    again = store.file.with_suffix(".again")
    replayed = bench.tools.baseline("replay", "--from", store.file, "--to", again, *options)
    again.unlink()
    return replayed


def mint_keys(bench: Bench) -> dict[str, Outcome]:
    count = 64

    def run(pick: Callable[[Work], Work]) -> Sample:
        store = bench.stores.copy(0, keys=count)
        sample = bench.mint_run(store, pick(Work(MINT, store.keys)), bench.sizes.seconds)
        store.remove()
        return sample

    pairs = take_turns(bench.sizes.repeats, lambda: run(lambda all_keys: all_keys), lambda: run(bench.only_first))
    bench.detail_pairs(f"mint, {count} keys at random", "mint, one of the keys", pairs)
    return {"mint-keys": pairs.outcome("rate", "/s")}


def cold_key(bench: Bench) -> dict[str, Outcome]:
    """The first requests with several keys, which mint, and as many hashes take turns."""
    repeats, each = bench.sizes.repeats, bench.sizes.cold_keys
    store = bench.stores.copy(0, keys=each * repeats)
    server = bench.tools.serve(store.file)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    keys = store.keys.read_text().split()
    requests, hashes = [], []
    for first in range(0, len(keys), each):
        requests.append(median(first_request(connection, key) for key in keys[first:][:each]))
        hashes.append(median(bench.tools.baseline("argon2", "--count", each)))
    server.stop()
    return {"cold-key": of_ratios(requests, hashes, " ms", f"{len(keys)} keys")}


def regenerate(bench: Bench) -> dict[str, Outcome]:
    """Ending every token of an account at once, by the command line: of many and of ten."""
    counts = (bench.sizes.many, 10)
    many, ten = (bench.stores.copy(count, sampled=count) for count in counts)
    took: dict[Filled, list[float]] = {many: [], ten: []}
    for _ in range(4 * bench.sizes.repeats):
        for store, times in took.items():
            start = time.perf_counter()
            bench.stores.moneyer(store.file, "account", "regenerate", ACCOUNT)
            times.append(1000 * (time.perf_counter() - start))
    for store in took:
        store.remove()
    return {"regenerate": of_ratios(took[many], took[ten], " ms")}


def first_request(connection: http.client.HTTPConnection, key: str) -> float:
    """How long it took: milliseconds."""
    start = time.perf_counter()
    connection.request("GET", "/v2/auth", headers={"Authorization": f"Bearer {key}"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"a key is refused: {answer.status}")
    return 1000 * (time.perf_counter() - start)
