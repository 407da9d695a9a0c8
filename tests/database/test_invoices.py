"""Invoices and card statements: saved if they add up, and counted once beside bills and subscriptions."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.database.teams import Person, Team, make_team, race
from tests.database_fixtures import Connection, Project

BILLED = {"provider": "openai", "model_name": "gpt-5", "cost_basis": "billed", "billing_account": "openai"}


def usage(number: str = "U-1", **changes: Any) -> dict[str, Any]:
    """An invoice of a month's usage with tax."""
    return {
        "provider": "openai",
        "seller": "OpenAI, LLC",
        "number": number,
        "kind": "usage",
        "issued_on": "2026-06-01",
        "period_start": "2026-05-01",
        "period_end": "2026-05-31",
        "currency": "EUR",
        "subtotal": "100",
        "discount": "0",
        "tax": "19",
        "total": "119",
        "applied_balance": "0",
        "usd_rate": "1.1",
        "lines": [{"description": "API usage", "amount": "100"}],
    } | changes


def plan(number: str = "P-1", **changes: Any) -> dict[str, Any]:
    """An invoice of a plan without tax."""
    return (
        usage(
            number,
            provider="chatgpt",
            kind="subscription",
            issued_on="2026-05-12",
            currency="USD",
            subtotal="25",
            tax="0",
            total="25",
            usd_rate="1",
            plan_name="ChatGPT Plus",
            lines=[{"description": "ChatGPT Plus", "amount": "25"}],
        )
        | changes
    )


def card(identity: str = "a", **changes: Any) -> dict[str, Any]:
    """A charge of a plan on a card statement."""
    return {
        "identity": identity * 64,
        "provider": "chatgpt",
        "kind": "plan",
        "product": "ChatGPT",
        "posted_on": "2026-05-13",
        "descriptor": "OPENAI *CHATGPT SUBSCR",
        "amount": "25",
        "currency": "USD",
        "usd_rate": "1",
        "card_last_four": "4242",
    } | changes


@pytest.fixture
def team(project: Project, database: Connection) -> Team:
    return make_team(project, database, "admin", "ann")


@pytest.fixture
def admin(team: Team) -> Person:
    return team["admin"]


def ledger(person: Person) -> list[Any]:
    """The day, charge type and dollars of all records that count."""
    query = """select day::text, charge_type, trim_scale(cost_usd) from public.effective_records
        where workspace_id = %s order by 1, 2, 3"""
    return person.connection.execute(query, [person.workspace]).fetchall()


def save(person: Person, *invoices: dict[str, Any]) -> list[str]:
    """The ids of saved invoices."""
    return [person.ask("save_invoice", invoice=invoice)["id"] for invoice in invoices]


def test_usage_is_never_added_and_its_tax_is(admin: Person) -> None:
    save(admin, usage(discount="-10", tax="17.1", total="107.1"))
    assert ledger(admin) == [("2026-05-31", "credit", -11), ("2026-05-31", "tax", Decimal("18.81"))]


def test_credits_bring_their_tax_alone(admin: Person) -> None:
    save(admin, usage(kind="credits", period_start=None, period_end=None))
    assert ledger(admin) == [("2026-06-01", "tax", Decimal("20.9"))]


def test_changes_at_once_see_each_other(admin: Person, team: Team) -> None:
    invoices = [plan(f"P-{number}", issued_on=f"2026-05-{number}") for number in (12, 18, 24)]
    others = [team.act_as("admin") for _ in invoices]
    query = "select public.save_invoice(%s, %s)"
    done = race(
        *(
            lambda one=one, row=row: one.execute(query, [team.id, json.dumps(row)])
            for one, row in zip(others, invoices, strict=True)
        )
    )
    assert not [one for one in done if isinstance(one, psycopg.Error)]
    assert [day for day, *_ in ledger(admin)] == ["2026-05-12", "2026-05-18", "2026-05-24"]


def test_charges_say_where_they_come_from(admin: Person) -> None:
    save(admin, plan())
    admin.ask("save_statement_lines", lines=[card(posted_on="2026-06-20")])
    query = "select metadata ->> 'note' from public.cost_records where workspace_id = %s order by day"
    notes = [note for (note,) in admin.connection.execute(query, [admin.workspace]).fetchall()]
    assert notes == ["Invoice P-1 of OpenAI, LLC", "Card statement"]


