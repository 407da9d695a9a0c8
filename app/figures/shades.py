"""Colours of groups: a hue for each value of the first grouping, its shades for those of the second."""

from collections import Counter
from collections.abc import Mapping, Sequence

STEPS = (0.0, 0.45, 0.68, 0.25)  # of the way to the background
LIGHTEST = 0.75


def shade_groups(
    groups: Sequence[tuple[str, ...]],
    hues: Mapping[str, str],
    series: Sequence[str],
    background: str,
    places: Sequence[Mapping[str, int]] = (),
) -> list[str]:
    """A colour for each group by its keys; `hues` are those of values with a colour of their own.

    `places` are the orders in which values of each grouping first came, by which they keep their colours in
    other answers; without them the order of the groups decides. Groups that all share their first value have
    hues by their second one.
    """
    if len({keys[:1] for keys in groups}) == 1 and all(len(keys) > 1 for keys in groups):
        groups, hues, places = [keys[1:] for keys in groups], {}, places[1:]
    counts = Counter(keys[0] if keys else "" for keys in groups)
    free = [colour for colour in series if colour not in hues.values()]
    own_turn = 0 if free else 1  # colours of others, in other shades
    free = free or list(series)
    unnamed = {first: nth for nth, first in enumerate(first for first in counts if first not in hues)}
    steps = _list_steps(groups, places[1] if len(places) > 1 else {})
    colours = []
    for keys, step in zip(groups, steps, strict=True):
        first = keys[0] if keys else ""
        if first in hues:
            hue, turn = hues[first], 0
        else:
            place = (places[0] if places else unnamed).get(first, 0)
            hue, turn = free[place % len(free)], place // len(free) + own_turn
        colours.append(mix(hue, background, _find_step(step, counts[first], turn)))
    return colours


def _list_steps(groups: Sequence[tuple[str, ...]], places: Mapping[str, int]) -> list[int]:
    """The shade of each group among those of its first value: by the place of its second, if all differ."""
    members: dict[str, list[tuple[str, ...]]] = {}
    for keys in groups:
        members.setdefault(keys[0] if keys else "", []).append(keys)
    steps: dict[tuple[str, ...], int] = {}
    for listed in members.values():
        known = [places[keys[1]] % len(STEPS) for keys in listed if len(keys) > 1 and keys[1] in places]
        is_kept = len(set(known)) == len(listed)
        steps |= {keys: known[nth] if is_kept else nth for nth, keys in enumerate(listed)}
    return [steps[keys] for keys in groups]


def _find_step(step: int, count: int, turn: int) -> float:
    """The part of the way to the background of a shade among those of its hue."""
    if count > len(STEPS):
        return LIGHTEST * step / (count - 1)
    return STEPS[(step + turn) % len(STEPS)]


def mix(colour: str, other: str, part: float) -> str:
    """A colour on the way to another one."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(one + (two - one) * part):02X}" for one, two in pairs)
