"""Plans: one instead of paid requests, none where it is worth less than its price, and one that nobody uses.

What plans allow is not public, so that only their prices are compared with what the same use costs.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from tally.advice.facts import Facts, Month, Plan
from tally.advice.findings import Advice, Saving
from tally.catalog.plans import OFFERS
from tally.core.months import add_months, last_day_of_month

LEAST_MONTHS = 2
COVERED_DAYS = 20  # of 30, on which a source that would see use reported
UNUSED_DAYS = 28
NOT_PUBLIC = "What a plan allows is not public: it may cover less than this."


def find_plan(facts: Facts) -> Iterator[Advice]:
    """Agents whose paid requests cost more in each month than the dearest plan for them."""
    for usage in facts.usages:
        offers = OFFERS.get((usage.agent or "", usage.provider))
        months = [one for one in usage.months if facts.first_day and one.month >= facts.first_day]
        if not offers or not _is_unbroken(facts, months) or any(one.included_usd for one in months):
            continue
        paid = sum((month.paid_usd for month in months), Decimal(0)) / len(months)
        if min(month.paid_usd for month in months) <= offers[-1].usd:
            continue
        yield Advice(
            "plan",
            {"agent": usage.agent or "", "provider": usage.provider, "plan": offers[-1].name},
            paid,
            Saving.between(paid - offers[-1].usd, paid - offers[0].usd, paid - offers[-1].usd),
            "medium",
            "modelled",
            {
                "months": len(months),
                "from_day": months[0].month.isoformat(),
                "to_day": last_day_of_month(months[-1].month).isoformat(),
                "least_usd": f"{min(month.paid_usd for month in months):.2f}",
                "plan_usd": f"{offers[-1].usd}",
                "cheaper_plan": offers[0].name,
            },
            (NOT_PUBLIC, "One person uses it: each needs a plan of their own."),
        )


def _is_unbroken(facts: Facts, months: Sequence[Month]) -> bool:
    """Check for months that follow each other up to the last one."""
    this = facts.today.replace(day=1)
    expected = [add_months(this, -nth) for nth in range(len(months), 0, -1)]
    return len(months) >= LEAST_MONTHS and [one.month for one in months] == expected


def find_api(facts: Facts) -> Iterator[Advice]:
    """Plans whose use would have cost less in each month at list prices."""
    for plan in facts.plans:
        months = plan.months
        if len(months) < LEAST_MONTHS or any(month.unpriced for month in months):
            continue
        if plan.last_used is None or max(month.included_usd for month in months) >= plan.monthly_usd:
            continue
        worth = sum((month.included_usd for month in months), Decimal(0)) / len(months)
        most = max(month.included_usd for month in months)
        yield Advice(
            "api_instead",
            _name(plan),
            plan.monthly_usd,
            Saving.between(plan.monthly_usd - most, plan.monthly_usd - worth, plan.monthly_usd - worth),
            "medium",
            "modelled",
            {"months": len(months), "worth_usd": f"{worth:.2f}"},
            ("Use stays as it is, and is paid for at list prices.",),
            person_id=plan.person_id,
        )


def find_unused(facts: Facts) -> Iterator[Advice]:
    """Plans without use on days on which a source that would see it reported."""
    for plan in facts.plans:
        if plan.covered_days < COVERED_DAYS or plan.last_used is None:
            continue
        if (facts.today - plan.last_used).days <= UNUSED_DAYS or plan.monthly_usd <= 0:
            continue
        yield Advice(
            "unused_subscription",
            _name(plan),
            plan.monthly_usd,
            Saving.exactly(plan.monthly_usd),
            "high",
            "measured",
            {"last_used": plan.last_used.isoformat(), "covered_days": plan.covered_days},
            ("It is used on no machine that Tally does not know of.",),
            person_id=plan.person_id,
        )


def _name(plan: Plan) -> dict[str, str]:
    return {"subscription_id": plan.id, "provider": plan.provider, "plan": plan.name}
