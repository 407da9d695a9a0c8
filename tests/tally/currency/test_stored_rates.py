"""Rates fetched by nightly runs, read by accounts page by page."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tally.currency.rates import bundled_rates, to_usd
from tally.currency.stored_rates import load_rates
from tally.local.stack import Stack
from tests.shared_connections import operator_connection
from tests.tally.people import TRANSPORTS, acting, sign_up

DAYS = 60


def fetched_day(number: int) -> date:
    """One of the days with a fetched rate, counted from 0."""
    return bundled_rates().newest_day + timedelta(days=1 + number)


@pytest.fixture
def fetched(stack: Stack) -> Iterator[None]:
    """More rates than a page of the API: on day n a euro is n dollars or n and a half zloty."""
    codes = [code for code in bundled_rates().list_current(date(2020, 1, 1)) if code != "EUR"]
    rows = [
        (fetched_day(number), code, Decimal(number + 1) + (Decimal("0.5") if code == "PLN" else 0))
        for number in range(DAYS)
        for code in codes
    ]
    assert len(rows) > 1000
    with operator_connection(stack, autocommit=True) as job:
        job.execute("delete from public.exchange_rates")
        job.cursor().executemany(
            "insert into public.exchange_rates (day, currency, rate) values (%s, %s, %s)", rows
        )
        yield
        job.execute("delete from public.exchange_rates")


@pytest.mark.usefixtures("fetched")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_fetched_rates_continue_the_bundled_ones(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        rates = load_rates(database)
    assert rates.newest_day == fetched_day(DAYS - 1)
    assert to_usd(Decimal(1), "EUR", fetched_day(0), rates) == 1
    assert to_usd(Decimal(1), "EUR", fetched_day(DAYS + 100), rates) == DAYS
    assert to_usd(Decimal(3), "PLN", fetched_day(0), rates) == 2
    before = bundled_rates().newest_day
    assert to_usd(Decimal(1), "EUR", before, rates) == to_usd(Decimal(1), "EUR", before)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_fetched_rates_only_the_bundled_ones_apply(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        assert load_rates(database) is bundled_rates()
