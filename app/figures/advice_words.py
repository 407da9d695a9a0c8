"""Advice in words: a title, one sentence with its amounts, its evidence. Names are from outside."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from app.formats.dates import format_day, format_short_day
from app.formats.text import escape_markdown
from tally.advice.findings import Kind
from tally.advice.kept import KeptAdvice
from tally.advice.titles import name_advice
from tally.core.text import plural

Money = Callable[[Decimal], str]

ICONS: dict[Kind, str] = {
    "experiment": "science",
    "model_switch": "swap_horiz",
    "caching": "bolt",
    "cache_hour": "schedule",
    "cache_minutes": "schedule",
    "batch": "layers",
    "long_context": "receipt_long",
    "priority": "speed",
    "plan": "credit_card",
    "api_instead": "credit_card",
    "unused_subscription": "credit_card",
    "idle_key": "key",
    "repeats": "refresh",
    "retirement": "event_repeat",
}
CONFIDENCE = {"high": "High confidence", "medium": "Medium confidence", "low": "Low confidence"}
BASIS = {"measured": "Measured", "modelled": "Modelled"}
HOW: dict[Kind, str] = {
    "experiment": "Do the remaining calls as the chosen variant does.",
    "model_switch": "Name the other model in the requests of this project, for a part of them first.",
    "caching": "Mark the beginning of prompts for the cache (cache_control), with what changes at their end.",
    "cache_hour": "Ask for a lifetime of one hour where prompts are marked for the cache (ttl: 1h).",
    "cache_minutes": "Take the lifetime of one hour away where prompts are marked for the cache.",
    "batch": "Send these requests through the provider's batch API, or at the flex tier.",
    "long_context": "Send less context with each request: summaries, or the parts that are needed.",
    "priority": "Take the priority tier out of these requests.",
    "plan": "Buy the plan, enter it on Plans & prices, and sign in to the agent with it, without an API key.",
    "api_instead": "Cancel the plan, and give the agent an API key. Enter the end on Plans & prices.",
    "unused_subscription": "Cancel it at the provider, and enter its end on Plans & prices.",
    "idle_key": "Revoke the key on the page Keys.",
    "repeats": "Wait longer before a request is sent again, and fewer times.",
    "retirement": "Name the successor in requests before that day.",
}


class Evidence(NamedTuple):
    """The way to the rows behind advice: a label, and a page."""

    label: str
    page: str = "records"


EVIDENCE: dict[Kind, Evidence] = {
    "experiment": Evidence("Experiment", "experiments"),
    "model_switch": Evidence("Show calls"),
    "caching": Evidence("Show calls"),
    "cache_hour": Evidence("Show calls"),
    "cache_minutes": Evidence("Show calls"),
    "batch": Evidence("Show calls"),
    "long_context": Evidence("Show calls"),
    "priority": Evidence("Show calls"),
    "plan": Evidence("Show calls"),
    "api_instead": Evidence("Show plans", "subscriptions"),
    "unused_subscription": Evidence("Show plans", "subscriptions"),
    "idle_key": Evidence("Show keys", "keys"),
    "repeats": Evidence("Show calls"),
    "retirement": Evidence("Show calls"),
}


def name_title(advice: KeptAdvice) -> str:
    """The title, plain."""
    return name_advice(advice, lambda day: format_short_day(day, advice.window[1]))


def write_sentence(advice: KeptAdvice, money: Money) -> str:
    """Write what was paid and what it would have been, as Markdown."""
    if advice.kind == "idle_key":
        used = (
            "No program has used it since"
            if advice.evidence["was_used"]
            else "No program has used it, made on"
        )
        return f"{used} {format_day(date.fromisoformat(advice.evidence['since']))}."
    paid = f"You paid {_bold(money(advice.current_usd))} a month for {escape_markdown(_name_paid(advice))}"
    if advice.kind == "retirement" and not advice.evidence["is_priced"]:
        successor = advice.subject.get("to_model")
        told = (
            f"its successor {escape_markdown(successor)} has no price here"
            if successor
            else "no successor is named"
        )
        return f"{paid}; {told}."
    low, high = map(money, advice.would_be)
    amount = _bold(low) if low == high else _bold(f"{low} to {high}")
    return f"{paid}; {escape_markdown(_name_change(advice))} it would have been {amount}."


def write_evidence(advice: KeptAdvice, money: Money) -> str:
    """The figures behind it, in a line."""
    evidence = advice.evidence
    writers: dict[Kind, Callable[[Mapping[str, Any]], str]] = {
        "experiment": lambda told: str(told["sentence"]),
        "model_switch": lambda told: (
            f"{told['requests']:,} calls. {advice.subject['to_model']} answered"
            f" {told['other_requests']:,} others there, {told['other_share']}% of all."
        ),
        "caching": lambda told: (
            f"{told['following']:,} calls follow another within 5 minutes, in {told['conversations']:,}"
            f" conversations: {told['reusable_share']}% of their input was sent before."
        ),
        "cache_hour": lambda told: (
            f"{told['pauses']:,} pauses of 5 to 60 minutes and {told['long_pauses']:,} longer ones, in"
            f" {told['conversations']:,} conversations."
        ),
        "batch": lambda told: (
            f"{told['requests']:,} calls, nearly all between {told['first_hour']:02}:00 and"
            f" {told['end_hour']:02}:00. It can only be claimed if the answers can wait."
        ),
        "long_context": lambda told: (
            f"{told['requests']:,} of {told['all_requests']:,} calls were long. Their premium was"
            f" {money(Decimal(told['premium_usd']))} a month."
        ),
        "priority": lambda told: f"{told['requests']:,} calls.",
        "plan": lambda told: (
            f"{plural(told['months'], 'whole month')}, the cheapest at {money(Decimal(told['least_usd']))};"
            f" the plan's list price is {money(Decimal(told['plan_usd']))}."
        ),
        "api_instead": lambda told: (
            f"Its use was worth {money(Decimal(told['worth_usd']))} a month at list prices, in"
            f" {plural(told['months'], 'whole month')}."
        ),
        "unused_subscription": lambda told: (
            f"Last used on {format_day(date.fromisoformat(told['last_used']))}. Its source reported on"
            f" {told['covered_days']} of 30 days."
        ),
        "repeats": lambda told: (
            f"{told['repeats']:,} calls were sent again within a minute, {told['failed']:,} failed and cost"
            f" something.{_tell_answers(told, money)}"
        ),
        "retirement": lambda told: f"{told['requests']:,} calls. The date is the provider's.",
    }
    writers["cache_minutes"] = writers["cache_hour"]
    writer = writers.get(advice.kind)
    return escape_markdown(writer(evidence)) if writer else "A key that is gone cannot be stolen."


def _tell_answers(told: Mapping[str, Any], money: Money) -> str:
    """Requests that a gateway's cache answered beside these; empty where there were none."""
    if not told.get("answered"):
        return ""
    return f" A cache answered {told['answered']:,} others and saved {money(Decimal(told['answered_usd']))}."


