"""Settings from the environment and files: which wins, and what counts as missing."""

import re
import shutil
from pathlib import Path

import pytest

from tally.core import environment
from tally.core.environment import FOLDER, folder_id
from tally.core.errors import TallyError
from tally.core.paths import tally_home
from tally.core.settings import Settings, SettingsMissing, load_settings

STACK = 'SUPABASE_URL="http://stack"\nSUPABASE_PUBLISHABLE_KEY="public"\nDATABASE_URL="postgresql://stack"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TALLY_HOME with the files of `tally up`; its parent is the checkout, the environment empty."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "stack.env").write_text(f'{STACK}{FOLDER}="{folder_id(folder)}"\n')
    (folder / "vault.env").write_text('TALLY_ENCRYPTION_KEYS="first:key"\n')
    monkeypatch.setenv("TALLY_HOME", str(folder))
    monkeypatch.setattr(environment, "settings_file", lambda: tmp_path / ".env")
    return folder


@pytest.mark.usefixtures("home")
def test_files_of_up_are_read() -> None:
    found = load_settings()
    assert (found.supabase_url, found.supabase_publishable_key) == ("http://stack", "public")
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == "postgresql://stack"
    assert found.tally_encryption_keys is not None
    assert found.tally_encryption_keys.get_secret_value() == "first:key"
    assert (found.smtp_url, found.tally_scan_logs) == (None, False)


def test_env_file_wins_over_the_files_of_up_and_the_environment_over_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.parent / ".env").write_text("SUPABASE_URL=http://file\nAPP_ORIGIN=http://file\nTALLY_SCAN_LOGS=1\n")
    monkeypatch.setenv("APP_ORIGIN", "http://environment")
    found = load_settings()
    assert (found.supabase_url, found.app_origin) == ("http://file", "http://environment")
    assert (found.supabase_publishable_key, found.tally_scan_logs) == ("public", True)


def test_empty_values_do_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / ".env").write_text("SUPABASE_URL=http://file\nSUPABASE_PUBLISHABLE_KEY=\n")
    monkeypatch.setenv("SUPABASE_URL", "")
    found = load_settings()
    assert (found.supabase_url, found.supabase_publishable_key) == ("http://file", "public")


@pytest.mark.usefixtures("home")
def test_case_of_a_name_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("supabase_url", "http://environment")
    assert load_settings().supabase_url == "http://environment"


def test_missing_settings_are_named(home: Path) -> None:
    (home / "stack.env").unlink()
    with pytest.raises(SettingsMissing, match=r"^Missing: SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY\. "):
        load_settings()


def test_copied_folder_does_not_lead_to_the_database_of_the_original(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(home, home.with_name("copy"))
    moved = home.rename(home.with_name("moved"))
    monkeypatch.setenv("TALLY_HOME", str(moved))
    assert load_settings().supabase_url == "http://stack"
    monkeypatch.setenv("TALLY_HOME", str(copy))
    with pytest.raises(SettingsMissing, match="SUPABASE_URL"):
        load_settings()


@pytest.mark.parametrize("file", ["stack.env", "vault.env", ".env"])
def test_file_that_is_not_text_is_named(home: Path, file: str) -> None:
    damaged = (home.parent if file == ".env" else home) / file
    damaged.write_bytes(b"\xff\xfe\0")
    with pytest.raises(TallyError, match=re.escape(f"{damaged} is not text in UTF-8. Restore")):
        load_settings()


def test_folder_of_an_unknown_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", "~nosuchuser/tally")
    with pytest.raises(TallyError, match=r"^The folder of ~nosuchuser/tally is unknown on this machine\."):
        tally_home()
