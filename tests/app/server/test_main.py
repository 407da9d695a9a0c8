"""The server starts from any folder, or exits with an explanation."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tally.core.paths import CHECKOUT
from tests.app.app_server import AppServer
from tests.app.conftest import Project
from tests.program_environment import program_environment

UVICORN = ("-m", "uvicorn", "app.server.main:app", "--port", "0")


def fail_to_start(folder: Path, environment: dict[str, str], command: Sequence[str] = UVICORN) -> str:
    """Output of a server that does not start."""
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=program_environment(TALLY_HOME=str(folder / "home")) | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_streamlits_settings_are_found_from_another_folder(
    server: AppServer, signed_in: httpx.Client
) -> None:
    assert server.folder not in (CHECKOUT, CHECKOUT / "app")
    assert signed_in.get("/app/static/mark.svg").status_code == 200, (
        "static serving is on in config.toml alone"
    )


@pytest.mark.skipif((CHECKOUT / ".env").exists(), reason="this checkout's .env sets everything")
def test_missing_settings_are_named(tmp_path: Path) -> None:
    assert "Missing: SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY." in fail_to_start(tmp_path, {})


def test_server_refuses_to_run_without_the_session_binding(project: Project, tmp_path: Path) -> None:
    settings_read_too_early = (
        "from streamlit import config; config.get_option('server.port'); import app.server.main"
    )
    refusal = fail_to_start(tmp_path, project.environment(), ("-c", settings_read_too_early))
    assert "server.trustedUserHeaders" in refusal


def test_unusable_session_store_is_explained(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = {"TALLY_SESSIONS_DB": str(tmp_path / "file" / "sessions.db")}
    assert "cannot store its sessions" in fail_to_start(tmp_path, project.environment() | broken)
