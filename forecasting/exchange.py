"""The nightly fetch of exchange rates into public.exchange_rates."""

from datetime import UTC, datetime

from forecasting.store import Connection
from tally.currency import bundled_rates
from tally.ecb import fetch_rates

SAVE = """
insert into public.exchange_rates (day, currency, rate)
select * from unnest(%s::date[], %s::text[], %s::numeric[])
on conflict (day, currency) do update
    set rate = excluded.rate
    where exchange_rates.rate <> excluded.rate"""


def save_newer_rates(connection: Connection, address: str) -> int:
    """Add the rates that were published after those installed; returns how many are new or corrected."""
    first, today = bundled_rates().newest_day, datetime.now(UTC).date()
    newer = [published for published in fetch_rates(address) if first < published[0] <= today]
    columns = [list(column) for column in zip(*newer, strict=True)] or [[], [], []]
    return connection.execute(SAVE, columns).rowcount
