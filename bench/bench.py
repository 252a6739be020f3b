"""What measurements share: programs, stores, sizes, and what has been found so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from compare import Outcome, Pairs, middle
from processes import Server
from stores import Filled, Stores
from tools import Sample, Tools, Work


@dataclass(frozen=True)
class Sizes:
    """How long and how often things are measured, and how many there are of them."""

    seconds: float
    repeats: int
    few: int  # tokens
    many: int
    most: int
    hot: int  # tokens that are asked for among the most
    cold_keys: int
    crowd: int  # connections
    wrong_keys: int  # per second


REAL = Sizes(8, 5, 10_000, 1_000_000, 10_000_000, 100_000, 6, 4000, 20_000)
# For a row while something is tuned: shorter, the same sizes.
QUICK = Sizes(4, 3, 10_000, 1_000_000, 10_000_000, 100_000, 4, 4000, 20_000)
SMOKE = Sizes(1, 1, 100, 2000, 3000, 500, 2, 200, 500)


@dataclass
class Bench:
    tools: Tools
    stores: Stores
    sizes: Sizes
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
    # Against the number of tokens, for the plots: name of the work, then points.
    growth: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    _top: dict[str, float] = field(default_factory=dict)

    def detail(self, what: str, samples: list[Sample]) -> None:
        """Notes the medians of samples for the table of details."""
        self.details.append({"what": what, **middle(samples)})

    def detail_pairs(self, subject: str, baseline: str, pairs: Pairs) -> None:
        self.detail(subject, pairs.subjects)
        self.detail(baseline, pairs.baselines)

    def grown(self, work: str, tokens: int, samples: list[Sample]) -> None:
        self.growth.setdefault(work, []).append({"tokens": tokens, **middle(samples)})

    def warm(self, server: Server, work: Work) -> None:
        """Until what can be remembered is; at least one value is good."""
        self.tools.wrk(server, work, min(self.sizes.seconds, 3))

    def top_rate(self, name: str, measure: Callable[[], float]) -> float:
        """The highest rate of some work, measured once."""
        if name not in self._top:
            self._top[name] = measure()
        return self._top[name]

    def note_top_rate(self, name: str, rate: float) -> None:
        self._top[name] = rate

    def mint_run(self, store: Filled, work: Work, seconds: float) -> Sample:
        """Minting into a store, by a server that knows the keys."""
        server = self.tools.serve(store.file)
        try:
            self.know_keys(server, work)
            self.tools.wrk(server, work, 1)
            return self.tools.wrk(server, work, seconds)
        finally:
            server.stop()

    def know_keys(self, server: Server, work: Work) -> None:
        for key in work.values.read_text().split():
            status, _ = server.get("/v2/auth?list=1", Authorization=f"Bearer {key}")
            if status != 200:
                raise RuntimeError(f"a key is refused: {status}")

    def only_first(self, work: Work) -> Work:
        """The same request with the first value alone."""
        file = work.values.with_name(work.values.name + "-first")
        if not file.exists():
            file.write_text(work.values.read_text().split()[0] + "\n")
        return Work(work.request, file)
