"""Versions of prompts in words: costs, quality, intervals, what changed."""

from collections.abc import Callable
from decimal import Decimal

from app.formats.durations import MS, format_duration
from app.formats.text import DASH, MINUS
from tally.core.text import plural
from tally.prompts.figures import PromptSums, VersionFigures, compare_versions
from tally.prompts.scores import Kind, Scores, compare_scores, count_missing
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
    """A change with its sign: +4%."""
    percent = round(change * 100)
    return "0%" if percent == 0 else f"{'+' if percent > 0 else MINUS}{abs(percent):,}%"


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
        return describe_unclear(base.name, other.name, ratio)
    return f"{describe_ratio(base, other, ratio)}."


def describe_unclear(base: str, other: str, ratio: Ratio) -> str:
    """A difference that can be none, which says nothing of how alike they are but the interval."""
    low, high = format_signed_percent(ratio.low - 1), format_signed_percent(ratio.high - 1)
    return f"Whether {other} costs less per call than {base} cannot be told (95%: {low} to {high})."


def describe_ratio(base: VersionFigures, other: VersionFigures, ratio: Ratio) -> str:
    """A certain difference: "v8 costs 14% less per call than v7 (95%: 4 to 24%)"."""
    is_less = ratio.estimate < 1
    bounds = sorted(abs(round((bound - 1) * 100)) for bound in (ratio.low, ratio.high))
    size = abs(round((ratio.estimate - 1) * 100))
    return (
        f"{other.name} costs {size:,}% {'less' if is_less else 'more'} per call than {base.name} "
        f"(95%: {bounds[0]:,} to {bounds[1]:,}%)"
    )


def compare_quality_in_words(base: Scores | None, other: Scores | None, names: tuple[str, str]) -> str:
    """If one version is as good as the one before, in a sentence; `names` are theirs, the older one first."""
    if base is None or other is None or not (base.scored and other.scored):
        return "Whether answers are as good, costs cannot tell: compare scores in an experiment."
    difference = compare_scores(base, other)
    margin = float(base.margin)
    if isinstance(difference, TooFew) or difference.low <= -margin <= difference.high:
        missing = count_missing(base, other)
        needed = f": about {plural(missing, 'more scored run')} a side would tell" if missing else ""
        return f"Whether {names[1]} is as good cannot be told yet{needed}."
    shown = [_show_difference(base.kind, bound) for bound in difference]
    numbers = f"{base.name} {shown[0]}, 95%: {shown[1]} to {shown[2]}"
    if difference.low > -margin:
        return f"{names[1]} is as good as {names[0]} ({numbers}, margin {_show_margin(base.kind, margin)})."
    return f"{names[1]} is worse than {names[0]} ({numbers})."


def _show_difference(kind: Kind, difference: float) -> str:
    """A difference of scores with its sign: points for pass rates."""
    digits, scaled = (1, 100 * difference) if kind == "bool" else (2, difference)
    rounded = round(scaled, digits)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else "±"
    return f"{sign}{abs(rounded):.{digits}f}{' points' if kind == 'bool' else ''}"


def _show_margin(kind: Kind, margin: float) -> str:
    return f"{margin * 100:g} points" if kind == "bool" else f"{margin:g}"


def describe_quality(scores: Scores) -> str:
    """The quality of a prompt: a pass rate, a rating, or the mean of numbers."""
    return show_score(scores.kind)(scores.mean)


def rank_quality(scores: Scores) -> float:
    """The value that qualities sort by: a share of the best, where there is a best."""
    return scores.mean / 5 if scores.kind == "rating" else scores.mean


def show_score(kind: Kind) -> Callable[[float], str]:
    """A function that writes scores of a kind."""
    if kind == "bool":
        return show_rate
    return (lambda mean: f"{mean:.1f} of 5") if kind == "rating" else (lambda mean: f"{mean:,.4g}")


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
