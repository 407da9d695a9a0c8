"""Prepaid credits that end soon, and credits that expire unused."""

from datetime import date, timedelta
from typing import Any

from tally.alerts.rules import Connection, Finding, Watched
from tally.catalog.providers import PROVIDERS
from tally.ledger.credits import Credits, read_credits

EXPIRY_DAYS = 14  # ahead
HISTORY_DAYS = 60  # an end of credits that were bought longer ago is history
LEAST_EXPIRING_USD = 1

CREDITS = "select private.credit_facts(%s)"


def find_credits(connection: Connection, watched: Watched) -> list[Finding]:
    """An event for the end of a provider's credits since the last purchase, and for each day of expiry."""
    [(rows,)] = connection.execute(CREDITS, [watched.id]).fetchall()
    found = []
    for row in rows:
        credits = read_credits(row, watched.today)
        found += [*_find_end(credits, watched), *_find_expiry(credits, watched)]
    return found


def _find_end(credits: Credits, watched: Watched) -> list[Finding]:
    outlook, left = credits.outlook, credits.balance.left
    last = max((each.bought_on for each in credits.purchases), default=date.min)
    ends_soon = outlook.end is not None and (outlook.end - watched.today).days <= watched.rules.credit_days
    if not credits.balance.days or not (ends_soon or outlook.reason == "empty"):
        return []
    is_late = outlook.reason == "empty" and (watched.today - last).days > HISTORY_DAYS
    facts: dict[str, Any] = {"finding": "end" if left > 0 else "empty", "amount": str(left)}
    for name, day in (("ends_on", outlook.end), ("early", outlook.early), ("late", outlook.late)):
        facts[name] = day and day.isoformat()
    return [_describe(credits, "end", last, facts, is_late)]


def _find_expiry(credits: Credits, watched: Watched) -> list[Finding]:
    expiry = credits.balance.find_expiry()
    if expiry is None or expiry[0] > watched.today + timedelta(days=EXPIRY_DAYS):
        return []
    day, amount = expiry
    facts = {"finding": "expiry", "amount": str(amount), "expires_on": day.isoformat()}
    return [] if amount < LEAST_EXPIRING_USD else [_describe(credits, "expiry", day, facts, is_late=False)]


def _describe(credits: Credits, subject: str, start: date, facts: dict[str, Any], is_late: bool) -> Finding:
    about = {"provider": PROVIDERS.get(credits.provider, credits.provider), "currency": "USD"}
    return Finding("credits", f"{credits.provider}:{subject}", start, "warning", about | facts, is_late)
