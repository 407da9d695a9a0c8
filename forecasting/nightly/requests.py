"""Requests for forecasts in private.forecast_requests: workspaces whose data changed since their last one."""

from uuid import UUID

from forecasting.nightly.database import Connection

REQUESTS = """
select q.workspace_id, array_agg(q.id order by q.gen, q.id)
from private.forecast_requests as q
where %(workspace_id)s::uuid is null or q.workspace_id = %(workspace_id)s
group by q.workspace_id"""

ANSWER = "delete from private.forecast_requests as q where q.id = any(%s)"

FORGET = "delete from private.forecast_requests as q where q.workspace_id = %(workspace_id)s"

Requests = dict[UUID, list[int]]  # ids by workspace, the newest last


def load_requests(connection: Connection, workspace_id: UUID | None = None) -> Requests:
    """The requests of all workspaces, or of one. Load them before the data that answers them."""
    return dict(connection.execute(REQUESTS, {"workspace_id": workspace_id}).fetchall())


def answer_requests(connection: Connection, ids: list[int]) -> None:
    """Delete requests that were loaded before the data; those made since stay."""
    if ids:
        connection.execute(ANSWER, [ids])


def keep_newest_request(connection: Connection, ids: list[int]) -> None:
    """Delete all but one, by which a forecast that fails is tried again: changes add more without end."""
    answer_requests(connection, ids[:-1])


def forget_requests(connection: Connection, workspace_id: UUID) -> None:
    """Delete the requests of a workspace that was deleted."""
    connection.execute(FORGET, {"workspace_id": workspace_id})
