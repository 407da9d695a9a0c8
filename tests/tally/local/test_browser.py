"""Opening a browser, or not, where the machine shows none."""

import webbrowser

import pytest

from tally.local.browser import DISPLAYS, open_browser


def test_machine_without_a_display_starts_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for name in DISPLAYS:
        monkeypatch.delenv(name, raising=False)
    assert not open_browser("http://127.0.0.1:8501")
    assert opened == []
