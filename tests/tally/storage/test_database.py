"""Both transports give an account the same rows, with the same limits and errors."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tally.local.stack import Stack
from tally.storage.database import (
    Database,
    DatabaseError,
    NotAllowed,
    Query,
    Row,
    SignedOut,
    Unreachable,
    select_all,
    select_first,
    select_pages,
)
from tally.storage.postgres import find_user
from tally.storage.postgrest import SupabaseDatabase
from tests.shared_connections import operator_connection
from tests.tally.people import TRANSPORTS, Person, acting, client_with, over_http, over_postgres, sign_up

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
A_FILE = {"filename": "a.csv", "format": "generic", "file_sha256": "0" * 64}


@pytest.fixture(scope="module")
def person(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture(params=TRANSPORTS)
def database(request: pytest.FixtureRequest, stack: Stack, person: Person) -> Iterator[Database]:
    with acting(stack, person, request.param) as acting_as:
        yield acting_as


def records(count: int, name: str = "n") -> list[CostRecord]:
    """Records, many with the same instant, so that pages end between equals."""
    return [
        CostRecord("openai", NOON + timedelta(minutes=n // 7), "m", Decimal("0.1"), identity(name, n))
        for n in range(count)
    ]


def find_import(database: Database, import_id: object) -> Row | None:
    return select_first(database, Query("imports", "*", ["id"], {"id": import_id}))


def test_row_is_inserted_changed_and_deleted(database: Database) -> None:
    row = database.insert("imports", A_FILE | {"metadata": {"note": 'a "quoted", (odd) text'}})
    assert (row["filename"], row["status"]) == ("a.csv", "running")
    database.update("imports", row["id"], {"rows_read": 3, "errors": [{"line": 1}]})
    changed = find_import(database, row["id"])
    assert changed is not None
    assert (changed["rows_read"], changed["errors"]) == (3, [{"line": 1}])
    assert changed["metadata"] == {"note": 'a "quoted", (odd) text'}
    database.delete("imports", row["id"])
    assert find_import(database, row["id"]) is None


def test_both_transports_give_the_same_rows(stack: Stack, person: Person) -> None:
    with over_postgres(stack, person) as postgres:
        http = over_http(stack, person)
        save_records(http, records(5, "same"))
        http.insert("imports", A_FILE)
        for table in ("cost_records", "imports", "providers", "user_preferences"):
            order = ["user_id"] if table == "user_preferences" else ["created_at", "id"]
            rows = http.select(Query(table, "*", order))
            assert rows
            assert postgres.select(Query(table, "*", order)) == rows
        for columns in ("id,cost_usd::text,timestamp,metadata", "*"):
            query = Query("cost_records", columns, ["id"])
            assert postgres.select(query) == http.select(query)
        for function in ("data_version", "post_due_renewals"):
            assert postgres.call(function) == http.call(function)
        bounds: dict[str, Any] = {"from_date": "2026-11-02", "to_date": None}
        assert postgres.call("daily_costs", **bounds) == http.call("daily_costs", **bounds)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_rows_than_a_page_arrive_once_and_in_order(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        assert save_records(database, records(2_500)).inserted == 2_500
        pages = list(
            select_pages(database, Query("cost_records", "id,timestamp,source_key", ["timestamp", "id"]))
        )
        assert [len(page) for page in pages] == [1_000, 1_000, 500]
        rows = [row for page in pages for row in page]
        assert len({row["source_key"] for row in rows}) == 2_500
        assert rows == sorted(rows, key=lambda row: (row["timestamp"], row["id"]))


def test_full_last_page_is_followed_by_an_empty_one(database: Database) -> None:
    names = [row["name"] for row in database.select(Query("providers", "id,name", ["name"]))]
    first = database.select(Query("providers", "name", ["name"], limit=10))
    assert [row["name"] for row in first] == names[:10]
    second = database.select(Query("providers", "name", ["name"], after=first[-1], limit=len(names)))
    assert [row["name"] for row in second] == names[10:]
    assert database.select(Query("providers", "name", ["name"], after=second[-1])) == []


@pytest.mark.parametrize("value", ['a,b).or("', 'back\\slash"', "ä=1&x=(2)", "%_*"])
def test_hostile_text_can_end_a_page(database: Database, value: str) -> None:
    for name in (value, value + "~"):
        database.insert("imports", A_FILE | {"filename": name, "metadata": {"page": value}})
    seen = database.select(Query("imports", "filename,id", ["filename", "id"]))
    place = [row["filename"] for row in seen].index(value)
    assert (
        database.select(Query("imports", "filename,id", ["filename", "id"], after=seen[place]))
        == seen[place + 1 :]
    )


TEXT = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
HOSTILE = (
    "plain",
    'a,b).or("',
    'back\\slash"',
    "{}",
    "(1,2)",
    "ä=1&x=(2)",
    "%_*",
    "null",
    " ",
    "eq.1",
    "'; --",
)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_filter_finds_exactly_the_equal_text(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        for name in HOSTILE:
            database.insert("imports", A_FILE | {"filename": name})

        def find(wanted: object) -> list[str]:
            query = Query("imports", "filename", ["created_at", "id"], {"filename": wanted})
            return [row["filename"] for row in database.select(query)]

        for name in HOSTILE:
            assert find(name) == find((name,)) == [name]
        assert find(HOSTILE) == find([*HOSTILE, "absent"]) == list(HOSTILE)
        assert find("absent") == find(()) == find(None) == []


@given(texts=st.lists(st.text(TEXT, max_size=20)))
@settings(max_examples=25, deadline=None)
def test_both_transports_filter_alike(stack: Stack, person: Person, texts: list[str]) -> None:
    with over_postgres(stack, person) as postgres:
        http = over_http(stack, person)
        for text in texts:
            postgres.insert("imports", A_FILE | {"filename": text[:250] or "empty"})
        for wanted in (*texts, texts):
            query = Query("imports", "id,filename", ["id"], {"filename": wanted, "format": "generic"})
            found = list(select_all(postgres, query))
            assert found == list(select_all(http, query))
            accepted = wanted if isinstance(wanted, list) else [wanted]
            assert {row["filename"] for row in found} == set(accepted) - {""}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_filter_matches_null_flags_and_ids(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        first = database.insert("imports", A_FILE | {"finished_at": NOON.isoformat()})
        second = database.insert("imports", A_FILE)

        def find(**where: object) -> list[str]:
            return [row["id"] for row in database.select(Query("imports", "id", ["created_at"], where))]

        assert find(finished_at=None) == [second["id"]]
        assert find(finished_at=NOON) == find(id=UUID(first["id"])) == [first["id"]]
        assert find(id=(first["id"], UUID(second["id"]))) == [first["id"], second["id"]]
        assert find(is_enabled=False) == []
        assert find(is_enabled=True, rows_read=0, format="generic") == [first["id"], second["id"]]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_filter_applies_to_every_page(stack: Stack, transport: str) -> None:
    with acting(stack, sign_up(stack), transport) as database:
        for number in range(6):
            database.insert("imports", A_FILE | {"filename": f"{number}.csv", "rows_read": number % 2})
        query = Query("imports", "filename", ["filename"], {"rows_read": 1}, limit=2)
        pages = [[row["filename"] for row in page] for page in select_pages(database, query)]
        assert pages == [["1.csv", "3.csv"], ["5.csv"]]


UNSTORABLE = ("half of a pair \ud800", "NUL \0", "file name \udcff")


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_stored_is_refused_in_one_sentence(database: Database, text: str) -> None:
    refused = pytest.raises(DatabaseError, match=r"^A text contains characters that cannot be stored\. ")
    row = database.insert("imports", A_FILE)
    with refused:
        database.insert("imports", A_FILE | {"filename": text})
    with refused:
        database.update("imports", row["id"], {"filename": text})
    assert find_import(database, row["id"]) == row


@pytest.mark.parametrize("text", UNSTORABLE)
def test_text_that_cannot_be_stored_is_never_found(database: Database, text: str) -> None:
    for wanted in (text, [text]):
        with suppress(DatabaseError):  # PostgREST looks for a NUL, and finds nothing
            assert database.select(Query("imports", "id", ["id"], {"filename": wanted})) == []


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_filter_for_too_many_values_is_refused_in_one_sentence(
    stack: Stack, person: Person, count: int
) -> None:
    names = [f"{number:064}.csv" for number in range(count)]
    query = Query("imports", "id", ["id"], {"filename": names})
    with pytest.raises(DatabaseError, match=r"^This asks for too much at once\. "):
        over_http(stack, person).select(query)
    with over_postgres(stack, person) as postgres:
        assert postgres.select(query) == []


def test_account_of_unstorable_email_does_not_exist(stack: Stack) -> None:
    with (
        operator_connection(stack, autocommit=True) as connection,
        pytest.raises(DatabaseError, match=r"^There is no account for "),
    ):
        find_user(connection, "a\udcff@example.com")


def test_refusals_have_messages(database: Database) -> None:
    with pytest.raises(DatabaseError, match=r"^Records must be an array of at most 5,000 objects\.$"):
        database.call("save_cost_records", import_id=None, records=None)
    with pytest.raises(DatabaseError, match=r"^The database refused this: .*imports_rows_read_check"):
        database.insert("imports", A_FILE | {"rows_read": -1})
    with pytest.raises(DatabaseError, match=r"^permission denied"):
        database.insert("job_runs", {"status": "done"})


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_row_beyond_a_bound_is_refused_in_a_sentence(stack: Stack, transport: str) -> None:
    person = sign_up(stack)
    with operator_connection(stack, autocommit=True) as connection:
        connection.execute(
            """insert into public.api_credentials
                (workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
            select %s, %s, p.id, n, 'e', 'k' from public.providers as p, generate_series(1, 50) as n
            where p.name = 'openai'""",
            [person.user_id, person.user_id],
        )
    refused = r"^A workspace can have 50 connections at most\. Delete one .* on the Connections page; "
    with acting(stack, person, transport) as database:
        [known] = database.select(Query("api_credentials", "provider_id", ["id"], {"credential_name": "1"}))
        row = known | {"credential_name": "51", "encrypted_api_key": "e", "encryption_key_id": "k"}
        with pytest.raises(DatabaseError, match=refused):
            database.insert("api_credentials", row)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_stranger_cannot_reach_rows(stack: Stack, person: Person, transport: str) -> None:
    owner = over_http(stack, person)
    stored = owner.insert("imports", A_FILE | {"filename": "stored.csv"})
    save_records(owner, records(3, "stored"), stored["id"])
    before = owner.select(Query("cost_records", "*", ["timestamp", "id"]))
    with acting(stack, sign_up(stack), transport) as stranger:
        for table in ("imports", "cost_records", "subscriptions"):
            assert stranger.select(Query(table, "*", ["id"])) == []
        stranger.update("imports", stored["id"], {"filename": "taken.csv"})
        stranger.delete("imports", stored["id"])
        for row in before:
            stranger.delete("cost_records", row["id"])
        with pytest.raises(NotAllowed, match=r"^Your role in this workspace does not allow this\.$"):
            stranger.insert("imports", A_FILE | {"user_id": person.user_id})
        with pytest.raises(DatabaseError):
            save_records(stranger, records(1, "smuggled"), stored["id"])
        assert stranger.call("daily_costs", from_date=None, to_date=None)["date"] == []
    assert find_import(owner, stored["id"]) == stored
    assert owner.select(Query("cost_records", "*", ["timestamp", "id"])) == before


def test_operator_connection_resets_its_role_after_each_call(stack: Stack, person: Person) -> None:
    with over_postgres(stack, person) as database:
        with pytest.raises(DatabaseError):
            database.select(Query("nothing_of_this_name", "*", ["id"]))
        database.select(Query("providers", "*", ["id"]))
        assert database._connection.execute("select current_user").fetchone() == ("postgres",)


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def token(claims: dict[str, Any], secret: str, algorithm: str = "HS256") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    signed = ".".join(encode(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{encode(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def forged_tokens(stack: Stack, person: Person) -> dict[str, str]:
    claims = {"sub": person.user_id, "role": "authenticated", "aud": "authenticated"}
    current, past = claims | {"exp": time.time() + 600}, claims | {"exp": time.time() - 600}
    head, body, signature = person.token.split(".")
    other = json.loads(base64.urlsafe_b64decode(body + "==")) | {"sub": sign_up(stack).user_id}
    return {
        "expired": token(past, stack.keys.jwt_secret),
        "signed with another secret": token(current, "x" * 40),
        "unsigned": token(current, "", "none").rpartition(".")[0] + ".",
        "with another user id": f"{head}.{encode(json.dumps(other).encode())}.{signature}",
        "truncated": person.token[:-6],
        "no token": "abc",
    }


FORGERIES = (
    "expired",
    "signed with another secret",
    "unsigned",
    "with another user id",
    "truncated",
    "no token",
)


def test_token_of_the_right_secret_is_accepted(stack: Stack, person: Person) -> None:
    claims = {"sub": person.user_id, "role": "authenticated", "exp": time.time() + 600}
    database = SupabaseDatabase(client_with(stack, token(claims, stack.keys.jwt_secret)), person.user_id)
    assert database.select(Query("providers", "id", ["id"]))


@pytest.fixture(scope="module")
def forgeries(stack: Stack) -> dict[str, str]:
    return forged_tokens(stack, sign_up(stack))


@pytest.mark.parametrize("kind", FORGERIES)
def test_invalid_token_ends_the_session_and_writes_nothing(
    stack: Stack, person: Person, forgeries: dict[str, str], kind: str
) -> None:
    database = SupabaseDatabase(client_with(stack, forgeries[kind]), person.user_id)
    before = counts(stack)
    attempts = (
        lambda: database.insert("imports", A_FILE),
        lambda: save_records(database, records(1)),
        lambda: database.select(Query("imports", "*", ["id"])),
        lambda: database.delete("imports", sign_up(stack).user_id),
    )
    for attempt in attempts:
        with pytest.raises(SignedOut, match=r"^Your session has ended\. Sign in again\.$"):
            attempt()
    assert counts(stack) == before


def counts(stack: Stack) -> object:
    with operator_connection(stack) as connection:
        return connection.execute(
            "select (select count(*) from public.imports), (select count(*) from public.cost_records)"
        ).fetchone()


def test_unknown_api_key_is_named(stack: Stack, person: Person) -> None:
    client = client_with(stack, person.token)
    client.options.headers["apikey"] = "sb_publishable_unknown"
    client.postgrest.headers["apikey"] = "sb_publishable_unknown"
    with pytest.raises(DatabaseError, match="does not accept this API key"):
        SupabaseDatabase(client, person.user_id).select(Query("providers", "*", ["id"]))


def test_closed_connection_is_not_retried(stack: Stack, person: Person) -> None:
    with operator_connection(stack) as connection:
        connection.close()
        with over_postgres(stack, person) as database:
            database._connection.close()
            started = time.monotonic()
            with pytest.raises(Unreachable, match=r"^The database cannot be reached right now\. "):
                database.select(Query("providers", "*", ["id"]))
            assert time.monotonic() - started < 1, "retries cannot reopen a connection"


def test_deadlock_is_retried(stack: Stack, person: Person) -> None:
    with over_postgres(stack, person) as database:
        database._connection.execute(
            "create sequence public.tries; grant usage on sequence public.tries to authenticated;"
            "create function public.fail_once(workspace uuid) returns int language plpgsql as $$ begin"
            " if nextval('public.tries') = 1 then raise 'deadlock' using errcode = '40P01'; end if;"
            " return 7; end $$; grant execute on function public.fail_once to authenticated"
        )
        database._connection.commit()
        try:
            assert database.call("fail_once") == 7
        finally:
            database._connection.execute("drop function public.fail_once; drop sequence public.tries")


def test_unreachable_database_is_retried_four_times(
    stack: Stack, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[float] = []

    def refuse(*_: object, **__: object) -> None:
        attempts.append(time.monotonic())
        raise httpx.ConnectError("refused")

    database = over_http(stack, person)
    monkeypatch.setattr(httpx.Client, "send", refuse)
    with pytest.raises(Unreachable):
        database.select(Query("providers", "id", ["id"]))
    assert len(attempts) == 5
    assert 3.2 < attempts[-1] - attempts[0] < 6
    with pytest.raises(Unreachable):
        database.insert("imports", A_FILE)
    assert len(attempts) == 6, "an insert is not safe to repeat"


def test_account_is_found_by_email_in_any_case(stack: Stack, person: Person) -> None:
    with operator_connection(stack) as connection:
        assert str(find_user(connection, f" {person.email.upper()} ")) == person.user_id
        with pytest.raises(DatabaseError, match=r"^There is no account for nobody@example\.com\. Sign up"):
            find_user(connection, "nobody@example.com")
