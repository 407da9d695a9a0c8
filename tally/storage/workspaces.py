"""The workspace that a database reads and writes."""

from tally.storage.database import Database, Query, select_first


def load_timezone(database: Database) -> str:
    """Timezone of the workspace, which its days begin in."""
    query = Query("workspaces", "id,timezone", ["id"], {"id": database.scope.workspace_id})
    workspace = select_first(database, query)
    return str(workspace["timezone"]) if workspace else "UTC"
