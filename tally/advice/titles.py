"""Titles of advice, plain: names in them are from outside."""

from collections.abc import Callable, Mapping
from datetime import date

from tally.advice.findings import Kind
from tally.advice.kept import KeptAdvice


def name_advice(advice: KeptAdvice, show_day: Callable[[date], str] = date.isoformat) -> str:
    """The title of a piece of advice."""
    subject = advice.subject
    place = _name_place(subject)
    titles: dict[Kind, Callable[[], str]] = {
        "experiment": lambda: f"{subject['name']}: use {subject['variant']}",
        "model_switch": lambda: f"{_name_work(subject)} on {subject['to_model']}",
        "caching": lambda: f"Cache the prompts of {place}",
        "cache_hour": lambda: f"Keep the cache of {place} for 1 hour",
        "cache_minutes": lambda: f"Keep the cache of {place} for 5 minutes",
        "batch": lambda: f"{place} as a batch" if "processing" in subject else f"{place} at the flex tier",
        "long_context": lambda: f"Long requests of {place}",
        "priority": lambda: f"{place} at the standard tier",
        "plan": lambda: f"{subject['plan']} for {subject['agent']}",
        "api_instead": lambda: f"{subject['plan']} costs more than its use",
        "unused_subscription": lambda: f"{subject['plan']} that nobody uses",
        "idle_key": lambda: f"Revoke the key “{subject['name']}”",
        "repeats": lambda: f"Failures and repeats of {place}",
        "retirement": lambda: (
            f"{subject['model']} retires on {show_day(date.fromisoformat(advice.evidence['retires_on']))}"
        ),
    }
    return titles[advice.kind]()


def _name_place(subject: Mapping[str, str]) -> str:
    """The agent or project that makes the calls, or else their model."""
    return subject.get("agent") or subject.get("project") or subject.get("model", "")


def _name_work(subject: Mapping[str, str]) -> str:
    return subject.get("agent") or subject.get("project") or f"Work of {subject['model']}"
