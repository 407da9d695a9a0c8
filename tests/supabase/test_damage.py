"""Damaged data is noticed, and no advice that is printed would delete it."""

import shutil
from pathlib import Path

import psycopg
import pytest

from tally.local.running import running_stack
from tally.local.stack import StackFailed
from tests.embedded import free_port_block, migrated_home
from tests.supabase.parts import connect, remember


def test_damaged_control_file_leads_to_the_backup_and_not_to_a_new_database() -> None:
    with migrated_home() as home:
        control = home / "postgres" / "17" / "global" / "pg_control"
        control.write_bytes(bytes(len(control.read_bytes())))
        with pytest.raises(StackFailed) as failed, running_stack(home, free_port_block()):
            pass
        assert "Keep this folder as it is" in str(failed.value)
        assert "tally restore FILE" in str(failed.value)
        assert "initdb" not in str(failed.value)
        assert control.read_bytes() == bytes(len(control.read_bytes()))


def test_changed_bytes_in_a_table_are_an_error_and_not_an_answer(tmp_path: Path) -> None:
    with migrated_home() as home:
        port = free_port_block()
        with running_stack(home, port, migrated=False) as stack:
            remember(stack, "project-zeus-secret")
            with connect(stack) as connection:
                row = connection.execute("select pg_relation_filepath('private.remembered')").fetchone()
        assert row is not None
        table = home / "postgres" / "17" / row[0]
        shutil.copy(table, tmp_path)
        changed = table.read_bytes().replace(b"zeus", b"zeuz")
        assert changed != (tmp_path / table.name).read_bytes()
        table.write_bytes(changed)
        with (
            running_stack(home, port, migrated=False) as stack,
            connect(stack) as connection,
            pytest.raises(psycopg.errors.DataCorrupted, match="invalid page"),
        ):
            connection.execute("select text from private.remembered")
