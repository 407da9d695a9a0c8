"""Repositories of folders, as they are on this machine."""

import os
import subprocess
from pathlib import Path

import pytest

from tally.agents.checkouts import find_repository


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    """A repository without an origin."""
    garden = tmp_path / "garden"
    (garden / "src" / "beds").mkdir(parents=True)
    git(garden, "init", "--quiet")
    return garden


def test_folder_in_a_repository_has_its_name(garden: Path) -> None:
    assert find_repository(str(garden)) == "garden"
    assert find_repository(str(garden / "src" / "beds")) == "garden"


@pytest.mark.parametrize(
    "address",
    [
        "https://x-token:secret@git.example.com/ada/garden-shop.git",
        "git@git.example.com:ada/garden-shop.git",
    ],
)
def test_origin_names_the_repository_without_its_address(garden: Path, address: str) -> None:
    git(garden, "remote", "add", "fork", "https://git.example.com/eve/other.git")
    git(garden, "remote", "add", "origin", address)
    assert find_repository(str(garden / "src")) == "ada/garden-shop"


def test_worktree_is_of_its_repository(garden: Path, tmp_path: Path) -> None:
    git(garden, "commit", "--allow-empty", "--message", "Begin")
    git(garden, "worktree", "add", "--quiet", str(tmp_path / "spring"), "-b", "spring")
    assert find_repository(str(tmp_path / "spring")) == "garden"


def test_submodule_is_a_repository_of_its_own(garden: Path, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    git(seeds, "init", "--quiet")
    git(seeds, "commit", "--allow-empty", "--message", "Begin")
    git(garden, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(seeds), "parts/seeds")
    assert find_repository(str(garden / "parts" / "seeds")) == "seeds"


def test_other_folders_stand_for_themselves(tmp_path: Path) -> None:
    (tmp_path / "notes" / "today").mkdir(parents=True)
    assert find_repository(str(tmp_path / "notes" / "today")) == "today"
    assert find_repository("/home/ada/projects/gone") == "gone"
    assert find_repository(r"C:\Users\ada\garden") == "garden"
    assert find_repository("garden/beds") == "beds"
    assert find_repository("") == ""
    assert find_repository("/home/ada/\0garden").endswith("garden")


def test_checkout_whose_place_leads_in_a_circle_has_the_name_of_its_folder(tmp_path: Path) -> None:
    spring, place = tmp_path / "spring", tmp_path / "place"
    spring.mkdir()
    place.mkdir()
    (place / "circle").symlink_to(place / "circle")
    (place / "commondir").write_text("circle\n")
    (spring / ".git").write_text(f"gitdir: {place}\n")
    assert find_repository(str(spring)) == "spring"


@pytest.mark.parametrize("damage", ["no file", "nonsense", "not text", "pipe"])
def test_damaged_repository_has_the_name_of_its_folder(garden: Path, damage: str) -> None:
    config = garden / ".git" / "config"
    config.unlink()
    if damage == "nonsense":
        config.write_text('[remote "origin"]\nurl\n[remote "other"]\nurl = https://git.example.com/eve/x\n')
    if damage == "not text":
        config.write_bytes(os.urandom(1000))
    if damage == "pipe":
        os.mkfifo(config)  # whoever opens one waits for its writer
    assert find_repository(str(garden)) == "garden"
