"""Updates of a real stack by the Supabase CLI: rehearsed, backed up, refused if the data does not suit."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tally.backups.archive import Archive
from tally.local import migrations
from tally.local.home import open_home
from tally.local.keys import load_keys
from tally.local.lock import lock_home
from tally.local.migrations import MIGRATIONS, MigrationsFailed
from tally.local.node import find_node
from tally.local.ports import Ports
from tally.local.settings import LocalSettings
from tally.local.stack import Listener, Stack
from tally.local.supervisor import StackService
from tests.embedded import free_port_block, migrated_home
from tests.supabase.parts import connect

GOOD = "create table if not exists private.added (cents integer not null);\n"
BAD = "insert into private.added values (null);\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of migrations, as a later version has it."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("down"))
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    return folder


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def service(checkout: Path, said: list[str]) -> Iterator[StackService]:
    assert checkout.exists()
    with migrated_home() as folder:
        home, port = open_home(folder), free_port_block()
        lock = lock_home(home, "stack", port)
        stack = Stack(home, Ports(port), load_keys(home), find_node(), LocalSettings(tally_port=port), lock)
        made = StackService(stack, Listener(on_notice=said.append), threading.Event(), find_node())
        yield made
        made.stop()
        lock.release()


def has_table(service: StackService) -> bool:
    with connect(service.stack) as connection:
        return connection.execute("select to_regclass('private.added')").fetchone() != (None,)


def test_update_is_backed_up_and_a_failing_one_changes_nothing(
    service: StackService, checkout: Path, said: list[str]
) -> None:
    home = service.stack.home
    (checkout / "901_good.sql").write_text(GOOD)
    (checkout / "902_bad.sql").write_text(BAD)
    with pytest.raises(MigrationsFailed, match=r"does not suit 902_bad\.sql: null value"):
        service.start()
    assert not has_table(service)
    assert not home.backups.exists()
    service.stop()

    (checkout / "902_bad.sql").unlink()
    service.start()
    assert has_table(service)
    [backup] = home.backups.iterdir()
    assert said == [f"The database is migrated. A backup from before is {backup}."]
    archive = Archive(backup)
    archive.verify()
    assert "001" in archive.manifest.migrations
    assert "901" not in archive.manifest.migrations
