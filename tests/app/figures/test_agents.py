"""Figures of coding agents: streaks, heatmaps, blocks, classes of tokens, plans, month cards."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.agent_classes import CACHE_READ, CLASSES, INPUT, UNSPLIT, split_classes
from app.figures.agent_days import (
    calculate_year,
    describe_today,
    describe_week,
    draw_week,
    draw_year,
    find_block,
    find_busiest,
    find_highest_block,
    find_week,
    sum_by_day,
)
from app.figures.agent_plans import calculate_plans
from app.figures.agent_usage import DayUse, HourUse, ModelUse, Money, WeekHour, read_places
from app.figures.currencies import Currency
from app.figures.month_card import CardFigures, make_card
from app.views.agents.year_card import label_months
from tally.spend.subscriptions import Subscription

TODAY = date(2026, 11, 28)  # a Saturday
UTC_ZONE = ZoneInfo("UTC")
DAY = timedelta(days=1)
ZERO = Decimal(0)


def use(days_ago: int, value: str = "1", **changes: Any) -> DayUse:
    fields: dict[str, Any] = {
        "agent": "codex",
        "money": Money(included=Decimal(value)),
        "tokens": 10,
        "requests": 1,
    }
    return DayUse(TODAY - DAY * days_ago, **(fields | changes))


def hour(hours: float, value: str = "1") -> HourUse:
    return HourUse(datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours), Decimal(value), 1)


def model_use(model: str | None = "claude-opus-4-5", **changes: Any) -> ModelUse:
    fields: dict[str, Any] = {
        "day": TODAY,
        "provider": "claude-desktop",
        "model": model,
        "money": Money(included=Decimal(2)),
        "tokens": 101_000,
        "input_tokens": 100_000,
        "output_tokens": 1_000,
        "cached_input_tokens": 90_000,
        "cache_write_tokens": 8_000,
        "hour_write_tokens": 0,
        "requests": 1,
    }
    return ModelUse(**(fields | changes))


def test_a_streak_lasts_through_a_day_that_has_just_begun() -> None:
    year = calculate_year([use(1), use(2), use(3), use(10), *(use(nth) for nth in range(20, 26))], TODAY)
    assert year.current.days == 3
    assert (year.longest.days, year.longest.first, year.longest.last) == (
        6,
        TODAY - DAY * 25,
        TODAY - DAY * 20,
    )
    assert year.active == 10


def test_a_streak_ends_with_a_whole_day_without_agents() -> None:
    assert calculate_year([use(2), use(3)], TODAY).current.days == 0


def test_days_without_requests_or_tokens_are_not_active() -> None:
    year = calculate_year([use(0, tokens=0, requests=0)], TODAY)
    assert (year.active, year.highest, year.current.days) == (0, None, 0)


def test_days_older_than_a_year_count_in_no_record() -> None:
    year = calculate_year([use(365, "99"), use(364, "1")], TODAY)
    assert year.active == 1
    assert year.highest == (TODAY - DAY * 364, Decimal(1))


def test_the_first_weeks_of_the_year_have_the_name_of_their_month() -> None:
    names = label_months(draw_year([], TODAY).weeks)  # from Monday, 24 November 2025
    assert (names[1], names.get(0)) == ("Dec", None), "there is no room for both"
    names = label_months(draw_year([], TODAY + DAY * 7).weeks)
    assert (names[0], names[5]) == ("Dec", "Jan")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9)), max_size=40))
def test_squares_of_the_year_have_the_levels_of_their_days(found: list[tuple[int, int]]) -> None:
    days = [use(ago, str(value)) for ago, value in found]
    heat = draw_year(days, TODAY)
    squares = [square for week in heat.weeks for square in week]
    assert [square.day for square in squares] == [squares[0].day + DAY * nth for nth in range(53 * 7)]
    assert squares[0].day.weekday() == 0
    active = {day.day for day in days}
    for square in squares:
        assert (square.level is None) == (square.day > TODAY)
        assert bool(square.level) == (square.day in active and square.day <= TODAY)
        assert square.level != 4 or square.value >= heat.high
    shown = [square for square in squares if square.level]
    for one, other in pairwise(shown):
        assert (one.value < other.value) <= ((one.level or 0) <= (other.level or 0))


def test_today_is_compared_with_its_weekday_since_there_was_use() -> None:
    by_day = sum_by_day([use(0, "5"), use(7, "3"), use(14, "1"), use(15, "9")])
    now = describe_today(by_day, [], TODAY, UTC_ZONE)
    assert (now.money.value, now.usual) == (Decimal(5), Decimal(2))
    assert describe_today(sum_by_day([use(0)]), [], TODAY, UTC_ZONE).usual is None


def test_hours_of_today_are_those_of_the_zone() -> None:
    zone = ZoneInfo("Asia/Tokyo")
    late = HourUse(datetime(2026, 11, 27, 15, tzinfo=UTC), Decimal(2), 1)  # midnight in Tokyo
    before = HourUse(datetime(2026, 11, 27, 14, tzinfo=UTC), Decimal(7), 1)
    assert describe_today({}, [late, before], TODAY, zone).hours == (2.0, *[0.0] * 23)


def test_this_week_is_compared_with_the_same_days_of_the_last_one() -> None:
    by_day = sum_by_day([use(0, "5"), use(5, "1"), use(6, "9"), use(7, "2"), use(12, "3"), use(13, "8")])
    week = describe_week(by_day, TODAY)
    assert (week.money.value, week.before) == (Decimal(6), Decimal(5))
    assert week.days == (1.0, 0.0, 0.0, 0.0, 0.0, 5.0)


def test_this_week_is_not_compared_with_one_in_which_use_began() -> None:
    assert describe_week(sum_by_day([use(0, "5"), use(11, "3")]), TODAY).before is None
    assert describe_week(sum_by_day([use(0, "5"), use(11, "3"), use(12, "0")]), TODAY).before == Decimal(3)


def test_a_block_lasts_five_hours_from_the_hour_of_its_first_request() -> None:
    hours = [hour(0, "2"), hour(4, "3"), hour(5, "7"), hour(20, "1"), hour(22, "1")]
    block = find_block(hours, hour(23).start)
    assert block is not None
    assert (block.start, block.end) == (hour(20).start, hour(25).start)
    assert (block.value, block.high, block.share) == (Decimal(2), Decimal(7), Decimal(2) / 7)
    assert find_block(hours, hour(25).start) is None
    assert find_highest_block(hours) == Decimal(7)


@given(st.lists(st.integers(0, 300), max_size=40))
def test_blocks_leave_no_value_out_and_never_overlap(at: list[int]) -> None:
    hours = [hour(nth) for nth in set(at)]
    starts, total = [], ZERO
    for one in hours:
        block = find_block([other for other in hours if other.start <= one.start], one.start)
        assert block is not None
        assert block.start <= one.start < block.end
        starts.append(block.start)
    for start in set(starts):
        block = find_block([one for one in hours if one.start < start + timedelta(hours=5)], start)
        assert block is not None
        total += block.value
    assert total == len(hours)
    ordered = sorted(set(starts))
    assert all(after - before >= timedelta(hours=5) for before, after in pairwise(ordered))


def test_no_block_runs_without_requests() -> None:
    assert find_block([], hour(0).start) is None
    assert find_highest_block([]) == 0


def test_a_week_is_compared_with_the_highest_one_before() -> None:
    week = find_week(sum_by_day([use(0, "4"), use(8, "3"), use(9, "3"), use(20, "5")]), TODAY, UTC_ZONE)
    assert (week.value, week.high, week.share) == (Decimal(4), Decimal(6), Decimal(4) / 6)
    assert week.end - week.start == timedelta(days=7)
    assert find_week({}, TODAY, UTC_ZONE).share is None


def test_hours_of_the_week_have_levels_up_to_the_highest() -> None:
    week = [WeekHour(1, 9, Decimal(8), 2), WeekHour(7, 23, Decimal(1), 1), WeekHour(3, 0, ZERO, 0)]
    levels = draw_week(week)
    assert (levels[0][9], levels[6][23], levels[2][0]) == (4, 1, 0)
    assert sum(map(sum, levels)) == 5
    assert find_busiest(week) == (1, 9)
    assert find_busiest([]) is None


@given(
    st.lists(
        st.builds(
            model_use,
            st.sampled_from(["claude-opus-4-5", "claude-sonnet-4-5", "no such model", None]),
            money=st.builds(Money, st.decimals(0, 99, places=4), st.decimals(0, 99, places=4)),
            input_tokens=st.integers(100_000, 10**7),
            cached_input_tokens=st.integers(0, 50_000),
            cache_write_tokens=st.integers(0, 50_000),
            hour_write_tokens=st.just(0),
            output_tokens=st.integers(0, 10**6),
        ),
        max_size=6,
    )
)
def test_classes_add_up_to_the_value_and_to_all_tokens(uses: list[ModelUse]) -> None:
    figures = split_classes(uses, Currency())
    assert sum(part.value for part in figures.classes.values()) == pytest.approx(
        sum(one.money.value for one in uses), abs=Decimal("1e-20")
    )
    tokens = sum(one.input_tokens + one.output_tokens for one in uses)
    assert sum(part.tokens for part in figures.classes.values()) == tokens


def test_a_cache_saves_the_difference_between_input_and_cached_input() -> None:
    """Opus: input $5, cache read $0.50, cache write $6.25, output $25 for a million."""
    figures = split_classes([model_use()], Currency())
    listed = Decimal("0.045") + Decimal("0.05") + Decimal("0.01") + Decimal("0.025")
    assert figures.saved == Decimal("0.09") * Decimal("4.5")
    assert figures.saved_by_day == {TODAY: figures.saved}
    assert figures.classes[CACHE_READ].value == 2 * Decimal("0.045") / listed
    assert figures.classes[INPUT].tokens == 2_000
    assert figures.cached_share == Decimal("0.9")


def test_models_without_a_list_price_are_not_split() -> None:
    figures = split_classes([model_use("no such model"), model_use()], Currency())
    assert figures.classes[UNSPLIT].value == 2
    assert set(figures.classes) == {*CLASSES, UNSPLIT}
    assert split_classes([], Currency()).cached_share is None


KINDS = {"included": "usage", "billed": "subscription"}
DAILY = ("date", "provider", "model", "cost_basis", "charge_type", "amount", "unpriced_records")


def daily(*rows: tuple[int, str, str, str]) -> pd.DataFrame:
    """Usage that plans included, or renewals, by day of November."""
    made = [
        (pd.Timestamp(2026, 11, day), provider, "m", basis, KINDS[basis], Decimal(amount), 0)
        for day, provider, basis, amount in rows
    ]
    return pd.DataFrame(made, columns=list(DAILY))


def plan(renewal_day: int, amount: str = "100", **changes: Any) -> Subscription:
    return Subscription("p", "Max", Decimal(amount), date(2026, 1, renewal_day), renewal_day, **changes)


def test_plan_whose_usage_nobody_counts_is_not_compared() -> None:
    usage = daily(
        (3, "claude", "included", "60"), (1, "claude", "billed", "20"), (2, "chatgpt", "billed", "20")
    )
    plans = [("claude", plan(1, "20")), ("chatgpt", plan(2, "20"))]
    found = calculate_plans(usage, plans, TODAY, Currency())
    assert (found.price, found.value, found.factor) == (Decimal(20), Decimal(60), Decimal(3))


def test_plans_are_worth_what_they_included() -> None:
    found = calculate_plans(
        daily(
            (1, "claude", "billed", "100"),
            (3, "claude", "included", "60"),
            (9, "claude", "included", "50"),
            (20, "claude", "included", "290"),
            (20, "other", "included", "999"),
        ),
        [("claude", plan(1))],
        TODAY,
        Currency(),
    )
    assert (found.price, found.value, found.factor) == (Decimal(100), Decimal(400), Decimal(4))
    assert found.even_on == date(2026, 11, 9)


def test_a_renewal_later_in_the_month_is_part_of_its_price() -> None:
    usage = daily((3, "claude", "included", "60"))
    found = calculate_plans(usage, [("claude", plan(25))], date(2026, 11, 10), Currency())
    assert (found.price, found.names, found.even_on) == (Decimal(100), ("Max",), None)


def test_a_yearly_plan_costs_a_twelfth_each_month() -> None:
    usage = daily((3, "claude", "included", "60"))
    found = calculate_plans(usage, [("claude", plan(1, "600", interval="year"))], TODAY, Currency())
    assert (found.price, found.factor, found.even_on) == (Decimal(50), Decimal("1.2"), date(2026, 11, 3))


def test_without_a_plan_there_is_no_factor() -> None:
    found = calculate_plans(daily((3, "claude", "included", "60")), [], TODAY, Currency())
    assert (found.factor, found.price, found.value) == (None, ZERO, Decimal(60))


def test_places_are_in_order_with_branches_below_their_repository() -> None:
    def row(
        kind: str, repository: str | None, branch: str | None, usd: str, **changes: Any
    ) -> dict[str, Any]:
        branch_kind = None if branch is None else "value"
        return {
            "kind": kind,
            "repository": repository,
            "is_branch": branch is not None,
            "branch_kind": branch_kind,
            "branch": branch,
            "day": None,
            "members": 1,
            "cost_usd": usd,
            "included_usd": "0",
            "sessions": 2,
            "unpriced": 0,
        } | changes

    totals = [
        row("none", None, None, "50"),
        row("value", "a", None, "2"),
        row("value", "b", None, "9"),
        row("value", "b", "main", "9"),
        row("value", "a", "x", "2"),
    ]
    days = [one | {"day": "2026-11-28"} for one in totals]
    places = read_places([*totals, *days], Currency(), [TODAY - DAY, TODAY])
    assert [(place.repository, place.branch) for place in places] == [
        ("b", None),
        ("b", "main"),
        ("a", None),
        ("a", "x"),
        (None, None),
    ]
    assert places[0].trend == (0.0, 9.0)
    assert places[0].money.value == 9


def card_figures(price: str) -> CardFigures:
    plans = calculate_plans(
        daily((9, "claude", "included", "400"), *([(1, "claude", "billed", price)] if price else [])),
        [("claude", plan(1, price))] if price else [],
        TODAY,
        Currency(),
    )
    names = {f"model {nth}": Money(Decimal(nth)) for nth in range(1, 7)}
    heat = draw_year([use(nth, str(nth + 1)) for nth in range(10)], TODAY)
    return CardFigures(
        date(2026, 11, 1),
        TODAY,
        Money(Decimal(89), Decimal(400)),
        plans,
        names,
        762_000_000,
        Decimal(2162),
        Decimal("0.96"),
        28,
        heat,
    )


def test_a_month_card_tells_the_value_against_the_plan() -> None:
    card: Any = make_card(card_figures(""), "USD", "dark", "Top models")
    assert (card["figure"], card["claim"]) == ("$489", "of AI by my coding agents")
    assert card["facts"][3] == ("96%", "of input from cache")
    card = make_card(card_figures("100"), "USD", "light", "Top models")
    assert (card["figure"], card["claim"]) == ("4.0x", "what my $100 plan costs")
    assert card["detail"] == "$489.00 of AI for $189.00 paid"
    assert card["facts"][3] == ("9 Nov", "plan paid for itself")
    assert card["file"] == "tally-2026-11-light.png"
    assert (card["month"], card["theme"]) == ("November 2026", "light")
    assert [row["name"] for row in card["rows"]] == ["model 6", "model 5", "model 4", "model 3"]
    assert card["rows"][0]["share"] == 1
    assert len(card["days"]) == 30
    assert card["days"][28:] == [None, None]
    assert card["facts"][:3] == [
        ("28 days", "in a row with agents"),
        ("$2,162", "saved by the cache"),
        ("762M", "tokens"),
    ]
