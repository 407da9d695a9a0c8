"""The words of messages: a title and sentences for each kind of event, from its facts alone."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tally.notifications.facts import Facts

Text = tuple[str, list[str]]

ENDS = {
    "day": "today",
    "week": "this week",
    "month": "this month",
    "quarter": "this quarter",
    "year": "this year",
}
WINDOWS = {15: "15 minutes", 60: "hour", 1440: "day"}
# Where a kind of event is looked at, unless its facts say.
PAGES = {
    "budget": "budgets",
    "anomaly": "",
    "new_model": "",
    "silent_source": "sources",
    "renewal": "subscriptions",
    "price": "prices",
    "retirement": "models",
    "bill": "sources",
    "idle": "",
    "credits": "invoices",
    "error_rate": "models",
    "latency": "models",
    "channel": "settings",
}


@dataclass(frozen=True, slots=True)
class Told:
    """The words of an event."""

    title: str
    sentences: tuple[str, ...]


def describe_event(kind: str, facts: Facts, is_cleared: bool) -> Told:
    """The words of an event, or of its end."""
    title, sentences = KINDS[kind](facts)
    if is_cleared:
        title = _title_of_end(kind, facts, title)
    return Told(title, tuple(sentence for sentence in sentences if sentence))


def _title_of_end(kind: str, facts: Facts, title: str) -> str:
    if kind == "budget":
        return f"Budget “{facts.name('budget', 'without a name')}” is below {_percent(facts)}% again"
    return f"Over: {title}"


def _percent(facts: Facts) -> str:
    return f"{(facts.number('percent') or Decimal(100)).normalize():f}"


def _budget(facts: Facts) -> Text:
    name = facts.name("budget", "without a name")
    percent = _percent(facts)
    spent, likely = _spent(facts), _likely(facts)
    if facts.values.get("threshold") == "forecast":
        goal = "be exceeded" if percent == "100" else f"pass {percent}%"
        return f"Budget “{name}” will probably {goal}", [likely, spent]
    if percent == "100":
        return f"Budget “{name}” is exceeded", [spent, likely]
    return f"Budget “{name}”: {percent}% is reached", [spent, likely]


def _spent(facts: Facts) -> str:
    spent, amount = facts.amount("spent"), facts.amount("amount")
    if not spent:
        return ""
    when = ENDS.get(str(facts.values.get("period")), "")
    first, last = facts.day("period_start"), facts.day("period_end")
    period = (
        f" from {first} to {last}" if first and last and first != last else f" on {first}" if first else ""
    )
    of = f" of {amount}" if amount else ""
    share = ""
    total, limit = facts.number("spent"), facts.number("amount")
    if total is not None and limit:
        share = f" ({total / limit:.0%})"
    scope = facts.name("scope")
    where = f" on {scope}" if scope else ""
    return f"Spent{where}{' ' + when if when else ''}: {spent}{of}{share}{',' + period if period else ''}."


def _likely(facts: Facts) -> str:
    likely, low, high = (facts.amount(key) for key in ("likely", "low", "high"))
    if not likely:
        return ""
    span = f" ({low} to {high} in 4 of 5 cases)" if low and high else ""
    chance = facts.percent("chance")
    risk = f" The chance of exceeding the limit is {chance}." if chance else ""
    return f"Likely end: {likely}{span}.{risk}"


def _anomaly(facts: Facts) -> Text:
    day, amount, expected = facts.day("day"), facts.amount("amount"), facts.amount("expected")
    who = facts.name("model") or facts.name("provider") or "All spend"
    low, high = facts.amount("low"), facts.amount("high")
    usual = f" Expected: {expected}" if expected else ""
    span = f" ({low} to {high})" if usual and low and high else ""
    cost = f"{who} cost {amount}." if amount else f"{who} cost more than usual."
    return f"{day or 'One day'} was out of the ordinary", [f"{cost}{usual}{span}{'.' if usual else ''}"]


def _new_model(facts: Facts) -> Text:
    model, share, amount = facts.name("model", "A model"), facts.percent("share"), facts.amount("amount")
    since = facts.day("since")
    cost = f"It has cost {amount}{' since ' + since if since else ''}." if amount else ""
    return f"New model: {model}", [cost, f"That is {share} of the spend." if share else ""]


def _silent_source(facts: Facts) -> Text:
    source, last, days = facts.name("source", "A source"), facts.day("last_day"), facts.number("days")
    since = f"The last data is of {last}." if last else ""
    length = f"Nothing has come for {days:.0f} days, so totals may be too low." if days else ""
    return f"No data from {source}", [since, length, facts.sentence("problem")]


def _renewal(facts: Facts) -> Text:
    plan, amount, day = facts.name("plan", "A plan"), facts.amount("amount"), facts.day("renews_on")
    return f"{plan} renews{' on ' + day if day else ' soon'}", [f"It costs {amount}." if amount else ""]


def _price(facts: Facts) -> Text:
    model, since = facts.name("model", "A model"), facts.day("from_day")
    changes = facts.values.get("changes")
    told = []
    for change in changes[:10] if isinstance(changes, list) else []:
        if isinstance(change, dict):
            one = Facts({**change, "currency": facts.values.get("currency", "USD")}, facts.zone)
            before, after = one.amount("before"), one.amount("after")
            if before and after:
                told.append(f"{one.name('class', 'Price')}: {before} before, {after} now per 1M tokens.")
    return f"The price of {model} changed{' on ' + since if since else ''}", told


def _retirement(facts: Facts) -> Text:
    model, day, successor = facts.name("model", "A model"), facts.day("retires_on"), facts.name("successor")
    amount = facts.amount("amount")
    return f"{model} retires{' on ' + day if day else ' soon'}", [
        "Calls of it fail from then on.",
        f"Its provider recommends {successor} instead." if successor else "",
        f"It cost {amount} in the last 30 days." if amount else "",
    ]


def _bill(facts: Facts) -> Text:
    provider, account = facts.name("provider", "A provider"), facts.name("account")
    first, last = facts.day("period_start"), facts.day("period_end")
    billed, estimated = facts.amount("billed"), facts.amount("estimated")
    period = f" from {first} to {last}" if first and last else ""
    of = f" ({account})" if account else ""
    numbers = f"Billed{period}: {billed}. Estimated: {estimated}." if billed and estimated else ""
    return f"The bill of {provider}{of} differs from the estimate", [numbers]


def _credits(facts: Facts) -> Text:
    provider, amount = facts.name("provider", "A provider"), facts.amount("amount")
    day, early, late = facts.day("ends_on"), facts.day("early"), facts.day("late")
    finding = facts.values.get("finding")
    if finding == "expiry":
        expires = facts.day("expires_on")
        return f"Prepaid credits of {provider} expire{' after ' + expires if expires else ' soon'}", [
            f"{amount} of them is not used yet." if amount else ""
        ]
    if finding == "empty":
        return f"Prepaid credits of {provider} are used up", [
            "Calls may fail now. Buy more, or add the receipts of later purchases on Invoices."
        ]
    span = f" ({early} to {late} in 4 of 5 cases)" if early and late and early != late else ""
    return f"Prepaid credits of {provider} end{' on ' + day if day else ' soon'}", [
        f"{amount} is left; at the pace of the last weeks it lasts until then{span}." if amount else ""
    ]


def _idle(facts: Facts) -> Text:
    what = facts.values.get("finding")
    if what == "key":
        return _idle_key(facts)
    return _idle_connection(facts) if what == "connection" else _failing(facts, is_agent=what == "agent")


def _idle_key(facts: Facts) -> Text:
    days, since = facts.number("days") or Decimal(0), facts.day("since")
    was_used = facts.values.get("was_used") is True
    told = f"{'Its last use was' if was_used else 'It was made'} {days:.0f} days ago, on {since}"
    return f"Key “{facts.name('name', 'without a name')}” is not used", [
        f"{told}{'' if was_used else ', and never used'}.",
        "If no program needs it, revoke it on Keys: until then, anyone who finds it can use it.",
    ]


def _idle_connection(facts: Facts) -> Text:
    since, was_used = facts.day("since"), facts.values.get("was_used") is True
    told = "its last record is of" if was_used else "has brought nothing since"
    return f"Connection “{facts.name('name', 'without a name')}” brings no data", [
        f"It is synced without an error, but {told} {since}.",
        facts.sentence("problem"),
        "Check on Connections that its key belongs to the organization that you use, or remove it.",
    ]


def _failing(facts: Facts, is_agent: bool) -> Text:
    name, amount = facts.name("name", "without a name"), facts.amount("amount")
    calls, days = facts.number("calls") or Decimal(0), facts.number("days") or Decimal(0)
    cost = f" They cost {amount}." if amount else ""
    return f"Agent “{name}” never succeeds" if is_agent else f"All calls in “{name}” fail", [
        f"All of its {calls:,.0f} calls of the last {days:.0f} days failed.{cost}",
        "Look at their errors on Traces; then repair it, or stop it.",
    ]


def _error_rate(facts: Facts) -> Text:
    model, value, limit = facts.name("model", "A model"), facts.number("value"), facts.number("limit")
    failed, requests = facts.number("failed"), facts.number("requests")
    share = f"{_plain(value)}% of requests fail" if value is not None else "requests fail"
    counts = (
        f"{failed:,.0f} of {requests:,.0f} requests{_window(facts)} failed."
        if failed is not None and requests is not None
        else ""
    )
    return f"{model}: {share}", [counts, f"The limit is {_plain(limit)}%." if limit is not None else ""]


def _latency(facts: Facts) -> Text:
    model, value, limit = facts.name("model", "A model"), facts.number("value"), facts.number("limit")
    requests = facts.number("requests")
    slow = f": p95 is {_seconds(value)}" if value is not None else ""
    counts = (
        f"5 of 100 requests took longer than that{_window(facts)}; there were {requests:,.0f}."
        if requests is not None
        else ""
    )
    return f"{model} is slow{slow}", [counts, f"The limit is {_seconds(limit)}." if limit is not None else ""]


def _window(facts: Facts) -> str:
    minutes = facts.number("minutes")
    name = WINDOWS.get(int(minutes)) if minutes is not None else None
    return f" in the last {name}" if name else ""


def _plain(number: Decimal) -> str:
    return f"{number.quantize(Decimal('0.01')).normalize():,f}"


def _seconds(milliseconds: Decimal) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds < 1000 else f"{_plain(milliseconds / 1000)} s"


def _channel(facts: Facts) -> Text:
    reason = facts.sentence("reason")
    return f"Alerts no longer reach “{facts.name('channel', 'a channel')}”", [
        f"The last reason: {reason}" if reason else "",
        "Nothing more is sent there. Change the channel in Settings, then resume it.",
    ]


KINDS: dict[str, Callable[[Facts], Text]] = {
    "budget": _budget,
    "anomaly": _anomaly,
    "new_model": _new_model,
    "silent_source": _silent_source,
    "renewal": _renewal,
    "price": _price,
    "retirement": _retirement,
    "bill": _bill,
    "idle": _idle,
    "credits": _credits,
    "error_rate": _error_rate,
    "latency": _latency,
    "channel": _channel,
}
