"""Advice in accounts with and without a planted saving, coverage of verified savings, time of a replay.

Twenty accounts have one planted saving each, twenty have none; records are read and searched as at night. A
verified saving is compared with the truth of simulated series: 56 days before a change and 28 after, trends
of volume, noise that lasts a little, a share of 30% saved. The replay reads 100,000 requests and prices them
on another model.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from time import perf_counter
from uuid import UUID

from bench.measurement import Measurement, Options
from bench.schemas import Connection, make_schema
from tally.advice.find import find_advice
from tally.advice.stored import load_facts
from tally.pricing.replay import replay
from tally.pricing.scenarios import Scenario, Target
from tally.storage.postgres import PostgresDatabase
from tests.database.cluster import Cluster
from tests.database_fixtures import add_user
from tests.tally.advice.accounts import DAYS as WITH_DAYS
from tests.tally.advice.accounts import OPUS, PLANTED, TODAY, WITH_PLAN, add_account, healthy, single
from tests.tally.advice.test_savings import covers

ACCOUNTS, SERIES, REQUESTS = 20, 2_000, 100_000
LEAST_FOUND, MOST_FALSE, LEAST_COVERED, REPLAY_SECONDS = 18, 1, 0.93, 20.0


def measure(options: Options) -> Iterator[Measurement]:
    """Measure what is found, what is covered, and how long a replay takes."""
    accounts, series, requests = (options.scaled(full) for full in (ACCOUNTS, SERIES, REQUESTS))
    with Cluster.embedded() as cluster, make_schema(cluster).connect() as database:
        found, false = search(database, accounts)
        taken = time_replay(database, requests)
    least, most = LEAST_FOUND * accounts / ACCOUNTS, max(1, MOST_FALSE * accounts // ACCOUNTS)
    yield Measurement(f"planted savings found, of {accounts}", found, "", None, found, least, True)
    yield Measurement(f"accounts with a false one, of {accounts}", false, "", None, false, most)
    covered = sum(map(covers, range(series))) / series
    yield Measurement(
        "verified savings within their interval", covered, "", None, covered, LEAST_COVERED, True
    )
    yield Measurement(f"replay of {requests:,} requests", taken, "s", None, taken, REPLAY_SECONDS)


def search(database: Connection, accounts: int) -> tuple[int, int]:
    """Accounts whose planted saving was found, and accounts without one in which something was."""
    kinds = list(PLANTED)
    found = false = 0
    for nth in range(accounts):
        kind = kinds[nth % len(kinds)]
        plan_usd = Decimal(100) if kind in WITH_PLAN else None
        planted, plain = add_user(database), add_user(database)
        add_account(database, planted, PLANTED[kind](Random(f"{kind} {nth}")), plan_usd)
        add_account(database, plain, healthy(Random(f"plain {nth}")))
        database.execute("select public.fold_stale_days()")
        found += kind in list_kinds(database, planted)
        false += bool(list_kinds(database, plain))
    return found, false


def list_kinds(database: Connection, account: UUID) -> set[str]:
    """The kinds of advice about an account."""
    return {advice.kind for advice in find_advice(load_facts(database, account, TODAY))}


def time_replay(database: Connection, requests: int) -> float:
    """Seconds of reading requests and pricing them on another model."""
    account = add_user(database)
    add_account(database, account, single(Random(1), OPUS, -(-requests // WITH_DAYS), (4_000, 400)))
    scenario = Scenario({OPUS[1]: Target("gpt-5.4", "openai")})
    first = TODAY - timedelta(days=WITH_DAYS)
    owner = PostgresDatabase(database, account)
    started = perf_counter()
    found = replay(owner, scenario, first, TODAY)
    taken = perf_counter() - started
    assert found.requests >= requests, found.requests
    return taken
