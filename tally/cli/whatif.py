"""`tally whatif`: past requests at other prices, one by one."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.core.encoding import canonical_decimal
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from tally.pricing.replay import Part, Replayed
    from tally.pricing.scenarios import Scenario

USUAL_DAYS, MOST_DAYS = 90, 400
NOTHING_ASKED = (
    "Say what would be otherwise: --model gpt-5=gpt-5-mini, --batch, --flex, --cache 1h, or --plan 200."
)
HOW_TO_NARROW = (
    "The range is that of tokens for one text, and of answers' lengths: set --tokens and --answers."
)


def whatif(  # noqa: PLR0913 - a parameter for each option
    model: Annotated[
        list[str] | None, typer.Option(metavar="A=B", help="Model B in place of A; [provider/]B.")
    ] = None,
    batch: Annotated[bool, typer.Option("--batch", help="As batches.")] = False,
    flex: Annotated[bool, typer.Option("--flex", help="At the flex tier.")] = False,
    cache: Annotated[str | None, typer.Option(metavar="off|5m|1h", help="Another cache of prompts.")] = None,
    plan: Annotated[
        str | None,
        typer.Option(metavar="NAME|USD", help="A plan, or its price in a month: “Claude Max 20x”, 200."),
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(metavar="LOW-HIGH", help="Tokens of B for one of A, for the same text.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="LOW-HIGH", help="Length of B's answers, of A's.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; 90 days ago by default.")
    ] = None,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what past requests would have cost otherwise.

    Example: tally whatif --model gpt-5=gpt-5-mini --since 2026-01-01
    """
    from tally.pricing.replay import explain_unpriced, replay  # lazily: printing the help needs no price list
    from tally.storage.workspaces import load_timezone

    scenario = _read_scenario(
        model or [], {"--tokens": tokens, "--answers": answers}, (batch, flex), cache, plan
    )
    with acting_here(email, "tally whatif", workspace) as database:
        today = datetime.now(UTC).astimezone(ZoneInfo(load_timezone(database))).date()
        found = replay(database, scenario, _choose_first(since and since.date(), today), today)
    if fault := explain_unpriced(found):
        raise TallyError(fault)
    if as_json:
        typer.echo(json.dumps(_describe(found), indent=2))
    else:
        _print(found, scenario)


def _read_scenario(
    models: Sequence[str],
    ranges: dict[str, str | None],
    tiers: tuple[bool, bool],
    cache: str | None,
    plan: str | None,
) -> "Scenario":
    """The scenario of these options; raises TallyError for none, or for one that cannot be."""
    from tally.pricing.scenarios import Scenario, parse_plan, parse_range, parse_target

    if not models and not any(tiers) and cache is None and plan is None:
        raise TallyError(NOTHING_ASKED)
    if all(tiers):
        raise TallyError("Choose --batch or --flex: a request is one of them.")
    if cache not in (None, "off", "5m", "1h"):
        raise TallyError(f"There is no cache “{cache}”. Choose off, 5m or 1h.")
    if plan is not None and (any(tiers) or cache or models):
        raise TallyError("A plan covers all requests at one price: give --plan alone.")
    if plan is not None:
        return parse_plan(plan)
    tokens, answers = (text and parse_range(text, option) for option, text in ranges.items())
    context = {"processing": "batch"} if tiers[0] else {"service_tier": "flex"} if tiers[1] else {}
    targets = dict(parse_target(each, tokens or None, answers or None) for each in models)
    same = [model for model, target in targets.items() if target.model == model and not target.provider]
    if len(targets) < len(models):
        raise TallyError("Name each model once: --model gpt-5=gpt-5-mini --model o4=gpt-5-mini")
    if same and not (context or cache or tokens or answers):
        raise TallyError(f"{same[0]} in its own place costs the same. Name another model, or add --batch.")
    return Scenario(targets, context, cache)  # type: ignore[arg-type]  # the cache is checked above


def _choose_first(first: date | None, today: date) -> date:
    first = first or today - timedelta(days=USUAL_DAYS - 1)
    oldest = today - timedelta(days=MOST_DAYS)
    if not oldest <= first <= today:
        raise TallyError(f"--since is a day of the last {MOST_DAYS}, from {oldest} to {today}.")
    return first


def _print(found: "Replayed", scenario: "Scenario") -> None:
    from tally.cli.tables import format_usd, print_table
    from tally.pricing.replay_words import explain_nothing, list_assumptions, list_notes, write_outcome

    if nothing := explain_nothing(found, scenario):
        typer.echo(nothing)
        return
    low, high = found.after_usd
    is_plan = scenario.plan_usd is not None
    parts = sorted(filter(_is_priced, found.parts.values()), key=lambda part: -part.before_usd)
    rows = [_row(part, is_plan) for part in parts]
    if is_plan:
        rows.append(("The plan", "", "", "", format_usd(low), format_usd(high)))
    total = (
        "All",
        "",
        f"{found.requests:,}",
        format_usd(found.before_usd),
        format_usd(low),
        format_usd(high),
    )
    print_table(("Model", "Would be"), ("Requests", "Cost", "At least", "At most"), [*rows, total])
    typer.echo(write_outcome(found, format_usd))
    for line in (*list_assumptions(scenario), *list_notes(found, scenario, format_usd)):
        typer.echo(line)
    if low != high and scenario.models:
        typer.echo(HOW_TO_NARROW)


def _is_priced(part: "Part") -> bool:
    """A model without a priced request is told below the table."""
    return part.requests > 0


def _row(part: "Part", is_plan: bool) -> tuple[str, ...]:
    """A model's row; a plan has one price for all of them, in its own row."""
    from tally.cli.tables import format_usd

    would_be = "in the plan" if is_plan else part.to_model if part.to_model != part.model else "same"
    amounts = (format_usd(usd) for usd in (part.before_usd, part.low_usd, part.high_usd))
    return part.model, would_be, f"{part.requests:,}", *amounts


def _describe(found: "Replayed") -> dict[str, object]:
    low, high = found.after_usd
    return {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "currency": "USD",
        "requests": found.requests,
        "before_usd": canonical_decimal(found.before_usd),
        "after_usd": {"low": canonical_decimal(low), "high": canonical_decimal(high)},
        "unpriced_requests": found.unpriced,
        "included_requests": found.included,
        "included_usd": canonical_decimal(found.included_usd),
        "other_requests": found.others,
        "models": [
            {
                "provider": part.provider,
                "model": part.model,
                "to_model": part.to_model,
                "requests": part.requests,
                "before_usd": canonical_decimal(part.before_usd),
                "low_usd": canonical_decimal(part.low_usd),
                "high_usd": canonical_decimal(part.high_usd),
                "unpriced_requests": part.unpriced,
                "too_long_requests": part.too_long,
                "without_tier_requests": part.without_tier,
            }
            for part in sorted(found.parts.values(), key=lambda part: -part.before_usd)
        ],
    }
