"""Versions of prompts in words: costs, intervals, what changed."""

from collections.abc import Callable
from decimal import Decimal

from app.formats.durations import MS, format_duration
from app.formats.text import DASH
from tally.prompts.figures import PromptSums, VersionFigures, compare_versions
from tally.prompts.stored import Live, PromptSummary, Share, describe_shares
from tally.statistics.intervals import Interval, Ratio, TooFew

TOO_FEW = "too few"
Money = Callable[[Decimal], str]  # of US dollars


def describe_change(now: PromptSums | None, before: PromptSums | None) -> float | None:
    """The change of the cost of a call since the period before; None where there is nothing to compare."""
    if now is None or before is None or not now.usd_per_call or not before.usd_per_call:
        return None
    return float(now.usd_per_call / before.usd_per_call) - 1


def format_signed_percent(change: float) -> str:
    """A change as +4% or -6%."""
    percent = round(change * 100)
    return "0%" if percent == 0 else f"{'+' if percent > 0 else '-'}{abs(percent):,}%"


def describe_runs(prompt: PromptSummary) -> str:
    """The versions of production, or else of the first environment; a dash for none."""
    shares: tuple[Share, ...] = prompt.runs()
    if shares:
        return describe_shares({share.number: share.percent for share in shares})
    if not prompt.live:
        return DASH
    other = prompt.live[0].environment
    return f"{other}: " + describe_shares({share.number: share.percent for share in prompt.runs(other)})


def describe_live(live: Live) -> str:
    """The versions of an environment: "production: v7 90%, v8 10%"."""
    return f"{live.environment}: {describe_shares(live.shares)}"


def compare_in_words(base: VersionFigures, other: VersionFigures) -> str:
    """One version against the one before, in a sentence."""
    ratio = compare_versions(base, other)
    if isinstance(ratio, TooFew):
        reason = ratio.reason.replace("runs", "calls")
        return f"What {other.name} costs beside {base.name} cannot be told yet: {reason}."
    if ratio.is_dominated:
        return (
            f"What {other.name} costs beside {base.name} hangs on one call, which is more than a fifth of "
            "the cost."
        )
    if ratio.low <= 1 <= ratio.high:
        return (
            f"{other.name} costs about as much per call as {base.name} "
            f"(95%: {format_signed_percent(ratio.low - 1)} to {format_signed_percent(ratio.high - 1)})."
        )
    return f"{describe_ratio(base, other, ratio)}."


def describe_ratio(base: VersionFigures, other: VersionFigures, ratio: Ratio) -> str:
    """A certain difference: "v8 costs 14% less per call than v7 (95%: 4 to 24%)"."""
    is_less = ratio.estimate < 1
    bounds = sorted(abs(round((bound - 1) * 100)) for bound in (ratio.low, ratio.high))
    size = abs(round((ratio.estimate - 1) * 100))
    return (
        f"{other.name} costs {size:,}% {'less' if is_less else 'more'} per call than {base.name} "
        f"(95%: {bounds[0]:,} to {bounds[1]:,}%)"
    )


def describe_interval(interval: Interval | TooFew, show: Callable[[float], str]) -> str:
    """An estimate with its bounds; says where calls are too few."""
    if isinstance(interval, TooFew):
        return TOO_FEW
    return f"{show(interval.low)} to {show(interval.high)}"


def show_money(money: Money) -> Callable[[float], str]:
    """A function that writes US dollars given as a float."""
    return lambda usd: money(Decimal(str(usd)))


def show_tokens(tokens: float) -> str:
    """A mean of tokens."""
    return f"{tokens:,.0f}"


def show_latency(ms: float) -> str:
    """A latency in milliseconds."""
    return format_duration(ms * MS)


def show_rate(rate: float) -> str:
    """A share of calls."""
    return f"{rate * 100:.1f}%"
