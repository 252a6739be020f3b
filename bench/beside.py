"""Measurements of what happens beside something else: a sweep, strangers, a crowd."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from bench import Bench
from compare import Outcome, of_ratios, plain, shortly
from stores import Filled
from tools import MINT, VERIFY, Traced, Work, finish, percentile, read_trace, require_good

# How long the probe goes on before and after the crowd, which takes a while to connect: seconds.
BEFORE, AFTER = 2, 15
# How long it must be calm for the server to have recovered: seconds.
CALM = 0.5
# Tokens that a sweep is yet to mark as ended, and yet to delete.
UNMARKED, MARKED = "ended_at IS NULL AND expires_at IS NOT NULL", "ended_at IS NOT NULL"


def top_mint_rate(bench: Bench) -> float:
    def measure() -> float:
        store = bench.stores.copy(0, keys=1)
        return bench.mint_run(store, Work(MINT, store.keys), bench.sizes.seconds).rate

    return bench.top_rate("mint", measure)


def top_verify_rate(bench: Bench) -> float:
    def measure() -> float:
        store = bench.stores.copy(bench.sizes.few, sampled=bench.sizes.few)
        server = bench.tools.serve(store.file)
        work = Work(VERIFY, store.sample)
        bench.warm(server, work)
        rate = bench.tools.wrk(server, work, bench.sizes.seconds).rate
        server.stop()
        return rate

    return bench.top_rate("verify", measure)


def sweep(bench: Bench) -> dict[str, Outcome]:
    """Minting at half the top rate, by servers that start with many tokens: expired ones, which a sweep
    first marks as ended; ones that are marked since two days ago, which it deletes; and good ones. What
    counts is the worse of marking and deleting."""
    count, rate = bench.sizes.many, top_mint_rate(bench) / 2
    marking, deleting, without = [], [], []
    marked, deleted = [], []
    for _ in range(min(bench.sizes.repeats, 3)):
        p99, left = minting_p99(bench, bench.stores.copy(0, expired=count), rate, UNMARKED)
        marking.append(p99)
        marked.append(count - left)
        p99, left = minting_p99(bench, bench.stores.copy(0, ended=count), rate, MARKED)
        deleting.append(p99)
        deleted.append(count - left)
        p99, left = minting_p99(bench, bench.stores.copy(count), rate, MARKED)
        without.append(p99)
    note = f"at {shortly(rate)}/s; {shortly(median(marked))} marked: {shortly(median(marking))} ms"
    note += f"; {shortly(median(deleted))} deleted: {shortly(median(deleting))} ms"
    outcomes = [of_ratios(beside, without, " ms", note) for beside in (marking, deleting)]
    return {"sweep": max(outcomes, key=lambda outcome: outcome.value)}


def minting_p99(bench: Bench, store: Filled, rate: float, left: str) -> tuple[float, int]:
    """Of the requests that were due before the sweep's end, if it ended; and how many tokens of which the
    SQL `left` is true it has left."""
    work = bench.only_first(Work(MINT, store.keys))
    server = bench.tools.serve(store.file)
    bench.know_keys(server, work)
    trace = bench.tools.folder / "trace"
    require_good(bench.tools.paced(server, work, rate, 2 * bench.sizes.seconds, trace=trace))
    swept_at = sweep_end(server.log)
    server.stop()
    found = store.count(left)
    # What the system has yet to write of it would disturb what is measured next.
    store.remove()
    all_requests = read_trace(trace)
    during = [request.latency for request in all_requests if request.due < swept_at]
    # A short sweep may end before the first request is due; the first ones come upon what it left.
    return percentile(during or [request.latency for request in all_requests[:100]], 0.99), found


def sweep_end(log: Path) -> float:
    """When the log says that a sweep ended: seconds since the epoch."""
    for line in log.read_text().splitlines():
        if '"swept"' in line:
            at = json.loads(line)["timestamp"].replace("Z", "+00:00")
            return datetime.fromisoformat(at).timestamp()
    return float("inf")


def wrong_keys(bench: Bench) -> dict[str, Outcome]:
    """Verification at half the top rate, with and without a stranger who tries private keys: at a fixed
    rate, as far as his connections have been answered."""
    tools, sizes = bench.tools, bench.sizes
    rate = top_verify_rate(bench) / 2
    store = bench.stores.copy(sizes.few, sampled=sizes.few)
    good = Work(VERIFY, store.sample)
    bad = Work(MINT, tools.folder / "wrong-keys")
    bad.values.write_text(tools.text("keys", "--count", sizes.wrong_keys))
    server = tools.serve(store.file)
    bench.warm(server, good)
    beside, alone, reached = [], [], []
    for _ in range(sizes.repeats):
        alone.append(require_good(tools.paced(server, good, rate, sizes.seconds))["p99"])
        stranger = tools.start_paced(server, bad, sizes.wrong_keys, sizes.seconds)
        beside.append(require_good(tools.paced(server, good, rate, sizes.seconds))["p99"])
        tried = finish(stranger)
        if set(tried["statuses"]) - {"401", "429", "0"}:
            raise RuntimeError(f"wrong keys were answered with {tried['statuses']}")
        reached.append((tried["requests"] - tried["unsent"]) / sizes.seconds)
        server.shorten_log()
    server.stop()
    tries = f"{shortly(sizes.wrong_keys)} wrong keys/s, {shortly(median(reached))}/s of them sent"
    note = f"at {shortly(rate)}/s, beside {tries}"
    return {"wrong-keys": of_ratios(beside, alone, " ms", note)}


def overload(bench: Bench) -> dict[str, Outcome]:
    """A crowd of connections that ask for four times the top minting rate, and a probe beside it."""
    tools, sizes = bench.tools, bench.sizes
    offered = 4 * top_mint_rate(bench)
    store = bench.stores.copy(0, keys=1)
    work, answers, trace = Work(MINT, store.keys), tools.folder / "answers", tools.folder / "trace"
    server = tools.serve(store.file)
    bench.know_keys(server, work)
    probe_span = BEFORE + sizes.seconds + AFTER
    probe = tools.start_paced(server, work, 50, probe_span, connections=64, trace=trace, save=f"{answers}-probe")
    time.sleep(BEFORE)
    crowd = tools.paced(
        server, work, offered, sizes.seconds, connections=sizes.crowd, threads=2, save=answers
    )
    finish(probe)
    peak = server.memory_mib("VmHWM")
    server.stop()
    with answers.open("ab") as all_answers:
        all_answers.write(Path(f"{answers}-probe").read_bytes())
    kept = tools.baseline("kept", "--store", store.file, "--answers", answers)
    statuses = crowd["statuses"]
    good, told = statuses.get("200", 0), statuses.get("503", 0)
    sent = crowd["requests"] - crowd["unsent"]
    odd = sent - good - told + crowd["unavailable_without_retry_after"]
    took = f"{shortly(sent / sizes.seconds)}/s of {shortly(offered)}/s sent: {good:,} minted, {told:,} told to retry"
    lost = kept["acknowledged"] - kept["kept"]
    return {
        "overload-memory": plain(peak, f"{peak:.0f} MiB", f"{sizes.crowd:,} connections, p99 {crowd['p99']:.0f} ms"),
        "overload-answers": plain(odd, f"{odd:,}", took),
        "overload-recovery": recovery(read_trace(trace), crowd["ended_at"]),
        "overload-kept": plain(lost, f"{lost:,}", f"of {kept['acknowledged']:,} acknowledged"),
    }


def recovery(probe: list[Traced], ended: float) -> Outcome:
    """From the load's end until the probe's requests are minted as quickly as before it, for a while."""
    usual = max(request.latency for request in probe if request.due < probe[0].due + BEFORE / 2)
    # Twice the slowest before, and not less than what a busy disk may take.
    quick = max(2 * usual, 20)
    after = [request for request in probe if request.due >= ended]
    if not after or after[-1].due < ended + CALM:
        raise RuntimeError("the probe ended before the load")
    slow = [request.due for request in after if request.status != 200 or request.latency > quick]
    starts = [ended, *slow]
    ends = [*slow, after[-1].due]
    calm = (start for start, end in zip(starts, ends, strict=True) if end - start >= CALM)
    took = next(calm, after[-1].due) - ended
    return plain(took, f"{took:.2f} s", f"a probe beside it took up to {usual:.1f} ms before")
