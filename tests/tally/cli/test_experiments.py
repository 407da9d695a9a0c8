"""`tally experiments`: from a file of runs to a verdict."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.experiments.stored import save_experiment
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tests.app.pages import usage
from tests.tally.people import Person, over_http, sign_up


def run(person: Person, *arguments: str, fails: bool = False) -> Result:
    """Run a command of the group for a person."""
    result = CliRunner().invoke(app, ["experiments", *arguments, "--email", person.email])
    assert (result.exit_code != 0) == fails, result.output
    return result


def test_file_of_runs_becomes_a_verdict(stack: Stack, tmp_path: Path) -> None:
    person = sign_up(stack)
    assert run(person, "list").output.startswith("No experiments yet.")
    variants = [{"name": "A", "is_baseline": True}, {"name": "B"}]
    details = {"name": "Refunds", "primary_score": "correct", "min_runs": 30, "variants": variants}
    save_experiment(over_http(stack, person), details | {"margin": "0.5"})
    file = tmp_path / "runs.csv"
    rows = [
        f"{name},{name}{nth},{cost},pass"
        for name, cost in (("A", "0.04"), ("B", "0.01"))
        for nth in range(30)
    ]
    file.write_text("variant,session,cost_usd,score\n" + "\n".join(rows))
    assert run(person, "import", "Refunds", str(file)).output == "Refunds: 60 runs and 60 scores saved.\n"
    assert run(person, "list").output == "Refunds (running): A 30, B 30 of 30 runs each\n"
    shown = run(person, "show", "Refunds").output.splitlines()
    assert shown[0] == "B costs 75% less (95%: 75 to 75%) at equal quality."
    assert json.loads(run(person, "show", "Refunds", "--json").output)["verdict"] == "cheaper"

    variants = [{"name": "A", "is_baseline": True, "match": {"model": "gpt-5.2"}}, {"name": "B"}]
    with_records = {"name": "Gathered", "variants": variants, "starts_at": "2026-01-01T00:00:00Z"}
    save_experiment(over_http(stack, person), with_records)
    assert "Early look, no verdict: 0 and 0 runs" in run(person, "show", "Gathered").output
    save_records(over_http(stack, person), [usage(0, "1", metadata={"session": "s1"})])
    as_of, look, *_ = run(person, "show", "Gathered").output.splitlines()  # at once, not when it is old
    assert as_of.startswith("Runs as of 20")
    assert look.startswith("Early look, no verdict: 1 and 0 runs")

    file.write_text("variant,session,cost_usd,score\nA,A1,0.04,pass\nA,new,NaN,pass\n")
    refused = run(person, "import", "Refunds", str(file), fails=True).output
    assert "Nothing was saved." in refused
    assert "line 3, cost_usd" in refused
    assert "no experiment “Other”" in run(person, "show", "Other", fails=True).output
    assert "Cannot read" in run(person, "import", "Refunds", str(tmp_path / "none.csv"), fails=True).output
    assert run(person, "list").output.endswith("Refunds (running): A 30, B 30 of 30 runs each\n")
