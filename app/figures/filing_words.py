"""Rules, and what a change of them moves, in words."""

from collections.abc import Mapping
from decimal import Decimal

from app.figures.filing import Amounts, Move, Plan, Rule
from app.formats.dates import format_span
from app.formats.money import format_usd
from tally.core.text import plural

FIELDS = {
    "folder": "Folder",
    "repository": "Repository",
    "branch": "Branch",
    "api_key": "API key",
    "provider_project": "Provider project",
    "person": "Person",
    "tag": "Tag",
    "model": "Model",
    "source": "Source",
    "billing_account": "Billing account",
}
MATCHES = {"exact": "is", "prefix": "starts with"}
MOVES_LISTED = 5
TOTAL_STAYS = "The total does not change."


def describe_rule(rule: Rule, names: Mapping[tuple[str, str], str]) -> str:
    """The condition of a rule in words; `names` maps a field and a value to the name of what has an id."""
    value = names.get((rule.field, rule.value), rule.value)
    return f"{FIELDS.get(rule.field, rule.field)} {MATCHES.get(rule.match, rule.match)} {value}"


def format_amounts(amounts: Amounts) -> str:
    """Spend, with the part of it that is estimated; usage that plans include is named apart."""
    parts = []
    spend = amounts.billed + amounts.estimated
    if amounts.billed and amounts.estimated:
        parts.append(f"{format_usd(spend)} (of it {format_usd(amounts.estimated)} estimated)")
    elif amounts.estimated:
        parts.append(f"{format_usd(amounts.estimated)} estimated")
    elif amounts.billed or not amounts.included:
        parts.append(format_usd(amounts.billed or Decimal(0)))
    if amounts.included:
        parts.append(f"usage in plans worth {format_usd(amounts.included)}")
    return " and ".join(parts)


def describe_plan(plan: Plan, names: Mapping[str, str]) -> tuple[str, str]:
    """The effect of a change as a headline and its details; `names` maps ids to names."""
    if not plan.moves:
        return "Moves no records", "The change applies to records that are saved from now on."
    goals = {move.to_id for move in plan.moves}
    to = f", to {_name(next(iter(goals)), names)}" if len(goals) == 1 else ""
    headline = f"Moves {plural(plan.records, 'record')}, {format_amounts(plan.amounts)}{to}"
    return headline, f"{_describe_origins(plan, names)} {TOTAL_STAYS}"


def name_change(plan: Plan, otherwise: str) -> str:
    """The label of the button that makes a change."""
    return f"Move {plural(plan.records, 'record')}" if plan.records else otherwise


def _describe_origins(plan: Plan, names: Mapping[str, str]) -> str:
    if len({move.from_id for move in plan.moves}) == len({move.to_id for move in plan.moves}) == 1:
        days = format_span(
            min(move.first_day for move in plan.moves), max(move.last_day for move in plan.moves)
        )
        return f"All from {_name(plan.moves[0].from_id, names)}, {days}."
    listed = [_describe_move(move, names) for move in plan.moves[:MOVES_LISTED]]
    rest = plan.moves[MOVES_LISTED:]
    if rest:
        listed.append(f"{plural(sum(move.records for move in rest), 'record')} between others")
    return "; ".join(listed) + "."


def _describe_move(move: Move, names: Mapping[str, str]) -> str:
    way = f"from {_name(move.from_id, names)} to {_name(move.to_id, names)}"
    days = format_span(move.first_day, move.last_day)
    return f"{plural(move.records, 'record')}, {format_amounts(move.amounts)}, {way}, {days}"


def _name(part: str, names: Mapping[str, str]) -> str:
    return names.get(part, "another one")
