"""`tally experiments`: from a file of runs to a verdict."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from tally.cli.main import app
from tally.experiments.stored import save_experiment
from tally.local.stack import Stack
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

    file.write_text("variant,session,cost_usd,score\nA,A1,0.04,pass\nA,new,NaN,pass\n")
    refused = run(person, "import", "Refunds", str(file), fails=True).output
    assert "Nothing was saved." in refused
    assert "line 3, cost_usd" in refused
    assert "no experiment “Other”" in run(person, "show", "Other", fails=True).output
    assert "Cannot read" in run(person, "import", "Refunds", str(tmp_path / "none.csv"), fails=True).output
    assert run(person, "list").output == "Refunds (running): A 30, B 30 of 30 runs each\n"
