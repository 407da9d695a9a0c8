"""Recovery after any process was killed: the next start is clean and no saved data is lost."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tally.local import processes
from tally.local.home import open_home
from tally.local.keys import load_keys
from tally.local.lock import lock_home
from tally.local.node import find_node
from tally.local.ports import Ports
from tally.local.postmaster import prepare_copy
from tally.local.running import running_database, running_stack
from tally.local.service import Stopped
from tally.local.settings import LocalSettings
from tally.local.stack import Listener, Stack, StackFailed
from tests.embedded import free_port_block, temporary_home
from tests.supabase.parts import (
    api_answers,
    connect,
    eventually,
    get,
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


class Runs:
    """The stack of a folder, which runs on from test to test."""

    def __init__(self, home: Path, port: int) -> None:
        self._home, self._port = home, port
        self._opened = ExitStack()
        self._stack: Stack | None = None

    def running(self) -> Stack:
        """The stack; started if the last test left none that answers."""
        if self._stack is None or not api_answers(self._stack):
            self.end()
            self._stack = self._opened.enter_context(running_stack(self._home, self._port))
        return self._stack

    def end(self) -> None:
        """Stop it, or what is left of it."""
        self._stack = None
        self._opened.close()

    def again(self) -> Stack:
        """The stack after an end and a start."""
        self.end()
        return self.running()


@pytest.fixture(scope="module")
def runs(home: Path, port: int) -> Iterator[Runs]:
    kept = Runs(home, port)
    yield kept
    kept.end()


@pytest.fixture
def stopped(runs: Runs, home: Path) -> Path:
    """The folder while nothing runs there."""
    runs.end()
    return home


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
def test_next_start_adopts_the_database_of_a_killed_node(runs: Runs) -> None:
    stack = runs.again()
    remember(stack, "before node was killed")
    postgres, postgrest = pid_of_postgres(stack), pid_of_postgrest(stack)
    kill(pid_of_node(stack))
    ends(pid_of_node(stack))
    runs.end()
    assert processes.is_running(postgrest), "the test needs an orphan"
    stack = runs.running()
    assert pid_of_postgres(stack) == postgres
    assert pid_of_postgrest(stack) != postgrest
    ends(postgrest)
    assert api_answers(stack)
    assert "before node was killed" in remembered(stack)


def test_killed_data_api_is_restarted(runs: Runs) -> None:
    stack = runs.running()
    killed = pid_of_postgrest(stack)
    kill(killed)
    eventually(lambda: pid_of_postgrest(stack) != killed and api_answers(stack))


def test_killed_database_is_restarted_with_all_its_data(runs: Runs) -> None:
    stack = runs.running()
    remember(stack, "before the database was killed")
    killed = pid_of_postgres(stack)
    kill(killed)
    eventually(lambda: not port_is_open(stack.ports.postgres) or pid_of_postgres(stack) != killed)
    eventually(lambda: port_is_open(stack.ports.postgres) and api_answers(stack))
    assert "before the database was killed" in remembered(stack)


def test_next_start_recovers_when_everything_was_killed_at_once(runs: Runs) -> None:
    stack = runs.running()
    remember(stack, "before everything was killed")
    for pid in (pid_of_node(stack), pid_of_postgres(stack), pid_of_postgrest(stack)):
        kill(pid)
    stack = runs.again()
    assert api_answers(stack)
    assert "before everything was killed" in remembered(stack)


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_stop_right_after_a_crash_leaves_no_database(runs: Runs, pause: float) -> None:
    stack = runs.running()
    remember(stack, f"before the stop after {pause} s")
    postmaster = pid_of_postgres(stack)
    with connect(stack) as connection:
        kill(connection.info.backend_pid)
    time.sleep(pause)
    begun = time.monotonic()
    runs.end()
    assert time.monotonic() - begun < 15
    assert not processes.is_running(postmaster)
    assert f"before the stop after {pause} s" in remembered(runs.running())


def test_database_left_on_another_port_moves_to_the_new_one(runs: Runs, home: Path, port: int) -> None:
    node = pid_of_node(runs.running())
    kill(node)
    ends(node)
    runs.end()
    assert port_is_open(port + 2), "the test needs a database that was left"
    with running_stack(home, free_port_block()) as stack:
        assert api_answers(stack)
    assert not port_is_open(port + 2)


def test_copy_of_a_stopped_original_starts_and_names_the_danger(runs: Runs, home: Path) -> None:
    with temporary_home() as copy:
        stack = runs.running()
        remember(stack, "before the copy")
        subprocess.run(["cp", "-a", home, copy], check=False)  # files of a running database may vanish
        runs.end()
        said: list[str] = []
        opened = open_home(copy)
        assert (opened.data / "17" / "postmaster.pid").exists(), "the test needs a record of the original"
        prepare_copy(opened, said.append)
        with running_stack(copy, free_port_block(), migrated=False) as copied:
            assert "before the copy" in remembered(copied)
    assert len(said) == 1
    assert f"was copied from {home / 'postgres' / '17'} while its database ran" in said[0]


def test_stale_lock_of_the_database_with_a_foreign_process_id_is_ignored(
    stopped: Path, runs: Runs, port: int, foreign_process: int
) -> None:
    lock = stopped / "postgres" / "17" / "postmaster.pid"
    lock.write_text(f"{foreign_process}\n{lock.parent}\n1\n{port + 2}\n\n127.0.0.1\n\nready\n")
    owner = lock.parent.stat()
    os.chown(lock, owner.st_uid, owner.st_gid)
    assert api_answers(runs.running())


def test_stale_process_id_of_the_data_api_ends_no_foreign_process(
    stopped: Path, runs: Runs, foreign_process: int
) -> None:
    processes.record(stopped / "run" / "postgrest.pid", foreign_process)
    assert api_answers(runs.running())


def test_stack_stops_when_its_parent_process_has_ended(runs: Runs) -> None:
    stack = runs.running()
    postgres = pid_of_postgres(stack)
    assert stack.process is not None
    assert stack.process.stdin is not None
    stack.process.stdin.close()
    ends(postgres)
    ends(pid_of_node(stack))


def test_database_alone_runs_without_its_apis(stopped: Path) -> None:
    with running_database(open_home(stopped)) as stack:
        with connect(stack) as connection:
            assert connection.execute("select count(*) > 0 from public.providers").fetchone() == (True,)
        assert get(stack, "/rest/v1/providers?limit=1", stack.keys.secret_key)[0] == 503
        assert not port_is_open(stack.ports.rest)


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


def test_secrets_that_do_not_fit_the_data_are_named(stopped: Path, runs: Runs, port: int) -> None:
    secrets = stopped / "secrets.json"
    right = secrets.read_text()
    secrets.write_text(right.replace('"supabase_admin": "', '"supabase_admin": "x'))
    with (
        pytest.raises(Exception, match=r"refuses the password in .*secrets\.json"),
        running_stack(stopped, port),
    ):
        pass
    secrets.write_text(right)
    with connect(runs.running()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
