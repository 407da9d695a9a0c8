"""Exchange rates: the rate of the day or the one before it, and refusals of currencies without a rate."""

import io
from datetime import date, timedelta
from decimal import Decimal
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.core.amounts import SMALLEST_AMOUNT
from tally.currency.ecb import RatesUnreadable, parse_archive
from tally.currency.rates import (
    CurrencyUnknown,
    Rates,
    bundled_rates,
    find_rate,
    from_usd,
    to_usd,
)
from tally.importers import Options, generic, openai_cost, read_table
from tally.importers.readers.currencies import split_currency
from tests.every_case import every_case

FRIDAY, SATURDAY, MONDAY = date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 2)
# The bank's rates of that Friday: units per euro.
USD, JPY = Decimal("1.1172"), Decimal("175.68")


def made(*rows: str) -> Rates:
    """Rates from texts such as `2026-11-02 USD 1.1`."""
    cells = [row.split() for row in rows]
    return Rates((date.fromisoformat(day), code, Decimal(rate)) for day, code, rate in cells)


WEEK = made(
    "2026-10-29 USD 1.25",
    "2026-10-29 GBP 0.5",
    "2026-10-30 USD 1.2",
    "2026-11-02 USD 1.6",
    "2026-11-02 GBP 0.8",
)


def test_dollars_are_not_converted() -> None:
    amount = Decimal("0.1234567890123")
    assert to_usd(amount, "USD", FRIDAY) is amount
    assert from_usd(amount, "USD", date(1970, 1, 1)) is amount


def test_amounts_are_converted_at_the_published_rate() -> None:
    assert to_usd(Decimal(100), "EUR", FRIDAY) == 100 * USD
    assert to_usd(Decimal(17568), "JPY", FRIDAY) == (17568 / JPY * USD).quantize(SMALLEST_AMOUNT)
    assert abs(from_usd(100 * USD, "EUR", FRIDAY) - 100) < Decimal("1e-20")
    assert abs(from_usd(USD, "JPY", FRIDAY) - JPY) < Decimal("1e-20")


@pytest.mark.parametrize("day", [SATURDAY, date(2026, 11, 1)])
def test_a_weekend_has_the_rate_of_friday(day: date) -> None:
    assert to_usd(Decimal(10), "EUR", day, WEEK) == 12
    assert find_rate("EUR", day, WEEK).day == FRIDAY
    assert to_usd(Decimal(10), "EUR", MONDAY, WEEK) == 16


def test_a_missing_day_of_one_currency_has_its_previous_rate() -> None:
    assert to_usd(Decimal(1), "GBP", FRIDAY, WEEK) == Decimal("1.2") / Decimal("0.5")
    assert find_rate("GBP", FRIDAY, WEEK).day == date(2026, 10, 29)


def test_the_newest_rate_stays_valid() -> None:
    assert to_usd(Decimal(1), "EUR", date(2031, 1, 1), WEEK) == Decimal("1.6")


def test_christmas_has_the_previous_rate() -> None:
    assert find_rate("EUR", date(2025, 12, 26)).day == date(2025, 12, 24)


@every_case(
    [
        ("BRL", "2007-12-31", "has no rate of BRL before 2 Jan 2008; convert it to US dollars first."),
        ("EUR", "1998-12-31", "has no rate of USD before 4 Jan 1999; convert it to US dollars first."),
        (
            "HRK",
            "2023-01-01",
            "HRK became the euro on 1 January 2023; enter later amounts in EUR.",
        ),
        (
            "BGN",
            "2026-05-01",
            "BGN became the euro on 1 January 2026; enter later amounts in EUR.",
        ),
        ("RUB", "2022-04-01", "published its last rate of RUB on 1 Mar 2022; convert later amounts"),
        ("ISK", "2012-06-01", "paused its rate of ISK on 9 Dec 2008; convert later amounts"),
        ("DEM", "2026-05-01", "publishes no rate of DEM; convert it to US dollars first."),
        ("a\nb" * 99, "2026-05-01", "publishes no rate of 'a\\nba\\nba\\nba\\nba\\nba\\nba\\n"),
    ]
)
def test_a_currency_without_a_rate_is_refused_with_a_reason(currency: str, day: str, reason: str) -> None:
    for convert in (to_usd, from_usd):
        with pytest.raises(CurrencyUnknown) as refused:
            convert(Decimal(1), currency, date.fromisoformat(day))
        assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("currency", "last_day", "per_euro", "usd"),
    [("HRK", "2022-12-31", "7.5365", "1.0666"), ("BGN", "2025-12-31", "1.9558", "1.1750")],
)
def test_a_currency_that_ended_keeps_its_rates_until_then(
    currency: str, last_day: str, per_euro: str, usd: str
) -> None:
    expected = Decimal(usd) / Decimal(per_euro)
    assert abs(to_usd(Decimal(1), currency, date.fromisoformat(last_day)) - expected) < Decimal("1e-9")


