"""Exchange rates in the database, which continue those installed with Tally."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tally.currency.ecb import Published
from tally.currency.rates import Rates, bundled_rates
from tally.storage.database import Database, Query, select_all


def load_rates(database: Database) -> Rates:
    """The bundled history and the rates that nightly runs have fetched since."""
    query = Query("exchange_rates", "day,currency,rate::text", ["day", "currency"])
    return join_rates(
        (date.fromisoformat(row["day"]), row["currency"], Decimal(row["rate"]))
        for row in select_all(database, query)
    )


def join_rates(rows: Iterable[Published]) -> Rates:
    """The bundled history and these rows of the database."""
    newer = [(day, currency, Decimal(rate)) for day, currency, rate in rows]
    return bundled_rates().join(newer) if newer else bundled_rates()
