"""The nightly fetch of exchange rates into public.exchange_rates."""

import time
from datetime import UTC, datetime

import httpx

from forecasting.nightly.database import Connection
from tally.core.errors import TallyError
from tally.currency.ecb import Published, RatesUnreadable, parse_archive
from tally.currency.rates import bundled_rates

HISTORY = "eurofxref-hist.zip"
MAX_BYTES = 10_000_000  # of the archive, which is currently below one million
READ_SECONDS, TOTAL_SECONDS = 10.0, 60.0

SAVE = """
insert into public.exchange_rates (day, currency, rate)
select * from unnest(%s::date[], %s::text[], %s::numeric[])
on conflict (day, currency) do update
    set rate = excluded.rate
    where exchange_rates.rate <> excluded.rate"""


class RatesUnavailable(TallyError):
    """The European Central Bank does not answer, or answers with an error."""


def save_newer_rates(connection: Connection, address: str) -> int:
    """Save the rates published after the bundled ones; returns the number of new or corrected rates."""
    first, today = bundled_rates().newest_day, datetime.now(UTC).date()
    newer = [published for published in fetch_rates(address) if first < published[0] <= today]
    columns = [list(column) for column in zip(*newer, strict=True)] or [[], [], []]
    return connection.execute(SAVE, columns).rowcount


def fetch_rates(address: str) -> list[Published]:
    """Fetch all rates since 1999; raises RatesUnavailable or RatesUnreadable."""
    try:
        return parse_archive(_fetch(f"{address.rstrip('/')}/{HISTORY}"))
    except httpx.HTTPStatusError as error:
        reason = f"the European Central Bank answered {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"the European Central Bank did not answer ({type(error).__name__})"
    raise RatesUnavailable(f"The newest exchange rates are missing: {reason}. The stored rates stay in use.")


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + TOTAL_SECONDS
    content = bytearray()
    with httpx.stream("GET", url, timeout=READ_SECONDS) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES or time.monotonic() > deadline:
                raise RatesUnreadable("The file of exchange rates is far larger or slower than it should be.")
    return bytes(content)
