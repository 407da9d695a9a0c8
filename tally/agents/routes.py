"""Routes: the workspace and project of each request, by this machine's folder rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tally.agents.folder_paths import normalize
from tally.agents.folder_rules import NO_RULES, FolderRule, FolderRules

# Reasons for which a request stays on this machine.
LeftOut = Literal["never", "no folder"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A workspace, and a project of it; names are empty where nobody asked for them."""

    workspace_id: str
    workspace_name: str = ""
    project_id: str = ""
    project_name: str = ""


class Routes:
    """The destination of each folder; `default` is that of folders without a rule.

    `workspaces` has one destination of each workspace, the default one's first.
    """

    def __init__(
        self,
        default: Destination,
        rules: FolderRules = NO_RULES,
        destinations: Mapping[str, Destination | None] | None = None,
    ) -> None:
        """Take the rules' destinations by their paths; None keeps requests on this machine."""
        self.default = default
        self._rules = rules
        self._by_path = dict(destinations or {})
        self._known: dict[str, Destination | LeftOut] = {}
        used = [*filter(None, self._by_path.values()), default]
        by_workspace = {one.workspace_id: one for one in used}
        self.workspaces = (by_workspace.pop(default.workspace_id), *by_workspace.values())
        # Then a request that names no folder may be one that must not get into the default workspace.
        self.keeps_apart = len(self.workspaces) > 1 or None in self._by_path.values()

    def find(self, folder: str) -> Destination | LeftOut:
        """Return where a request in this folder goes, or the reason why it goes nowhere."""
        if folder not in self._known:
            self._known[folder] = self._find(folder)
        return self._known[folder]

    def _find(self, folder: str) -> Destination | LeftOut:
        rule = self._rules.find(folder)
        if rule is not None:
            return self._by_path[rule.path] or "never"
        return "no folder" if self.keeps_apart and not normalize(folder) else self.default


def name_routes(rules: FolderRules, default_name: str) -> Routes:
    """Take the rules' workspaces and projects as they are named, for a report without an account."""
    default = Destination(default_name.casefold(), default_name)

    def destine(rule: FolderRule) -> Destination | None:
        name = rule.workspace or rule.workspace_id or default_name
        project = rule.project or rule.project_id
        return None if rule.never else Destination(name.casefold(), name, project.casefold(), project)

    return Routes(default, rules, {rule.path: destine(rule) for rule in rules.rules})
