"""Progress of a period in words. Amounts are whole units from 10 up, and exact where they can be acted on."""

from decimal import Decimal

from app.figures.limit_probability import format_probability
from app.figures.progress import Progress
from app.formats.text import DASH
from app.formats.units import format_chosen, format_exact, format_whole
from tally.core.text import plural

Words = tuple[tuple[str, bool], ...]  # texts, each with True where it stands out


def describe_range(progress: Progress, unit: str) -> str:
    """The 80% range; empty where it is unknown or one amount."""
    if progress.lower is None or progress.upper is None:
        return ""
    lower, upper = (format_whole(amount, unit) for amount in (progress.lower, progress.upper))
    return "" if lower == upper else f"{lower}{DASH}{upper}"


def describe_likely(progress: Progress, unit: str) -> Words:
    """The likely end with its range; empty without a forecast."""
    if progress.likely is None:
        return ()
    within = describe_range(progress, unit)
    likely = (f"likely {format_whole(progress.likely, unit)}", True)
    return (likely, (f" (range {within})", False)) if within else (likely,)


def describe_chance(progress: Progress) -> Words:
    """The chance of exceeding the limit; empty where unknown, or where the limit is exceeded."""
    if progress.chance is None or progress.limit is None or progress.spent >= progress.limit:
        return ()
    return ((format_probability(progress.chance), True), (" chance of exceeding", False))


def list_facts(progress: Progress, unit: str, earlier: str) -> list[Words]:
    """The rest of the limit, the rest a day, and the change from the period before, which `earlier` names."""
    facts: list[Words] = []
    if progress.left is not None:
        word = " left" if progress.left >= 0 else " over"
        facts.append(((format_exact(abs(progress.left), unit), True), (word, False)))
    if progress.left_a_day is not None:
        days = plural(progress.days_left, "day")
        rest = f" a day for the {days} to come" if progress.days_left > 1 else " for the day to come"
        facts.append(((format_exact(progress.left_a_day, unit), True), (rest, False)))
    if progress.before is not None:
        facts.append(compare(progress.spent, progress.before, unit, earlier))
    return facts


def compare(spent: Decimal, before: Decimal, unit: str, earlier: str) -> Words:
    """Spend beside that of an earlier period."""
    change = spent - before
    if not change:
        return (("as much as ", False), (earlier, False))
    share = f" ({abs(change) / before:.1%})" if before > 0 and abs(change) < 10 * before else ""
    return (
        (format_exact(abs(change), unit), True),
        (f"{share} {'more' if change > 0 else 'less'} than {earlier}", False),
    )


def describe_bar(progress: Progress, unit: str, earlier: str) -> str:
    """The bar as text, for screen readers."""
    texts = [f"Spent {format_exact(progress.spent, unit)}"]
    if progress.limit is not None:
        texts.append(f"limit {format_chosen(progress.limit, unit)}")
    texts += ["".join(text for text, _ in describe_likely(progress, unit))]
    if progress.before is not None:
        texts.append(f"{earlier} {format_exact(progress.before, unit)}")
    return ", ".join(text for text in texts if text)
