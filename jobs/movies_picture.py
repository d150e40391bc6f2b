"""A picture of clusters as SVG: a scatter of tens of thousands of points, drawn as small squares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from math import log
from typing import Any

WIDTH, HEIGHT, MARGIN, LEGEND, CELL = 760, 560, 48, 330, 3
GREY = "#b5b5b5"
COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#00577a")
STYLE = "text{font:13px sans-serif;fill:#333}.axis{stroke:#999;fill:none}.small{font-size:11px;fill:#777}"


def picture(points: Any, names: Mapping[int, str]) -> str:
    """Returns an SVG document of points on two components.

    A square stands for the points that fall on it: it has the colour of the cluster that most of them are in, the
    stronger the more there are. Points without a cluster lie beneath all others.

    Args:
        points: rows of x, y and cluster; cluster -1 is none.
        names: what the legend says of each cluster.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    cells: dict[tuple[int, int], Counter[int]] = {}
    for x, y, cluster in points.tolist():
        column = int((x - low[0]) / (high[0] - low[0]) * (WIDTH - CELL) / CELL)
        row = int((high[1] - y) / (high[1] - low[1]) * (HEIGHT - CELL) / CELL)
        cells.setdefault((column, row), Counter())[int(cluster)] += 1
    squares = sorted(_square(cell, counts) for cell, counts in cells.items())
    body = [square for _, square in squares]
    size = f'width="{WIDTH + 2 * MARGIN + LEGEND}" height="{HEIGHT + 2 * MARGIN}"'
    ground = '<rect width="100%" height="100%" fill="white"/>'
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{STYLE}</style>", ground]
    return "\n".join([*head, *body, *_axes(low, high), *_legend(points, names), "</svg>"])


def _square(cell: tuple[int, int], counts: Counter[int]) -> tuple[bool, str]:
    clustered = {cluster: count for cluster, count in counts.items() if cluster >= 0}
    cluster = max(clustered, key=clustered.__getitem__) if clustered else -1
    opacity = min(1.0, 0.45 + 0.12 * log(counts.total()))
    place = f'x="{MARGIN + cell[0] * CELL}" y="{MARGIN + cell[1] * CELL}" width="{CELL}" height="{CELL}"'
    return cluster >= 0, f'<rect {place} fill="{_colour(cluster)}" fill-opacity="{opacity:.2f}"/>'


def _axes(low: Any, high: Any) -> list[str]:
    bottom, right = MARGIN + HEIGHT, MARGIN + WIDTH
    turned = f'transform="translate(16 {MARGIN + HEIGHT / 2}) rotate(-90)"'
    return [
        f'<rect class="axis" x="{MARGIN - 2}" y="{MARGIN - 2}" width="{WIDTH + 4}" height="{HEIGHT + 4}"/>',
        f'<text x="{MARGIN + WIDTH / 2}" y="{bottom + 34}" text-anchor="middle">first component</text>',
        f'<text {turned} text-anchor="middle">second component</text>',
        f'<text class="small" x="{MARGIN}" y="{bottom + 18}">{low[0]:.1f}</text>',
        f'<text class="small" x="{right}" y="{bottom + 18}" text-anchor="end">{high[0]:.1f}</text>',
        f'<text class="small" x="{MARGIN - 6}" y="{bottom}" text-anchor="end">{low[1]:.1f}</text>',
        f'<text class="small" x="{MARGIN - 6}" y="{MARGIN + 8}" text-anchor="end">{high[1]:.1f}</text>',
    ]


def _legend(points: Any, names: Mapping[int, str]) -> list[str]:
    sizes = Counter(int(cluster) for cluster in points[:, 2].tolist())
    lines, left = [], MARGIN + WIDTH + 20
    for place, (cluster, size) in enumerate(sorted(sizes.items(), key=lambda entry: (entry[0] < 0, -entry[1]))):
        top = MARGIN + 26 * place
        lines.append(f'<rect x="{left}" y="{top}" width="13" height="13" fill="{_colour(cluster)}"/>')
        lines.append(f'<text x="{left + 20}" y="{top + 11}">{escape(names[cluster])}: {size:,}</text>')
    return lines


def _colour(cluster: int) -> str:
    return GREY if cluster < 0 else COLOURS[cluster % len(COLOURS)]
