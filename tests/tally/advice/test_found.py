"""Each kind of saving is found in records that have it, alone, and none where there is none."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from app.figures.advice_words import write_evidence
from tally.advice.evidence import find_rows, to_filters
from tally.advice.facts import Facts
from tally.advice.find import find_advice
from tally.advice.findings import Advice
from tally.advice.kept import COLUMNS, KeptAdvice, parse_kept
from tally.advice.stored import keep_advice, load_facts
from tally.storage.database import Query
from tally.storage.postgres import PostgresDatabase
from tests.database_fixtures import Connection, add_user
from tests.tally.advice.accounts import PLANTED, SONNET, TODAY, WITH_PLAN, Calls, add_account, healthy
from tests.tally.advice.pieces import keep_piece


def find(
    database: Connection, calls: Calls, plan_usd: Decimal | None = None
) -> tuple[Facts, Sequence[Advice]]:
    account = add_user(database)
    add_account(database, account, calls, plan_usd)
    database.execute("select public.fold_stale_days()")
    facts = load_facts(database, account, TODAY)
    return facts, find_advice(facts)


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_saving_is_found(database: Connection, kind: str) -> None:
    plan_usd = Decimal(100) if kind in WITH_PLAN else None
    facts, found = find(database, PLANTED[kind](Random(kind)), plan_usd)
    assert kind in [advice.kind for advice in found], facts
    account = keep(database, facts, found)
    for kept in load_kept(account):
        assert add_up_evidence(account, kept) == pytest.approx(kept.current_usd, abs=Decimal("1e-6")), kept


def keep(database: Connection, facts: Facts, found: Sequence[Advice]) -> PostgresDatabase:
    """Keep what was found in the newest account; returns its database."""
    [[account]] = database.execute(
        "select workspace_id from public.cost_records order by created_at desc limit 1"
    ).fetchall()
    keep_advice(database, account, found, facts.window)
    return PostgresDatabase(database, account)


def load_kept(account: PostgresDatabase) -> list[KeptAdvice]:
    return list(map(parse_kept, account.select(Query("advice", COLUMNS, ["id"]))))


def add_up_evidence(account: PostgresDatabase, kept: KeptAdvice) -> Decimal:
    """What the records under the link of advice cost, as a month."""
    rows = find_rows(kept)
    if rows is None:  # a plan, by its price
        [plan] = account.select(
            Query("subscriptions", "amount_usd::text", ["id"], {"id": kept.subject["subscription_id"]})
        )
        return Decimal(plan["amount_usd"])
    [provider] = account.select(Query("providers", "id", ["id"], {"name": rows.provider}))
    first, last = rows.days
    days = {"first_at": f"{first}T00:00Z", "last_at": f"{last + timedelta(days=1)}T00:00Z"}
    sums = account.call("sum_records", chosen=to_filters(rows, provider["id"]) | days)
    assert sums["unpriced"] == 0
    return sum((Decimal(spend) for _, spend, _, _ in sums["days"]), Decimal(0)) * rows.to_month


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_said_where_nothing_is_saved(database: Connection, seed: int) -> None:
    facts, found = find(database, healthy(Random(seed)))
    assert facts.active_days == 28
    assert [(advice.kind, advice.subject, advice.saving) for advice in found] == []


def test_repeats_tell_what_a_cache_answered_besides(database: Connection) -> None:
    """Answers of a gateway's cache are no repeats: they cost nothing, and what they saved is told."""
    account = add_user(database)
    add_account(database, account, PLANTED["repeats"](Random(1)))
    database.execute(
        """insert into public.cost_records (
            workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, cost_basis, request_count,
            metadata
        )
        select %s, %s, p.id, %s::date - interval '3 days' + n * interval '1 second', %s, 0, 'estimated', 1,
            '{"agent": "importer", "cache_hit": true, "cache_saved_usd": "0.01"}'
        from public.providers as p, generate_series(1, 250) as n
        where p.name = %s""",
        [account, account, TODAY, SONNET[1], SONNET[0]],
    )
    database.execute("select public.fold_stale_days()")
    found = find_advice(load_facts(database, account, TODAY))
    [advice] = [one for one in found if one.kind == "repeats"]
    assert (advice.evidence["answered"], advice.evidence["answered_usd"]) == (250, "2.5")
    kept = keep_piece(advice, datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC))
    told = write_evidence(kept, lambda usd: f"{usd:.2f} dollars")
    assert "A cache answered 250 others and saved 2.50 dollars." in told.replace("\\", "")
