"""The nightly run deletes traces that are older than their workspace keeps them."""

from uuid import UUID

import pytest

from forecasting.nightly import run, traces
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase

WITHOUT_WORKERS = run.Options(workers=0)
ADD = """
with added as (
insert into public.traces (workspace_id, trace_id, week, user_id, first_at, last_at, spans)
select %s, md5(n::text), '2026-01-05', %s, now() - interval '91 days' * n, now() - interval '91 days' * n, 0
from generate_series(0, 3) as n
returning 1
)
select count(*) from added"""


def add_traces(db: NightlyDatabase) -> UUID:
    """An account with a trace of today and three that are too old."""
    user = db.add_account()
    assert db.rows(ADD, user, user) == [(4,)]
    return user


def test_old_traces_are_deleted_in_batches(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "BATCH", 2)
    add_traces(db)
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    [[steps]] = db.rows("select steps from public.job_runs where workspace_id is null")
    assert [step["count"] for step in steps if step["step"] == "traces"] == [3]
    assert db.count("public.traces") == 1


def test_old_prompts_and_answers_are_deleted(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "BATCH", 2)
    user = add_traces(db)
    assert db.rows("update public.workspaces set content_days = 7 where id = %s returning 1", user)
    said = """insert into private.span_contents (workspace_id, trace_id, span_id, saved_at, content)
        select %s, md5('0'), lpad(to_hex(n), 16, '0'), now() - interval '3 days' * n, '{}'
        from generate_series(1, 6) as n returning 1"""
    assert len(db.rows(said, user)) == 6
    assert run.run(db.url, WITHOUT_WORKERS) == run.DONE
    assert db.count("private.span_contents") == 2


def test_replayed_night_deletes_none(db: NightlyDatabase) -> None:
    add_traces(db)
    assert run.run(db.url, run.Options(as_of=AS_OF, workers=0)) == run.DONE
    assert db.count("public.traces") == 4