def test_current_currencies_have_a_rate_on_every_day() -> None:
    current = bundled_rates().list_current(date(2020, 1, 1))
    assert {"EUR", "USD", "JPY", "ISK"} <= set(current)
    assert not {"HRK", "BGN", "RUB", "LTL"} & set(current)
    assert "ISK" not in bundled_rates().list_current(date(2015, 1, 1))


def test_a_currency_may_miss_single_days_but_not_pause() -> None:
    start = date(2026, 1, 1)
    days = [start + timedelta(number) for number in range(60)]
    published = [(day, "USD", Decimal(1)) for day in days]
    now_and_then = [(day, "AAA", Decimal(2)) for number, day in enumerate(days) if number % 4 < 2]
    paused = [(day, "BBB", Decimal(2)) for number, day in enumerate(days) if not 20 <= number < 24]
    assert Rates(published + now_and_then + paused).list_current(start) == ["AAA", "EUR", "USD"]


def test_joined_rates_replace_rates_of_the_same_day() -> None:
    joined = WEEK.join([(FRIDAY, "USD", Decimal(2)), (date(2026, 11, 3), "USD", Decimal(3))])
    assert to_usd(Decimal(1), "EUR", SATURDAY, joined) == 2
    assert to_usd(Decimal(1), "EUR", date(2026, 11, 5), joined) == 3
    assert to_usd(Decimal(1), "EUR", date(2026, 10, 29), joined) == Decimal("1.25")


@settings(deadline=None)
@given(
    st.decimals("-99999999", "99999999", places=10),
    st.deferred(lambda: st.sampled_from(bundled_rates().list_current(date(2020, 1, 1)))),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
def test_converting_there_and_back_restores_the_amount(amount: Decimal, currency: str, day: date) -> None:
    assert abs(to_usd(from_usd(amount, currency, day), currency, day) - amount) < Decimal("1e-9")


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=2, unique=True),
    st.integers(0, 500),
    st.integers(1, 10**6),
)
def test_a_later_rate_never_applies(offsets: list[int], asked: int, later_rate: int) -> None:
    start = date(2025, 1, 1)
    published = [(start + timedelta(offset), "USD", Decimal(offset + 1)) for offset in offsets]
    day = start + timedelta(asked)
    if day < min(published)[0]:
        return
    later = Rates([*published, (day + timedelta(1), "USD", Decimal(later_rate))])
    assert to_usd(Decimal(1), "EUR", day, Rates(published)) == to_usd(Decimal(1), "EUR", day, later)


def archive(text: str, name: str = "eurofxref-hist.csv") -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as made_archive:
        made_archive.writestr(name, text)
    return buffer.getvalue()


def damaged() -> bytes:
    """An archive whose text is said to be packed, and is not."""
    content = bytearray(archive("Date,USD\n2026-11-20,1.5\n"))
    for head, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        content[content.index(head) + place] = ZIP_DEFLATED
    return bytes(content)


def test_archive_of_the_bank_is_parsed_with_gaps_and_trailing_commas() -> None:
    text = "Date,USD,JPY,HRK,\n2026-11-20,1.5,N/A,N/A,\n2026-11-19,1.4,180,,\n"
    assert parse_archive(archive(text)) == [
        (date(2026, 11, 20), "USD", Decimal("1.5")),
        (date(2026, 11, 19), "USD", Decimal("1.4")),
        (date(2026, 11, 19), "JPY", Decimal(180)),
    ]


def test_invalid_rates_are_skipped() -> None:
    text = (
        "Date,USD,JPY,<b>\n2026-11-20,-1,0,1\nyesterday,1,2,3\n\n2026-11-19,NaN,Infinity,1\n"
        "2026-11-18,1e99,x\n2026-11-17,1.5\n"
    )
    assert parse_archive(archive(text)) == [(date(2026, 11, 17), "USD", Decimal("1.5"))]


@every_case(
    [
        (content,)
        for content in [
            b"",
            b"<html>maintenance</html>",
            archive("Date,JPY\n2026-11-20,1\n"),
            archive("no rates here"),
            archive("x", "readme.txt"),
            archive("Date,USD\n" + "0" * 31_000_000),
            archive("Date,USD\n2026-11-20,1.5\n")[:-30],
            damaged(),
        ]
    ]
)
def test_any_other_file_is_refused(content: bytes) -> None:
    with pytest.raises(RatesUnreadable):
        parse_archive(content)


