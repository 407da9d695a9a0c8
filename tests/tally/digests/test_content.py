"""The words of a mail and its form: small, without anything from outside, whatever names contain."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from tally.core.live_total import SpentSoFar, StoredTotal
from tally.digests.content import BudgetLine, Digest, Limit, write_digest
from tally.digests.facts import Anomaly, Cost, Facts, Money, MonthAhead, Source
from tally.digests.mail import Envelope, render_preview, write_mail
from tally.digests.periods import Kind, last_period
from tally.notifications.mail import Mail
from tally.spend.subscriptions import Subscription
from tests.tally.advice.pieces import every_piece, keep_piece, make_piece

TODAY = date(2026, 11, 30)
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
HOSTILE = '<img src="https://evil.example/x.png" onerror=alert(1)>"\'' + "W" * 140
NONE = SpentSoFar(Decimal(0), Decimal(0))
ENVELOPE = Envelope("weekly", "ada@example.org", "https://tally.example.org", "w", "t" * 43, "key")


def facts_of(kind: Kind = "weekly", today: date = TODAY, model: str = "gpt-5") -> Facts:
    """Two periods with eight models."""
    period = last_period(kind, today)
    models = [model, *(f"model-{nth}" for nth in range(7))]
    days = (today - period.before).days
    costs = [
        Cost(period.before + timedelta(days=nth), name, "usage", Decimal(9 - place), 1000 * (place + 1))
        for nth in range(days)
        for place, name in enumerate(models)
    ]
    money, begins = Money("USD", None, today), period.before
    return Facts(period, today, "Northwind", False, money, costs, {}, [], [], [], None, NONE, begins)


@pytest.mark.parametrize("kind", ["weekly", "monthly"])
def test_change_is_told_only_from_a_period_that_is_recorded_whole(kind: Kind) -> None:
    same = facts_of(kind)
    whole = replace(same, costs=[*same.costs, Cost(same.period.first, "gpt-5", "usage", Decimal(5), 1000)])
    told = digest_of(whole)
    assert told.change_note.endswith(f"on the {told.noun} before")
    assert told.reasons
    begins = whole.period.before + timedelta(days=2)
    part = digest_of(replace(whole, begins=begins, costs=[one for one in whole.costs if one.day >= begins]))
    assert part.change == ""
    assert part.change_note.endswith(f"in the {told.noun} before, since {begins.day} {begins:%b} only")
    assert "%" not in part.change_note
    assert (part.reasons, part.has_before) == ([], False)
    new = digest_of(replace(whole, begins=whole.period.first))
    assert (new.change, new.change_note) == ("", f"the first {told.noun} with records")
    for digest in (part, new):
        mail = mail_of(digest)
        assert digest.change_note in mail.text
        assert digest.change_note in mail.html


def digest_of(facts: Facts, budgets: tuple[BudgetLine, ...] = ()) -> Digest:
    digest = write_digest(facts, NOW, budgets)
    assert digest is not None
    return digest


def mail_of(digest: Digest, envelope: Envelope = ENVELOPE) -> Mail:
    return write_mail(digest, envelope)


class Tags(HTMLParser):
    """Elements and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "background")]


def full_facts(model: str) -> Facts:
    """Facts with something in each block, all names the same."""
    long_ago = NOW - timedelta(days=5)
    return replace(
        facts_of(model=model),
        workspace=model,
        projects={model: Decimal(5), "Unassigned": Decimal(3)},
        anomalies=[
            Anomaly("spend", date(2026, 11, 24), model, Decimal(30), Decimal(7)),
            Anomaly("new_model", date(2026, 11, 25), model, Decimal(3), None),
        ],
        advice=[keep_piece(make_piece("caching", subject={"agent": model}), NOW)],
        subscriptions=[Subscription("p", model, Decimal(20), date(2026, 1, 4), 4)],
        sources=[
            Source("connection", "openai", model, long_ago, model),
            Source("machine", model, model, long_ago, ""),
        ],
        month=MonthAhead(
            StoredTotal(Decimal(90), Decimal(70), {TODAY: Decimal(5)}), Decimal(80), Decimal(99)
        ),
        month_usd=SpentSoFar(Decimal(70), Decimal(1)),
    )


