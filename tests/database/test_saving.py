"""save_cost_records stores every event once; a refused call changes nothing."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.truth import add_up, read_daily_costs
from tests.database_fixtures import Connection, Project, make_months, wait_for_lock

Act = Callable[[UUID], Connection]


def record(**changes: Any) -> dict[str, Any]:
    """A record as a caller sends it."""
    return {
        "provider": "openai",
        "timestamp": "2026-05-01T12:00:00Z",
        "model_name": "gpt-5",
        "cost_usd": "1.5",
        "input_tokens": 10,
        "output_tokens": 5,
        "source_key": str(uuid4()),
    } | changes


def save(
    person: Connection, records: list[dict[str, Any]] | dict[str, Any], import_id: UUID | None = None
) -> dict[str, Any]:
    """Call the function and return its answer."""
    found = person.execute(
        "select public.save_cost_records(%s, %s)", [import_id, json.dumps(records)]
    ).fetchone()
    assert found is not None
    answer: dict[str, Any] = found[0]
    return answer


def new_import(person: Connection) -> UUID:
    """An import of the caller."""
    query = "insert into public.imports (filename, format, file_sha256) values ('f', 'f', %s) returning id"
    found = person.execute(query, ["0" * 64]).fetchone()
    assert found is not None
    import_id: UUID = found[0]
    return import_id


def count(connection: Connection) -> int:
    """The number of records that the connection can see."""
    found = connection.execute("select count(*) from public.cost_records").fetchone()
    assert found is not None
    return int(found[0])


@pytest.fixture
def person(as_user: Act, user: UUID) -> Connection:
    """A signed-in user."""
    return as_user(user)


def test_saving_again_adds_nothing(person: Connection) -> None:
    records = [record() for _ in range(20)]
    assert save(person, records) == {"inserted": 20, "duplicate": 0, "restated": 0, "rejected": []}
    assert save(person, records) == {"inserted": 0, "duplicate": 20, "restated": 0, "rejected": []}
    assert count(person) == 20


def test_columns_are_saved_as_objects_are(as_user: Act, person: Connection, stranger: UUID) -> None:
    records = [
        record(),
        record(
            day="2026-05-02", metadata={"list": [1, [2]], "note": "x"}, cost_usd=None, cost_basis="estimated"
        ),
        record(request_id="msg_1", billing_account="openai", dataset="costs", billed_under_other_name=True),
        record(provider="nobody-knows"),
        record(charge_type="credit", cost_usd="-1", collection_method="otlp", reasoning_tokens=3),
    ]
    names = {name for each in records for name in each}
    columns = {name: [each.get(name) for each in records] for name in names}
    other = as_user(stranger)
    assert save(person, records) == save(other, columns)
    stored = (
        "select to_jsonb(r) - array['id', 'workspace_id', 'user_id', 'created_at', 'updated_at']"
        " from public.cost_records as r order by r.source_key"
    )
    rows = person.execute(stored).fetchall()
    assert len(rows) == 4
    assert rows == other.execute(stored).fetchall()


def test_columns_of_unequal_length_name_the_records_that_miss_something(person: Connection) -> None:
    columns = {name: [value] * 2 for name, value in record().items()}
    columns["source_key"] = [str(uuid4()), str(uuid4())]
    answer = save(person, columns | {"timestamp": ["2026-05-01T12:00Z"]})
    assert answer["rejected"] == [{"index": 1, "reason": "The date is missing."}]
    assert answer["inserted"] == 1
    with pytest.raises(psycopg.Error):
        save(person, {"provider": "openai"})


def test_missing_values_take_their_defaults(person: Connection) -> None:
    save(person, [{"provider": "openai", "timestamp": "2026-05-01T12:00Z", "model_name": "m", "cost_usd": 1}])
    row = person.execute(
        "select collection_method, cost_basis, charge_type, tokens_used, metadata from public.cost_records"
    ).fetchone()
    assert row == ("manual_entry", "billed", "usage", 0, {})


def test_a_record_without_identity_is_not_lost_beside_known_ones(person: Connection) -> None:
    known = record()
    save(person, [known])
    nameless = record()
    del nameless["source_key"]
    assert save(person, [known, nameless])["inserted"] == 1


def test_an_event_that_is_sent_twice_in_one_call_is_one_record(person: Connection) -> None:
    known, event = record(), record()
    nameless = record()
    del nameless["source_key"]
    assert save(person, [event, nameless, event, nameless]) == {
        "inserted": 3,
        "duplicate": 1,
        "restated": 0,
        "rejected": [],
    }
    save(person, [known])
    twice = record()
    assert save(person, [known, twice, twice])["inserted"] == 1
    assert count(person) == 5
    assert read_daily_costs(person) == add_up(person)


def test_an_event_that_is_inserted_directly_meanwhile_is_one_record(
    project: Project, database: Connection, user: UUID
) -> None:
    known = record()
    make_months(database, "2026-05-01")
    with project.act_as("authenticated", user) as person, ThreadPoolExecutor(1) as other:
        database.autocommit = False
        database.execute(
            """insert into public.cost_records
                (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd, source_key)
            select %(user)s, %(user)s, p.id, %(at)s, 'gpt-5', 1.5, %(key)s
            from public.providers as p where p.name = 'openai'""",
            {"user": user, "at": known["timestamp"], "key": known["source_key"]},
        )
        saved = other.submit(save, person, [known, record()])
        wait_for_lock(database, person)
        database.commit()
        assert saved.result(60)["inserted"] == 1
        assert count(person) == 2


def test_newer_figures_of_a_known_event_win_and_move_to_the_newer_import(person: Connection) -> None:
    older, newer = new_import(person), new_import(person)
    kept, changed = record(), record(cost_usd=None, cost_basis="estimated")
    save(person, [kept, changed], older)
    restated = changed | {
        "cost_usd": "2",
        "cost_basis": "billed",
        "charge_type": "tax",
        "metadata": {"note": "bill"},
    }
    assert save(person, [kept, restated], newer) == {
        "inserted": 0,
        "duplicate": 2,
        "restated": 1,
        "rejected": [],
    }
    rows = person.execute(
        """select cost_usd, cost_basis, charge_type, metadata, import_id
        from public.cost_records order by cost_usd"""
    ).fetchall()
    assert rows == [(1.5, "billed", "usage", {}, older), (2, "billed", "tax", {"note": "bill"}, newer)]


def test_a_bill_may_be_restated_as_unpriced_estimate(person: Connection) -> None:
    event = record()
    save(person, [event])
    assert save(person, [event | {"cost_usd": None, "cost_basis": "estimated"}])["restated"] == 1


@pytest.mark.new_database
def test_two_connections_with_overlapping_records_save_each_once(project: Project, user: UUID) -> None:
    start = datetime(2021, 3, 1, tzinfo=UTC)  # months that do not exist yet: both want to make them
    records = [record(timestamp=(start + timedelta(minutes=61 * n)).isoformat()) for n in range(3000)]
    halves = [records[:2000], list(reversed(records[1000:]))]

    def work(half: list[dict[str, Any]]) -> int:
        with project.act_as("authenticated", user) as person:
            return sum(int(save(person, half[n : n + 250])["inserted"]) for n in range(0, len(half), 250))

    with ThreadPoolExecutor(2) as both:
        assert sum(both.map(work, halves)) == 3000
    with project.act_as("authenticated", user) as person:
        assert count(person) == 3000
        assert read_daily_costs(person) == add_up(person)


def test_a_disabled_source_drops_no_record_silently(person: Connection) -> None:
    import_id = new_import(person)
    person.execute("update public.imports set is_enabled = false")
    with pytest.raises(psycopg.Error, match="need a source_key"):
        save(person, [record(), record(source_key=None)], import_id)
    assert save(person, [record()], import_id)["inserted"] == 1


@pytest.mark.parametrize("request_id", [None, "req-1"])
def test_racing_sources_both_keep_what_they_reported(
    project: Project, database: Connection, user: UUID, request_id: str | None
) -> None:
    known = record(cost_usd="2", request_id=request_id)
    with (
        project.act_as("authenticated", user) as first,
        project.act_as("authenticated", user) as second,
        ThreadPoolExecutor(1) as other,
    ):
        earlier, later = new_import(first), new_import(second)
        make_months(database, "2026-05-01")
        first.autocommit = False
        save(first, [known, record()], earlier)
        saved = other.submit(save, second, [record(), known | {"cost_usd": "3", "input_tokens": 20}], later)
        wait_for_lock(database, second)
        first.commit()
        assert saved.result(60) == {"inserted": 1, "duplicate": 1, "restated": 1, "rejected": []}
        first.execute("delete from public.imports where id = %s", [later])
        first.commit()
        assert count(database) == 2
        first.execute("delete from public.imports where id = %s", [earlier])
        first.commit()
        assert count(database) == 0


def test_what_a_race_kept_back_replaces_a_deleted_source(
    project: Project, database: Connection, user: UUID
) -> None:
    known = record(cost_usd="2")
    with (
        project.act_as("authenticated", user) as first,
        project.act_as("authenticated", user) as second,
        ThreadPoolExecutor(1) as other,
    ):
        earlier, later = new_import(first), new_import(second)
        make_months(database, "2026-05-01")
        first.autocommit = False
        save(first, [known], earlier)
        saved = other.submit(save, second, [known], later)
        wait_for_lock(database, second)
        first.commit()
        assert saved.result(60)["inserted"] == 0
        first.execute("delete from public.imports where id = %s", [earlier])
        first.commit()
        assert count(database) == 1
        assert read_daily_costs(second) == add_up(second)


@pytest.mark.new_database
def test_two_connections_that_need_the_same_new_month_do_not_deadlock(project: Project, user: UUID) -> None:
    for month in range(1, 7):
        records = [record(timestamp=f"2020-{month:02}-10T12:00Z") for _ in range(2)]
        with ThreadPoolExecutor(2) as both:

            def work(one: dict[str, Any]) -> int:
                with project.act_as("authenticated", user) as person:
                    return int(save(person, [one, record(timestamp="2026-05-01T12:00Z")])["inserted"])

            assert list(both.map(work, records)) == [2, 2]


def test_rejected_rows_are_named_by_their_place_and_the_rest_is_saved(person: Connection) -> None:
    far = (datetime.now(UTC) + timedelta(days=367)).isoformat()
    near = (datetime.now(UTC) + timedelta(days=360)).isoformat()
    answer = save(
        person,
        [
            record(timestamp="2019-12-31T23:59:59Z"),
            record(timestamp="2020-01-01T00:00:00Z"),
            record(provider="nobody-knows"),
            record(timestamp=far),
            record(timestamp=near),
            record(timestamp=None),
        ],
    )
    assert answer["inserted"] == 2
    assert [row["index"] for row in answer["rejected"]] == [0, 2, 3, 5]
    reasons = [row["reason"] for row in answer["rejected"]]
    assert "outside 2020" in reasons[0]
    assert reasons[1] == 'Unknown provider "nobody-knows".'
    assert reasons[3] == "The date is missing."


@pytest.mark.new_database
def test_a_month_of_the_past_is_made_when_it_is_needed(person: Connection, database: Connection) -> None:
    assert save(person, [record(timestamp="2022-02-03T12:00Z")])["inserted"] == 1
    found = database.execute("select tableoid::regclass::text from public.cost_records").fetchone()
    assert found == ("private.cost_records_2022_02",)


@pytest.mark.parametrize("dropped", [False, True])
def test_an_archived_month_is_refused_in_a_sentence(
    person: Connection, database: Connection, dropped: bool
) -> None:
    save(person, [record(timestamp="2022-02-03T12:00Z")])
    database.execute("select public.detach_partition(2022, 2)")
    if dropped:
        database.execute("drop table private.cost_records_2022_02")
    with pytest.raises(psycopg.Error, match="A month of these records has been archived"):
        save(person, [record(), record(timestamp="2022-02-05T12:00Z")])
    assert count(person) == 0


def test_a_strangers_import_is_refused(as_user: Act, person: Connection, stranger: UUID) -> None:
    theirs = new_import(as_user(stranger))
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="This import no longer exists"):
        save(person, [record()], theirs)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        save(person, [record()], uuid4())
    assert count(person) == 0


@pytest.mark.parametrize(
    "records",
    [[record() for _ in range(5001)], {"provider": ["openai"] * 5001}, None, "text"],
    ids=["5001", "columns", "null", "text"],
)
def test_anything_but_an_array_of_5000_is_refused(person: Connection, records: Any) -> None:
    with pytest.raises(psycopg.Error, match="array of at most 5,000"):
        save(person, records)


def test_saving_requires_signing_in(project: Project) -> None:
    with (
        project.act_as("authenticated") as nobody,
        pytest.raises(psycopg.Error, match="Sign in to save records"),
    ):
        save(nobody, [record()])


@pytest.mark.parametrize(
    "bad",
    [
        {"metadata": {"note": [str(n) for n in range(2000)]}},
        {"model_name": "m" * 201},
        {"model_name": ""},
        {"cost_usd": "NaN"},
        {"cost_usd": "Infinity"},
        {"cost_usd": "1e9"},
        {"cost_usd": "-1"},
        {"cost_usd": None},
        {"input_tokens": -1, "tokens_used": 0},
        {"cost_basis": "free"},
        {"charge_type": "gift"},
        {"collection_method": "guess"},
        {"source_key": "not a uuid"},
        {"timestamp": "yesterday-ish"},
        {"day": "2026-02-31"},
        {"day": "someday"},
        {"input_tokens": 10**15 + 1},
        {"billing_account": ""},
        {"dataset": "d" * 101},
        {"request_id": "r" * 301},
        {"project_id": str(UUID(int=0))},
        {"metadata": ["a", "list"]},
    ],
    ids=str,
)
def test_one_impossible_record_refuses_the_call_and_nothing_is_half_written(
    person: Connection, database: Connection, bad: dict[str, Any]
) -> None:
    with pytest.raises(psycopg.Error):
        save(person, [record(), record(**bad), record()])
    assert count(person) == 0
    assert database.execute("select count(*) from private.stale_days").fetchone() == (0,)


def test_a_credit_may_be_negative(person: Connection) -> None:
    assert save(person, [record(cost_usd="-5", charge_type="credit")])["inserted"] == 1


def test_an_event_that_is_a_date_gets_its_instant_from_the_users_zone(
    person: Connection, database: Connection, user: UUID
) -> None:
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Auckland"):
        database.execute("update public.user_preferences set timezone = %s where user_id = %s", [zone, user])
        dated = record(day="2026-01-31", source_key=str(UUID(int=5)), timestamp="2026-01-30T03:00Z")
        save(person, [dated])
        assert {key[0] for key in read_daily_costs(person)} == {"2026-01-31"}, zone
        assert count(person) == 1


def test_an_account_deleted_meanwhile_leaves_no_orphan(
    project: Project, database: Connection, user: UUID
) -> None:
    with (
        project.connect() as admin,
        project.act_as("authenticated", user) as person,
        ThreadPoolExecutor(1) as other,
    ):
        admin.autocommit = False
        admin.execute("delete from auth.users where id = %s", [user])
        saved = other.submit(save, person, [record()])
        wait_for_lock(database, person)
        admin.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="This account no longer exists"):
            saved.result(60)
    assert count(database) == 0


def test_deleting_an_account_waits_for_an_open_save_and_takes_its_records_along(
    project: Project, database: Connection, user: UUID
) -> None:
    with (
        project.connect() as admin,
        project.act_as("authenticated", user) as person,
        ThreadPoolExecutor(1) as other,
    ):
        person.autocommit = False
        save(person, [record()])
        deleted = other.submit(admin.execute, "delete from auth.users where id = %s", [user])
        wait_for_lock(database, admin)
        person.commit()
        deleted.result(60)
    assert count(database) == 0


def test_an_import_deleted_meanwhile_leaves_no_orphan(
    project: Project, database: Connection, user: UUID
) -> None:
    with (
        project.act_as("authenticated", user) as first,
        project.act_as("authenticated", user) as second,
        ThreadPoolExecutor(1) as other,
    ):
        import_id = new_import(first)
        save(first, [record()], import_id)
        first.autocommit = False
        first.execute("delete from public.imports where id = %s", [import_id])
        saved = other.submit(save, second, [record()], import_id)
        wait_for_lock(database, second)
        first.commit()
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="This import no longer exists"):
            saved.result(60)
    assert count(database) == 0
