"""What messages say of an event, from its facts."""

from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tally.notifications.facts import Facts
from tally.notifications.texts import KINDS, PAGES, Told, describe_event
from tests.every_case import every_case

BERLIN = ZoneInfo("Europe/Berlin")
BUDGET = {
    "budget": "Web",
    "measure": "cost",
    "threshold": "actual",
    "percent": 80,
    "amount": "1000",
    "currency": "USD",
    "spent": "812.40",
    "period": "month",
    "period_start": "2026-11-01",
    "period_end": "2026-11-30",
    "likely": "1120",
    "low": "980",
    "high": "1310",
    "chance": 0.85,
    "as_of": "2026-11-29T07:00:00Z",
}


def tell(kind: str, facts: dict[str, Any], is_cleared: bool = False) -> Told:
    """The words of an event."""
    return describe_event(kind, Facts(facts, BERLIN), is_cleared)


def test_budget_says_amount_range_and_chance() -> None:
    told = tell("budget", BUDGET)

    assert told.title == "Budget “Web”: 80% is reached"
    assert told.sentences == (
        "Spent this month: $812.40 of $1,000.00 (81%), from 1 November 2026 to 30 November 2026.",
        "Likely end: $1,120.00 ($980.00 to $1,310.00 in 4 of 5 cases)."
        " The chance of exceeding the limit is 85%.",
    )


@every_case(
    [
        ({"percent": 100}, "Budget “Web” is exceeded"),
        ({"percent": "100.0"}, "Budget “Web” is exceeded"),
        ({"threshold": "forecast", "percent": 100}, "Budget “Web” will probably be exceeded"),
        ({"threshold": "forecast", "percent": 120}, "Budget “Web” will probably pass 120%"),
    ]
)
def test_title_says_what_was_crossed(changes: dict[str, Any], title: str) -> None:
    assert tell("budget", BUDGET | changes).title == title


def test_forecast_begins_with_the_likely_end() -> None:
    sentences = tell("budget", BUDGET | {"threshold": "forecast"}).sentences
    assert sentences[0].startswith("Likely end: $1,120.00 ($980.00 to $1,310.00 in 4 of 5 cases).")


def test_budget_of_tokens_is_in_tokens() -> None:
    tokens = BUDGET | {"measure": "tokens", "amount": "1000000", "spent": "812400"}
    assert (
        tell("budget", tokens)
        .sentences[0]
        .startswith("Spent this month: 812,400 tokens of 1,000,000 tokens (81%)")
    )


def test_end_of_an_event_says_so() -> None:
    assert tell("budget", BUDGET, is_cleared=True).title == "Budget “Web” is below 80% again"


