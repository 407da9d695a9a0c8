"""One account writes the extremes of every column: nothing of another one changes, and everything goes on."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from forecasting.nightly import run as nightly
from tally.core.paths import CHECKOUT
from tally.local.running import running_stack
from tally.local.stack import Stack
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key
from tests.database_fixtures import Connection
from tests.embedded import free_port_block, temporary_home, temporary_stack
from tests.tally.local.extremes import SET_ASIDE, WRITABLE, Api, write_extreme_days, write_extremes
from tests.tally.local.test_backup import add_connection, auth_of, daily_costs, ring_of, run
from tests.tally.people import Person, over_http, sign_up

MIGRATIONS = CHECKOUT / "database" / "migrations"


@dataclass(frozen=True, slots=True)
class Scene:
    """An ordinary account beside an extreme one, and the ordinary one's figures before."""

    stack: Stack
    operator: Connection
    ordinary: Person
    key: Owner
    extreme: Person
    api: Api
    before: list[str]

    def figures(self) -> list[str]:
        """What the ordinary account sees now."""
        return daily_costs(self.stack, self.ordinary.token, self.ordinary.user_id)

    def run_nightly(self) -> tuple[int, str]:
        """Do a nightly run; its exit code, and the state of the ordinary account's part."""
        options = nightly.Options(workers=0)
        code = nightly.run(self.stack.settings()["DATABASE_URL"], options)
        query = (
            """select status from public.job_runs where workspace_id = %s order by started_at desc limit 1"""
        )
        [[status]] = self.operator.execute(query, [self.ordinary.user_id]).fetchall()
        return code, str(status)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        temporary_stack() as stack,
        closing(psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True)) as operator,
    ):
        ordinary, extreme = sign_up(stack), sign_up(stack)
        for person in (ordinary, extreme):
            loaded = run(stack.home.path, "demo", "--email", person.email, settings=stack.settings())
            assert loaded.returncode == 0, loaded.stderr
        key = add_connection(stack, ordinary)
        operator.execute("update public.api_credentials set is_active = false")  # its provider is not asked
        scene = Scene(stack, operator, ordinary, key, extreme, Api(stack, extreme), [])
        assert scene.run_nightly() == (nightly.DONE, "done")
        scene.before.extend(scene.figures())
        user = UUID(extreme.user_id)
        [[provider]] = operator.execute("select id from public.providers where name = 'openai'").fetchall()
        write_extreme_days(scene.api, user, provider, datetime.now(UTC).date())
        write_extremes(scene.api, operator, user)
        yield scene


def test_extremes_are_stored_or_refused_as_the_callers_fault(scene: Scene) -> None:
    assert scene.api.failed == []
    assert sum(scene.api.accepted.values()) > 300
    written = {(table, column) for table, column in scene.api.accepted if column != "*"}
    columns = {(table, column) for table, column, *_ in scene.operator.execute(WRITABLE).fetchall()}
    assert written == {(table, column) for table, column in columns if column not in SET_ASIDE}
    assert scene.figures() == scene.before


def test_nightly_run_after_extremes_is_whole_for_the_others(scene: Scene) -> None:
    assert scene.run_nightly() == (nightly.PARTIAL, "done")
    assert scene.figures() == scene.before
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    later = nightly.run(scene.stack.settings()["DATABASE_URL"], nightly.Options(as_of=tomorrow, workers=0))
    assert later == nightly.PARTIAL
    said = over_http(scene.stack, scene.extreme).call("last_run")
    assert "skipped" not in said["steps"][0]
    assert said["status"] == "failed"
    assert "larger than Tally can add up" in said["error"]
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|constraint|relation|select ", said["error"])


def test_folds_and_refreshes_go_on(scene: Scene) -> None:
    while scene.operator.execute("select public.fold_stale_days()").fetchone() != (0,):
        pass
    scene.operator.execute("select public.refresh_cost_records_daily()")
    assert scene.figures() == scene.before


def test_migrations_run_again(scene: Scene) -> None:
    files = sorted(MIGRATIONS.glob("*.sql"))
    bounds_and_later = files[[file.name for file in files].index("059_row_bounds.sql") :]
    down = [MIGRATIONS / "down" / file.name for file in reversed(bounds_and_later)]
    for file in (*files, *down, *bounds_and_later):
        with scene.operator.transaction():
            scene.operator.execute(file.read_bytes())
    assert scene.figures() == scene.before


def test_backup_is_restored_with_every_figure(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "tally.backup"
    made = run(scene.stack.home.path, "backup", file, "--passphrase-stdin", given="correct horse battery\n")
    assert made.returncode == 0, made.stderr
    with temporary_home() as home:
        restored = run(home, "restore", file, "--passphrase-stdin", given="correct horse battery\n")
        assert restored.returncode == 0, restored.stderr
        with running_stack(home, free_port_block()) as stack:
            tokens = auth_of(stack).sign_in(scene.ordinary.email, "correct horse 1")
            assert daily_costs(stack, tokens.access_token, tokens.user_id) == scene.before


def test_keys_are_rotated_past_damaged_rows_which_can_be_discarded(scene: Scene) -> None:
    home = scene.stack.home.path
    [[damaged]] = scene.operator.execute(
        "select array_agg(id) from public.api_credentials where user_id = %s", [scene.extreme.user_id]
    ).fetchall()
    older = ring_of(scene.stack).newest_id
    rotated = run(home, "keys", "rotate")
    assert rotated.returncode == 1
    assert {str(one) for one in damaged} <= set(re.findall(r"Connection ([0-9a-f-]{36})", rotated.stderr))
    assert str(scene.key.credential_id) not in rotated.stderr
    [stored] = scene.operator.execute(
        "select encrypted_api_key, encryption_key_id from public.api_credentials where id = %s",
        [scene.key.credential_id],
    ).fetchall()
    ring = ring_of(scene.stack)
    assert stored[1] == ring.newest_id != older
    assert decrypt_key(ring, EncryptedKey(*stored), scene.key).get_secret_value() == "sk-ant-secret"
    assert run(home, "keys", "discard", *map(str, damaged)).returncode == 0
    assert run(home, "keys", "check").returncode == 0
