"""The reasons for a change of spend: volume, mix of models, their cost per token, and costs without tokens.

Volume is what the change of tokens would have cost at the average of the period before, mix the move between
models at their costs per token of that period, price the change of these. The parts add up to the change.
Usage whose tokens are known of one period only cannot be divided: it would be more tokens, and fewer costs
without tokens, both as large as the whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from tally.digests.facts import ZERO, Cost

CENT = Decimal("0.01")
UNDIVIDED = "usage with tokens in only one of the two periods, so not split further"


@dataclass(frozen=True, slots=True)
class Used:
    """Money and tokens of a model."""

    amount: Decimal = ZERO
    tokens: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.amount + other.amount, self.tokens + other.tokens)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of spend, in cents, and its parts, which add up to it."""

    total: Decimal
    volume: Decimal
    mix: Decimal
    price: Decimal
    other: Decimal  # without tokens: subscriptions, taxes, credits, usage whose source tells none
    undivided: Decimal = ZERO  # usage with tokens in one of the periods only

    @property
    def reasons(self) -> list[tuple[str, Decimal]]:
        """The parts in words, the largest first; those that are nothing are left out."""
        parts = [
            (self.volume, "more tokens", "fewer tokens"),
            (self.mix, "a move to dearer models", "a move to cheaper models"),
            (self.price, "a higher cost per token", "a lower cost per token"),
            (self.other, "costs without tokens", "costs without tokens"),
            (self.undivided, UNDIVIDED, UNDIVIDED),
        ]
        parts.sort(key=lambda part: -abs(part[0]))
        return [(up if amount > 0 else down, amount) for amount, up, down in parts if amount]


def explain_change(before: Iterable[Cost], after: Iterable[Cost]) -> Change:
    """Compare two periods."""
    (earlier, earlier_other), (later, later_other) = _split(before), _split(after)
    undivided = _take_undivided(earlier, later)
    earlier_other += _take_without_tokens(earlier)
    later_other += _take_without_tokens(later)
    old, new = _sum(earlier), _sum(later)
    divided = new.amount + later_other - old.amount - earlier_other
    total, rest = _round(divided), _round(divided + undivided) - _round(divided)
    other = _round(later_other - earlier_other)
    if not old.tokens or not new.tokens:
        return Change(total + rest, total - other, ZERO, ZERO, other, rest)
    volume = _round((new.tokens - old.tokens) * old.amount / old.tokens)
    price = _round(
        sum(
            (
                used.amount - used.tokens * earlier[model].amount / earlier[model].tokens
                for model, used in later.items()
                if model in earlier
            ),
            ZERO,
        )
    )
    return Change(total + rest, volume, total - volume - price - other, price, other, rest)


def sum_by_model(costs: Iterable[Cost]) -> dict[str, Decimal]:
    """Money by model; charges without one are left out."""
    sums: dict[str, Decimal] = {}
    for cost in costs:
        if cost.charge_type == "usage":
            sums[cost.model] = sums.get(cost.model, ZERO) + cost.amount
    return sums


def find_largest_change(
    before: Mapping[str, Decimal], after: Mapping[str, Decimal]
) -> tuple[str, Decimal, Decimal] | None:
    """The model whose money changed most, with the amounts before and after; None without any change."""
    changed = [
        (model, before.get(model, ZERO), after.get(model, ZERO)) for model in sorted({*before, *after})
    ]
    largest = max(changed, key=lambda change: abs(change[2] - change[1]), default=None)
    return largest if largest and _round(largest[2] - largest[1]) else None


def _split(costs: Iterable[Cost]) -> tuple[dict[str, Used], Decimal]:
    """Usage by model, and the money of everything else."""
    used: dict[str, Used] = {}
    other = ZERO
    for cost in costs:
        if cost.charge_type == "usage":
            used[cost.model] = used.get(cost.model, Used()) + Used(cost.amount, cost.tokens)
        else:
            other += cost.amount
    return used, other


def _take_undivided(before: dict[str, Used], after: dict[str, Used]) -> Decimal:
    """Take away usage whose tokens are known of one period only, and return its change.

    These are models with tokens in one period and none in the other. Where a period has tokens of none, its
    sources may name models in another way, so these are all models but those that never have tokens.
    """
    counted = {name for used in (before, after) for name, each in used.items() if each.tokens}
    never = (before.keys() & after.keys()) - counted
    models = {
        name
        for name in counted & before.keys() & after.keys()
        if not (before[name].tokens and after[name].tokens)
    }
    compared = [{name: used[name] for name in used.keys() - never} for used in (before, after)]
    if all(compared) and len({bool(_sum(used).tokens) for used in compared}) > 1:
        models = {*compared[0], *compared[1]}
    taken = [[used.pop(name).amount for name in sorted(models & used.keys())] for used in (before, after)]
    return sum(taken[1], ZERO) - sum(taken[0], ZERO)


def _take_without_tokens(used: dict[str, Used]) -> Decimal:
    """Take away the models without tokens, and return their money."""
    without = [model for model, each in used.items() if not each.tokens]
    return sum((used.pop(model).amount for model in without), ZERO)


def _sum(used: Mapping[str, Used]) -> Used:
    return sum(used.values(), Used())


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
