"""Folder rules: a folder is found however its path is written, and bad rules stop everything."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.agents import folder_paths
from tally.agents.folder_paths import normalize
from tally.agents.folder_rules import (
    FILE,
    MAX_FILE_BYTES,
    FolderRule,
    FolderRules,
    FolderRulesRefused,
    load_rules,
    save_rules,
)
from tally.agents.routes import Destination, Routes, name_routes
from tests.every_case import every_case

HOME = "/home/ada"
PRIVATE = FolderRule(f"{HOME}/private", never=True)
WORK = FolderRule(f"{HOME}/private/work", workspace="Acme", project="Website")
SEGMENTS = st.lists(st.sampled_from(["a", "b", "private", "privateer", "ä"]), max_size=4)


def found(rules: FolderRules, folder: str) -> str | None:
    rule = rules.find(folder)
    return rule.path if rule else None


@every_case(
    [
        ("/home/ada", "/home/ada"),
        ("/home/ada/", "/home/ada"),
        ("//home//ada///", "/home/ada"),
        ("/home/./ada/x/..", "/home/ada"),
        ("/../..", "/"),
        ("/", "/"),
        ("C:\\Users\\Ada\\", "c:/users/ada"),
        ("c:/Users/Ada/x/..", "c:/users/ada"),
        ("\\\\?\\C:\\Users\\Ada", "c:/users/ada"),
        ("\\\\?\\UNC\\Server\\Share\\x", "//server/share/x"),
        ("\\\\Server\\Share\\x", "//server/share/x"),
        ("/home/ada/Bu\u0308cher", "/home/ada/Bücher"),
        ("", ""),
        ("home/ada", ""),
        ("~/private", ""),
        ("./private", ""),
        ("C:private", ""),
        ("/home/\0/ada", ""),
        ("/" + "x" * 5_000, ""),
    ]
)
def test_paths_have_one_form(path: str, normal: str) -> None:
    assert normalize(path) == normal


@every_case(
    [
        (f"{HOME}/private", PRIVATE),
        (f"{HOME}/private/", PRIVATE),
        (f"{HOME}/private/diary", PRIVATE),
        (f"{HOME}/garden/../private/diary", PRIVATE),
        (f"{HOME}//private/./diary", PRIVATE),
        (f"{HOME}/private/work", WORK),
        (f"{HOME}/private/work/site", WORK),
        (f"{HOME}/private/work/../diary", PRIVATE),
        (f"{HOME}/private/workshop", PRIVATE),
        (f"{HOME}/privateer", None),
        (HOME, None),
        ("", None),
        ("private", None),
    ]
)
def test_longest_path_around_a_folder_decides(folder: str, rule: FolderRule | None) -> None:
    for rules in ([PRIVATE, WORK], [WORK, PRIVATE]):
        assert FolderRules(rules).find(folder) == rule


def test_case_matters_only_where_the_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sys.platform == "linux"
    assert found(FolderRules([PRIVATE]), f"{HOME}/Private/diary") is None
    windows = FolderRules([FolderRule("C:\\Users\\Ada\\Private", never=True)])
    for folder in (
        "c:\\users\\ada\\private\\diary",
        "C:/Users/ADA/PRIVATE",
        "\\\\?\\C:\\Users\\Ada\\private\\x",
    ):
        assert found(windows, folder)
    assert found(windows, "C:\\Users\\Ada\\Privateer") is None
    monkeypatch.setattr(folder_paths, "IGNORES_CASE", True)
    folder_paths.resolve.cache_clear()
    assert found(FolderRules([PRIVATE]), f"{HOME.upper()}/Private/diary")
    folder_paths.resolve.cache_clear()


def test_root_is_around_everything() -> None:
    assert found(FolderRules([FolderRule("/", never=True)]), "/srv") == "/"
    assert found(FolderRules([FolderRule("C:\\", never=True)]), "c:/x") == "C:\\"


def test_link_into_a_private_folder_is_private(tmp_path: Path) -> None:
    private, work = tmp_path / "private", tmp_path / "work"
    (private / "diary").mkdir(parents=True)
    work.mkdir()
    (work / "link").symlink_to(private)
    rules = FolderRules([FolderRule(str(private), never=True), FolderRule(str(work), workspace="Acme")])
    assert found(rules, str(work / "link" / "diary")) == str(private)
    assert found(rules, str(work / "link" / ".." / "work")) == str(work)
    assert found(rules, str(work / "notes")) == str(work)


def test_private_folder_named_by_its_link_is_private_at_its_place(tmp_path: Path) -> None:
    vault, link = tmp_path / "vault", tmp_path / "private"
    vault.mkdir()
    link.symlink_to(vault)
    rules = FolderRules([FolderRule(str(link), real_path=str(vault), never=True)])
    for folder in (link, link / "diary", vault, vault / "diary"):
        assert found(rules, str(folder)) == str(link)
    link.unlink()  # what was logged before stays private
    folder_paths.resolve.cache_clear()
    for folder in (link / "diary", vault / "diary"):
        assert found(FolderRules(rules.rules), str(folder)) == str(link)


def test_of_two_rules_for_one_place_the_private_one_is_used(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    never, sent = (
        FolderRule(str(tmp_path / "a"), never=True),
        FolderRule(str(tmp_path / "b"), workspace="Acme"),
    )
    for rules in ([never, sent], [sent, never]):
        assert FolderRules(rules).find(str(tmp_path / "a" / "x")) == never


@given(rule=SEGMENTS, folder=SEGMENTS)
def test_folder_is_within_a_rule_exactly_if_its_parts_begin_with_the_rules(
    rule: list[str], folder: list[str]
) -> None:
    rules = FolderRules([FolderRule("/" + "/".join(rule), never=True)])
    assert (rules.find("/" + "/".join(folder)) is not None) == (folder[: len(rule)] == rule)


def test_requests_without_a_folder_have_a_rule_of_their_own() -> None:
    rules = FolderRules([PRIVATE, FolderRule("", workspace="Acme")])
    assert [found(rules, folder) for folder in ("", "garden", f"{HOME}/garden")] == ["", "", None]


def test_request_that_names_no_folder_stays_here_where_folders_are_kept_apart() -> None:
    default = Destination("mine", "Mine")
    apart = Routes(default, FolderRules([PRIVATE]), {PRIVATE.path: None})
    assert [apart.find(folder) for folder in ("", "x", f"{HOME}/private", HOME)] == [
        "no folder",
        "no folder",
        "never",
        default,
    ]
    website = Destination("mine", "Mine", "p", "Website")
    together = Routes(default, FolderRules([WORK]), {WORK.path: website})
    assert [together.find(folder) for folder in ("", WORK.path)] == [default, website]
    elsewhere = Routes(default, FolderRules([WORK]), {WORK.path: Destination("acme")})
    assert elsewhere.find("") == "no folder"


def test_report_names_workspaces_as_the_rules_do() -> None:
    routes = name_routes(FolderRules([PRIVATE, WORK, FolderRule("/srv", workspace="mine")]), "Mine")
    assert [routes.find(folder) for folder in (PRIVATE.path, WORK.path, "/srv", HOME)] == [
        "never",
        Destination("acme", "Acme", "website", "Website"),
        Destination("mine", "mine"),
        Destination("mine", "Mine"),
    ]
    assert not name_routes(FolderRules([FolderRule("/srv", workspace="mine")]), "Mine").keeps_apart


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose rules are replaced by those of the next example."""
    return tmp_path_factory.mktemp("rules")


