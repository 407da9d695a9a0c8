"""Reconciliation: the parts add up to the difference exactly, and each cause is told apart."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tally.invoices.reconcile import Charge, Usage, compare, compare_plan, compare_usage, find_close_line

money = st.decimals(0, 10_000, places=2)


def bill(subtotal: str, **changes: object) -> Charge:
    """An invoice of usage in dollars, without tax."""
    values = {"total": Decimal(subtotal), "usd_rate": Decimal(1), "currency": "USD", **changes}
    return Charge("usage", subtotal=Decimal(subtotal), **values)  # type: ignore[arg-type]


def used(billed_zone: str, local: str | None = None) -> Usage:
    """Usage in the provider's days and in the workspace's."""
    return Usage(Decimal(billed_zone), Decimal(local or billed_zone))


signed = st.decimals(-10_000, 10_000, places=2)


@given(
    st.sampled_from(["usage", "subscription", "credits"]),
    st.tuples(signed, signed, money),
    st.tuples(signed, signed, signed),
    st.none() | st.decimals("0.000001", 3, places=6),
    st.sampled_from(["USD", "EUR"]),
    st.sampled_from([None, "accepted", "ignored"]),
)
def test_parts_add_up_to_every_invoice_exactly(
    kind: str,
    papers: tuple[Decimal, Decimal, Decimal],
    known: tuple[Decimal, Decimal, Decimal],
    rate: Decimal | None,
    currency: str,
    decision: str | None,
) -> None:
    subtotal, tax, discount = papers
    charge = Charge(kind, currency, subtotal, subtotal - discount + tax, tax, -discount, rate, decision)
    found = compare(charge, Usage(*known), known[0])
    if kind == "credits":
        assert found.known_usd is None
        assert found.state in ("credits", "ignored")
        return
    if rate is None and decision != "ignored":
        assert (found.state, found.parts) == ("open", {}), "nothing is said of an unknown amount"
        return
    assert found.known_usd is not None
    assert found.known_usd + found.difference == charge.total_usd
    assert sum(found.parts.values()) == found.difference
    if decision is None and found.state in ("matched", "differs"):
        assert (abs(found.unexplained) <= found.tolerance) == (found.state == "matched")


def test_difference_within_tolerance_is_matched_and_beyond_it_differs() -> None:
    assert compare_usage(bill("100.00"), used("99.00")).state == "matched"
    assert compare_usage(bill("100.00"), used("98.99")).state == "differs"
    assert compare_usage(bill("10.00"), used("9.50")).state == "matched"
    assert compare_usage(bill("10.00"), used("9.49")).state == "differs"


def test_tax_discount_and_edge_explain_their_parts() -> None:
    charge = bill("100", tax=Decimal(19), discount=Decimal(-10), total=Decimal(109))
    found = compare_usage(charge, used("100", local="97"))
    assert found.state == "matched"
    assert found.known_usd == 97
    assert found.parts == {"exchange": 0, "edge": 3, "discount": -10, "unexplained": 0, "tax": 19}


def test_exchange_rate_explains_three_percent_in_other_currencies_only() -> None:
    euro = bill("100", currency="EUR", usd_rate=Decimal("1.1"))
    assert compare_usage(euro, used("107")).parts["exchange"] == 3
    assert compare_usage(euro, used("106")).state == "differs"
    assert compare_usage(bill("110"), used("107")).state == "differs"


def test_person_decides_and_missing_facts_leave_it_open() -> None:
    assert compare_usage(bill("100", decision="accepted"), used("1")).state == "matched"
    assert compare_usage(bill("100", decision="ignored"), used("1")).state == "ignored"
    assert compare_usage(bill("100"), used("0")).state == "open"
    assert compare(bill("100", usd_rate=None), used("100"), None).state == "open"


def test_plan_at_another_price_differs_by_it() -> None:
    charge = Charge(
        "subscription", "USD", Decimal(25), Decimal("29.75"), Decimal("4.75"), usd_rate=Decimal(1)
    )
    assert compare_plan(charge, None).state == "matched"
    assert compare_plan(charge, Decimal(25)).state == "matched"
    found = compare_plan(charge, Decimal(20))
    assert (found.state, found.unexplained, found.difference) == ("differs", Decimal(5), Decimal("9.75"))


def test_credits_are_never_compared_with_usage() -> None:
    assert (
        compare(Charge("credits", "USD", Decimal(50), Decimal(50), usd_rate=Decimal(1)), None, None).state
        == "credits"
    )


def test_line_close_to_the_unexplained_amount_is_found() -> None:
    lines = [Decimal("66.98"), Decimal("4.11"), Decimal("38.42")]
    assert find_close_line(lines, Decimal("4.12")) == 1
    assert find_close_line(lines, Decimal("20")) is None
    assert find_close_line([], Decimal("4")) is None
