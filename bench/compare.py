"""Subject and baseline side by side: ratios of the pairs, their median and spread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tools import Sample


@dataclass(frozen=True)
class Outcome:
    """What a row came to: the figure that its target is about, with its spread over the repetitions."""

    value: float
    low: float
    high: float
    subject: str
    baseline: str = ""
    note: str = ""


def plain(value: float, subject: str, note: str = "") -> Outcome:
    """A figure that is compared with nothing but its target."""
    return Outcome(value, value, value, subject, note=note)


def of_ratios(subjects: list[float], baselines: list[float], unit: str, note: str = "") -> Outcome:
    """The ratios of the pairs."""
    ratios = [subject / baseline for subject, baseline in zip(subjects, baselines, strict=True)]
    shown = f"{shortly(median(subjects))}{unit}", f"{shortly(median(baselines))}{unit}"
    return Outcome(median(ratios), min(ratios), max(ratios), *shown, note)


def of_values(values: list[float], unit: str, note: str = "") -> Outcome:
    return Outcome(median(values), min(values), max(values), f"{shortly(median(values))}{unit}", note=note)


def shortly(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


@dataclass
class Pairs:
    """Samples of a subject and a baseline that took turns."""

    subjects: list[Sample] = field(default_factory=list)
    baselines: list[Sample] = field(default_factory=list)

    def outcome(self, figure: str, unit: str, note: str = "") -> Outcome:
        """Of the ratios of one of the figures of [`Sample`]."""
        subjects, baselines = ([getattr(s, figure) for s in samples] for samples in (self.subjects, self.baselines))
        return of_ratios(subjects, baselines, unit, note)


def take_turns(repeats: int, subject: Callable[[], Sample], baseline: Callable[[], Sample]) -> Pairs:
    pairs = Pairs()
    for _ in range(repeats):
        pairs.subjects.append(subject())
        pairs.baselines.append(baseline())
    return pairs


def middle(samples: list[Sample]) -> dict[str, Any]:
    """The median of each figure."""
    figures = samples[0].as_json()
    return {name: median(getattr(sample, name) for sample in samples) for name in figures}