@every_case(
    [
        (
            "anomaly",
            {
                "day": "2026-11-12",
                "model": "claude-opus-4-1",
                "amount": "29.49",
                "expected": "7",
                "low": "5",
                "high": "9",
            },
            "12 November 2026 was out of the ordinary",
            "claude-opus-4-1 cost $29.49. Expected: $7.00 ($5.00 to $9.00).",
        ),
        (
            "new_model",
            {"model": "gpt-5.1", "share": 0.25, "amount": "12", "currency": "EUR", "since": "2026-11-20"},
            "New model: gpt-5.1",
            "It has cost €12.00 since 20 November 2026.",
        ),
        (
            "silent_source",
            {"source": "OpenAI (work)", "last_day": "2026-11-20", "days": 5},
            "No data from OpenAI (work)",
            "The last data is of 20 November 2026.",
        ),
        (
            "renewal",
            {"plan": "Cursor Pro", "amount": "20", "currency": "CHF", "renews_on": "2026-12-02"},
            "Cursor Pro renews on 2 December 2026",
            "It costs 20.00 CHF.",
        ),
        (
            "price",
            {"model": "gpt-5", "changes": [{"class": "Input", "before": "1.25", "after": "0.0025"}]},
            "The price of gpt-5 changed",
            "Input: $1.25 before, $0.0025 now per 1M tokens.",
        ),
        (
            "retirement",
            {"model": "gpt-5", "retires_on": "2026-12-11", "successor": "gpt-6"},
            "gpt-5 retires on 11 December 2026",
            "Its provider recommends gpt-6 instead.",
        ),
        (
            "bill",
            {"provider": "OpenAI", "billed": "120", "estimated": "100"},
            "The bill of OpenAI differs from the estimate",
            "Billed: $120.00. Estimated: $100.00.",
        ),
        (
            "credits",
            {
                "finding": "end",
                "provider": "OpenAI",
                "amount": "120.5",
                "ends_on": "2026-12-14",
                "late": "2026-12-17",
                "early": "2026-12-12",
            },
            "Prepaid credits of OpenAI end on 14 December 2026",
            "$120.50 is left; at the pace of the last weeks it lasts until then (12 December 2026 to "
            "17 December 2026 in 4 of 5 cases).",
        ),
        (
            "credits",
            {"finding": "expiry", "provider": "OpenAI", "amount": "20", "expires_on": "2026-12-14"},
            "Prepaid credits of OpenAI expire after 14 December 2026",
            "$20.00 of them is not used yet.",
        ),
        (
            "idle",
            {"finding": "key", "name": "CI", "since": "2026-10-20", "days": 31, "was_used": True},
            "Key “CI” is not used",
            "Its last use was 31 days ago, on 20 October 2026.",
        ),
        (
            "idle",
            {"finding": "key", "name": "CI", "since": "2026-10-20", "days": 31, "was_used": False},
            "Key “CI” is not used",
            "It was made 31 days ago, on 20 October 2026, and never used.",
        ),
        (
            "idle",
            {"finding": "connection", "name": "Work", "since": "2026-10-20", "days": 31},
            "Connection “Work” brings no data",
            "It is synced without an error, but has brought nothing since 20 October 2026.",
        ),
        (
            "idle",
            {"finding": "agent", "name": "triage", "calls": 1200, "days": 14, "amount": "3.5"},
            "Agent “triage” never succeeds",
            "All of its 1,200 calls of the last 14 days failed. They cost $3.50.",
        ),
        (
            "idle",
            {"finding": "container", "name": "web-1", "calls": 8, "days": 14},
            "All calls in “web-1” fail",
            "All of its 8 calls of the last 14 days failed.",
        ),
        (
            "error_rate",
            {"model": "gpt-5", "value": "12.50", "limit": "5", "failed": 25, "requests": 2000, "minutes": 15},
            "gpt-5: 12.5% of requests fail",
            "25 of 2,000 requests in the last 15 minutes failed.",
        ),
        (
            "latency",
            {"model": "gpt-5", "value": "12340", "limit": "800", "requests": 200, "minutes": 1440},
            "gpt-5 is slow: p95 is 12.34 s",
            "The limit is 800 ms.",
        ),
        (
            "channel",
            {"channel": "Team", "reason": "Slack does not know this webhook."},
            "Alerts no longer reach “Team”",
            "The last reason: Slack does not know this webhook.",
        ),
        (
            "channel",  # a webhook that is gone is switched off after one message
            {"channel": "Hook", "reason": "The server says that this address is gone (410)."},
            "Alerts no longer reach “Hook”",
            "Nothing more is sent there. Change the channel in Settings, then resume it.",
        ),
    ]
)
def test_each_kind_says_its_facts(kind: str, facts: dict[str, Any], title: str, sentence: str) -> None:
    told = tell(kind, facts)
    assert told.title == title
    assert sentence in told.sentences


@every_case([(amount,) for amount in ["1e400", "-1e999999", "Infinity", "sNaN", "9" * 5_000]])
def test_number_beyond_all_measure_counts_as_missing(amount: str) -> None:
    assert tell("budget", {"budget": "Web", "spent": amount}).sentences == ()


def test_every_kind_has_words_and_a_page() -> None:
    assert set(KINDS) == set(PAGES)
    for kind in KINDS:
        assert tell(kind, {}).title


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=300),
    st.sampled_from(["https://evil.example/x", "@everyone", "a\r\nBcc: b", "NaN", "1e400", "2026-99-99"]),
    st.lists(st.integers(), max_size=2),
)


@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(st.sampled_from([*BUDGET, "model", "source", "plan", "day", "changes", "link"]), HOSTILE),
    st.booleans(),
)
def test_any_facts_make_lines_without_links(kind: str, facts: dict[str, Any], is_cleared: bool) -> None:
    told = tell(kind, facts, is_cleared)
    for line in (told.title, *told.sentences):
        assert line.isprintable() or "\u2060" in line
        assert "\n" not in line
        assert "://" not in line
        assert "@everyone" not in line


@every_case(
    [
        ("budgets?budget=1", "budgets?budget=1"),
        ("/budgets", "budgets"),
        ("https://evil.example", ""),
        ("//evil.example", "evil.example"),
        ("a\\b", ""),
        ("javascript:alert(1)", ""),
        (5, ""),
    ]
)
def test_link_stays_in_the_dashboard(link: object, path: str) -> None:
    assert Facts({"link": link}, BERLIN).path() == path


def test_share_that_is_nearly_certain_is_not_called_certain() -> None:
    shares = {"a": 0.999, "b": 0.001, "c": 0, "d": 1, "e": 0.5, "f": "x"}
    facts = Facts(shares, BERLIN)
    assert [facts.percent(key) for key in shares] == [
        "more than 99%", "less than 1%", "0%", "100%", "50%", "",
    ]  # fmt: skip


def test_instant_is_in_the_zone_of_the_workspace() -> None:
    assert Facts(BUDGET, BERLIN).instant("as_of") == "29 November 2026, 08:00 (Europe/Berlin)"


@every_case([(name,) for name in ["пример.рф", "evil.中国", "evil.com", "ab.évil", "1.рф"]])
def test_name_with_a_domain_of_any_script_is_no_link(name: str) -> None:
    told = tell("budget", BUDGET | {"budget": name})
    assert name not in told.title
    assert name.partition(".")[0] in told.title
