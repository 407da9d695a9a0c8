"""TALLY_HOME and its secrets are closed to other users; secrets are never replaced while there is data."""

import os
from pathlib import Path
from stat import S_IMODE

import pytest

from tally.core.errors import TallyError
from tally.core.private_files import write_private
from tally.local.home import open_home
from tally.local.keys import API_ROLE, LOGIN_ROLES, load_keys, save_keys
from tally.local.stack import Stack


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_everything_in_the_home_of_a_running_stack_is_closed_to_others(stack: Stack) -> None:
    passable = 0o711 if os.geteuid() == 0 else 0o700
    assert mode(stack.home.path) == passable
    for path in stack.home.path.rglob("*"):
        if stack.home.data not in path.parents and not path.is_symlink():
            is_closed = mode(path) & 0o077 == 0 or mode(path.parent) & 0o077 == 0
            assert is_closed, f"{path} is open to others"
    assert mode(stack.home.data) == 0o700
    assert mode(stack.home.secrets_file) == mode(stack.home.stack_env) == 0o600


def test_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert mode(open_home(tmp_path).path) & 0o066 == 0


def test_secrets_are_generated_once(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    first = load_keys(home)
    assert load_keys(home) == first
    assert set(first.passwords) == set(LOGIN_ROLES)
    assert first.publishable_key.startswith("sb_publishable_")
    assert first.secret_key.startswith("sb_secret_")


def test_home_without_a_password_of_the_api_gets_one(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    earlier = load_keys(home)
    del earlier.passwords[API_ROLE]
    save_keys(home, earlier)
    completed = load_keys(home)
    assert set(completed.passwords) == set(LOGIN_ROLES)
    assert {role: completed.passwords[role] for role in earlier.passwords} == earlier.passwords
    assert load_keys(home) == completed


def test_two_homes_share_no_secret(tmp_path: Path) -> None:
    one, other = load_keys(open_home(tmp_path / "one")), load_keys(open_home(tmp_path / "other"))
    assert one.jwt_secret != other.jwt_secret
    assert not set(one.passwords.values()) & set(other.passwords.values())


def test_lost_secrets_are_not_replaced_while_there_is_data(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    (home.data / "17").mkdir(parents=True)
    (home.data / "17" / "PG_VERSION").write_text("17")
    with pytest.raises(TallyError, match=r"secrets\.json is missing"):
        load_keys(home)
    assert not home.secrets_file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"jwt_secret": "only"}'])
def test_damaged_secrets_are_named(tmp_path: Path, text: str) -> None:
    home = open_home(tmp_path)
    home.secrets_file.write_text(text)
    with pytest.raises(TallyError, match="Restore it from a backup"):
        load_keys(home)
    assert home.secrets_file.read_text() == text


def test_home_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TallyError, match="TALLY_HOME"):
        open_home(tmp_path / "file" / "home")


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_private(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(target, "\ud800")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
