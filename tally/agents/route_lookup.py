"""Workspaces and projects that folder rules name, looked up in Tally."""

from collections.abc import Sequence

from tally.agents.folder_rules import FolderRule, FolderRules, FolderRulesRefused
from tally.agents.routes import Destination, Routes
from tally.core.errors import TallyError
from tally.storage.database import Database
from tally.storage.workspaces import (
    Project,
    Workspace,
    find_project,
    find_workspace,
    list_projects,
    list_workspaces,
)


def resolve_routes(rules: FolderRules, database: Database) -> Routes:
    """Look up the rules' workspaces and projects; raises FolderRulesRefused where one does not exist."""
    if not rules.rules:
        return Routes(Destination(database.scope.workspace_id))
    lookup = _Lookup(database)
    return Routes(lookup.default, rules, {rule.path: lookup.find(rule) for rule in rules.rules})


class _Lookup:
    """An account's workspaces and projects, each list read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._workspaces = list_workspaces(database)
        self._projects: dict[str, Sequence[Project]] = {}

    @property
    def default(self) -> Destination:
        """The database's workspace."""
        workspace_id = self._database.scope.workspace_id
        names = {workspace.id: workspace.name for workspace in self._workspaces}
        return Destination(workspace_id, names.get(workspace_id, ""))

    def find(self, rule: FolderRule) -> Destination | None:
        if rule.never:
            return None
        try:
            workspace = self._find_workspace(rule)
            project = self._find_project(rule, workspace)
        except TallyError as problem:
            raise FolderRulesRefused(
                f"The folder rule for {rule.name} cannot be followed, so nothing was sent. {problem} "
                "Change the rule with `tally folders add`."
            ) from None
        if project is None:
            return Destination(workspace.id, workspace.name)
        return Destination(workspace.id, workspace.name, project.id, project.name)

    def _find_workspace(self, rule: FolderRule) -> Workspace:
        if rule.workspace_id and rule.workspace_id not in {one.id for one in self._workspaces}:
            names = ", ".join(workspace.name for workspace in self._workspaces)
            left = rule.workspace or rule.workspace_id
            raise TallyError(f"“{left}” is not one of your workspaces. Yours are: {names}.")
        found = find_workspace(self._workspaces, rule.workspace_key or self._database.scope.workspace_id)
        if found.role == "viewer":
            raise TallyError(f"You can only view “{found.name}”.")
        return found

    def _find_project(self, rule: FolderRule, workspace: Workspace) -> Project | None:
        if not rule.project_key:
            return None
        if workspace.id not in self._projects:
            self._projects[workspace.id] = list_projects(self._database.in_workspace(workspace.id))
        return find_project(self._projects[workspace.id], rule.project_key)
