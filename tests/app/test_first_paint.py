"""The pause for the first paint comes once for each page that is loaded."""

import pytest
from streamlit.testing.v1 import AppTest

from app.first_paint import PAUSE_SECONDS


def page() -> None:
    from app.first_paint import wait_for_first_paint

    wait_for_first_paint()


def test_only_the_first_run_of_a_page_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr("app.first_paint.sleep", paused.append)
    app = AppTest.from_function(page)
    for _ in range(3):
        app.run()
    assert paused == [PAUSE_SECONDS]
    AppTest.from_function(page).run()
    assert paused == [PAUSE_SECONDS] * 2