def test_hostile_names_are_text_in_every_block() -> None:
    digest = digest_of(full_facts(HOSTILE), (BudgetLine(HOSTILE[:60], "$1 of $2", "Exceeded", "bad"),))
    mail = mail_of(digest)
    tags = Tags(mail.html)
    assert tags.names == {
        "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "a", "b", "span",
    }  # fmt: skip
    assert {address.split("?")[0].rpartition("/")[0] for address in tags.addresses} == {
        "https://tally.example.org"
    }
    assert "\n" not in mail.subject
    assert mail.html.count("&lt;img") >= 8
    assert "url(" not in mail.html


def test_mail_of_any_size_stays_below_what_clients_clip() -> None:
    hostile = full_facts("&" * 200)
    month = last_period("monthly", date(2026, 12, 1))
    many = replace(
        hostile,
        projects={f"{'&' * 90}{nth}": Decimal(nth + 1) for nth in range(500)},
        anomalies=hostile.anomalies * 500,
        subscriptions=hostile.subscriptions * 200,
        sources=hostile.sources * 500,
        period=month,
    )
    budgets = tuple(BudgetLine("&" * 60, "$1 of $2", "Exceeded", "bad") for _ in range(6))
    assert len(mail_of(digest_of(many, budgets)).html.encode()) < 50_000
    assert len(mail_of(digest_of(replace(many, period=hostile.period), budgets)).html.encode()) < 50_000


def test_both_parts_tell_the_same_amounts() -> None:
    digest = digest_of(full_facts("gpt-5"))
    mail = mail_of(digest)
    shown = [digest.total, digest.change, *digest.reasons, *digest.events]
    shown += [bar.amount for bar in (*digest.days, *digest.models, *digest.projects)]
    shown += [line for block in digest.blocks for line in block.lines]
    assert digest.month is not None
    for text in (*shown, digest.month.sentence):
        assert text in mail.text
        assert text in mail.html


def test_weekdays_are_compared_with_themselves() -> None:
    facts = facts_of()
    costs = [
        Cost(date(2026, 11, 24), "a", "usage", Decimal(8), 1),
        Cost(date(2026, 11, 17), "a", "usage", Decimal(4), 1),
    ]
    days = digest_of(replace(facts, costs=costs)).days
    assert [(bar.label, bar.percent, bar.before_percent) for bar in days[:3]] == [
        ("Mon 23", 0, 0),
        ("Tue 24", 100, 50),
        ("Wed 25", 0, 0),
    ]


def test_five_models_are_shown_and_the_rest_is_summed() -> None:
    digest = digest_of(facts_of())
    assert [bar.label for bar in digest.models] == [
        "gpt-5",
        "model-0",
        "model-1",
        "model-2",
        "model-3",
        "3 others",
    ]
    assert digest.models[-1].amount == "$63.00"


def test_month_ends_at_what_is_spent_and_what_is_to_come() -> None:
    month = digest_of(full_facts("gpt-5")).month
    assert month is not None
    assert "likely" in month.sentence
    assert month.spent_percent + month.likely_percent + month.high_percent == 100


@pytest.mark.parametrize("limit", ["1", "500", "90000"])
def test_bar_of_the_month_marks_its_limit(limit: str) -> None:
    facts = full_facts("gpt-5")
    told = write_digest(facts, NOW, (), Limit("The limit.", Decimal(limit)))
    assert told is not None
    month = told.month
    assert month is not None
    spent = float(month.spent.removeprefix("$").replace(",", ""))
    assert 1 <= month.limit_percent <= 100
    assert (month.limit_percent > month.spent_percent) == (float(limit) > spent)
    assert month.rest_percent >= 0
    html = mail_of(told).html
    assert html is not None
    assert f"limit ${Decimal(limit):,}" in html
    assert "border-right:2px solid #D92D20" in html
    plain = mail_of(digest_of(facts)).html
    assert plain is not None
    assert "border-right:2px" not in plain


