"""Recovery after any process was killed: the next start is clean and no saved data is lost."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tally.local import processes
from tally.local.home import open_home
from tally.local.keys import load_keys
from tally.local.lock import lock_home
from tally.local.node import find_node
from tally.local.ports import Ports
from tally.local.postmaster import prepare_copy
from tally.local.running import running_stack
from tally.local.service import Stopped
from tally.local.settings import LocalSettings
from tally.local.stack import Listener, Stack, StackFailed
from tests.embedded import free_port_block, temporary_home
from tests.supabase.parts import (
    api_answers,
    connect,
    eventually,
    kill,
    pid_of_node,
    pid_of_postgres,
    pid_of_postgrest,
    port_is_open,
    remember,
    remembered,
)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port_block()


@pytest.fixture
def foreign_process() -> Iterator[int]:
    """A program that is not part of the stack and must never be ended."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        assert process.poll() is None, "a foreign process was ended"
        process.terminate()


def ends(pid: int) -> None:
    eventually(lambda: not processes.is_running(pid))


@pytest.fixture(params=[0, 40])
def open_files(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open files raise the number of the lock's descriptor, which decides which processes inherit it."""
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(request.param)]
    yield
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.usefixtures("open_files")
def test_next_start_adopts_the_database_of_a_killed_node(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        remember(stack, "before node was killed")
        postgres, postgrest = pid_of_postgres(stack), pid_of_postgrest(stack)
        kill(pid_of_node(stack))
        ends(pid_of_node(stack))
    assert processes.is_running(postgrest), "the test needs an orphan"
    with running_stack(home, port) as stack:
        assert pid_of_postgres(stack) == postgres
        assert pid_of_postgrest(stack) != postgrest
        ends(postgrest)
        assert api_answers(stack)
        assert "before node was killed" in remembered(stack)


def test_killed_data_api_is_restarted(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        killed = pid_of_postgrest(stack)
        kill(killed)
        eventually(lambda: pid_of_postgrest(stack) != killed and api_answers(stack))


def test_killed_database_is_restarted_with_all_its_data(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        remember(stack, "before the database was killed")
        killed = pid_of_postgres(stack)
        kill(killed)
        eventually(lambda: not port_is_open(stack.ports.postgres) or pid_of_postgres(stack) != killed)
        eventually(lambda: port_is_open(stack.ports.postgres) and api_answers(stack))
        assert "before the database was killed" in remembered(stack)


def test_next_start_recovers_when_everything_was_killed_at_once(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        remember(stack, "before everything was killed")
        for pid in (pid_of_node(stack), pid_of_postgres(stack), pid_of_postgrest(stack)):
            kill(pid)
    with running_stack(home, port) as stack:
        assert api_answers(stack)
        assert "before everything was killed" in remembered(stack)


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_stop_right_after_a_crash_leaves_no_database(home: Path, port: int, pause: float) -> None:
    with running_stack(home, port) as stack:
        remember(stack, f"before the stop after {pause} s")
        postmaster = pid_of_postgres(stack)
        with connect(stack) as connection:
            kill(connection.info.backend_pid)
        time.sleep(pause)
        begun = time.monotonic()
    assert time.monotonic() - begun < 15
    assert not processes.is_running(postmaster)
    with running_stack(home, port) as stack:
        assert f"before the stop after {pause} s" in remembered(stack)


def test_database_left_on_another_port_moves_to_the_new_one(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        kill(pid_of_node(stack))
        ends(pid_of_node(stack))
    with running_stack(home, free_port_block()) as stack:
        assert api_answers(stack)
    assert not port_is_open(port + 2)


def test_copy_of_a_stopped_original_starts_and_names_the_danger(home: Path, port: int) -> None:
    with running_stack(home, port) as stack, temporary_home() as copy:
        remember(stack, "before the copy")
        subprocess.run(["cp", "-a", home, copy], check=False)  # files of a running database may vanish
        stack.stop()
        said: list[str] = []
        opened = open_home(copy)
        assert (opened.data / "17" / "postmaster.pid").exists(), "the test needs a record of the original"
        prepare_copy(opened, said.append)
        with running_stack(copy, free_port_block(), migrated=False) as copied:
            assert "before the copy" in remembered(copied)
    assert len(said) == 1
    assert f"was copied from {home / 'postgres' / '17'} while its database ran" in said[0]


def test_stale_lock_of_the_database_with_a_foreign_process_id_is_ignored(
    home: Path, port: int, foreign_process: int
) -> None:
    lock = home / "postgres" / "17" / "postmaster.pid"
    lock.write_text(f"{foreign_process}\n{lock.parent}\n1\n{port + 2}\n\n127.0.0.1\n\nready\n")
    owner = lock.parent.stat()
    os.chown(lock, owner.st_uid, owner.st_gid)
    with running_stack(home, port) as stack:
        assert api_answers(stack)


def test_stale_process_id_of_the_data_api_ends_no_foreign_process(
    home: Path, port: int, foreign_process: int
) -> None:
    processes.record(home / "run" / "postgrest.pid", foreign_process)
    with running_stack(home, port) as stack:
        assert api_answers(stack)


def test_stack_stops_when_its_parent_process_has_ended(home: Path, port: int) -> None:
    with running_stack(home, port) as stack:
        postgres = pid_of_postgres(stack)
        assert stack.process is not None
        assert stack.process.stdin is not None
        stack.process.stdin.close()
        ends(postgres)
        ends(pid_of_node(stack))


@pytest.mark.parametrize("step", ["Creating the database", "Starting the database"])
def test_next_start_succeeds_after_one_was_killed_midway(step: str) -> None:
    with temporary_home() as home:
        port = free_port_block()
        start_until(home, port, step)
        with running_stack(home, port, migrated=False) as stack:
            assert api_answers(stack)
            assert [path.name for path in stack.home.data.iterdir()] == ["17"]


def test_next_start_succeeds_after_the_first_was_stopped_midway() -> None:
    with temporary_home() as home:
        port = free_port_block()
        start_until(home, port, "Creating the database", kill_it=False)
        assert not any(port_is_open(each) for each in range(port, port + 4))
        with running_stack(home, port, migrated=False) as stack:
            assert api_answers(stack)


def start_until(home: Path, port: int, step: str, kill_it: bool = True) -> None:
    """Start a stack and, at the named step, kill its process or request a stop."""
    opened, stop = open_home(home), threading.Event()
    lock = lock_home(opened, "stack", port)
    stack = Stack(opened, Ports(port), load_keys(opened), find_node(), LocalSettings(), lock)

    def on_step(begun: str) -> None:
        if begun == step:
            if kill_it:
                kill(pid_of_node(stack))
            stop.set()

    with pytest.raises((Stopped, StackFailed)):
        stack.start(Listener(on_step), stop)
    stack.stop()
    lock.release()


def test_secrets_that_do_not_fit_the_data_are_named(home: Path, port: int) -> None:
    secrets = home / "secrets.json"
    right = secrets.read_text()
    secrets.write_text(right.replace('"supabase_admin": "', '"supabase_admin": "x'))
    with (
        pytest.raises(Exception, match=r"refuses the password in .*secrets\.json"),
        running_stack(home, port),
    ):
        pass
    secrets.write_text(right)
    with running_stack(home, port) as stack, connect(stack) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
