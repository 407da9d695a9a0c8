"""A forecast on its way: pages say so, promise no more than a worker keeps, and show the new one."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from app import data
from app.auth.identity import User
from tests.app.nightly_runs import add_nightly_run
from tests.app.pages import hero, open_page, save, shown, usage
from tests.days import current_day

UPDATING = "Updating the forecast…"


@pytest.fixture
def worker(job: psycopg.Connection[Any]) -> Iterator[None]:
    """A worker that was seen just now."""
    job.execute("insert into private.worker_seen (seen_at) values (now()) on conflict do nothing")
    yield
    job.execute("delete from private.worker_seen")


def finish_update(job: psycopg.Connection[Any], user: User) -> None:
    """What a worker leaves: folded days, and no request."""
    while job.execute("select public.fold_stale_days()").fetchone() != (0,):
        pass
    job.execute("delete from private.forecast_requests where workspace_id = %s", [user.user_id])
    data.load_forecast_state.clear()  # as after a second
    data.forget_version(user)


@pytest.mark.usefixtures("worker")
def test_page_says_that_changes_are_being_forecast_and_shows_the_new_forecast(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(n, "2", request_count=1) for n in range(1, 42)])
    add = "insert into public.budgets (workspace_id, name, amount) values (%s, 'M', 1000)"
    job.execute(add, [user.user_id])
    page = open_page(monkeypatch, user)
    assert UPDATING in shown(page)
    assert "No forecast yet" not in shown(page)
    assert "Forecast ready within a minute" in shown(page)
    assert "Forecast ready within a minute" in hero(page)
    waiting = open_page(monkeypatch, user, "forecast")
    assert UPDATING in shown(waiting)
    assert "Your first forecast will be ready within a minute" in shown(waiting)

    add_nightly_run(job, user, current_day())
    finish_update(job, user)

    assert UPDATING not in shown(page.run())
    assert "ready within a minute" not in hero(page)
    assert UPDATING not in shown(waiting.run())
    assert not waiting.exception
    assert waiting.metric


def test_without_a_worker_no_update_is_promised(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    save(user, [usage(1, "2")])
    page = open_page(monkeypatch, user, "forecast")
    assert UPDATING not in shown(page)
    assert "Your first forecast will be ready after the next nightly run" in shown(page)
    assert "Forecasts are updated every night." in shown(page)


@pytest.mark.usefixtures("worker")
def test_page_of_an_unchanged_workspace_does_not_poll(
    monkeypatch: pytest.MonkeyPatch, user: User, job: psycopg.Connection[Any]
) -> None:
    save(user, [usage(1, "2")])
    finish_update(job, user)
    page = open_page(monkeypatch, user)
    assert UPDATING not in shown(page)
