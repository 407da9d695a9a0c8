"""Sentences about anomalies, with hostile names as text."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from app.figures.anomalies import describe_anomalies, select_confirmed
from app.figures.currencies import Currency
from app.ui import charts
from app.ui.theme import LIGHT

DAY, TODAY = date(2026, 11, 21), date(2026, 11, 23)
PROVIDERS = {"p1": "OpenAI", "p2": "Anthropic"}


def row(actual: str = "18.40", kind: str = "spend", **parts: Any) -> dict[str, Any]:
    """A day of $18.40 where $4 was usual."""
    values = {"day": DAY, "provider_id": None, "model_name": None, "muted_at": None, "id": actual}
    expected = Decimal(parts.pop("expected", "5"))
    for name in ("day", "provider_id", "model_name", "muted_at", "id"):
        values[name] = parts.pop(name, values[name])
    attribution = {name: Decimal(part) for name, part in parts.items()}
    return {
        "kind": kind,
        "actual_usd": Decimal(actual),
        "expected_usd": expected,
        "attribution": attribution,
        **values,
    }


def sentences(*rows: dict[str, Any]) -> list[str]:
    return [one.sentence for one in describe_anomalies(rows, PROVIDERS, Currency(), TODAY)]


def test_expensive_day_is_explained_by_its_largest_reasons() -> None:
    assert sentences(row(volume="9.10", mix="5.30", cache="-0.30", price="0.30", rest="0")) == [
        "21 Nov: $18.40, usually $4.00. More use (+$9.10) and a more expensive mix of models (+$5.30)."
    ]


def test_reasons_may_point_both_ways() -> None:
    [sentence] = sentences(row("32.61", mix="15.22", volume="10.71", price="-6.85", cache="2", rest="0"))
    assert sentence.endswith(
        "A more expensive mix of models (+$15.22), more use (+$10.71) and a lower price per token "
        "(\N{MINUS SIGN}$6.85)."
    )


def test_cheap_day_is_explained_by_what_was_less() -> None:
    assert sentences(row("1.00", volume="-6.00", rest="0", expected="6", provider_id="p2")) == [
        "21 Nov, Anthropic: $1.00, usually $7.00. Less use (\N{MINUS SIGN}$6.00)."
    ]


def test_providers_that_moved_with_the_total_share_its_sentence() -> None:
    total, most = row(volume="14.40", id="t"), row("16", volume="13", provider_id="p1", id="a")
    [one] = describe_anomalies([total, most], PROVIDERS, Currency(), TODAY)
    assert one.sentence.endswith("More use (+$14.40). Most of it at OpenAI.")
    assert one.row_ids == ("t", "a")
    other_way = row("0", volume="-3", expected="3", provider_id="p2")
    assert len(sentences(total, most, other_way)) == 2


SPIKE = {"basis": "history", "usual_usd": "8.5", "usage_usd": "36"}


def spike(actual: str = "36", **cause: str) -> dict[str, Any]:
    return row(actual, difference="27.50", expected="8.5", id=actual) | {"cause": SPIKE | cause}


def test_spike_names_its_model_and_weekday() -> None:
    model = {"model": "claude-opus-4-1", "model_usd": "29.49", "model_usual_usd": "7.3"}
    assert sentences(spike(**model)) == ["21 Nov: claude-opus-4-1 cost $29.49, 4 times a usual Saturday."]
    rare = {**model, "model_usual_usd": "0"}
    assert sentences(spike(**rare)) == [
        "21 Nov: $36.00, 4.2 times a usual Saturday, $29.49 of it claude-opus-4-1."
    ]
    assert sentences(spike()) == ["21 Nov: $36.00, 4.2 times a usual Saturday."]
    assert sentences(spike(usage_usd="3600")) == ["21 Nov: $3,600.00, 424 times a usual Saturday."]


def test_dearest_anomaly_comes_first() -> None:
    newer, dearer = row("6", volume="3", day=TODAY), spike()
    assert [one.row_ids for one in describe_anomalies([newer, dearer], {}, Currency(), TODAY)] == [
        ("36",),
        ("6",),
    ]


def test_muted_anomalies_are_left_out() -> None:
    assert sentences(row(volume="14.40", muted_at="2026-11-22T08:00:00+00:00")) == []


def test_new_model_has_its_share_of_spend() -> None:
    new = row("12.30", "new_model", model="12.30", others="24.60", model_name="gpt-9")
    assert sentences(new) == ["21 Nov: gpt-9 is new. It cost $12.30, 33% of all spend up to the nightly run."]


def test_day_of_another_year_has_its_year() -> None:
    assert sentences(row(volume="14.40", day=date(2025, 12, 1)))[0].startswith("1 Dec 2025: ")


@pytest.mark.parametrize("days", [30, 200])
def test_mark_is_above_its_bar_and_shows_hostile_names_as_text(days: int) -> None:
    dates = pd.date_range(end=TODAY, periods=days)
    daily = pd.DataFrame({"date": dates, "provider": "openai", "cost": 2.0})
    new = row("9", "new_model", model="9", others="0", model_name="<a href='http://evil'>free</a>" * 9)
    marks = [(one.day, one.sentence) for one in describe_anomalies([new], {}, Currency(), TODAY)]
    figure = charts.daily_spend(daily, charts.Context(), {}, LIGHT, "USD")
    before_the_chart = (date(2020, 1, 1), "gone")
    charts.mark_days(figure, [*marks, before_the_chart], LIGHT)
    [trace] = [trace for trace in figure.data if trace.name == "Anomaly"]
    assert len(trace.x) == 1
    assert trace.x[0] <= pd.Timestamp(DAY)
    assert trace.y[0] > 2
    assert "<a" not in trace.customdata[0]


def test_only_anomalies_that_records_confirm_are_shown() -> None:
    daily = pd.DataFrame(
        {
            "date": pd.to_datetime([DAY, DAY, DAY, TODAY]),
            "provider": ["openai", "anthropic", "anthropic", "openai"],
            "model": ["gpt-5.2", "opus", "opus", "gpt-5.2"],
            "cost_basis": ["billed", "estimated", "included", "billed"],
            "cost_usd": [Decimal("10.4"), Decimal(8), Decimal(99), None],
        }
    )
    confirmed = [
        row("18.40"),
        row("10.40", provider_id="p1"),
        row("8", kind="new_model", model_name="opus"),
    ]
    outdated = [
        row("18.41"),
        row("9", provider_id="p2"),
        row("8.01", kind="new_model", model_name="opus"),
        row("1", kind="new_model", model_name="gone"),
        row("1", day=TODAY),
    ]
    assert select_confirmed([*confirmed, *outdated], daily, {"p1": "openai", "p2": "anthropic"}) == confirmed
