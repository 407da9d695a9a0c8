"""Files of FOCUS, kept up to date for the workspaces that switched it on, each by itself."""

import logging
from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import FOCUS, UNEXPECTED, Problems
from forecasting.nightly.workspaces import Workspace
from tally.core.environment import load_environment
from tally.core.errors import TallyError
from tally.focus.export import choose_period
from tally.focus.keeping import Target, keep_months
from tally.focus.places import NO_PLACE, PLACE, PLACE_FAILS
from tally.focus.versions import OFFERED, VERSIONS
from tally.storage.objects import StorageProblem, open_store
from tally.storage.postgres import PostgresDatabase

MAX_SECONDS = 1_800  # of all workspaces: those that are left come first in the next run
LATE = "There was no time left for it. The next run tries again."
LEFT = "Whoever switched this on is no admin of the workspace any more. Switch it off and on again."
DUE = """select l.workspace_id, l.user_id
from private.list_focus_exports() as l
inner join private.focus_exports as e on l.workspace_id = e.workspace_id
order by e.ran_at nulls first, e.workspace_id"""
REPORT = "select private.report_focus_export(%s, %s, %s, %s)"
PROGRAM = "tally nightly"


def export_all(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Write the months whose figures changed; returns how many. What fails is told to its workspace alone."""
    end = monotonic() + MAX_SECONDS
    known = {workspace.id: workspace for workspace in workspaces}
    count = 0
    for workspace_id, user_id in connection.execute(DUE).fetchall():
        if workspace_id not in known:
            continue
        months: int | None = 0
        changed, problem, detail = 0, "", ""
        try:
            if monotonic() > end:
                months = None
                raise TallyError(LATE)
            months, changed = export_one(connection, workspace_id, user_id)
        except StorageProblem as error:
            problem, detail = PLACE_FAILS, str(error)  # which may tell of folders of the server
        except TallyError as error:
            problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("The costs of a workspace could not be exported")
            problem = f"{UNEXPECTED[0].upper()}{UNEXPECTED[1:]}."
        if problem:
            if connection.closed:
                raise TallyError(problem)
            line = f"{FOCUS} ({workspace_id}): {detail or problem}"
            problems.add(known[workspace_id], f"{FOCUS}. {problem}", line)
        connection.execute(REPORT, [workspace_id, months, changed, problem])
        count += changed
    return count


def export_one(connection: Connection, workspace_id: UUID, user_id: UUID | None) -> tuple[int, int]:
    """Export as an admin of a workspace; returns its files, and how many changed. Raises TallyError."""
    if user_id is None:
        raise TallyError(LEFT)
    address = load_environment().get(PLACE)
    if not address:
        raise TallyError(NO_PLACE)
    database = PostgresDatabase(connection, user_id, workspace_id, PROGRAM)
    kept = keep_months(database, Target(open_store(address), VERSIONS[OFFERED]), choose_period(None, None))
    return kept.months, len(kept.written) + len(kept.deleted)
