"""The API as processes of its own: killed, stopped, and several at once."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.api.bombs import MIB, WINDOW, compress, make_bomb
from tests.api.conftest import MakeKey
from tests.api.process import ApiProcess
from tests.api.redis_server import running_redis
from tests.api.retrying import HEADERS, kill_while_sending, send_all
from tests.api.test_otlp import as_protobuf, call_span, count
from tests.database_fixtures import Connection, Project

CALLS = 200


def address_of(project: Project) -> str:
    return project.cluster.url(project.name, "tally_api")


def test_killed_server_loses_and_doubles_no_call_of_a_client_that_tries_again(
    project: Project, make_key: MakeKey, database: Connection, tmp_path: Path
) -> None:
    key = make_key(requests_per_minute=100_000)
    with ApiProcess(tmp_path, API_DATABASE_URL=address_of(project)) as process:
        kill_while_sending(process, key, CALLS, kills=2, count_saved=lambda: count(database))
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
        assert answer.result(60).status_code == 200
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


def test_bombs_of_200_megabytes_at_once_cost_at_most_32(
    project: Project, make_key: MakeKey, tmp_path: Path
) -> None:
    kinds = [(encoding, is_json) for encoding in WINDOW for is_json in (False, True)]
    bombs = [(kind, make_bomb(*kind)) for kind in kinds] * 3
    together = threading.Barrier(len(bombs), timeout=30)

    def send_slowly(bomb: bytes) -> Iterator[bytes]:
        first = len(bomb) * 15 // 200  # inflates to 15 MB
        yield bomb[:first]
        together.wait()
        yield bomb[first:]

    with (
        ApiProcess(tmp_path, API_DATABASE_URL=address_of(project)) as process,
        httpx.Client(
            base_url=process.url, headers={"authorization": f"Bearer {make_key()}"}, timeout=60
        ) as client,
        ThreadPoolExecutor(len(bombs)) as pool,
    ):

        def send(kind: tuple[str, bool], bomb: bytes, is_slow: bool) -> int:
            headers = {
                "content-encoding": kind[0],
                "content-type": "application/json" if kind[1] else HEADERS["content-type"],
            }
            content = send_slowly(bomb) if is_slow else bomb
            return client.post("/v1/traces", content=content, headers=headers).status_code

        for (encoding, is_json), _ in bombs:  # whatever is loaded for the first request
            small = compress([b"not this" * 99_999], encoding)
            assert send((encoding, is_json), small, is_slow=False) == 400
        process.forget_peak()
        before = process.memory("VmRSS")
        for is_slow in (False, True):
            statuses = pool.map(partial(send, is_slow=is_slow), *zip(*bombs, strict=True))
            assert set(statuses) == {413}
        peak = process.memory("VmHWM")
    assert peak - before <= 32 * MIB, f"{(peak - before) / MIB:.1f} MB"


def test_unusable_setting_is_named_at_the_start(tmp_path: Path) -> None:
    process = ApiProcess(tmp_path, API_DATABASE_URL="nonsense")
    with pytest.raises(AssertionError), process:
        pass
    assert "The API cannot start. API_DATABASE_URL is not a Postgres address" in process.log()
    assert "Traceback" not in process.log()
