"""Reconciliation: an invoice less the usage that Tally knows, in parts that add up exactly."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tally.core.amounts import round_amount

State = Literal["open", "matched", "differs", "ignored", "credits"]
PARTS = ("exchange", "edge", "discount", "unexplained", "tax")
ZERO = Decimal(0)
MIN_TOLERANCE, TOLERANCE_SHARE = Decimal("0.50"), Decimal("0.01")
# The rate of a card or a seller differs from the central bank's by 1 to 3%.
EXCHANGE_SHARE = Decimal("0.03")
LINE_SHARE, MIN_LINE_DIFFERENCE = Decimal("0.05"), Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Charge:
    """The amounts of an invoice in its currency; `usd_rate` is None where that has no rate."""

    kind: str
    currency: str
    subtotal: Decimal
    total: Decimal
    tax: Decimal = ZERO
    discount: Decimal = ZERO
    usd_rate: Decimal | None = None
    decision: str | None = None

    def to_usd(self, amount: Decimal) -> Decimal:
        """An amount of the invoice in US dollars; 0 without a rate."""
        return round_amount(amount * (self.usd_rate or ZERO))

    @property
    def total_usd(self) -> Decimal:
        """The sum of its converted parts, which rounding cannot divide."""
        return self.to_usd(self.subtotal) + self.to_usd(self.discount) + self.to_usd(self.tax)


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of the invoice's period: in the provider's days, in the workspace's, and of its last day."""

    billed_zone_usd: Decimal
    local_usd: Decimal
    last_day_usd: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Comparison:
    """The state of an invoice, and the parts of its difference to what Tally has."""

    state: State
    known_usd: Decimal | None = None  # before tax
    parts: dict[str, Decimal] = field(default_factory=dict)
    tolerance: Decimal = ZERO

    @property
    def unexplained(self) -> Decimal:
        """The part without a reason."""
        return self.parts.get("unexplained", ZERO)

    @property
    def difference(self) -> Decimal:
        """The sum of the parts."""
        return sum(self.parts.values(), ZERO)


def compare_usage(charge: Charge, usage: Usage) -> Comparison:
    """Compare an invoice of usage with the usage of its period."""
    known, net = usage.billed_zone_usd, charge.to_usd(charge.subtotal)
    difference = net - known
    is_exchange = (
        charge.currency != "USD" and abs(difference) <= EXCHANGE_SHARE * abs(net) and bool(difference)
    )
    parts = {
        "exchange": difference if is_exchange else ZERO,
        "edge": known - usage.local_usd,
        "discount": charge.to_usd(charge.discount),
        "unexplained": ZERO if is_exchange else difference,
        "tax": charge.to_usd(charge.tax),
    }
    has_usage = bool(usage.billed_zone_usd or usage.local_usd)
    return _decide(charge, usage.local_usd, parts, is_known=has_usage)


def compare_plan(charge: Charge, planned_usd: Decimal | None) -> Comparison:
    """Compare an invoice of a plan with the subscription that it stands in for, if there is one."""
    net = charge.to_usd(charge.subtotal) + charge.to_usd(charge.discount)
    known = net if planned_usd is None else planned_usd
    parts = {"unexplained": net - known, "tax": charge.to_usd(charge.tax)}
    return _decide(charge, known, parts, is_known=True)


def compare(charge: Charge, usage: Usage | None, planned_usd: Decimal | None) -> Comparison:
    """Compare an invoice of any kind with what Tally has."""
    if charge.kind == "credits":
        return Comparison("ignored" if charge.decision == "ignored" else "credits")
    if charge.kind == "subscription":
        return compare_plan(charge, planned_usd)
    return compare_usage(charge, usage or Usage(ZERO, ZERO))


def _decide(charge: Charge, known: Decimal, parts: dict[str, Decimal], is_known: bool) -> Comparison:
    tolerance = max(MIN_TOLERANCE, round_amount(TOLERANCE_SHARE * abs(charge.to_usd(charge.subtotal))))
    state: State
    if charge.decision == "ignored":
        state = "ignored"
    elif charge.usd_rate is None:
        return Comparison("open")
    elif charge.decision == "accepted" or abs(parts["unexplained"]) <= tolerance:
        state = "matched"
    else:
        state = "differs" if is_known else "open"
    return Comparison(state, known, parts, tolerance)


def find_close_line(amounts_usd: Sequence[Decimal], unexplained: Decimal) -> int | None:
    """The line of an invoice whose amount is closest to what is unexplained; None if none is close."""
    if not amounts_usd or not unexplained:
        return None
    best = min(range(len(amounts_usd)), key=lambda place: abs(amounts_usd[place] - unexplained))
    allowed = max(MIN_LINE_DIFFERENCE, LINE_SHARE * abs(unexplained))
    return best if abs(amounts_usd[best] - unexplained) <= allowed else None
