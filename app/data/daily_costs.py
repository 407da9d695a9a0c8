"""Daily costs by provider, model, cost basis and charge type."""

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pandas as pd

from app.auth.identity import User
from app.data.preferences import load_currency
from app.data.reading import cached, call, data_version
from app.figures.currencies import Currency, convert_daily


def load_daily(user: User, first: date | None, last: date | None, project: str | None = None) -> pd.DataFrame:
    """Daily costs from `first` to `last` in the account's time zone; None leaves an end open.

    With a project only its costs; UNASSIGNED stands for costs without one.

    Columns: date, provider (slug), model, cost_basis, charge_type, cost_usd (Decimal, None = unpriced),
    amount (the same in the display currency), cost (amount as float for charts, 0 where unpriced), tokens,
    requests, records, unpriced_records.
    """
    return _daily(user, data_version(user), (first, last, project), load_currency(user))


@cached
def _daily(
    user: User,
    version: str,  # noqa: ARG001
    asked: tuple[date | None, date | None, str | None],
    currency: Currency,
) -> pd.DataFrame:
    first, last, project = asked
    params = {"from_date": first and first.isoformat(), "to_date": last and last.isoformat()}
    if project is not None:
        params["project"] = project
    return convert_daily(parse_daily(call(user, "daily_costs", **params)), currency)


def load_first_day(user: User) -> date | None:
    """The first day of all costs that the user sees; None without any."""
    return _first_day(user, data_version(user))


@cached
def _first_day(user: User, version: str) -> date | None:  # noqa: ARG001
    first = call(user, "first_cost_day")
    return None if first is None else date.fromisoformat(first)


def load_model_names(user: User) -> list[str]:
    """Names of all models that have records, sorted."""
    return _model_names(user, data_version(user))


@cached
def _model_names(user: User, version: str) -> list[str]:  # noqa: ARG001
    return cast(list[str], call(user, "model_names"))


def parse_daily(columns: dict[str, list[Any]]) -> pd.DataFrame:
    """A frame from the columns that `daily_costs` returns; see load_daily."""
    money = [None if text is None else Decimal(text) for text in columns["cost_usd"]]
    return pd.DataFrame(
        {
            "date": pd.to_datetime(pd.Series(columns["date"], dtype=object), format="%Y-%m-%d"),
            "provider": pd.Series(columns["provider"], dtype=object),
            "model": pd.Series(columns["model"], dtype=object),
            "cost_basis": pd.Series(columns["cost_basis"], dtype=object),
            "charge_type": pd.Series(columns["charge_type"], dtype=object),
            "cost_usd": pd.Series(money, dtype=object),
            "amount": pd.Series(money, dtype=object),
            "cost": pd.Series([0.0 if amount is None else float(amount) for amount in money], dtype=float),
            **{
                name: pd.Series(columns[name], dtype="int64")
                for name in ("tokens", "requests", "records", "unpriced_records")
            },
        }
    )
