"""Rules and what a change of them moves, in words and figures."""

from datetime import date
from decimal import Decimal

import pandas as pd

from app.figures.filing import Amounts, Move, Plan, Rule, parse_plan, shift_rule
from app.figures.filing_words import describe_plan, describe_rule, format_amounts, name_change
from app.figures.project_shares import share_out
from tally.storage.unnamed import OTHER_PROJECTS, UNASSIGNED
from tests.every_case import every_case

NAMES = {"shop": "garden-shop", "bot": "checkout", UNASSIGNED: "Unassigned"}


def amounts(billed: str = "0", estimated: str = "0", included: str = "0") -> Amounts:
    return Amounts(Decimal(billed), Decimal(estimated), Decimal(included))


def move(records: int, from_id: str = UNASSIGNED, to_id: str = "shop", billed: str = "312") -> Move:
    return Move(from_id, to_id, records, amounts(billed), date(2026, 11, 2), date(2026, 11, 27))


@every_case(
    [
        (amounts("312"), "$312.00"),
        (amounts("272", "40"), "$312.00 (of it $40.00 estimated)"),
        (amounts(estimated="40"), "$40.00 estimated"),
        (amounts(), "$0.00"),
        (amounts("1", included="5"), "$1.00 and usage in plans worth $5.00"),
        (amounts(included="5"), "usage in plans worth $5.00"),
    ]
)
def test_bases_of_costs_are_told_apart(money: Amounts, text: str) -> None:
    assert format_amounts(money) == text


def test_plan_with_one_origin_and_one_goal() -> None:
    assert describe_plan(Plan((move(4120),)), NAMES) == (
        "Moves 4,120 records, $312.00, to garden-shop",
        "All from Unassigned, 2 to 27 Nov 2026. The total does not change.",
    )
    assert name_change(Plan((move(4120),)), "Save") == "Move 4,120 records"


def test_plan_with_several_origins_lists_each() -> None:
    headline, details = describe_plan(Plan((move(3), move(1, from_id="bot", billed="2"))), NAMES)

    assert headline == "Moves 4 records, $314.00, to garden-shop"
    assert details == (
        "3 records, $312.00, from Unassigned to garden-shop, 2 to 27 Nov 2026; "
        "1 record, $2.00, from checkout to garden-shop, 2 to 27 Nov 2026. The total does not change."
    )


def test_plan_with_many_moves_sums_the_last() -> None:
    plan = Plan(tuple(move(nth, to_id=str(nth)) for nth in range(1, 9)))

    _, details = describe_plan(plan, NAMES | {str(nth): f"project {nth}" for nth in range(1, 9)})

    assert "; 21 records between others." in details


def test_plan_without_moves() -> None:
    assert describe_plan(Plan(()), NAMES) == (
        "Moves no records",
        "The change applies to records that are saved from now on.",
    )
    assert name_change(Plan(()), "Save rule") == "Save rule"


def test_plan_is_read_from_the_answer() -> None:
    answer = {
        "records": 2,
        "superseded_records": 0,
        "moves": [
            {
                "from_project": None,
                "to_project": "shop",
                "records": 2,
                "billed_usd": "1.5",
                "estimated_usd": "0",
                "included_usd": "0",
                "first_day": "2026-11-02",
                "last_day": "2026-11-03",
            }
        ],
    }

    [read] = parse_plan(answer, "project").moves

    assert (read.from_id, read.to_id, read.amounts.billed) == (UNASSIGNED, "shop", Decimal("1.5"))


def test_rules_in_words() -> None:
    assert describe_rule(Rule("folder", "prefix", "~/garden", "shop"), {}) == "Folder starts with ~/garden"
    assert (
        describe_rule(Rule("source", "exact", "1-2", "shop"), {("source", "1-2"): "a.csv"})
        == "Source is a.csv"
    )


def test_rules_move_by_one_place() -> None:
    first, second, third = (Rule("tag", "exact", name, "shop") for name in "abc")

    assert shift_rule([first, second, third], 2, -1) == [first, third, second]
    assert shift_rule([first, second, third], 0, 1) == [second, first, third]


def test_shares_of_projects_end_with_what_has_no_name() -> None:
    costs = {"shop": "30", "bot": "60", UNASSIGNED: "6", OTHER_PROJECTS: "4", "plan": "7"}
    split = pd.DataFrame(
        {
            "part": list(costs),
            "amount": [Decimal(cost) for cost in costs.values()],
            "cost_basis": ["billed", "estimated", "billed", "billed", "included"],
        }
    )

    table = share_out(split, [("shop", "garden-shop"), ("bot", "checkout"), ("new", "empty")])

    assert list(zip(table["name"], table["cost"], table["share"], strict=True)) == [
        ("checkout", 60, 60),
        ("garden-shop", 30, 30),
        ("empty", 0, 0),
        ("Other projects", 4, 4),
        ("Unassigned", 6, 6),
    ]
