"""The limit of the whole month: that of the oldest budget of everything."""

from datetime import date
from decimal import Decimal

from app import data
from app.auth.identity import User
from app.figures.month_limit import find_month_limit


def load_month_limit(user: User, today: date) -> Decimal | None:
    """The limit in the display currency."""
    return find_month_limit(data.load_month_limits(user), data.load_currency(user), today)
