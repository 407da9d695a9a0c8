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
from tally.connectors.datasets import FetchRequest, Window
from tally.connectors.errors import KeyRefused, UnreadableResponse
from tally.connectors.job_sync import JobsFetched, add_results, load_jobs, sum_storage
from tally.connectors.jobs import JOB_SOURCES, Job, JobSource, reads_jobs
from tally.connectors.storage_costs import add_storage_costs, find_window, list_storage_records
from tally.connectors.sync import SyncOptions, sync_connection
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.pricing.custom_models import TABLE, CustomModel, load_custom_models
from tally.storage.database import Database
from tests.tally.connectors.clients import QUICK, client_of
from tests.tally.connectors.fake_providers import JOB_KEYS, KEYS, FakeProviders, Fault, serve
from tests.tally.connectors.users import TODAY, connect, load_ring, reread, spent, stored

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


@pytest.mark.parametrize(
    ("model", "method", "usd"),
    [
        ("gpt-4o-2024-08-06", "supervised", "25"),
        ("gpt-3.5-turbo-0125", "dpo", "8"),
        ("ft:gpt-4.1-nano-2025-04-14:acme:x:1", "supervised", "1.5"),
        ("o4-mini-2025-04-16", "reinforcement", None),
        ("gpt-4o-2024-08-06", "reinforcement", None),
        ("house-model", "supervised", None),
    ],
)
def test_training_costs_its_tokens_where_they_have_a_price(
    fake: FakeProviders, model: str, method: str, usd: str | None
) -> None:
    fake.jobs("openai")["fine_tuning/jobs"][0] |= {
        "model": model,
        "method": {"type": method},
        "trained_tokens": 1_000_000,
    }
    job, running = load(fake, OPENAI["fine_tuning"])
    assert job.cost_usd == (None if usd is None else Decimal(usd))
    assert running.cost_usd is None


def test_results_of_an_anthropic_batch_tell_its_tokens(apis: FakeProviders, database: Database) -> None:
    connection = connect_jobs(database, "anthropic")
    assert sync(database, connection) == []
    jobs = {job.told_id: job for _, job in load_jobs(database)}
    batch = jobs["msgbatch_013Zva2CMHLNnXjNJJKqJ2EF"]
    assert (batch.model, batch.input_tokens, batch.cached_input_tokens, batch.output_tokens) == (
        "claude-haiku-4-5-20251001",
        1_400_000,
        300_000,
        200_000,
    )
    # $1 input, $1.25 written, $0.10 read and $5 output a million tokens; half of it as a batch.
    assert (batch.synchronous_usd, batch.cost_usd) == (Decimal("2.155"), Decimal("1.0775"))
    assert jobs["msgbatch_02"].input_tokens is None
    assert len(apis.requests_for("/results")) == 1
    assert sync(database, connection) == []
    assert len(apis.requests_for("/results")) == 1, "what is known is not read again"
    assert batch in [job for _, job in load_jobs(database)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(status=404), []),
        (
            Fault(body=b'{"result": {"type"'),
            ["Results of batches: Anthropic's response is not complete JSON."],
        ),
        (Fault(body=b"[1]\n"), ["Results of batches: Anthropic's response is not a JSON object."]),
        (
            Fault(body=b'{"result": {"type": "succeeded", "message": {"usage": {"input_tokens": -1}}}}'),
            ['Results of batches: Anthropic\'s response has "-1" at "input_tokens", which is not a count.'],
        ),
    ],
)
def test_results_that_are_gone_or_broken_leave_the_batch_as_it_is_told(
    fake: FakeProviders, fault: Fault, told: list[str]
) -> None:
    source = JOB_SOURCES["anthropic"][0]
    fake.fail("/results", *[fault] * 2)
    fetched = JobsFetched()
    with client_of(fake, APIS["anthropic"], key=JOB_KEYS["anthropic"]) as client:
        jobs = source.load(client)
        assert add_results(client, jobs, {}, TODAY, fetched) == jobs
        assert add_results(client, jobs, {}, date(2026, 12, 5), JobsFetched()) == jobs, "no longer kept"
    assert [error[: len(start)] for error, start in zip(fetched.errors, told, strict=True)] == told


