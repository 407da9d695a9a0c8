"""The limit of the whole month: that of the oldest budget of everything, else the one in Settings."""

from datetime import date
from decimal import Decimal

from app import data
from app.auth.identity import User
from app.figures.month_limit import find_month_limit
from app.parts.limits import read_limit


def load_month_limit(user: User, today: date) -> Decimal | None:
    """The limit in the display currency."""
    currency = data.load_currency(user)
    limit = find_month_limit(data.load_month_limits(user), currency, today)
    return limit or read_limit(data.load_preferences(user), currency, today)