def test_month_never_ends_below_what_is_spent() -> None:
    facts = full_facts("gpt-5")
    beyond = replace(facts, month_usd=SpentSoFar(Decimal(500), Decimal(100)))
    month = digest_of(beyond).month
    assert month is not None
    likely, low, high = re.findall(r"\$([\d,.]+\d)", month.sentence)[1:]
    spent = month.spent.removeprefix("$")
    assert all(float(each.replace(",", "")) >= float(spent.replace(",", "")) for each in (likely, low, high))


@pytest.mark.parametrize("days", [0, 2, 61])
def test_source_with_new_data_or_gone_for_long_is_not_silent(days: int) -> None:
    source = Source("machine", "codex", "laptop", NOW - timedelta(days=days), "")
    assert digest_of(replace(facts_of(), sources=[source])).blocks == []


def test_day_and_the_model_that_caused_it_are_told_once() -> None:
    day = date(2026, 11, 24)
    anomalies = [
        Anomaly("spend", day, "", Decimal(50), Decimal(20)),
        Anomaly("spend", day, "claude-opus-4-5", Decimal("29.49"), Decimal(7)),
    ]
    events = digest_of(replace(facts_of(), anomalies=anomalies)).events
    assert events == ["24 Nov: claude-opus-4-5 cost $29.49, 4 times a usual Tuesday."]


def test_renewals_of_two_weeks_are_listed_by_day() -> None:
    plans = [
        Subscription("p", "Late", Decimal(1), date(2026, 1, 14), 14),
        Subscription("p", "Soon", Decimal(20), date(2026, 1, 1), 1),
        Subscription("p", "Ended", Decimal(20), date(2026, 1, 2), 2, ended_on=date(2026, 12, 1)),
        Subscription("p", "Last", Decimal(2), date(2026, 1, 13), 13),
    ]
    [block] = digest_of(replace(facts_of(), subscriptions=plans)).blocks
    assert block.lines == ("1 Dec: Soon, $20.00", "13 Dec: Last, $2.00")


def test_only_a_renewal_is_news_but_a_source_silent_for_weeks_is_none() -> None:
    quiet = replace(facts_of(), costs=[])
    plan = Subscription("p", "Plus", Decimal(20), date(2026, 1, 1), 1)
    old = Source("machine", "codex", "laptop", NOW - timedelta(days=30), "")
    new = replace(old, last_at=NOW - timedelta(days=4))
    assert write_digest(quiet, NOW) is None
    assert write_digest(replace(quiet, sources=[old]), NOW) is None
    assert write_digest(replace(quiet, sources=[new]), NOW) is not None
    assert write_digest(replace(quiet, subscriptions=[plan]), NOW) is not None


def test_findings_are_listed_and_are_no_news_alone() -> None:
    findings = [{"finding": "key", "name": f"CI {nth}", "days": 41} for nth in range(6)]
    facts = replace(facts_of(), findings=findings)
    [block] = digest_of(facts).blocks
    assert block.title == "Worth a look"
    assert block.lines[0] == "Key “CI 0” is not used"
    assert block.lines[5:] == ("1 more",)
    assert write_digest(replace(facts, costs=[]), NOW) is None


def test_new_advice_is_listed_with_its_own_saving_and_no_sum() -> None:
    pieces = [keep_piece(piece, NOW) for piece in every_piece()]
    digest = digest_of(replace(facts_of(), advice=pieces))
    [block] = digest.blocks
    assert (block.title, block.path, block.lines[-1]) == ("New advice", "advice", f"{len(pieces) - 5} more")
    assert block.lines[1] == "support on claude-haiku-4-5: saves $20.00 to $60.00 a month"
    kinds = ("unused_subscription", "idle_key", "retirement")
    some = [piece for piece in pieces if piece.kind in kinds]
    assert digest_of(replace(facts_of(), advice=some)).blocks[0].lines == (
        "Claude Max that nobody uses: saves $80.00 a month",
        "Revoke the key “old laptop”",
        "claude-sonnet-4-5 retires on 30 Nov: costs $7.00 to $14.00 more a month",
    )


def test_preview_is_a_fragment_without_a_style_sheet() -> None:
    tags = Tags(render_preview(digest_of(full_facts("gpt-5")), ENVELOPE))
    assert tags.names == {"table", "tr", "td", "div", "a", "b", "span"}
