"""The pause for the first paint comes once for each page that is loaded."""

import time

from streamlit.testing.v1 import AppTest

from app.first_paint import PAUSE_SECONDS


def page() -> None:
    from app.first_paint import wait_for_first_paint

    wait_for_first_paint()


def run_seconds(app: AppTest) -> float:
    started = time.perf_counter()
    app.run()
    return time.perf_counter() - started


def test_only_the_first_run_of_a_page_pauses() -> None:
    app = AppTest.from_function(page)
    app.run()
    assert min(run_seconds(app) for _ in range(3)) < PAUSE_SECONDS
    assert run_seconds(AppTest.from_function(page)) >= PAUSE_SECONDS
