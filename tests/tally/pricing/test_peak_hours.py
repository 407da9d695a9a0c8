"""DeepSeek's peak hours: from their first day on, on weekdays, and never for records that are dates."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tally.core.records import day_instant
from tally.pricing.list_prices import price
from tally.pricing.usage import Usage
from tests.every_case import every_case

MILLION = 1_000_000
ONE_OF_EACH = Usage(input_tokens=2 * MILLION, cached_input_tokens=MILLION, output_tokens=MILLION)


def cost_of(model: str, at: datetime) -> Decimal:
    cost_usd = price("deepseek", model, ONE_OF_EACH, at).cost_usd
    assert cost_usd is not None
    return cost_usd


@every_case(
    [
        # Before the first peak hours; the list has them on every day.
        ("deepseek-v4-flash", datetime(2026, 6, 1, 2, tzinfo=UTC), "0.4228"),
        ("deepseek-v4-pro", datetime(2026, 8, 14, 7, 30, tzinfo=UTC), "1.308625"),
        # 2026-08-17 is a Monday.
        ("deepseek-v4-flash", datetime(2026, 8, 17, 0, 59, 59, tzinfo=UTC), "0.887"),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 1, tzinfo=UTC), "1.774"),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 3, 59, 59, tzinfo=UTC), "1.774"),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 4, tzinfo=UTC), "0.887"),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 6, tzinfo=UTC), "1.774"),
        ("deepseek-v4-flash", datetime(2026, 8, 17, 10, tzinfo=UTC), "0.887"),
        ("deepseek-v4-pro", datetime(2026, 8, 18, 8, 15, tzinfo=UTC), "5.324"),
        ("deepseek-v4-pro", datetime(2026, 8, 18, 12, 15, tzinfo=UTC), "2.662"),
        # The first weekend still had them.
        ("deepseek-v4-pro", datetime(2026, 8, 22, 8, 15, tzinfo=UTC), "5.324"),
        ("deepseek-v4-pro", datetime(2026, 8, 23, 8, 15, tzinfo=UTC), "2.662"),
        ("deepseek-v4-pro", datetime(2026, 11, 21, 2, tzinfo=UTC), "2.662"),
        ("deepseek-v4-pro", datetime(2026, 11, 23, 2, tzinfo=UTC), "5.324"),
        # The prices since 2026-09-10.
        ("deepseek-v4-flash", datetime(2026, 9, 9, 8, 1, tzinfo=UTC), "1.774"),
        ("deepseek-v4-flash", datetime(2026, 9, 10, 8, 1, tzinfo=UTC), "1.506"),
        ("deepseek-v4-flash", datetime(2026, 9, 12, 8, 1, tzinfo=UTC), "0.753"),
        ("deepseek-flash", datetime(2026, 11, 24, 8, 1, tzinfo=UTC), "1.506"),
        ("deepseek-flash", datetime(2026, 11, 24, 20, 1, tzinfo=UTC), "0.753"),
    ]
)
def test_request_has_the_price_of_its_hour(model: str, at: datetime, expected: str) -> None:
    assert cost_of(model, at) == Decimal(expected)


@every_case(
    [(timezone,) for timezone in ["UTC", "Pacific/Auckland", "Pacific/Kiritimati", "Pacific/Pago_Pago"]]
)
def test_record_of_a_day_has_the_usual_price(timezone: str) -> None:
    tuesday = day_instant(date(2026, 11, 24), timezone)
    assert cost_of("deepseek-v4-pro", tuesday) == Decimal("2.662")
