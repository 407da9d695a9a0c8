"""`tally experiments`: experiments, their verdicts, and runs from files."""

import json
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.cli.command import TallyCommand
from tally.cli.input_file import read_file
from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.core.text import plural

if TYPE_CHECKING:
    from tally.storage.database import Database

NOTHING_YET = "No experiments yet. Start one on the Experiments page."
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the experiment.", show_default=False)]

experiments = typer.Typer(
    help="Show experiments and their verdicts, and import runs.\n\nExample: tally experiments list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@experiments.command("list", cls=TallyCommand)
def list_all(
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the experiments of a workspace, with the runs of their variants.

    Example: tally experiments list --json
    """
    from tally.experiments.stored import list_experiments

    with acting_here(email, "tally experiments list", workspace) as database:
        found = list_experiments(database)
    if as_json:
        rows = [
            {"name": one.name, "status": one.status, "runs": dict(one.runs), "verdict": one.sentence or None}
            for one in found
        ]
        typer.echo(json.dumps({"experiments": rows}, indent=2))
        return
    if not found:
        typer.echo(NOTHING_YET)
    for one in found:
        runs = ", ".join(f"{name} {count:,}" for name, count in one.runs.items())
        echo(f"{one.name} ({one.status}): {runs} of {one.min_runs:,} runs each")


@experiments.command(cls=TallyCommand)
def show(
    name: Name,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the verdict of an experiment, or an early look. Its runs are gathered from the records first.

    Example: tally experiments show "Refunds on Haiku"
    """
    from tally.experiments.evaluation import evaluate
    from tally.experiments.stored import load_current_experiment
    from tally.experiments.words import freeze, write_detail, write_verdict

    with acting_here(email, "tally experiments show", workspace) as database:
        experiment = load_current_experiment(database, _find(database, name))
    evaluation = evaluate(experiment)
    if as_json:
        frozen = experiment.decision or freeze(experiment, evaluation, evaluation.comparisons[0])
        typer.echo(json.dumps({"name": experiment.name, "status": experiment.status, **frozen}, indent=2))
        return
    if experiment.decision:
        echo(f"Decided for {experiment.decided_variant}.")
        echo(f"{experiment.decision['sentence']} {experiment.decision['detail']}")
        return
    if experiment.is_gathered and experiment.gathered_at:
        echo(f"Runs as of {experiment.gathered_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    for comparison in evaluation.comparisons:
        echo(f"{write_verdict(experiment, evaluation, comparison)}.")
        echo(write_detail(experiment, evaluation, comparison))


@experiments.command("import", cls=TallyCommand)
def import_runs(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON.", show_default=False)],
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Add the runs and scores of a file: all of them, or none.

    A row is a run. Its columns are variant and session, and as you like item_key, happened_at
    (2026-11-30T09:00:00Z), cost_usd, input_tokens, output_tokens, calls, latency_ms, ok, and score:NAME
    for each score. JSON has a list of runs with the same names, and "scores" as the API takes them.
    A session that comes again is no second run.

    Example: tally experiments import "Refunds on Haiku" runs.csv
    """
    from tally.experiments.runs_file import MAX_BYTES, parse_file
    from tally.experiments.stored import load_experiment, save_runs

    try:
        content = read_file(file, MAX_BYTES + 1)
    except OSError as error:
        raise TallyError(f"Cannot read {file}: {error.strerror}. Check the name of the file.") from None
    with acting_here(email, "tally experiments import", workspace) as database:
        experiment = load_experiment(database, _find(database, name))
        runs = parse_file(content, experiment.primary_score, experiment.score_kind)
        saved = save_runs(database, experiment.id, runs, "file")
    echo(f"{experiment.name}: {plural(saved['runs'], 'run')} and {plural(saved['scores'], 'score')} saved.")


def _find(database: "Database", name: str) -> str:
    """The id of the experiment of a name, or of an id."""
    from tally.experiments.stored import list_experiments

    for one in list_experiments(database):
        if name in (one.name, one.id):
            return one.id
    raise TallyError(f"There is no experiment “{name}”. List them with `tally experiments list`.")
