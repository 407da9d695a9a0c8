"""Each kind of saving is found in records that have it, alone, and none where there is none."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest

from tally.advice.facts import Facts
from tally.advice.find import find_advice
from tally.advice.findings import Advice
from tally.advice.stored import load_facts
from tests.database_fixtures import Connection, add_user
from tests.tally.advice.accounts import PLANTED, TODAY, WITH_PLAN, Calls, add_account, healthy


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


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_said_where_nothing_is_saved(database: Connection, seed: int) -> None:
    facts, found = find(database, healthy(Random(seed)))
    assert facts.active_days == 28
    assert [(advice.kind, advice.subject, advice.saving) for advice in found] == []
