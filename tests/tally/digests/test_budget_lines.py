"""Budgets in a mail: the worst first, the others counted, and the month's limit beside the month."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tally.budgets.status import BudgetStatus, calculate_status
from tally.digests.budget_lines import describe_budgets, find_limit
from tally.digests.content import BudgetLine
from tests.tally.budgets.test_status import NOW, TODAY, facts, predict

YESTERDAY = TODAY - timedelta(days=1)
EARLIER = NOW - timedelta(days=400)
OLDEST = "The limit is $90.00."  # as pages and the command line take it


def status(spent: str, a_day: str | None = None, **values: Any) -> BudgetStatus:
    return calculate_status(facts({YESTERDAY: Decimal(spent)}, predict(a_day) if a_day else None, **values))


def test_budgets_that_need_attention_come_first_and_the_others_are_counted() -> None:
    lines = describe_budgets(
        [
            status("10", "1", name="Fine"),
            status("94", "1", name="Image generation", amount=Decimal(80)),
            status("60", "4", name="Coding <b>agents</b>"),
            status("10", name="Young"),
            status("900", "9", name="Paused", paused_at=NOW),
        ]
    )
    assert lines == [
        BudgetLine("Image generation", "$94.00 of $80.00, $14.00 over", "Exceeded", "bad"),
        BudgetLine("Coding <b>agents</b>", "$60.00 of $100.00, likely $104.00", "60% to exceed", "warning"),
        BudgetLine("2 others", "within limits", "", "good"),
    ]


def test_budget_of_tokens_is_told_in_tokens() -> None:
    [line] = describe_budgets([status("1500", measure="tokens", amount=Decimal(1000))])
    assert line.text == "1,500 tokens of 1,000 tokens, 500 tokens over"


def test_many_budgets_are_summed_up() -> None:
    lines = describe_budgets([status("200", name=str(nth)) for nth in range(9)])
    assert len(lines) == 6
    assert lines[-1].name == "4 more"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([status("60", "4")], "The limit is $100.00. The chance of exceeding it is 60%."),
        ([status("60")], "The limit is $100.00."),
        ([status("160", "4")], "The limit of $100.00 is exceeded."),
        ([status("60", name="A"), status("60", name="B", amount=Decimal(90), created_at=EARLIER)], OLDEST),
        ([status("60", "4", currency="EUR")], ""),
        ([status("60", "4", period_kind="week")], ""),
        ([status("60", "4", starts_on_day=15)], ""),
        ([status("60", "4", counts_tax=False)], ""),
        ([status("60", "4", paused_at=NOW)], ""),
        ([], ""),
    ],
    ids=[
        "forecast",
        "no forecast",
        "exceeded",
        "oldest",
        "currency",
        "week",
        "15th",
        "no tax",
        "paused",
        "none",
    ],
)
def test_limit_of_the_month_is_the_whole_workspaces_alone(found: list[BudgetStatus], sentence: str) -> None:
    limit = find_limit(found, "USD")
    assert (limit.sentence if limit else "") == sentence
    assert limit is None or f"${limit.amount:.2f}" in sentence
