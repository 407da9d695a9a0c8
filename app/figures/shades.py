"""Colours of groups: a hue for each value of the first grouping, its shades for those of the second."""

from collections import Counter
from collections.abc import Mapping, Sequence

STEPS = (0.0, 0.45, 0.68, 0.25)  # of the way to the background
LIGHTEST = 0.75


def shade_groups(
    groups: Sequence[tuple[str, ...]], hues: Mapping[str, str], series: Sequence[str], background: str
) -> list[str]:
    """A colour for each group by its keys; `hues` are those of values with a colour of their own.

    Groups that all share their first value have hues by their second one.
    """
    if len({keys[:1] for keys in groups}) == 1 and all(len(keys) > 1 for keys in groups):
        groups, hues = [keys[1:] for keys in groups], {}
    order = list(dict.fromkeys(keys[0] if keys else "" for keys in groups))
    counts = Counter(keys[0] if keys else "" for keys in groups)
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
        colours.append(mix(hue, background, _find_step(step, counts[first], turn)))
    return colours


def _find_step(step: int, count: int, turn: int) -> float:
    """The part of the way to the background of a shade among those of its hue."""
    if count > len(STEPS):
        return LIGHTEST * step / (count - 1)
    return STEPS[(step + turn) % len(STEPS)]


def mix(colour: str, other: str, part: float) -> str:
    """A colour on the way to another one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * part):02X}" for one, two in pairs)
