"""Verdicts on variants that are each compared with one baseline."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tally.statistics.holm import adjust, find_p_value
from tally.statistics.intervals import Interval, Ratio, TooFew

ALPHA = 0.05


class Kind(StrEnum):
    """Kinds of verdicts. "Cannot tell" is one of them."""

    CHEAPER = "cheaper"  # and as good, or without a score to judge by
    CHEAPER_UNPROVEN = "cheaper_unproven"  # whether it is as good cannot be told
    WORSE = "worse"
    DEARER = "dearer"
    CANNOT_TELL = "cannot_tell"
    TOO_FEW = "too_few"


class Claim(NamedTuple):
    """One variant against the baseline: its comparisons at any alpha, and the margin of its score."""

    cost: Callable[[float], Ratio | TooFew]
    quality: Callable[[float], Interval | TooFew] | None = None
    margin: float = 0.0


class Verdict(NamedTuple):
    """Verdict on a variant, with the 95% intervals it rests on."""

    kind: Kind
    cost: Ratio | TooFew
    quality: Interval | TooFew | None
    is_as_good: bool = False
    reason: str = ""  # of TOO_FEW


def judge(claims: Sequence[Claim]) -> list[Verdict]:
    """Judge each variant; error rates hold over all of them together (Holm)."""
    costs = [find_p_value(claim.cost, lambda ratio: not ratio.low <= 1 <= ratio.high) for claim in claims]
    good = [_find_quality(claim, lambda each, margin: each.low > -margin) for claim in claims]
    worse = [_find_quality(claim, lambda each, _margin: each.high < 0) for claim in claims]
    joint = adjust([max(pair) for pair in zip(costs, good, strict=True)])
    each = zip(claims, joint, adjust(costs), adjust(good), adjust(worse), strict=True)
    return [_judge_one(claim, *p_values) for claim, *p_values in each]


def _find_quality(claim: Claim, excludes: Callable[[Interval | Ratio, float], bool]) -> float:
    """P-value of a claim about quality; of none, where no score was chosen: 0, as nothing is to be shown."""
    if claim.quality is None:
        return 0.0
    return find_p_value(claim.quality, lambda interval: excludes(interval, claim.margin))


def _judge_one(claim: Claim, joint: float, cost_p: float, good: float, worse: float) -> Verdict:
    cost = claim.cost(ALPHA)
    quality = claim.quality(ALPHA) if claim.quality else None
    is_as_good = quality is not None and good < ALPHA
    reason = _find_too_few(cost, quality)
    if reason or isinstance(cost, TooFew):
        return Verdict(Kind.TOO_FEW, cost, quality, False, reason)
    if quality is not None and worse < ALPHA and not is_as_good:
        kind = Kind.WORSE
    elif cost_p >= ALPHA:
        kind = Kind.CANNOT_TELL
    elif cost.estimate > 1:
        kind = Kind.DEARER
    else:
        kind = Kind.CHEAPER if joint < ALPHA else Kind.CHEAPER_UNPROVEN
    return Verdict(kind, cost, quality, is_as_good)


def _find_too_few(cost: Ratio | TooFew, quality: Interval | TooFew | None) -> str:
    if isinstance(cost, TooFew):
        return cost.reason
    if cost.is_dominated:
        return "one run is more than a fifth of the cost of its side"
    if isinstance(quality, TooFew):
        return f"scores of {quality.reason}"
    return ""
