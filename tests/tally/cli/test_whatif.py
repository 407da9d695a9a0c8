"""`tally whatif`: a table with a range and a sentence, or one object, and refusals that say what to do."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.pricing.estimate import estimate_record
from tests.tally.people import Person, over_http, sign_up


def run(person: Person, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["whatif", "--email", person.email, *arguments])


def request(number: int, **values: Any) -> CostRecord:
    usual: dict[str, Any] = {
        "provider": "anthropic",
        "timestamp": datetime.now(UTC) - timedelta(hours=number),
        "model_name": "claude-opus-4-6",
        "cost_usd": None,
        "source_key": identity(number),
        "cost_basis": "estimated",
        "input_tokens": 1_000_000,
        "request_count": 1,
        "metadata": {"price_tier": "short"},
    }
    return estimate_record(CostRecord(**usual | values))


@pytest.fixture
def person(stack: Stack) -> Person:
    person = sign_up(stack)
    records = [
        request(1),
        request(2),
        request(3, model_name="house-model"),
        request(4, cost_basis="included"),
    ]
    save_records(over_http(stack, person), records)
    return person


def test_table_has_both_costs_and_says_what_is_left_out(person: Person) -> None:
    output = run(person, "--model", "claude-opus-4-6=claude-haiku-4-5", "--answers", "1").output
    lines = [line.split() for line in output.splitlines()]
    assert lines[1] == ["claude-opus-4-6", "claude-haiku-4-5", "2", "$10.00", "$2.00", "$2.00"]
    assert "you paid $10.00; it would have been $2.00." in output
    assert "1 request was left out, worth $5.00: a plan covers what they cost." in output
    assert "Assumed: the same text is 1 times as many tokens for claude-haiku-4-5" in output


def test_a_plan_has_one_price_and_a_cache_its_assumption(person: Person) -> None:
    output = run(person, "--plan", "200").output
    rows = [line.split() for line in output.splitlines()]
    assert rows[1:4] == [
        ["claude-opus-4-6", "in", "the", "plan", "2", "$10.00", "$0.00", "$0.00"],
        ["The", "plan", "$592.11", "$592.11"],
        ["All", "2", "$10.00", "$592.11", "$592.11"],
    ]
    assert "1 request was left out, without a price" in output, "and has no row of its own"
    assert "A plan of $200.00 a month is $592.11 in 90 days." in output
    assert "Assumed: at best calls of a conversation begin with" in run(person, "--cache", "1h").output
    pair = ("--model", "claude-opus-4-6=claude-haiku-4-5", "--model", "gpt-9=gpt-5-mini")
    assert "No requests of gpt-9 since " in run(person, *pair).output


def test_object_has_exact_amounts(person: Person) -> None:
    found = json.loads(run(person, "--batch", "--json").output)
    assert found["before_usd"] == "10"
    assert found["after_usd"] == {"low": "5", "high": "5"}
    assert (found["unpriced_requests"], found["included_requests"]) == (1, 1)


def test_unknown_model_is_named(person: Person) -> None:
    output = run(person, "--model", "gpt-5=gpt-5-mini").output
    assert output.startswith("No requests of gpt-5 since ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Say what would be otherwise"),
        (("--batch", "--flex"), "Choose --batch or --flex"),
        (("--cache", "2d"), "Choose off, 5m or 1h."),
        (("--plan", "much"), "A plan is one of Claude Max 5x, "),
        (("--model", "claude-opus-4-6=no-such-model"), "no-such-model has no price"),
        (("--model", "claude-opus-4-6=gpt-5.4-minni"), "There are gpt-5.4-mini"),
        (("--model", "claude-opus-4-6=claude-opus-4-6"), "costs the same. Name another model"),
        (("--model", "gpt-5=a", "--model", "gpt-5=b"), "Name each model once"),
        (("--batch", "--since", "2099-01-01"), "--since is a day of the last 400, from "),
        (("--plan", "20", "--batch"), "give --plan alone"),
        (("--model", "gpt-5"), "Name the model and the one in its place"),
        (("--batch", "--since", "2020-01-01"), "--since is a day of the last 400, from "),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(
    person: Person, arguments: tuple[str, ...], sentence: str
) -> None:
    found = run(person, *arguments)
    assert found.exit_code != 0
    assert sentence in f"{found.exception} {found.output}"
