"""The nightly fetch of exchange rates into public.exchange_rates."""

import time
from datetime import UTC, datetime

import httpx

from forecasting.nightly.store import Connection
from tally.core.errors import TallyError
from tally.currency.ecb import Published, RatesUnreadable, parse_archive
from tally.currency.rates import bundled_rates

HISTORY = "eurofxref-hist.zip"
MOST_BYTES = 10_000_000  # of the archive, which has less than one million
READ_SECONDS, ALL_SECONDS = 10.0, 60.0

SAVE = """
insert into public.exchange_rates (day, currency, rate)
select * from unnest(%s::date[], %s::text[], %s::numeric[])
on conflict (day, currency) do update
    set rate = excluded.rate
    where exchange_rates.rate <> excluded.rate"""


class RatesUnavailable(TallyError):
    """The bank does not answer, or not with its file."""


def save_newer_rates(connection: Connection, address: str) -> int:
    """Add the rates that were published after those installed; returns how many are new or corrected."""
    first, today = bundled_rates().newest_day, datetime.now(UTC).date()
    newer = [published for published in fetch_rates(address) if first < published[0] <= today]
    columns = [list(column) for column in zip(*newer, strict=True)] or [[], [], []]
    return connection.execute(SAVE, columns).rowcount


def fetch_rates(address: str) -> list[Published]:
    """All rates since 1999 as they are published today; raises RatesUnavailable or RatesUnreadable."""
    try:
        return parse_archive(_fetch(f"{address.rstrip('/')}/{HISTORY}"))
    except httpx.HTTPStatusError as error:
        said = f"the European Central Bank answered {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"the European Central Bank did not answer ({type(error).__name__})"
    raise RatesUnavailable(f"The newest exchange rates are missing: {said}. Those of before count on.")


def _fetch(url: str) -> bytes:
    ends = time.monotonic() + ALL_SECONDS
    content = bytearray()
    with httpx.stream("GET", url, timeout=READ_SECONDS) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > MOST_BYTES or time.monotonic() > ends:
                raise RatesUnreadable("The file of exchange rates is far larger or slower than it should be.")
    return bytes(content)
