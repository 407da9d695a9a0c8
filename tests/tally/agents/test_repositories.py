"""Branches and repositories: what a record keeps of an address, and that no credential is left in it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.agents.json_values import MAX_NAME_LENGTH
from tally.agents.payment import Payment
from tally.agents.records import make_record
from tally.core.repositories import name_repository
from tests.every_case import every_case
from tests.tally.agents.homes import claude_row, codex_rows, codex_usage, collected, write_claude, write_codex
from tests.tally.agents.test_other_agents import copilot_span, write_copilot

API = Payment("api")
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=12).filter(
    lambda name: name.strip(".") != "" and not name.endswith(".git")
)
SECRETS = st.text(
    st.characters(exclude_characters="@#?", exclude_categories=["Cs"]), min_size=1, max_size=20
).map(lambda text: f"ghp_{text}SECRET")


@every_case(
    [
        ("git@github.com:org/repo.git", "org/repo"),
        ("https://github.com/org/repo", "org/repo"),
        ("https://github.com/org/repo.git/", "org/repo"),
        ("https://ada:ghp_secret@github.com/org/repo.git", "org/repo"),
        ("https://ghp_secret@github.com/org/repo.git", "org/repo"),
        ("oauth2:glpat-secret@gitlab.com:group/repo", "group/repo"),
        ("https://gitlab.com/group/inner/repo.git", "inner/repo"),
        ("ssh://git@host.example:2222/org/repo.git", "org/repo"),
        ("https://org@dev.azure.com/org/project/_git/repo", "project/repo"),
        ("https://host/org/repo?private_token=secret#x", "org/repo"),
        ("https://ada:sec/ret@host", "host"),
        ("ada:sec/ret@host", "host"),
        ("git@host:repo.git", "repo"),
        ("/srv/git/private/repo.git", "repo"),
        ("file:///srv/git/private/repo.git", "repo"),
        ("C:\\Users\\ada\\repo", "repo"),
        ("\\\\server\\share\\repo", "repo"),
        ("../repo", "repo"),
        ("https://host", ""),
        ("https://", ""),
        ("", ""),
        ("git@host:org/re\x1b[2Jpo\x00", "org/re[2Jpo"),
    ]
)
def test_repository_is_named_by_owner_and_name(address: str, name: str) -> None:
    assert name_repository(address) == name


def test_name_of_a_repository_is_short() -> None:
    assert len(name_repository("git@host:" + "o" * 10_000 + "/repo")) == MAX_NAME_LENGTH


@given(owner=NAMES, repository=NAMES, secret=SECRETS, suffix=st.sampled_from(["", ".git", "/", ".git/"]))
@pytest.mark.parametrize(
    "form",
    [
        "https://ada:{secret}@host/{path}",
        "https://{secret}@host:8443/{path}",
        "ada:{secret}@host:{path}",
        "ssh://{secret}@host/{path}",
        "https://host/{path}?token={secret}",
        "https://host/{path}#{secret}",
    ],
)
def test_credentials_never_leave_the_address(
    form: str, owner: str, repository: str, secret: str, suffix: str
) -> None:
    name = name_repository(form.format(secret=secret, path=f"{owner}/{repository}{suffix}"))
    assert "SECRET" not in name
    assert "ghp_" not in name


def test_claude_code_names_the_branch(tmp_path: Path) -> None:
    progress = {
        "type": "progress",
        "sessionId": "s9",
        "cwd": "/home/ada/projects/tally",
        "gitBranch": "outer",
        "data": {"message": claude_row("msg_3", "req_3")},
    }
    rows = [claude_row(gitBranch="feature/x"), claude_row("msg_2", gitBranch="HEAD"), progress]
    write_claude(tmp_path, *rows, claude_row("msg_4", gitBranch=["no", "text"]))
    branches = {event.name: event.branch for event in collected(tmp_path, "claude-code")}
    assert branches == {"msg_1": "feature/x", "msg_2": "", "msg_3": "outer", "msg_4": ""}


def test_codex_names_branch_and_repository(tmp_path: Path) -> None:
    git = {"branch": "main", "repository_url": "https://ada:ghp_secret@github.com/org/repo.git"}
    write_codex(tmp_path, codex_rows({"last_token_usage": codex_usage(9, 1)}, git=git))
    [event] = collected(tmp_path, "codex")
    assert (event.branch, event.repository) == ("main", "org/repo")


def test_codex_follows_its_turns_into_another_folder(tmp_path: Path) -> None:
    first = {"last_token_usage": codex_usage(9, 1), "at": "2026-09-01T12:00:00Z"}
    second = {"last_token_usage": codex_usage(8, 1), "at": "2026-09-01T12:01:00Z"}
    rows = codex_rows(first, second)
    turn = {"timestamp": second["at"], "type": "turn_context", "payload": {"cwd": "/home/ada/private"}}
    write_codex(tmp_path, [*rows[:-1], turn, rows[-1]])
    folders = [event.folder for event in collected(tmp_path, "codex")]
    assert folders == ["/home/ada/projects/tally", "/home/ada/private"]


def test_copilot_requests_have_the_branch_and_repository_of_their_agent(tmp_path: Path) -> None:
    named = {
        "github.copilot.git.branch": "main",
        "github.copilot.git.repository": "https://ghp_secret@github.com/org/repo.git",
    }
    other = copilot_span(trace="t2", attributes={"gen_ai.response.id": "r2"}) | {"spanId": "s2"}
    write_copilot(tmp_path, copilot_span("invoke_agent", attributes=named), copilot_span(), other)
    found = {(event.branch, event.repository) for event in collected(tmp_path, "copilot-cli")}
    assert found == {("main", "org/repo"), ("", "")}


def test_record_keeps_names_and_its_identity_ignores_them(tmp_path: Path) -> None:
    write_claude(tmp_path, claude_row(None, None, gitBranch="main"))
    [event] = collected(tmp_path, "claude-code")
    record = make_record("claude-code", event._replace(repository="org/repo"), API)
    bare = make_record("claude-code", event._replace(branch="", folder=""), API)
    assert record.source_key == bare.source_key
    assert record.metadata == bare.metadata | {
        "project": "garden",
        "branch": "main",
        "repository": "org/repo",
    }
