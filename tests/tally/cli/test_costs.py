"""`tally costs`: a table that adds up, or one object; names from outside are text."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tests.tally.people import Person, over_http, sign_up


def run(person: Person, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["costs", "--email", person.email, *arguments])


def spend(name: str, usd: str, **metadata: str) -> CostRecord:
    return CostRecord(
        "openai",
        datetime.now(UTC),
        "gpt-5.2",
        Decimal(usd),
        identity(name),
        input_tokens=1000,
        request_count=1,
        metadata={**metadata},
    )


@pytest.fixture
def person(stack: Stack) -> Person:
    person = sign_up(stack)
    records = [
        spend("a", "1.25", agent="[red]x", repository="org/shop"),
        spend("b", "2", agent="codex"),
        spend("c", "0.5"),
    ]
    save_records(over_http(stack, person), records)
    return person


def test_table_has_the_dearest_first_and_the_total_last(person: Person) -> None:
    lines = [line.split() for line in run(person).output.splitlines()]
    assert lines[0] == ["Agent", "Cost", "Covered", "by", "plans", "Tokens", "Requests"]
    assert [line[:-4] + line[-4:-3] for line in lines[1:]] == [
        ["codex", "$2.00"],
        ["[red]x", "$1.25"],
        ["No", "agent", "$0.50"],
        ["Total", "$3.75"],
    ]


def test_object_has_exact_amounts_and_folds_the_others(person: Person) -> None:
    found = json.loads(run(person, "--json", "--top", "1").output)
    assert [(part["agent"], part["name"], part["cost_usd"]) for part in found["parts"]] == [
        ("codex", "codex", "2"),
        (None, "Other (1)", "1.25"),
        (None, "No agent", "0.5"),
    ]
    assert (found["by"], found["total"]["cost_usd"], found["total"]["tokens"]) == ("agent", "3.75", 3000)


def test_period_before_has_nothing(person: Person) -> None:
    found = run(person, "--by", "repository", "--from", "2025-01-01", "--to", "2025-01-31")
    assert found.output == "No records in this period.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--by", "colour"), "Choose one of agent, task, session"),
        (("--from", "2026-02-02", "--to", "2026-02-01"), "The first day is after the last one."),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(
    person: Person, arguments: tuple[str, ...], sentence: str
) -> None:
    found = run(person, *arguments)
    assert found.exit_code != 0
    assert sentence in f"{found.exception} {found.output}"
