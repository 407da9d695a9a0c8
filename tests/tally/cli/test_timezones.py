"""Time zones of commands without an account."""

import pytest

from tally.cli.timezones import choose_timezone


@pytest.mark.parametrize(
    ("machine", "asked", "chosen"),
    [
        ("Etc/UTC", None, "UTC"),
        (":Europe/Berlin", None, "Europe/Berlin"),
        ("no/where", None, "UTC"),
        ("Europe/Berlin", "Etc/UTC", "UTC"),
        ("Europe/Berlin", "Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_utc_has_one_name(
    monkeypatch: pytest.MonkeyPatch, machine: str, asked: str | None, chosen: str
) -> None:
    monkeypatch.setenv("TZ", machine)
    assert choose_timezone(asked) == chosen
