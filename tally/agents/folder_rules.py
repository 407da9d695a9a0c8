"""Folder rules: where the requests that were made in a folder go, or that they stay on this machine.

They are kept in `folders.toml`, so that what stays private is decided before anything is sent.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tally.agents.folder_paths import is_within, normalize, resolve
from tally.core.errors import TallyError

FILE = "folders.toml"
MAX_FILE_BYTES = 1_000_000
MAX_RULES = 1_000
MAX_NAME_LENGTH = 200
HEADING = "# Written by `tally folders`. The longest path that a folder is in decides.\n"


class FolderRulesRefused(TallyError):
    """A folder rule that cannot be followed, so nothing is sent."""


@dataclass(frozen=True, slots=True)
class FolderRule:
    """Rule for the requests in a folder; an empty path is for requests that name none.

    The ids decide; the names are for readers, and for rules that were written by hand.
    """

    path: str
    real_path: str = ""  # where a symbolic link led when the rule was added
    workspace: str = ""  # empty: the login's
    workspace_id: str = ""
    project: str = ""
    project_id: str = ""
    never: bool = False

    @property
    def name(self) -> str:
        """The folder as it is called in messages."""
        return self.path or "requests without a folder"

    @property
    def workspace_key(self) -> str:
        """The workspace by id, else by name; empty for the login's."""
        return self.workspace_id or self.workspace

    @property
    def project_key(self) -> str:
        """The project by id, else by name; empty for none."""
        return self.project_id or self.project

    @property
    def forms(self) -> set[str]:
        """The folder as it is written, and as it is reached now and when the rule was added."""
        return {normalize(self.path), normalize(self.real_path), resolve(self.path)} - {""}


class FolderRules:
    """The rules of this machine."""

    def __init__(self, rules: Sequence[FolderRule] = ()) -> None:
        self.rules = tuple(rules)
        self._forms = [(form, rule) for rule in self.rules for form in rule.forms]
        # Of two rules for one path, reached by different links, the one that keeps requests here is used.
        self._forms.sort(key=lambda entry: (len(entry[0]), entry[1].never), reverse=True)
        self._without_folder = next((rule for rule in self.rules if not rule.path), None)

    def find(self, folder: str) -> FolderRule | None:
        """Return the rule of a folder out of a log: the one for the longest path around it."""
        written = normalize(folder)
        if not written:
            return self._without_folder
        # Where the folder really is comes first: a link to it may be anywhere.
        return self._find(resolve(folder)) or self._find(written)

    def _find(self, folder: str) -> FolderRule | None:
        return next((rule for form, rule in self._forms if is_within(folder, form)), None)

    def with_rule(self, rule: FolderRule) -> "FolderRules":
        """Return the rules with one more, in place of an earlier one for the same path."""
        return FolderRules([*self.without(rule.path).rules, rule])

    def without(self, path: str) -> "FolderRules":
        """Return the rules without the one for this path."""
        return FolderRules([rule for rule in self.rules if normalize(rule.path) != normalize(path)])


NO_RULES = FolderRules()


def load_rules(folder: Path) -> FolderRules:
    """Load the rules; raises FolderRulesRefused if any of them cannot be understood."""
    import tomllib  # lazily: most machines have no rules

    path = folder / FILE
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _refuse(path, "it is too large")
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NO_RULES
    except OSError as error:
        raise _refuse(path, f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise _refuse(path, f"it is not TOML: {error}") from None
    rows = found.pop("folder", [])
    if found or not isinstance(rows, list):
        raise _refuse(path, f"it has {next(iter(found), 'folder')!r} where only [[folder]] may be")
    if len(rows) > MAX_RULES:
        raise _refuse(path, f"it has more than {MAX_RULES:,} rules")
    rules = [_parse(path, number, row) for number, row in enumerate(rows, 1)]
    _check_unique(path, rules)
    return FolderRules(rules)


def save_rules(folder: Path, rules: FolderRules) -> None:
    """Write the rules, or remove the file when there are none."""
    from tally.core.private_files import write_private  # lazily: reading rules does not need it

    if not rules.rules:
        (folder / FILE).unlink(missing_ok=True)
        return
    if len(rules.rules) > MAX_RULES:
        raise TallyError(f"There can be at most {MAX_RULES:,} folder rules. Remove one first.")
    write_private(folder / FILE, HEADING + "".join(map(_to_toml, rules.rules)))


def has_rules(folder: Path) -> bool:
    """Return whether there is a file of rules, without reading it."""
    return (folder / FILE).exists()


def _parse(path: Path, number: int, row: Any) -> FolderRule:
    where = f"rule {number}"
    if not isinstance(row, dict):
        raise _refuse(path, f"{where} is not a table")
    for key, value in row.items():
        if key not in _TYPES:
            raise _refuse(path, f"{where} has {key!r}, which is none of {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[key]):
            raise _refuse(path, f"{key} of {where} must be {_TYPE_NAMES[_TYPES[key]]}")
        if key not in ("path", "real_path") and isinstance(value, str) and len(value) > MAX_NAME_LENGTH:
            raise _refuse(path, f"{key} of {where} has more than {MAX_NAME_LENGTH} characters")
    values: dict[str, Any] = {"path": ""} | row
    rule = FolderRule(**values)
    if "path" not in row or (rule.path and not normalize(rule.path)):
        raise _refuse(path, f"{where} needs the whole path of a folder")
    if rule.never and (rule.workspace_key or rule.project_key):
        raise _refuse(path, f"{where} says never, and also where to collect to")
    return rule


_TYPES: dict[str, type] = {field.name: bool if field.name == "never" else str for field in fields(FolderRule)}
_TYPE_NAMES = {bool: "true or false", str: "text"}


def _check_unique(path: Path, rules: Iterable[FolderRule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        key = normalize(rule.path)
        if key in seen:
            raise _refuse(path, f"it has two rules for {rule.name}")
        seen.add(key)


def _refuse(path: Path, reason: str) -> FolderRulesRefused:
    return FolderRulesRefused(
        f"{path} cannot be followed, so nothing was sent: {reason}. Correct it, or remove it and add the "
        "rules again with `tally folders add`."
    )


def _to_toml(rule: FolderRule) -> str:
    values = {field.name: getattr(rule, field.name) for field in fields(FolderRule)}
    lines = [f"{name} = {_encode(value)}\n" for name, value in values.items() if value or name == "path"]
    return "\n[[folder]]\n" + "".join(lines)


def _encode(value: str | bool) -> str:
    """A value in TOML, whose texts are those of JSON except for the delete character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