def _bold(text: str) -> str:
    return f"**{escape_markdown(text)}**"


def _name_paid(advice: KeptAdvice) -> str:
    subject = advice.subject
    if advice.kind in ("api_instead", "unused_subscription"):
        return subject["plan"]
    if advice.kind == "plan":
        return f"{subject['agent']} at API prices"
    if advice.kind == "experiment":
        return f"calls like “{subject['baseline']}”"
    model = subject["model"]
    named = subject.get("agent") or subject.get("project")
    long = f" with more than {int(subject['over']):,} tokens" if advice.kind == "long_context" else ""
    return f"{named} on {model}{long}" if named else f"{model}{long}"


def _name_change(advice: KeptAdvice) -> str:
    """The change that makes it cheaper: what comes before "it would have been"."""
    subject = advice.subject
    changes: dict[Kind, str] = {
        "experiment": f"as “{subject.get('variant', '')}”",
        "caching": "with a cache",
        "cache_hour": "with a cache of 1 hour",
        "cache_minutes": "with a cache of 5 minutes",
        "batch": "as a batch" if "processing" in subject else "at the flex tier",
        "long_context": "with shorter ones",
        "priority": "at the standard tier",
        "plan": f"with {subject.get('plan', '')}",
        "api_instead": "at list prices",
        "unused_subscription": "without it",
        "repeats": "without failures and repeats",
    }
    if advice.kind == "retirement":
        return f"with its successor {subject['to_model']}"
    return changes.get(advice.kind) or f"with {subject['to_model']}"