@given(
    rules=st.lists(
        st.builds(
            FolderRule,
            path=st.text(max_size=20).map(lambda name: f"/{name}"),
            workspace=st.text(max_size=20),
            project_id=st.text(max_size=20),
        ),
        unique_by=lambda rule: normalize(rule.path),
        max_size=5,
    )
)
def test_stored_rules_are_loaded_as_they_were(folder: Path, rules: list[FolderRule]) -> None:
    rules = [rule for rule in rules if normalize(rule.path) and rule.path.isprintable()]
    save_rules(folder, FolderRules(rules))
    assert list(load_rules(folder).rules) == rules


def test_rules_are_private_and_gone_with_the_last_one(tmp_path: Path) -> None:
    assert load_rules(tmp_path).rules == ()
    rules = FolderRules([PRIVATE]).with_rule(WORK).with_rule(FolderRule(f"{HOME}/private/", workspace="Acme"))
    save_rules(tmp_path, rules)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [rule.path for rule in load_rules(tmp_path).rules] == [WORK.path, f"{HOME}/private/"]
    save_rules(tmp_path, rules.without(WORK.path).without(PRIVATE.path))
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("folder = 1", "only [[folder]] may be"),
        ('[[folders]]\npath = "/x"', "'folders' where only [[folder]] may be"),
        ("[[folder]\n", "it is not TOML"),
        ('[[folder]]\npath = "/x"\nnevr = true', "rule 1 has 'nevr', which is none of path, real_path"),
        ('[[folder]]\npath = "/x"\nnever = "yes"', "never of rule 1 must be true or false"),
        ("[[folder]]\npath = 7", "path of rule 1 must be text"),
        ('[[folder]]\npath = "private"', "rule 1 needs the whole path of a folder"),
        ('[[folder]]\npath = "~/private"\nnever = true', "rule 1 needs the whole path of a folder"),
        ("[[folder]]\nnever = true", "rule 1 needs the whole path of a folder"),
        ('[[folder]]\npath = "/x"\nnever = true\nworkspace = "Acme"', "says never, and also where to"),
        ('[[folder]]\npath = "/x"\n[[folder]]\npath = "/x/y/.."', "it has two rules for /x/y/.."),
        ('[[folder]]\npath = ""\n[[folder]]\npath = ""', "two rules for requests without a folder"),
        (f'[[folder]]\npath = "/x"\nworkspace = "{"w" * 201}"', "has more than 200 characters"),
        ("#" * (MAX_FILE_BYTES + 1), "it is too large"),
        ("a = " + "[" * 100_000, "it is not TOML"),
    ],
)
def test_rules_that_cannot_be_understood_stop_everything(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(FolderRulesRefused) as refused:
        load_rules(tmp_path)
    assert reason in str(refused.value)
    assert "so nothing was sent" in str(refused.value)


def test_rules_that_are_not_text_stop_everything(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(FolderRulesRefused, match="it is not TOML"):
        load_rules(tmp_path)
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(FolderRulesRefused, match="it cannot be read: Is a directory"):
        load_rules(tmp_path)


def test_rules_written_by_hand_are_understood(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[[folder]]\npath = "/home/ada/acme"\nworkspace = "Acme"\n'
        "\n[[folder]]\npath = 'C:\\x'\nnever = true\n"
    )
    assert load_rules(tmp_path).rules == (
        FolderRule("/home/ada/acme", workspace="Acme"),
        FolderRule("C:\\x", never=True),
    )
