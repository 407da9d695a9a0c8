"""`tally advice`: a table or one object, never a sum; the API answers the same."""

import json

from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.local.stack import Stack
from tests.days import current_day
from tests.shared_connections import operator_connection
from tests.tally.advice.pieces import every_piece, keep_pieces
from tests.tally.people import Person, sign_up


def run(person: Person, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["advice", "--email", person.email, *arguments])


def test_advice_is_a_table_or_an_object_and_never_added_up(stack: Stack) -> None:
    person = sign_up(stack)
    assert run(person).output.startswith("No advice right now. Tally looks every night")
    pieces = every_piece()
    with operator_connection(stack) as connection:
        keep_pieces(connection, person.user_id, pieces, current_day())
        connection.execute(
            """update public.advice set status = 'applied', decided_at = now(), verification = %s
            where workspace_id = %s and kind = 'caching'""",
            [
                json.dumps(
                    {"state": "verified", "days": 12, "needed_days": 7, "month_usd": 61.5, "units": []}
                ),
                person.user_id,
            ],
        )
    output = run(person).output
    assert "support on claude-haiku-4-5" in output
    assert len(output.splitlines()) == len(pieces) + 1  # a heading, a line each but for one, and a sentence
    assert output.splitlines()[-1] == "Amounts of a month. Savings overlap: they do not add up."
    found = json.loads(run(person, "--json").output)
    assert found.keys() == {"currency", "advice"}
    likely = [float(one["saving_usd"]["likely"]) for one in found["advice"]]
    assert likely == sorted(likely, reverse=True)
    assert "$61.50, verified" in run(person, "--status", "applied").output
    [applied] = json.loads(run(person, "--status", "applied", "--json").output)["advice"]
    assert applied["verified"] == {
        "state": "verified", "days": 12, "needed_days": 7, "month_usd": "61.5", "low_usd": None,
        "high_usd": None, "since_usd": None,
    }  # fmt: skip
    refused = run(person, "--status", "gone")
    assert refused.exit_code
    assert "Choose open, applied or dismissed" in refused.output
