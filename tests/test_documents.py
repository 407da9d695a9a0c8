"""The documents name commands, files and figures that exist."""

import re
import stat
from pathlib import Path

import typer.main

from tally.cli.main import app
from tests.every_case import every_case

CHECKOUT = Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text()
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "database/README.md", "deploy/README.md"]
COMMANDS = typer.main.get_group(app)


def test_every_tally_command_of_the_readme_exists() -> None:
    named = set(re.findall(r"(?:`|bin/)tally ([a-z]+)", README))
    assert named
    assert named <= set(COMMANDS.commands)


def test_the_readme_names_every_tally_command() -> None:
    assert set(COMMANDS.commands) <= set(re.findall(r"tally ([a-z]+)", README))


def test_every_option_of_the_readme_exists() -> None:
    commands = list(COMMANDS.commands.values())
    for group in commands:  # groups may have groups
        commands += getattr(group, "commands", {}).values()
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `tally"))
    assert set(re.findall(r"--[a-z-]+", rows)) <= options


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    texts = [(CHECKOUT / name).read_text() for name in DOCUMENTS]
    named = {
        target for text in texts for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE)
    }
    assert {"up", "test"} <= named <= targets


@every_case([(document,) for document in DOCUMENTS])
def test_every_link_and_folder_exists(document: str) -> None:
    text = (CHECKOUT / document).read_text()
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    folders = re.findall(
        r"`((?:database|supabase|tally|app|forecasting|tests|bench|deploy|docs|\.github)/[\w./-]*)`", text
    )
    missing = [target for target in links if not ((CHECKOUT / document).parent / target).exists()]
    missing += [target for target in folders if not (CHECKOUT / target).exists()]
    assert missing == []


def test_ci_runs_the_check_that_ends_with_the_test_command_of_the_readme() -> None:
    ci = CHECKOUT / ".ci" / "run"
    assert ci.read_text().splitlines()[-1] == "exec make check"
    assert ci.stat().st_mode & stat.S_IXUSR
    check = (CHECKOUT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert check.splitlines()[-1].split()[-1] == "test"
    assert "    make test\n" in README


def test_locks_carry_hashes_and_no_addresses() -> None:
    for lock in [*CHECKOUT.glob("requirements*.lock"), *CHECKOUT.glob("tests/clients/*.lock")]:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
    for folder in ("supabase/local", "tests/ccusage", "tests/clients/javascript", "tests/clients/agents"):
        packages = (CHECKOUT / folder / "package-lock.json").read_text()
        assert '"integrity"' in packages
        assert '"resolved"' not in packages
