"""Folders of Tally in a checkout and of an installed wheel."""

import os
from pathlib import Path

import pytest

from tally.core import paths
from tally.core.errors import TallyError
from tally.core.paths import CHECKOUT, SHIPPED, own_files, settings_file, stack_folder, tally_home


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The home folder of an ordinary user who has installed a wheel."""
    monkeypatch.setattr(paths, "IS_INSTALLED", True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("TALLY_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_checkout_has_everything_in_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLY_HOME", raising=False)
    assert (own_files(), tally_home(), settings_file()) == (CHECKOUT, CHECKOUT / ".tally", CHECKOUT / ".env")
    assert stack_folder() == CHECKOUT / "supabase" / "local"


def test_wheel_has_its_files_in_the_package_and_its_state_in_the_users_folder(installed: Path) -> None:
    home = installed / ".local" / "share" / "tally"
    assert (own_files(), tally_home()) == (SHIPPED, home)
    assert (settings_file(), stack_folder()) == (home / ".env", home / "stack")


def test_users_folder_of_data_is_respected(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(installed / "data"))
    assert tally_home() == installed / "data" / "tally"


@pytest.mark.usefixtures("installed")
def test_root_has_a_folder_that_the_user_of_postgres_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert tally_home() == Path("/var/lib/tally")


def test_chosen_folder_wins_over_all(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", "~/my tally")
    assert tally_home() == installed / "my tally"
    assert stack_folder() == installed / "my tally" / "stack"


def test_folder_of_nobody_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HOME", "~no-such-user/tally")
    with pytest.raises(TallyError, match=r"is unknown on this machine\. Write it in full"):
        tally_home()
