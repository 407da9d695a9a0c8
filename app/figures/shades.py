"""Colours of groups: a hue for each value of the first grouping, its shades for those of the second."""

from collections.abc import Mapping, Sequence

STEPS = (0.0, 0.45, 0.68, 0.25)  # of the way to the background


def shade_groups(
    groups: Sequence[tuple[str, ...]], hues: Mapping[str, str], series: Sequence[str], background: str
) -> list[str]:
    """A colour for each group by its keys; `hues` are those of values with a colour of their own."""
    order = list(dict.fromkeys(keys[0] if keys else "" for keys in groups))
    free = [colour for colour in series if colour not in hues.values()] or list(series)
    unnamed = [first for first in order if first not in hues]
    seen: dict[str, int] = {}
    colours = []
    for keys in groups:
        first = keys[0] if keys else ""
        step = seen[first] = seen.get(first, -1) + 1
        if first in hues:
            hue, turn = hues[first], 0
        else:
            place = unnamed.index(first)
            hue, turn = free[place % len(free)], place // len(free)
        colours.append(mix(hue, background, STEPS[(step + turn) % len(STEPS)]))
    return colours


def mix(colour: str, other: str, part: float) -> str:
    """A colour on the way to another one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * part):02X}" for one, two in pairs)
