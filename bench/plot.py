"""Plots against the number of tokens, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 48, 56, 56
COLOURS = ("#1f6f8b", "#c8553d", "#6a994e", "#6d597a")

Points = list[tuple[float, float]]


def plot(title: str, unit: str, series: dict[str, Points]) -> str:
    """Lines over the number of tokens; both axes are logarithmic."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_at = scale(xs, LEFT, WIDTH - RIGHT)
    y_at = scale(ys, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        '  font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 22, title, "start", 'font-size="15"'),
    ]
    for power in powers(xs):
        x = x_at(10.0**power)
        parts.append(rule(x, TOP, x, HEIGHT - BOTTOM))
        parts.append(text(x, HEIGHT - BOTTOM + 20, f"{10**power:,}", "middle"))
    for tick in ticks(ys):
        y = y_at(tick)
        parts.append(rule(LEFT, y, WIDTH - RIGHT, y))
        parts.append(text(LEFT - 8, y + 4, f"{tick:,g}" if tick < 1000 else f"{tick:,.0f}", "end"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "tokens in the store", "middle"))
    parts.append(text(LEFT - 8, TOP - 12, unit, "end"))
    for number, (name, points) in enumerate(series.items()):
        legend = WIDTH - RIGHT - 120 * (len(series) - number)
        parts += line(name, [(x_at(x), y_at(y)) for x, y in sorted(points)], COLOURS[number % len(COLOURS)], legend)
    return "\n".join([*parts, "</svg>", ""])


def scale(values: list[float], start: float, end: float) -> Callable[[float], float]:
    """From a value to its place, with the whole powers of ten around the values at the ends."""
    low, high = powers(values)[0], powers(values)[-1]
    return lambda value: start + (end - start) * (math.log10(value) - low) / (high - low)


def powers(values: list[float]) -> range:
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = math.ceil(math.log10(max(values)) - 1e-9)
    return range(low, max(high, low + 1) + 1)


def ticks(values: list[float]) -> list[float]:
    whole = powers(values)
    between = [step * 10.0**power for power in whole[:-1] for step in (1, 2, 5)]
    return [*between, 10.0 ** whole[-1]]


def line(name: str, points: Points, colour: str, legend: float) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        f'<rect x="{legend}" y="{TOP - 24}" width="14" height="4" fill="{colour}"/>',
        text(legend + 20, TOP - 17, name, "start"),
    ]


def text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222222" {more}>{escape(words)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