@every_case(
    [
        ("€12.50", "EUR", "12.50"),
        ("12,50 €", "EUR", "12,50"),
        ("-€5", "EUR", "-5"),
        ("€-5", "EUR", "-5"),
        ("(£1,234.50)", "GBP", "(1,234.50)"),
        ("EUR 5", "EUR", "5"),
        ("5 eur", "EUR", "5"),
        ("CHF 1'200.00", "CHF", "1'200.00"),
        ("CA$5", "CAD", "5"),
        ("$5", "", "$5"),
        ("5 USD", "", "5 USD"),
        ("1e5", "", "1e5"),
        ("5 ¥", "", "5 ¥"),
        ("€5 GBP", "", "€5 GBP"),
        ("NaN", "", "NaN"),
        ("", "", ""),
    ]
)
def test_currency_beside_an_amount_is_split_off(cell: str, currency: str, number: str) -> None:
    assert split_currency(cell) == (number, currency)


def costs(text: str, rates: Rates | None = None) -> list[Decimal | None]:
    parsed = generic.parse(read_table(text.encode(), "costs.csv"), Options(rates=rates))
    assert parsed.rejected == []
    return [record.cost_usd for record in parsed.records]


def test_rows_are_converted_at_the_rates_of_their_days() -> None:
    rows = "2026-10-30,10,EUR\n2026-10-31,10,eur\n2026-11-02,10,€\n2026-11-02 23:59,4,GBP\n2026-11-02,7,USD\n"
    assert costs(f"date,cost,currency\n{rows}", WEEK) == [12, 12, 16, 8, 7]


def test_sign_beside_the_amount_sets_its_currency() -> None:
    rows = '2026-10-30,€10\n2026-10-30,"1.000,50 €"\n2026-10-30,"7,00"\n'
    assert costs(f"date,cost\n{rows}", WEEK) == [12, Decimal("1200.6"), 7]


@every_case([(heading,) for heading in ["Cost (EUR)", "amount_eur", "Cost (€)", "Total cost EUR"]])
def test_heading_sets_the_currency_of_its_column(heading: str) -> None:
    assert costs(f"date,{heading}\n2026-10-30,10\n", WEEK) == [12]


def test_dollar_sign_means_the_dollar_of_its_column() -> None:
    rates = made("2026-10-30 USD 1.2", "2026-10-30 AUD 2.4")
    assert costs("date,cost,currency\n2026-10-30,$10,AUD\n", rates) == [5]


def test_original_amount_and_rate_are_stored() -> None:
    [record] = generic.parse(
        read_table(b"date,cost,currency\n2026-11-01,10.50,EUR\n", "costs.csv"), Options(rates=WEEK)
    ).records
    assert record.cost_usd == Decimal("12.6")
    assert record.metadata == {
        "original_amount": "10.5",
        "original_currency": "EUR",
        "exchange_rate": "0.83333333",
        "rate_day": "2026-10-30",
    }


def test_row_keeps_its_identity_when_its_rate_changes() -> None:
    table = read_table(b"date,cost,currency\n2026-11-03,10,EUR\n", "costs.csv")
    later = WEEK.join([(date(2026, 11, 3), "USD", Decimal(2))])
    early, restated = (generic.parse(table, Options(rates=rates)).records[0] for rates in (WEEK, later))
    assert [early.cost_usd, restated.cost_usd] == [16, 20]
    assert early.source_key == restated.source_key


def test_same_amount_in_two_currencies_is_two_events() -> None:
    parsed = generic.parse(
        read_table(b"date,cost,currency\n2026-10-30,5,EUR\n2026-10-30,5,USD\n", "costs.csv"), Options()
    )
    assert len({record.source_key for record in parsed.records}) == 2


def test_row_in_a_currency_that_ended_is_rejected_alone() -> None:
    text = b"date,cost,currency\n2022-06-01,75,HRK\n2023-06-01,75,HRK\n2023-06-01,75,XXX\n"
    parsed = generic.parse(read_table(text, "costs.csv"), Options())
    assert len(parsed.records) == 1
    assert [rejected.reason for rejected in parsed.rejected] == [
        "HRK became the euro on 1 January 2023; enter later amounts in EUR.",
        "The European Central Bank publishes no rate of XXX; convert it to US dollars first.",
    ]


def test_sum_of_converted_rows_has_no_original_amount() -> None:
    text = (
        "start_time,end_time,amount_value,amount_currency,line_item\n"
        "2026-10-31,2026-11-01,10,eur,x\n2026-10-31,2026-11-01,10,eur,x\n"
    )
    [record] = openai_cost.parse(read_table(text.encode(), "cost.csv"), Options(rates=WEEK)).records
    assert record.cost_usd == 24
    assert record.metadata["original_currency"] == "EUR"
    assert "original_amount" not in record.metadata


def test_absurd_amount_in_another_currency_is_rejected() -> None:
    table = read_table(b"date,cost,currency\n2026-10-30,1e300,EUR\n", "costs.csv")
    [rejected] = generic.parse(table, Options()).rejected
    assert rejected.reason == "The cost is beyond 100,000,000 dollars."
