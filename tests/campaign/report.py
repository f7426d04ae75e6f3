"""The campaign's table: how many trials of each kind ended how."""

from collections import Counter


def table(endings):
    """Lines of a table, from {(kind, ending): number}."""
    kinds = sorted({kind for kind, _ in endings})
    ways = sorted({ending for _, ending in endings})
    widths = [max(len(way), 5) for way in ways]
    first = max(len(kind) for kind in [*kinds, "total"])
    lines = ["  ".join([" " * first, *(way.rjust(width) for way, width in zip(ways, widths, strict=True))])]
    for kind in kinds:
        numbers = [endings.get((kind, way), 0) for way in ways]
        cells = (str(number or "·").rjust(width) for number, width in zip(numbers, widths, strict=True))
        lines.append("  ".join([kind.ljust(first), *cells]))
    totals = Counter()
    for (_, ending), number in endings.items():
        totals[ending] += number
    lines.append(
        "  ".join(
            [
                "total".ljust(first),
                *(str(totals[way]).rjust(width) for way, width in zip(ways, widths, strict=True)),
            ]
        )
    )
    return lines
