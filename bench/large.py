"""Measurements with ten million tokens in the store."""

from __future__ import annotations

import time
from statistics import median

from bench import Bench
from compare import Outcome, Pairs, of_values, take_turns
from tools import LIST, MINT, VERIFY, Sample, Work, require_good

LISTS_PER_SECOND = 500


def verify(bench: Bench) -> dict[str, Outcome]:
    """A hot set out of many tokens, against all of few."""
    sizes, tools = bench.sizes, bench.tools
    most = bench.stores.copy(sizes.most, sampled=sizes.hot)
    few = bench.stores.copy(sizes.few, sampled=sizes.few)
    servers = [tools.serve(store.file) for store in (most, few)]
    works = [Work(VERIFY, store.sample) for store in (most, few)]
    for server, work in zip(servers, works, strict=True):
        bench.warm(server, work)
        bench.warm(server, work)
    pairs = take_turns(
        sizes.repeats,
        lambda: tools.wrk(servers[0], works[0], sizes.seconds),
        lambda: tools.wrk(servers[1], works[1], sizes.seconds),
    )
    for server in servers:
        server.stop()
    most.remove()
    return {"verify-most": grown(bench, "verify", pairs)}


def mint(bench: Bench) -> dict[str, Outcome]:
    sizes = bench.sizes
    most = bench.stores.copy(sizes.most, sampled=sizes.hot)
    work = bench.only_first(Work(MINT, most.keys))

    def into_few() -> Sample:
        store = bench.stores.copy(sizes.few, sampled=sizes.few)
        sample = bench.mint_run(store, bench.only_first(Work(MINT, store.keys)), sizes.seconds)
        store.remove()
        return sample

    pairs = take_turns(sizes.repeats, lambda: bench.mint_run(most, work, sizes.seconds), into_few)
    most.remove()
    return {"mint-most": grown(bench, "mint", pairs)}


def grown(bench: Bench, work: str, pairs: Pairs) -> Outcome:
    sizes = bench.sizes
    bench.detail_pairs(f"{work}, {sizes.most:,} tokens kept", f"{work}, {sizes.few:,} tokens kept", pairs)
    bench.grown(work, sizes.few, pairs.baselines)
    bench.grown(work, sizes.most, pairs.subjects)
    return pairs.outcome("rate", "/s")


def between(bench: Bench) -> dict[str, Outcome]:
    """The sizes between the fewest and the most, for the plots alone."""
    sizes = bench.sizes
    for tokens in (sizes.hot, sizes.many):
        store = bench.stores.copy(tokens, sampled=min(tokens, sizes.hot))
        server, work = bench.tools.serve(store.file), Work(VERIFY, store.sample)
        bench.warm(server, work)
        bench.warm(server, work)
        bench.grown("verify", tokens, [bench.tools.wrk(server, work, sizes.seconds) for _ in range(3)])
        server.stop()
        work = bench.only_first(Work(MINT, store.keys))
        bench.grown("mint", tokens, [bench.mint_run(store, work, sizes.seconds)])
        store.remove()
    return {}


def lists(bench: Bench) -> dict[str, Outcome]:
    sizes, tools = bench.sizes, bench.tools
    store = bench.stores.copy(sizes.most, sampled=sizes.hot)
    work = Work(LIST, store.keys)
    server = tools.serve(store.file)
    bench.know_keys(server, work)
    found = [require_good(tools.paced(server, work, LISTS_PER_SECOND, sizes.seconds)) for _ in range(sizes.repeats)]
    server.stop()
    store.remove()
    note = f"p50 {median(run['p50'] for run in found):.2f} ms"
    return {"list-most": of_values([run["p99"] for run in found], " ms", note)}


def start(bench: Bench) -> dict[str, Outcome]:
    """From the start of the process until it says that it is ready, and what it takes in memory then."""
    store = bench.stores.copy(bench.sizes.most, sampled=bench.sizes.hot)
    took, memory = [], []
    for _ in range(bench.sizes.repeats):
        begun = time.perf_counter()
        server = bench.tools.serve(store.file)
        took.append(time.perf_counter() - begun)
        memory.append(server.memory_mib("VmRSS"))
        server.stop()
    store.remove()
    return {"start": of_values(took, " s"), "start-memory": of_values(memory, " MiB")}
