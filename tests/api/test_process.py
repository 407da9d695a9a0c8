"""The API as processes of its own: killed, stopped, and several at once."""

import signal
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import MakeKey
from tests.api.process import ApiProcess
from tests.api.redis_server import running_redis
from tests.api.test_otlp import as_protobuf, call_span, count
from tests.database_fixtures import Connection, Project

CALLS, THREADS = 200, 8
HEADERS = {"content-type": "application/x-protobuf"}


def address_of(project: Project) -> str:
    return project.cluster.url(project.name, "tally_api")


def send_until_taken(client: httpx.Client, url: str, number: int) -> None:
    """Send one call as a client does that tries again."""
    body = as_protobuf(call_span(number))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = client.post(f"{url}/v1/traces", content=body, headers=HEADERS)
        except httpx.HTTPError:
            time.sleep(0.02)
            continue
        if answer.status_code == 200:
            return
        assert answer.status_code in (429, 502, 503, 504), answer.text
        time.sleep(0.02)
    raise AssertionError("The call was never taken.")


def send_all(urls: list[str], key: str, numbers: Iterable[int]) -> None:
    with (
        httpx.Client(headers={"authorization": f"Bearer {key}"}, timeout=10) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        list(pool.map(lambda number: send_until_taken(client, urls[number % len(urls)], number), numbers))


def test_killed_server_loses_and_doubles_no_call_of_a_client_that_tries_again(
    project: Project, make_key: MakeKey, database: Connection, tmp_path: Path
) -> None:
    key = make_key(requests_per_minute=100_000)
    with ApiProcess(tmp_path, API_DATABASE_URL=address_of(project)) as process:
        sending = threading.Thread(target=send_all, args=([process.url], key, range(1, CALLS + 1)))
        sending.start()
        for share in (0.2, 0.5):
            while count(database) < CALLS * share:
                assert sending.is_alive()
                time.sleep(0.005)
            process.end(signal.SIGKILL)
            process.start()
        sending.join(60)
        assert count(database) == CALLS
        [[spans]] = database.execute(
            "select count(distinct metadata ->> 'span_id') from public.cost_records"
        ).fetchall()
        assert spans == CALLS


def test_stopping_server_saves_and_answers_what_it_has_taken(
    project: Project, make_key: MakeKey, database: Connection, tmp_path: Path
) -> None:
    key = make_key()
    with (
        ApiProcess(tmp_path, API_DATABASE_URL=address_of(project)) as process,
        httpx.Client(headers={"authorization": f"Bearer {key}"}, timeout=30) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        # Whoever saves waits for this lock, as behind a long change.
        database.execute("begin")
        database.execute("select pg_advisory_xact_lock(private.timezone_lock(id)) from public.workspaces")
        answer = pool.submit(
            client.post, f"{process.url}/v1/traces", content=as_protobuf(call_span()), headers=HEADERS
        )
        while not database.execute("select from pg_locks where not granted").rowcount:
            time.sleep(0.005)
        process.signal(signal.SIGTERM)
        time.sleep(0.2)
        database.execute("commit")
        assert answer.result(20).status_code == 200
    assert count(database) == 1
    assert process.log() == f"Tally answers programs at {process.url} (Ctrl-C stops it)\n"


def test_several_processes_behind_a_balancer_share_the_work_and_the_limits(
    project: Project, make_key: MakeKey, database: Connection, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with running_redis() as redis:
        settings = {"API_DATABASE_URL": address_of(project), "TALLY_REDIS_URL": redis.url}
        with ApiProcess(folders[0], **settings) as one, ApiProcess(folders[1], **settings) as two:
            send_all([one.url, two.url], make_key(requests_per_minute=100_000), range(1, 31))
            assert count(database) == 30
            limited = {"authorization": f"Bearer {make_key('read', requests_per_minute=10)}"}
            statuses = [
                httpx.get(f"{url}/v1/budget", headers=limited).status_code for url in [one.url, two.url] * 8
            ]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 6


def test_unusable_setting_is_named_at_the_start(tmp_path: Path) -> None:
    process = ApiProcess(tmp_path, API_DATABASE_URL="nonsense")
    with pytest.raises(AssertionError), process:
        pass
    assert "The API cannot start. API_DATABASE_URL is not a Postgres address" in process.log()
    assert "Traceback" not in process.log()