def test_receipt_and_invoice_are_one_charge(admin: Person, database: Connection) -> None:
    first = admin.ask("save_invoice", invoice=plan())
    second = admin.ask(
        "save_invoice",
        invoice=plan(number="p-1", seller="OPENAI, LLC", paid_on="2026-05-12", card_last_four="4242"),
    )
    assert (second["id"], first["is_new"], second["is_new"]) == (first["id"], True, False)
    found = "select number, paid_on::text, card_last_four from public.invoices where workspace_id = %s"
    assert database.execute(found, [admin.workspace]).fetchall() == [("P-1", "2026-05-12", "4242")]
    assert ledger(admin) == [("2026-05-12", "subscription", 25)]


@pytest.mark.parametrize(
    ("invoice", "sentence"),
    [
        (usage(total="118"), "do not add up to the total"),
        (usage(lines=[{"description": "x", "amount": "99"}]), "lines do not add up to the subtotal"),
        (usage(lines=[]), "needs 1 to 200 lines"),
        (usage(provider="nobody"), "Choose the provider"),
        (usage(seller=" \n "), "needs its seller, number, date and total"),
        (usage(issued_on="2099-01-01"), "is of a day to come"),
        (
            plan("P-1", subtotal="26", total="26", lines=[{"description": "x", "amount": "26"}]),
            "is saved already, with a total of 25.00 USD.",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_whole(admin: Person, invoice: dict[str, Any], sentence: str) -> None:
    save(admin, plan())
    before = ledger(admin)
    assert sentence in admin.suspect("save_invoice", workspace=admin.workspace, invoice=invoice)
    assert ledger(admin) == before


def test_invoice_without_a_rate_is_kept_and_brings_nothing(admin: Person, database: Connection) -> None:
    save(admin, usage(currency="XAU", usd_rate=None))
    assert database.execute("select currency, total from public.invoices").fetchall() == [("XAU", 119)]
    assert ledger(admin) == []


def test_ignoring_and_deleting_take_it_out_of_the_ledger(admin: Person) -> None:
    [first] = save(admin, usage())
    admin.ask("decide_invoice", invoice=first, decision="ignored")
    assert ledger(admin) == []
    admin.ask("decide_invoice", invoice=first, decision=None)
    assert len(ledger(admin)) == 1
    admin.ask("delete_invoice", invoice=first)
    assert ledger(admin) == []


def subscribe(person: Person, amount: int = 20) -> None:
    """A subscription that renewed on 12 May and 12 June."""
    person.connection.execute(
        """insert into public.subscriptions
            (workspace_id, provider_id, plan_name, amount_usd, started_on, ended_on, renewal_day)
        select %s, id, 'Plus', %s, '2026-05-12', '2026-06-20', 12 from public.providers
        where name = 'chatgpt'""",
        [person.workspace, amount],
    )


def test_invoice_stands_in_for_the_typed_renewal_of_its_month(admin: Person) -> None:
    subscribe(admin)
    [first] = save(admin, plan())
    assert ledger(admin) == [("2026-05-12", "subscription", 25), ("2026-06-12", "subscription", 20)]
    assert admin.ask("post_due_renewals") == 0
    admin.ask("delete_invoice", invoice=first)
    assert ledger(admin) == [("2026-05-12", "subscription", 20), ("2026-06-12", "subscription", 20)]


def test_subscription_typed_after_its_invoice_is_not_counted_twice(admin: Person) -> None:
    save(admin, plan())
    subscribe(admin)
    assert ledger(admin) == [("2026-05-12", "subscription", 25), ("2026-06-12", "subscription", 20)]


@pytest.mark.parametrize(
    ("posted_on", "amount", "days"),
    [
        ("2026-05-22", "20", ["2026-05-22", "2026-06-12"]),
        ("2026-05-26", "20.90", ["2026-05-26", "2026-06-12"]),
        ("2026-05-29", "20", ["2026-05-12", "2026-05-29"]),  # 14 days before the renewal of June
        ("2026-05-27", "20", ["2026-05-12", "2026-05-27", "2026-06-12"]),  # 15 and 16 days away
        ("2026-04-20", "20", ["2026-04-20", "2026-05-12", "2026-06-12"]),
        ("2026-05-22", "100", ["2026-05-12", "2026-05-22", "2026-06-12"]),
    ],
)
def test_a_charge_of_another_day_than_typed_is_counted_once(
    admin: Person, posted_on: str, amount: str, days: list[str]
) -> None:
    subscribe(admin)
    admin.ask("save_statement_lines", lines=[card(posted_on=posted_on, amount=amount)])
    assert [day for day, *_ in ledger(admin)] == days


def test_charges_of_their_day_come_before_those_of_another(admin: Person) -> None:
    subscribe(admin)
    lines = [card("a", posted_on="2026-05-05", amount="20"), card("b", amount="20")]
    admin.ask("save_statement_lines", lines=lines)
    assert [day for day, *_ in ledger(admin)] == ["2026-05-05", "2026-05-13", "2026-06-12"]


def test_two_plans_and_one_invoice_leave_the_other_plan(admin: Person) -> None:
    subscribe(admin, 200)
    subscribe(admin, 24)
    save(admin, plan())
    assert [row[2] for row in ledger(admin)] == [25, 200, 24, 200]


def test_statement_counts_until_an_invoice_of_it_comes(admin: Person, database: Connection) -> None:
    subscribe(admin)
    assert admin.ask("save_statement_lines", lines=[card()]) == {"added": 1, "known": 0}
    assert ledger(admin) == [("2026-05-13", "subscription", 25), ("2026-06-12", "subscription", 20)]
    [first] = save(admin, plan())
    assert ledger(admin) == [("2026-05-12", "subscription", 25), ("2026-06-12", "subscription", 20)]
    assert str(database.execute("select invoice_id from public.statement_lines").fetchall()[0][0]) == first
    admin.ask("decide_invoice", invoice=first, decision="ignored")
    assert ledger(admin)[0] == ("2026-05-13", "subscription", 25)


def test_statement_again_adds_nothing_and_ignored_line_stays_away(
    admin: Person, database: Connection
) -> None:
    refund = card("b", amount="-5", posted_on="2026-05-20")
    api = card("c", kind="api", provider="openai", product="OpenAI API")
    admin.ask("save_statement_lines", lines=[card(), refund, api])
    assert ledger(admin) == [("2026-05-13", "subscription", 25), ("2026-05-20", "credit", -5)]
    [[line]] = database.execute(
        "select id from public.statement_lines where identity = repeat('a', 64)"
    ).fetchall()
    admin.ask("ignore_statement_line", line=line, is_ignored=True)
    assert admin.ask("save_statement_lines", lines=[card(), refund, api]) == {"added": 0, "known": 3}
    assert ledger(admin) == [("2026-05-20", "credit", -5)]


def test_invoice_paid_days_later_is_one_charge_unless_it_tells_another_day(admin: Person) -> None:
    save(admin, plan())
    later, other = card(posted_on="2026-05-24"), card("b", posted_on="2026-05-24", amount="24.99")
    admin.ask("save_statement_lines", lines=[later, other])
    assert [(day, cost) for day, _, cost in ledger(admin)] == [
        ("2026-05-12", 25),
        ("2026-05-24", Decimal("24.99")),
    ]
    save(admin, plan("P-2", issued_on="2026-06-12", paid_on="2026-06-12"))
    admin.ask("save_statement_lines", lines=[card("c", posted_on="2026-06-24")])
    assert [day for day, *_ in ledger(admin)][2:] == ["2026-06-12", "2026-06-24"]


def test_two_equal_charges_with_one_invoice_are_both_counted_once(admin: Person) -> None:
    save(admin, plan())
    admin.ask("save_statement_lines", lines=[card(), card("b", posted_on="2026-05-14")])
    assert ledger(admin) == [("2026-05-12", "subscription", 25), ("2026-05-14", "subscription", 25)]


def test_bill_with_the_tax_keeps_the_invoices_tax_out(admin: Person) -> None:
    save(admin, usage())
    tax = BILLED | {
        "timestamp": "2026-05-31T12:00:00Z",
        "day": "2026-05-31",
        "cost_usd": "20",
        "charge_type": "tax",
        "source_key": "11111111-1111-1111-1111-111111111111",
        "dataset": "costs",
    }
    admin.save(admin.add_source(), tax)
    admin.ask("post_due_renewals")
    assert ledger(admin) == [("2026-05-31", "tax", 20)]


def test_usage_is_summed_in_the_providers_days(admin: Person, database: Connection) -> None:
    database.execute(
        "update public.workspaces set timezone = 'America/Los_Angeles' where id = %s", [admin.workspace]
    )
    rows = [("2026-05-01T03:00:00Z", "1"), ("2026-05-15T12:00:00Z", "10"), ("2026-06-01T03:00:00Z", "100")]
    admin.save(
        admin.add_source(),
        *(
            BILLED | {"timestamp": at, "cost_usd": cost, "source_key": str(UUID(int=n)), "dataset": "costs"}
            for n, (at, cost) in enumerate(rows)
        ),
    )
    [found] = save(admin, usage())
    [figures] = admin.ask("invoice_usage", invoices=[UUID(found)])
    amounts = [Decimal(figures[name]) for name in ("usage_usd", "local_usd")]
    assert (*amounts, figures["zone"]) == (11, 110, "UTC")


def test_members_who_see_their_own_costs_only_see_no_invoice(team: Team, database: Connection) -> None:
    [found] = save(team["admin"], usage(kind="credits"))
    query = "select number from public.invoices"
    assert len(team["ann"].connection.execute(query).fetchall()) == 1
    database.execute("update public.workspaces set person_split = 'own' where id = %s", [team.id])
    assert team["ann"].connection.execute(query).fetchall() == []
    assert (
        team["ann"].ask("prepaid_credits") == team["ann"].ask("invoice_usage", invoices=[UUID(found)]) == []
    )
    assert [one["provider"] for one in team["admin"].ask("prepaid_credits")] == ["openai"]


def test_invoices_of_a_file_are_saved_together_or_not_at_all(admin: Person, database: Connection) -> None:
    wrong = plan("P-3", total="26")
    told = admin.suspect("save_invoices", workspace=admin.workspace, invoices=[usage(), plan(), wrong])
    assert "Invoice P-3: Subtotal, discount and tax do not add up to the total." in told
    assert "Nothing was saved." in told
    assert database.execute("select from public.invoices").fetchall() == []
    assert ledger(admin) == []
    assert admin.ask("save_invoices", invoices=[usage(), plan(), plan()]) == {"added": 2, "known": 1}
    assert [day for day, *_ in ledger(admin)] == ["2026-05-12", "2026-05-31"]
    told = admin.suspect("save_invoices", workspace=admin.workspace, invoices=[])
    assert "1 to 200 invoices" in told


def test_periods_that_overlap_are_each_compared_with_their_own_usage(admin: Person) -> None:
    record = BILLED | {
        "timestamp": "2026-05-20T12:00:00Z",
        "cost_usd": "7",
        "source_key": str(UUID(int=1)),
        "dataset": "costs",
    }
    admin.save(admin.add_source(), record)
    both = save(admin, usage(), usage("U-2", period_start="2026-05-15", period_end="2026-06-01"))
    figures = admin.ask("invoice_usage", invoices=[UUID(one) for one in both])
    assert [Decimal(one["usage_usd"]) for one in figures] == [7, 7]
    assert sorted(row[1] for row in ledger(admin)) == ["tax", "tax", "usage"], "usage is never added"


def test_invoice_with_a_negative_total_is_a_credit(admin: Person) -> None:
    lines = [{"description": "Refund", "amount": "-25"}]
    save(admin, plan(subtotal="-25", total="-25", lines=lines))
    assert ledger(admin) == [("2026-05-12", "credit", -25)]


def test_nobody_reaches_the_papers_of_another_workspace(
    team: Team, project: Project, database: Connection
) -> None:
    [found] = save(team["admin"], plan())
    team["admin"].ask("save_statement_lines", lines=[card("b", posted_on="2026-07-01")])
    [[line]] = database.execute("select id from public.statement_lines").fetchall()
    other = make_team(project, database, "admin", "ann")["admin"]
    before = ledger(team["admin"])
    assert "no longer exists" in other.suspect(
        "decide_invoice", workspace=other.workspace, invoice=found, decision="ignored"
    )
    other.ask("delete_invoice", invoice=UUID(found))
    other.ask("ignore_statement_line", line=line, is_ignored=True)
    other.ask("delete_statement_line", line=line)
    assert other.ask("invoice_usage", invoices=[UUID(found)]) == []
    assert other.connection.execute("select from public.invoices").fetchall() == []
    assert ledger(team["admin"]) == before
