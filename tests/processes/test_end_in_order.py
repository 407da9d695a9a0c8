"""A process that is told to stop: balancers hear of it first, then what was begun ends."""

import asyncio
import signal
import time
from pathlib import Path

import httpx
import pytest
import websockets

from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tally.serving.probes import REPEAT_SECONDS
from tests.app.accounts import sign_in, sign_up
from tests.database_fixtures import Connection, Project
from tests.processes.programs import Program
from tests.shared_state import web_database_url

DRAIN_SECONDS = 2


def settings_of(stack: Stack) -> dict[str, str]:
    return {name: stack.settings()[name] for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}


async def follow(program: Program, cookies: str) -> tuple[int | None, list[int]]:
    """Tell it to stop while a live page is open: the WebSocket's code, and the answers until then."""
    url = f"ws://127.0.0.1:{program.port}/_stcore/stream"
    headers = {"cookie": cookies, "origin": program.url}
    answers: list[int] = []
    async with websockets.connect(url, additional_headers=headers, subprotocols=["streamlit"]) as live:  # type: ignore[list-item]
        program.signal(signal.SIGTERM)
        until = time.monotonic() + DRAIN_SECONDS / 2
        while time.monotonic() < until:
            for path in ("/readyz", "/healthz", "/login"):
                answers.append(await asyncio.to_thread(program.ask, path))
        async with asyncio.timeout(60):
            await live.wait_closed()
        return live.close_code, answers


def test_stopping_dashboard_sends_requests_and_live_pages_elsewhere(stack: Stack, tmp_path: Path) -> None:
    settings = settings_of(stack)
    account = sign_up(AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]))
    shared = {
        "TALLY_PROCESSES": "several",
        "TALLY_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "TALLY_WEB_DATABASE_URL": web_database_url(stack.settings()["DATABASE_URL"]),
    }
    program, another = (
        Program(["app.server"], tmp_path / name, **settings, **shared) for name in ("one", "another")
    )
    for each in (program, another):
        each.start()
    try:
        for each in (program, another):
            each.wait()
        with httpx.Client(base_url=program.url, headers={"origin": program.url}, timeout=30) as browser:
            sign_in(browser, account)
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        code, answers = asyncio.run(follow(program, cookies))
        assert code == 1012, "service restart: the page connects again"
        assert len(answers) >= 3
        assert set(zip(answers[::3], answers[1::3], answers[2::3], strict=True)) == {(503, 200, 200)}
        assert program.exit_code() == 0
        page = httpx.get(f"{another.url}/", headers={"cookie": cookies, "accept": "text/html"}, timeout=30)
        assert page.status_code == 200, "another process knows the session"
        assert "Traceback" not in program.log()
    finally:
        for each in (program, another):
            each.end()


def test_second_signal_skips_the_wait(stack: Stack, tmp_path: Path) -> None:
    url = stack.settings()["API_DATABASE_URL"]
    program = Program(["api"], tmp_path / "api", API_DATABASE_URL=url, TALLY_DRAIN_SECONDS="600")
    program.start()
    try:
        program.wait()
        program.signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while program.ask("/readyz") != 503:
            assert time.monotonic() < deadline
        assert program.ask("/v1/costs") == 401, "it still answers"
        program.signal(signal.SIGTERM)
        program.exit_code()
    finally:
        program.end()


def test_process_that_lacks_its_database_says_so_and_answers_again(tmp_path: Path) -> None:
    url = "postgresql://tally_api:x@127.0.0.1:1/postgres"
    program = Program(["api"], tmp_path / "api", API_DATABASE_URL=url)
    program.start()
    try:
        deadline = time.monotonic() + 60
        while program.ask("/healthz") != 200:
            assert time.monotonic() < deadline, program.log()
        answer = httpx.get(f"{program.url}/readyz", timeout=30)
        assert answer.status_code == 503
        assert "cannot be reached" in answer.json()["reason"]
    finally:
        program.end()


@pytest.mark.new_database
def test_process_of_an_older_version_answers_until_the_schema_serves_it_no_longer(
    project: Project, database: Connection, tmp_path: Path
) -> None:
    url = project.cluster.url(project.name, "tally_api")
    program = Program(["api"], tmp_path / "api", API_DATABASE_URL=url)
    program.start()
    try:
        program.wait()
        database.execute("insert into supabase_migrations.schema_migrations (version) values ('999')")
        time.sleep(2 * REPEAT_SECONDS)
        assert program.ask("/readyz") == 200, "newer migrations that only add are fine"
        database.execute(
            """create or replace function private.serves_from() returns text language sql immutable
            set search_path = '' as $$ select '999' $$"""
        )
        time.sleep(2 * REPEAT_SECONDS)
        answer = httpx.get(f"{program.url}/readyz", timeout=30)
        assert answer.status_code == 503
        assert "Replace it with the new version." in answer.json()["reason"]
        assert program.ask("/healthz") == 200, "it is not killed for it: what it has begun ends"
    finally:
        program.end()
