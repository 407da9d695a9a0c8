"""Models in use that their provider will no longer serve, and what their successor costs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

from tally.advice.facts import Cell, Facts, Part, Tokens
from tally.advice.findings import NOTHING, TO_MONTH, Advice, Saving
from tally.advice.prices import find_class_prices, price_tokens
from tally.catalog.retirements import Retirement, find_retirement
from tally.core.records import JSON
from tally.pricing.tokenizers import SAME, compare_tokenizers

AHEAD_DAYS, PAST_DAYS = 90, 14
LEAST_USD = Decimal(1)  # a month


def find(facts: Facts) -> Iterator[Advice]:
    """Models of the window that retire soon, or did."""
    by_model: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in facts.cells:
        by_model[cell.provider, cell.model].append(cell)
    for (provider, model), cells in by_model.items():
        retirement = find_retirement(provider, model)
        paid = sum((cell.cost_usd for cell in cells), Decimal(0)) * TO_MONTH
        if retirement and paid >= LEAST_USD and _is_near(facts, retirement):
            yield _describe(facts, cells, retirement, paid)


def _is_near(facts: Facts, retirement: Retirement) -> bool:
    first, last = facts.today - timedelta(PAST_DAYS), facts.today + timedelta(AHEAD_DAYS)
    return first <= retirement.day <= last


def _describe(facts: Facts, cells: Sequence[Cell], retirement: Retirement, paid: Decimal) -> Advice:
    provider, model = cells[0].provider, cells[0].model
    part = Part(
        sum(cell.requests for cell in cells),
        paid,
        sum((cell.tokens for cell in cells), Tokens()),
    )
    subject = {"provider": provider, "model": model}
    saving = NOTHING
    assumptions: tuple[str, ...] = ("Dates are those of the provider.",)
    evidence: dict[str, JSON] = {
        "retires_on": retirement.day.isoformat(),
        "requests": part.requests,
        "is_priced": False,
    }
    if retirement.successor:
        subject["to_model"] = retirement.successor
        priced = _price(facts, subject, part)
        if priced:
            evidence["is_priced"] = True
            saving, assumptions = priced[0], (*assumptions, *priced[1])
    return Advice("retirement", subject, paid, saving, "high", "modelled", evidence, assumptions)


def _price(facts: Facts, subject: dict[str, str], part: Part) -> tuple[Saving, tuple[str, ...]] | None:
    """The saving or extra cost with the successor, and its assumptions."""
    day = facts.window[1]
    prices = find_class_prices(subject["provider"], subject["to_model"], day)
    own = find_class_prices(subject["provider"], subject["model"], day)
    listed = prices and price_tokens(prices, part.tokens, part.requests)
    listed_own = own and price_tokens(own, part.tokens, part.requests)
    if not listed or not listed_own:
        return None
    rho = compare_tokenizers(subject["model"], subject["to_model"])
    usd = part.cost_usd * listed / listed_own
    saving = Saving.between(part.cost_usd - usd * rho.high, part.cost_usd - usd * rho.low)
    return saving, (
        "Answers are as long as they are now."
        if rho == SAME
        else f"The same text is {rho.low} to {rho.high} times as many tokens for {subject['to_model']}.",
    )
