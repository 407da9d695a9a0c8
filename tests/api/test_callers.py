"""Keys: where they are read from, and what refuses them."""

import base64
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.answers import Refusal
from api.callers import MAX_AT_ONCE, UNKNOWN, Callers, Right
from api.rate_limits import RateLimits
from tests.api.conftest import MakeKey
from tests.api.grants import grant_with
from tests.api.server import ApiServer
from tests.database_fixtures import Connection


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {}"])
def test_key_is_read_from_bearer(api: ApiServer, make_key: MakeKey, form: str) -> None:
    answer = api.client(authorization=form.format(make_key("read"))).get("/v1/budget")
    assert (answer.status_code, answer.json()) == (200, {"budgets": []})


def test_key_is_read_from_a_password_and_from_its_own_header(api: ApiServer, make_key: MakeKey) -> None:
    key = make_key("read")
    assert api.client(authorization=basic("pk-lf-anything", key)).get("/v1/budget").status_code == 200
    assert api.client(x_api_key=key).get("/v1/budget").status_code == 200


def test_key_in_the_address_is_none(api: ApiServer, make_key: MakeKey) -> None:
    key = make_key("read")
    for address in (f"/v1/budget?key={key}", f"/v1/budget?api_key={key}", f"/v1/budget?token={key}"):
        assert api.client().get(address).status_code == 401, address
    assert httpx.get(f"http://x:{key}@127.0.0.1:{api.port}/v1/budget").status_code == 200, (
        "the client's Basic"
    )


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer  x", "Bearer tly_short", "Basic !!!", "Basic eA==", "Digest x", basic("tly", "")],
)
def test_what_is_no_key_is_refused(api: ApiServer, authorization: str) -> None:
    answer = api.client(authorization=authorization).get("/v1/budget")
    assert answer.status_code == 401
    assert answer.json() == {"code": 16, "message": UNKNOWN}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["cache-control"] == "no-store"


def test_missing_unknown_expired_and_revoked_keys_are_refused_alike(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    expired = make_key("read", expires_at=datetime.now(UTC) + timedelta(hours=1))
    database.execute("update public.api_keys set expires_at = now() - interval '1 second'")
    revoked = make_key("read")
    database.execute("update public.api_keys set revoked_at = now() where expires_at is null")
    unknown = make_key("read")
    database.execute("delete from public.api_keys where expires_at is null and revoked_at is null")
    answers = [api.client(key).get("/v1/budget") for key in (None, expired, revoked, unknown)]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


def test_key_without_the_right_is_told_so(api: ApiServer, make_key: MakeKey) -> None:
    answer = api.client(make_key("ingest")).get("/v1/budget")
    assert answer.status_code == 403
    assert answer.json()["message"] == (
        "This key may only send. Read with a key that may read: the page Keys makes one, and so does "
        "`tally keys api create NAME --scope read`."
    )


def test_guesses_from_one_network_are_slowed_down(
    api: ApiServer, make_key: MakeKey, database: Connection
) -> None:
    guesses = [make_key("read") for _ in range(62)]
    known = make_key("read")
    assert api.client(known).get("/v1/budget").status_code == 200
    database.execute("delete from public.api_keys where last_used_at is null")
    statuses = [api.client(guess).get("/v1/budget").status_code for guess in guesses]
    assert statuses[:60] == [401] * 60
    assert statuses[60:] == [429, 429]
    assert api.client(known).get("/v1/budget").status_code == 200, "a known key is never slowed down"


@pytest.mark.parametrize("right", ["ingest", "read"])
def test_one_key_has_a_bounded_number_of_requests_at_once(right: Right) -> None:
    callers = Callers(verifier=None, limits=RateLimits())  # type: ignore[arg-type]
    grant, other = grant_with(), grant_with()
    with ExitStack() as begun:
        for _ in range(MAX_AT_ONCE[right]):
            begun.enter_context(callers.one_of(grant, right))
        with pytest.raises(Refusal) as refusal, callers.one_of(grant, right):
            pass
        assert (refusal.value.status, refusal.value.retry_after) == (429, 1)
        with callers.one_of(other, right):
            pass
    with callers.one_of(grant, right):
        pass


def test_place_of_a_request_is_given_back_when_it_is_answered(api: ApiServer, make_key: MakeKey) -> None:
    client = api.client(make_key("read"))
    assert {client.get("/v1/budget").status_code for _ in range(MAX_AT_ONCE["read"] * 2)} == {200}