def test_counts_that_no_job_has_are_saved_without_a_cost_or_refused(
    apis: FakeProviders, database: Database
) -> None:
    apis.jobs("openai")["batches"][0]["usage"] |= {"input_tokens": 10**15, "output_tokens": 10**15}
    apis.jobs("openai")["fine_tuning/jobs"][0]["trained_tokens"] = 10**15
    assert sync(database, connect_jobs(database)) == []
    jobs = {job.told_id: job for _, job in load_jobs(database)}
    assert (jobs["batch_abc123"].input_tokens, jobs["batch_abc123"].cost_usd) == (10**15, None)
    assert jobs["ftjob-abc123"].cost_usd is None
    [lines] = apis.recorded["anthropic_results"].values()
    lines[0]["result"]["message"] |= {"model": "", "usage": {"input_tokens": 10**15, "output_tokens": 10**15}}
    [told] = sync(database, connect_jobs(database, "anthropic"))
    assert "has more tokens than there can be" in told
    assert len(load_jobs(database)) == 12, "the batches are saved as their list tells them"


def test_storage_is_a_cost_of_each_full_day_once(apis: FakeProviders, database: Database) -> None:
    store = apis.jobs("openai")["vector_stores"][0]
    store["usage_bytes"] = 3 * 2**30
    connection = connect_jobs(database)
    sync(database, connection)
    assert stored(database) == []
    # It is there since 3 November.
    assert add_storage_costs(database, reread(database, connection), date(2026, 11, 6)) == 3
    assert add_storage_costs(database, reread(database, connection), date(2026, 11, 6)) == 0
    store["usage_bytes"] = 2 * 2**30
    sync(database, connection)
    rows = stored(database)
    assert [(row["day"], Decimal(row["cost_usd"])) for row in rows[2:5]] == [
        ("2026-11-05", Decimal("0.2")),
        ("2026-11-06", Decimal("0.1")),
        ("2026-11-07", Decimal("0.1")),
    ]
    assert (rows[0]["day"], rows[-1]["day"], len(rows)) == ("2026-11-03", "2026-11-19", 17)
    assert {row["cost_basis"] for row in rows} == {"estimated"}
    sync(database, connection)
    assert stored(database) == rows
    database.call("delete_source", import_id=reread(database, connection).import_id)
    assert sync(database, connection) == []
    assert stored(database) == []
    assert reread(database, connection).import_id is None


def test_a_bill_of_the_day_replaces_the_estimate_of_its_storage(
    apis: FakeProviders, database: Database
) -> None:
    apis.jobs("openai")["vector_stores"][0]["usage_bytes"] = 3 * 2**30
    connection = connect_jobs(database)
    sync(database, connection)
    add_storage_costs(database, reread(database, connection), TODAY)
    assert spent(database, "estimated") == Decimal("3.4")
    record = CostRecord(
        "openai", datetime(2026, 11, 5, tzinfo=UTC), "file search storage", Decimal("0.21"), identity("bill"),
        day=date(2026, 11, 5), dataset="openai_api_costs",
        billing_account=FetchRequest(Window(TODAY, TODAY)).find_billing_account("openai"),
    )  # fmt: skip
    save_records(database, [record])
    assert (spent(database), spent(database, "estimated")) == (Decimal("0.21"), Decimal("3.2"))


def test_days_of_storage_begin_with_the_first_store_and_end_yesterday() -> None:
    began = datetime(2026, 9, 1, tzinfo=UTC)
    store = Job("vector_store", "v", "completed", began, stored_bytes=2 * 2**30)
    assert find_window([], None, TODAY) is None
    assert find_window([replace(store, began_at=datetime(2026, 11, 20, tzinfo=UTC))], None, TODAY) is None
    assert find_window([store], None, TODAY) == Window(date(2026, 10, 21), date(2026, 11, 19))
    assert find_window([store], "2026-11-17", TODAY) == Window(date(2026, 11, 18), date(2026, 11, 19))
    assert find_window([store], "2026-11-19", TODAY) is None
    file = replace(store, kind="file")
    assert list_storage_records("", [file], Window(TODAY, TODAY)) == []
