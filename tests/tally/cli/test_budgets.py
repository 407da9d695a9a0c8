"""`tally budgets`: a table, or one object; names from outside are text."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tests.tally.people import Person, over_http, sign_up


def budgets_of(person: Person, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["budgets", "--email", person.email, *arguments])
    assert result.exit_code == 0, result.output
    return result


def test_budgets_are_a_table_or_an_object(stack: Stack) -> None:
    person = sign_up(stack)
    assert budgets_of(person).output == "No budgets yet. Add one on the Budgets page.\n"
    assert json.loads(budgets_of(person, "--json").output) == {"budgets": []}
    database = over_http(stack, person)
    now = datetime.now(UTC)
    save_records(
        database,
        [
            CostRecord(
                "openai",
                now - timedelta(seconds=1),
                "gpt-5.2",
                Decimal("1.25"),
                identity("a"),
                input_tokens=5,
            )
        ],
    )
    budget = database.insert("budgets", {"name": "All [red]", "amount": "1", "period": "year"})
    database.insert("budgets", {"name": "Tokens", "amount": "1000000", "measure": "tokens", "period": "day"})
    database.insert("budget_thresholds", {"budget_id": budget["id"], "kind": "forecast", "percent": 90})
    lines = budgets_of(person).output.splitlines()
    header = "Budget Period State Spent Limit Likely end 80% range Chance Left a day"
    assert " ".join(lines[0].split()) == header
    assert "All [red]" in lines[1]
    assert "Exceeded" in lines[1]
    assert "$1.25" in lines[1]
    assert "5 tokens" in lines[2]
    assert "No forecast yet" in lines[2]
    [everything, tokens] = json.loads(budgets_of(person, "--json").output)["budgets"]
    assert (everything["spent"], everything["limit"], everything["chance"]) == ("1.25", "1", 1)
    assert everything["thresholds"] == [{"kind": "forecast", "percent": 90}]
    assert everything["day"] == now.date().isoformat()
    assert (tokens["spent"], tokens["likely"], tokens["chance"], tokens["currency"]) == (
        "5",
        None,
        None,
        None,
    )
