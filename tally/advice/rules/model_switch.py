"""A cheaper model that already does a part of the same project's work."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from tally.advice.capabilities import find_window, lacks_needed, list_untaken
from tally.advice.facts import Cell, Facts
from tally.advice.findings import TO_MONTH, Advice, Saving
from tally.advice.prices import find_class_prices, find_factor, find_own_prices, price_tokens
from tally.pricing.tokenizers import SAME, Range, compare_tokenizers

LEAST_SHARE = Decimal("0.2")  # of the project's requests, by the cheaper model
MOST_CACHED = 0.7  # a cache is of one model: the first requests of another one write it again
MOST_UNLIKE = 3  # requests that differ more are other work
ANSWER_RANGE = (Decimal("0.9"), Decimal("1.1"))
LEAST_REQUESTS = 100


def find(facts: Facts) -> Iterator[Advice]:
    """For each model of a project, the model of most saving among those that do the same work there."""
    for cells in _group(facts).values():
        total = sum(cell.requests for cell in cells)
        for cell in cells:
            able = [
                other
                for other in cells
                if other is not cell and other.requests >= LEAST_SHARE * total and _is_alike(cell, other)
            ]
            found = [advice for other in able if (advice := _compare(facts, cell, other, total))]
            yield from sorted(found, key=lambda one: -one.saving.mid)[:1]


def _group(facts: Facts) -> dict[str | None, list[Cell]]:
    """Cells of the standard tier by project, those of all agents together."""
    merged: dict[tuple[str | None, str, str], Cell] = {}
    for cell in facts.cells:
        if cell.tier:
            continue
        key = cell.project_id, cell.provider, cell.model
        merged[key] = _add(merged[key], cell) if key in merged else replace(cell, agent=None)
    groups: dict[str | None, list[Cell]] = defaultdict(list)
    for (project, _, _), cell in merged.items():
        if cell.requests >= LEAST_REQUESTS:
            groups[project].append(cell)
    return groups


def _add(one: Cell, other: Cell) -> Cell:
    return replace(
        one,
        requests=one.requests + other.requests,
        cost_usd=one.cost_usd + other.cost_usd,
        tokens=one.tokens + other.tokens,
        unpriced=one.unpriced + other.unpriced,
        active_days=max(one.active_days, other.active_days),
        max_input=max(one.max_input, other.max_input),
    )


def _is_alike(cell: Cell, other: Cell) -> bool:
    """Check whether requests of two models are about as long, as for the same work."""
    for name in ("input", "output"):
        one = getattr(cell.tokens, name) / cell.requests
        two = getattr(other.tokens, name) / other.requests
        if not (two and 1 / MOST_UNLIKE <= one / two <= MOST_UNLIKE):
            return False
    return True


def _compare(facts: Facts, cell: Cell, other: Cell, total: int) -> Advice | None:
    day = facts.window[1]
    own, theirs = find_own_prices(cell, day), find_class_prices(other.provider, other.model, day)
    window = find_window(other.provider, other.model)
    if lacks_needed(cell.provider, cell.model, other.provider, other.model):
        return None
    if own is None or theirs is None or cell.tokens.cached_share > MOST_CACHED:
        return None
    if window is not None and cell.max_input > window:
        return None
    factor, listed = find_factor(cell, own), price_tokens(theirs, cell.tokens, cell.requests)
    inputs = price_tokens(theirs, replace(cell.tokens, output=0), cell.requests)
    if factor is None or listed is None or inputs is None:
        return None
    rho = compare_tokenizers(cell.model, other.model)
    answers = Decimal(other.tokens.output) / other.requests / (Decimal(cell.tokens.output) / cell.requests)
    low, high = min(answers, Decimal(1)) * ANSWER_RANGE[0], max(answers, Decimal(1)) * ANSWER_RANGE[1]
    outputs = listed - inputs
    cheapest, dearest = (factor * (inputs * r + outputs * nu) for r, nu in ((rho.low, low), (rho.high, high)))
    saving = Saving.between((cell.cost_usd - dearest) * TO_MONTH, (cell.cost_usd - cheapest) * TO_MONTH)
    if saving.low <= 0:
        return None
    return Advice(
        "model_switch",
        {
            **{key: value for key, value in cell.place.items() if key != "agent"},
            "provider": cell.provider,
            "model": cell.model,
            "to_provider": other.provider,
            "to_model": other.model,
        },
        cell.cost_usd * TO_MONTH,
        saving,
        "medium",
        "modelled",
        {
            "requests": cell.requests,
            "tier": cell.tier,
            "other_requests": other.requests,
            "other_share": round(100 * other.requests / total),
            "unpriced": cell.unpriced,
        },
        _assume(cell, other, rho, (low, high)),
        project_id=cell.project_id,
    )


def _assume(cell: Cell, other: Cell, rho: Range, answers: tuple[Decimal, Decimal]) -> tuple[str, ...]:
    text = (
        "The same text is as many tokens for both models."
        if rho == SAME
        else f"The same text is {rho[0]} to {rho[1]} times as many tokens for {other.model}."
    )
    untaken = list_untaken(cell.provider, cell.model, other.provider, other.model)
    return (
        text,
        *([f"These calls have no {' or '.join(untaken)}: {other.model} takes none."] if untaken else ()),
        f"Its answers are {answers[0]:.2f} to {answers[1]:.2f} times as long, as in this project now.",
        f"Whether {other.model} does the work of {cell.model} as well, only an experiment can tell.",
    )
