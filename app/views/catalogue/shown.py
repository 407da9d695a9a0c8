"""The catalogue of a workspace: its mix, prices, models and use, as all parts of the page show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app import data
from app.auth.identity import User
from app.figures.catalogue import Key, classes_of
from app.figures.price_mix import Mix
from app.formats.money import format_money
from app.parts.mix import DAYS, describe_mix, load_mix
from tally.catalog.entries import Entry
from tally.pricing.catalogue_prices import USUAL_MIX, PricedEntry, price_entry
from tally.pricing.custom_models import make_entries
from tally.pricing.custom_prices import CustomPrices


@dataclass(frozen=True, slots=True)
class Shown:
    """A day's catalogue; amounts of use are in the display currency."""

    today: date
    mix: Mix | None
    custom: CustomPrices
    own: tuple[Entry, ...]
    used: Mapping[Key, Decimal]
    currency: str

    @property
    def shares(self) -> Mapping[str, Decimal]:
        """The mix by class, for a workspace without one the usual."""
        return USUAL_MIX if self.mix is None else classes_of(self.mix)

    def price(self, entry: Entry) -> PricedEntry:
        """A model with its prices."""
        return price_entry(entry, self.shares, self.custom, self.today)

    def describe_mix(self) -> str:
        """The mix in words."""
        if self.mix is None:
            return "75% input and 25% output, until you have tokens of your own"
        return f"my mix of 90 days: {describe_mix(self.mix)}"

    def describe_use(self, entry: Entry) -> str:
        """The spend on a model; empty for none."""
        spent = self.used.get(entry.key)
        return "" if spent is None else format_money(spent, self.currency)


def load_shown(user: User, today: date) -> Shown:
    """The catalogue of the user's workspace."""
    daily = data.load_daily(user, today - DAYS, today)
    used: dict[Key, Decimal] = {}
    for provider, model, amount in zip(daily["provider"], daily["model"], daily["amount"], strict=True):
        used[provider, model] = used.get((provider, model), Decimal(0)) + (amount or Decimal(0))
    return Shown(
        today,
        load_mix(user, today),
        data.load_workspace_prices(user).custom,
        tuple(make_entries(data.load_custom_models(user))),
        used,
        data.load_currency(user).code,
    )
