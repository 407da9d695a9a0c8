"""Tables print every character of a hostile name as text, and cut nothing off."""

from decimal import Decimal

import pytest

from tally.cli.tables import format_usd, print_table
from tally.core.text import printable
from tests.every_case import every_case


def printed(capsys: pytest.CaptureFixture[str], *rows: tuple[str, ...]) -> list[str]:
    print_table(("Month", "Model"), ("Records", "Cost"), rows)
    return capsys.readouterr().out.splitlines()


def test_numbers_are_right_aligned_below_their_headers(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ("2026-10", "gpt-5.5", "1,204", "3.00 USD"), ("2026-11", "m", "7", "12.50 USD")
    assert printed(capsys, *rows) == [
        "Month    Model    Records       Cost",
        "2026-10  gpt-5.5    1,204   3.00 USD",
        "2026-11  m              7  12.50 USD",
    ]


def test_markup_in_a_name_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[bold red]model[/]" in printed(capsys, ("2026-10", "[bold red]model[/]", "1", "2"))[1]


def test_control_characters_are_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    assert "evil\N{REPLACEMENT CHARACTER}[2J" in printed(capsys, ("2026-10", "evil\x1b[2J", "1", "2"))[1]
    assert printable("a\nb\u202ec") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_long_names_are_neither_cut_nor_wrapped_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = printed(capsys, ("2026-10", "m" * 300, "1", "2.00 USD"))
    assert len(lines) == 2
    assert lines[1].endswith(f"{'m' * 300}        1  2.00 USD")


@every_case(
    [
        ("0", "$0.00"),
        ("0.00123", "$0.0012"),
        ("0.0000004", "$0.00000040"),
        ("0.01", "$0.01"),
        ("1234.5", "$1,234.50"),
        ("-0.004", "-$0.0040"),
        ("-12", "-$12.00"),
    ]
)
def test_small_costs_are_not_shown_as_zero(amount: str, text: str) -> None:
    assert format_usd(Decimal(amount)) == text
