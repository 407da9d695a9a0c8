"""Batches, fine-tuning jobs, files and vector stores: read, priced, saved and kept up to date."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from tally.connectors.connections import (
    APIS,
    Connection,
    ConnectionRefused,
    NewConnection,
    add_connection,
    delete_connection,
)
from tally.connectors.errors import KeyRefused, UnreadableResponse
from tally.connectors.job_sync import load_jobs, sum_storage
from tally.connectors.jobs import JOB_SOURCES, Job, JobSource, reads_jobs
from tally.connectors.sync import SyncOptions, sync_connection
from tally.pricing.custom_models import TABLE, CustomModel, load_custom_models
from tally.storage.database import Database
from tests.tally.connectors.clients import QUICK, client_of
from tests.tally.connectors.fake_providers import JOB_KEYS, KEYS, FakeProviders, Fault, serve
from tests.tally.connectors.users import TODAY, connect, load_ring, reread, stored

OPENAI = {source.kind: source for source in JOB_SOURCES["openai"]}


@pytest.fixture
def fake() -> Iterator[FakeProviders]:
    """The providers without a stack."""
    with serve() as providers:
        yield providers


def load(fake: FakeProviders, source: JobSource, provider: str = "openai") -> list[Job]:
    """The jobs of a list."""
    with client_of(fake, APIS[provider], key=JOB_KEYS[provider]) as client:
        return source.load(client)


def connect_jobs(database: Database, provider: str = "openai", name: str = "Jobs") -> Connection:
    """Add a connection with a key that reads jobs."""
    return add_connection(
        database, load_ring(), NewConnection(provider, name, SecretStr(JOB_KEYS[provider])), QUICK
    )


def sync(database: Database, connection: Connection) -> list[str]:
    """Sync a connection; returns what failed."""
    options = SyncOptions(TODAY, limits=QUICK)
    return sync_connection(database, load_ring, reread(database, connection), options).errors


def test_batches_of_all_pages_are_read_with_what_they_cost_and_saved(fake: FakeProviders) -> None:
    done, running, unlisted = load(fake, OPENAI["batch"])
    assert len(fake.requests_for("batches")) == 2
    assert (done.state, done.requests, done.failed_requests) == ("completed", 100, 5)
    assert (done.input_tokens, done.output_tokens) == (1_000_000, 200_000)
    # gpt-5-mini: $0.25 and $2.00 a million tokens, half of it as a batch.
    assert (done.cost_usd, done.synchronous_usd, done.saved_usd) == (
        Decimal("0.325"),
        Decimal("0.65"),
        Decimal("0.325"),
    )
    assert done.began_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert (running.state, running.cost_usd, running.input_tokens, running.ended_at) == (
        "in_progress",
        None,
        None,
        None,
    )
    assert (unlisted.input_tokens, unlisted.cost_usd, unlisted.saved_usd) == (500, None, None)


def test_lists_of_anthropic_tell_requests_and_sizes(fake: FakeProviders) -> None:
    batches, files = (load(fake, source, "anthropic") for source in JOB_SOURCES["anthropic"])
    assert [(job.state, job.requests, job.failed_requests) for job in batches] == [
        ("ended", 100, 5),
        ("in_progress", 7, 0),
    ]
    assert batches[0].cost_usd is None
    assert [(job.name, job.stored_bytes) for job in files] == [("document.pdf", 1_024_000)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "has a job without an id"),
        ({"created_at": None}, "without the time when it was created"),
        ({"created_at": "yesterday"}, "that cannot be read"),
        ({"created_at": 10**18}, "that cannot be read"),
        ({"created_at": 1}, "that cannot be."),
        ({"request_counts": {"total": -1}}, "which is not a count"),
        ({"request_counts": 7}, "request_counts"),
    ],
)
def test_jobs_that_cannot_be_read_are_refused_in_a_sentence(
    fake: FakeProviders, change: dict[str, Any], said: str
) -> None:
    fake.jobs("openai")["batches"][0] |= change
    with pytest.raises(UnreadableResponse, match=said):
        load(fake, OPENAI["batch"])


@pytest.mark.parametrize("page", [{"has_more": True, "data": []}, {"data": "none"}, {"has_more": True}])
def test_pages_that_repeat_or_miss_are_refused(fake: FakeProviders, page: dict[str, Any]) -> None:
    fake.fail("files", *[Fault(change=lambda content: content | page)] * 9)
    with pytest.raises(UnreadableResponse):
        load(fake, OPENAI["file"])


def test_admin_key_reads_no_jobs_and_a_key_tells_what_it_reads(fake: FakeProviders) -> None:
    assert [reads_jobs("openai", key) for key in (KEYS["openai"], JOB_KEYS["openai"])] == [False, True]
    assert not reads_jobs("openrouter", "sk-proj-1")
    with client_of(fake, APIS["openai"]) as client, pytest.raises(KeyRefused):
        OPENAI["batch"].check(client)


@pytest.mark.usefixtures("apis")
def test_a_sync_saves_all_lists_and_trained_models_and_the_next_changes_nothing(database: Database) -> None:
    connection = connect_jobs(database)
    assert connection.reads_jobs
    assert sync(database, connection) == []
    saved = load_jobs(database)
    assert sorted({job.kind for _, job in saved}) == ["batch", "file", "fine_tuning", "vector_store"]
    assert len(saved) == 9
    assert {told for told, _ in saved} == {str(connection.connection_id)}
    assert next(job.saved_usd for _, job in saved if job.told_id == "batch_abc123") == Decimal("0.325")
    trained = "ft:gpt-4o-2024-08-06:acme:support:7QWERTY"
    [model] = load_custom_models(database)
    assert replace(model, id="") == CustomModel(
        "openai", trained, "gpt-4o-2024-08-06", "Trained by ftjob-abc123"
    )
    assert sync(database, connection) == []
    assert load_jobs(database) == saved
    synced = reread(database, connection)
    assert (synced.validation_status, synced.last_error, synced.import_id) == ("valid", None, None)
    assert stored(database) == []
    database.delete(TABLE, model.id)
    sync(database, connection)
    assert load_custom_models(database) == [], "a model that was taken away does not come back"


def test_deleted_files_end_and_a_refused_list_changes_nothing_of_it(
    apis: FakeProviders, database: Database
) -> None:
    connection = connect_jobs(database)
    sync(database, connection)
    apis.jobs("openai")["files"] = apis.jobs("openai")["files"][:1]
    apis.jobs("openai")["batches"] = []
    apis.fail("vector_stores", Fault(status=404))
    [problem] = sync(database, connection)
    assert problem.startswith("Vector stores: OpenAI refused the request (HTTP 404)")
    jobs = {job.told_id: job for _, job in load_jobs(database)}
    assert [jobs[told].state for told in ("file-abc123", "file-big", "vs_abc123")] == [
        "processed",
        "deleted",
        "completed",
    ]
    assert jobs["file-big"].ended_at is not None
    assert jobs["batch_abc123"].state == "completed", "batches stay when their provider forgets them"


@pytest.mark.usefixtures("apis")
def test_an_account_may_have_a_key_for_costs_and_one_for_jobs(database: Database) -> None:
    connect(database, "openai")
    connection = connect_jobs(database)
    with pytest.raises(ConnectionRefused, match="already connects the same OpenAI account"):
        connect_jobs(database, name="Jobs again")
    sync(database, connection)
    delete_connection(database, connection, with_spend=False)
    assert load_jobs(database) == []


def test_stored_bytes_of_each_day() -> None:
    def kept(began: int, ended: int | None, size: int) -> Job:
        return Job(
            "file",
            f"f{began}",
            "processed",
            datetime(2026, 11, began, 23, tzinfo=UTC),
            stored_bytes=size,
            ended_at=None if ended is None else datetime(2026, 11, ended, 1, tzinfo=UTC),
        )

    jobs = [kept(1, 3, 5), kept(2, None, 10), replace(kept(1, None, 99), kind="batch")]
    assert sum_storage(jobs, date(2026, 11, 1), date(2026, 11, 4)) == [
        (date(2026, 11, 1), 5),
        (date(2026, 11, 2), 15),
        (date(2026, 11, 3), 10),
        (date(2026, 11, 4), 10),
    ]
