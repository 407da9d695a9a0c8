"""Cost records, their identities, and the instants of whole days."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.core.encoding import canonical_decimal
from tally.core.records import ChargeType, CostRecord, InvalidRecord, day_instant, identity, to_columns
from tests.every_case import every_case

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PARTS = st.lists(
    st.one_of(
        st.none(),
        st.text(max_size=5),
        st.integers(),
        st.decimals(allow_nan=False, allow_infinity=False, places=3),
    )
)


def record(
    model_name: str = "gpt-5.5",
    cost_usd: Decimal | None = Decimal("1.5"),
    timestamp: datetime = NOON,
    input_tokens: int = 0,
    charge_type: ChargeType = "usage",
) -> CostRecord:
    return CostRecord(
        provider="openai",
        timestamp=timestamp,
        model_name=model_name,
        cost_usd=cost_usd,
        source_key=identity("a"),
        input_tokens=input_tokens,
        charge_type=charge_type,
    )


def test_columns_keep_every_decimal_and_those_of_defaults_are_left_out() -> None:
    columns = to_columns([record(cost_usd=Decimal("1E-10"), input_tokens=7), record()])
    assert json.loads(json.dumps(columns)) == {
        "provider": ["openai"] * 2,
        "timestamp": ["2026-11-02T12:00:00+00:00"] * 2,
        "model_name": ["gpt-5.5"] * 2,
        "cost_usd": ["0.0000000001", "1.5"],
        "source_key": [str(identity("a"))] * 2,
        "collection_method": ["csv_import"] * 2,
        "input_tokens": [7, 0],
    }
    assert "collection_method" not in to_columns([record()], "csv_import")


def test_columns_of_the_ledger_are_sent_beside_the_metadata() -> None:
    ledger = replace(
        record(),
        day=NOON.date(),
        request_id="msg_1",
        billing_account="openai:work",
        dataset="openai_api_usage",
        billed_under_other_name=True,
    )
    usual = to_columns([record()] * 2)
    columns = to_columns([record(), ledger])
    assert {name: column for name, column in columns.items() if name not in usual} == {
        "day": [None, "2026-11-02"],
        "request_id": [None, "msg_1"],
        "billing_account": [None, "openai:work"],
        "dataset": ["requests", "openai_api_usage"],
        "billed_under_other_name": [False, True],
    }


@every_case(
    [
        (lambda: record(model_name=""), "the model name has 0 characters; 1 to 200 are possible"),
        (lambda: record(model_name="m" * 201), "the model name has 201 characters; 1 to 200 are possible"),
        (
            lambda: record(cost_usd=Decimal(-1)),
            "the cost is negative, which only a credit or an adjustment may be",
        ),
        (lambda: record(cost_usd=Decimal("NaN")), "the cost is beyond 100,000,000 dollars"),
        (lambda: record(cost_usd=Decimal("1e8")), "the cost is beyond 100,000,000 dollars"),
        (lambda: record(cost_usd=None), "a bill cannot be without an amount"),
        (
            lambda: replace(record(), request_id="r" * 301),
            "the request id has 301 characters; 1 to 300 are possible",
        ),
        (
            lambda: replace(record(), billing_account="b" * 201),
            "the billing account has 201 characters; 1 to 200 are possible",
        ),
        (lambda: record(input_tokens=-1), "a count of tokens or requests is negative or beyond 10^15"),
        (lambda: record(timestamp=datetime(2026, 11, 2)), "the time is not in UTC"),  # noqa: DTZ001
        (lambda: record(timestamp=NOON.astimezone(timezone(timedelta(hours=1)))), "the time is not in UTC"),
    ]
)
def test_record_that_the_database_would_refuse_cannot_be_created(make: object, reason: str) -> None:
    with pytest.raises(InvalidRecord) as invalid:
        make()  # type: ignore[operator]
    assert str(invalid.value) == reason


def test_credit_and_adjustment_may_be_negative() -> None:
    for charge_type in ("credit", "adjustment"):
        assert record(cost_usd=Decimal(-1), charge_type=charge_type).cost_usd == -1


@given(PARTS, PARTS)
def test_only_the_same_parts_have_the_same_identity(first: list[object], second: list[object]) -> None:
    same = [(type(part), part) for part in first] == [(type(part), part) for part in second]
    assert (identity(*first) == identity(*second)) == same  # type: ignore[arg-type]


def test_identity_does_not_depend_on_how_a_number_or_a_time_is_written() -> None:
    assert identity(Decimal("1.50")) == identity(Decimal("15E-1"))
    assert identity(NOON) == identity(NOON.astimezone(ZoneInfo("Asia/Kathmandu")))
    assert identity("1") != identity(1)
    assert identity("a", "b") != identity("a1:b")


def test_canonical_decimals() -> None:
    assert [canonical_decimal(Decimal(text)) for text in ("1.50", "100", "1E+2", "-0", "0.00", "-2.10")] == [
        "1.5",
        "100",
        "100",
        "0",
        "0",
        "-2.1",
    ]


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Pacific/Kiritimati", "Pacific/Auckland", "Etc/GMT+12", "Asia/Kathmandu", "America/New_York"],
)
@given(day=st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_day_stays_that_day_in_the_timezone(zone: str, day: date) -> None:
    assert day_instant(day, zone).astimezone(ZoneInfo(zone)).date() == day
