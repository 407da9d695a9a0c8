"""Messages whose time has come: those that were held become one, and those that are too old end."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from tally.notifications.senders import FOR_PROGRAMS

Connection = psycopg.Connection[Any]

RELEASED = """
select d.id, d.workspace_id, d.channel_id, c.name, c.kind, c.digest
from public.deliveries as d
inner join public.channels as c on c.id = d.channel_id
where d.state = 'held' and d.sent_in is null and d.next_attempt_at <= now()
    and c.verified_at is not null and c.paused_at is null and c.disabled_at is null
order by d.created_at
for update of d skip locked
limit 2000"""

ADD_DIGEST = """
insert into public.deliveries (workspace_id, channel_id, channel_name, kind)
values (%s, %s, %s, 'digest') returning id"""

# One that was never tried is tried once, however late, unless days have passed: the machine may have slept.
EXPIRE = """
update public.deliveries as d
set state = 'failed', problem = case
    when d.attempts = 0 then 'It could not be sent in time.'
    else 'It could not be delivered within 24 hours. The last reason: ' || coalesce(d.problem, 'none')
end
where d.state in ('waiting', 'held') and d.sent_in is null and d.expires_at < now()
    and coalesce(d.leased_until, '-infinity') < now()
    and (
        d.attempts > 0 or d.kind in ('test', 'verify') or d.expires_at < now() - interval '2 days'
        or not exists (
            select from public.channels as c
            where c.id = d.channel_id and c.verified_at is not null and c.paused_at is null
                and c.disabled_at is null
        )
    )"""

# What a digest was about ends as it does.
FINISH_PARTS = """
update public.deliveries as d
set state = o.state, sent_at = o.sent_at, status_code = o.status_code, problem = o.problem
from public.deliveries as o
where d.sent_in = o.id and d.state = 'held' and o.state in ('sent', 'failed')"""


@dataclass(frozen=True, slots=True)
class _Held:
    id: UUID
    workspace_id: UUID
    channel_id: UUID
    name: str
    kind: str
    digest: str


def release(connection: Connection) -> None:
    """Make one message of those of a channel whose waiting has ended, and end those that are too old."""
    with connection.transaction():
        connection.execute(EXPIRE)
        connection.execute(FINISH_PARTS)
        by_channel: defaultdict[UUID, list[_Held]] = defaultdict(list)
        with connection.cursor(row_factory=class_row(_Held)) as cursor:
            for held in cursor.execute(RELEASED):
                by_channel[held.channel_id].append(held)
        for messages in by_channel.values():
            _release_channel(connection, messages)


def _release_channel(connection: Connection, messages: list[_Held]) -> None:
    first, ids = messages[0], [held.id for held in messages]
    is_one_each = first.kind in FOR_PROGRAMS or (len(messages) == 1 and first.digest == "none")
    if is_one_each:
        query = "update public.deliveries set state = 'waiting' where id = any(%s)"
        connection.execute(query, [ids])
        return
    values = [first.workspace_id, first.channel_id, first.name]
    [[digest]] = connection.execute(ADD_DIGEST, values).fetchall()
    connection.execute("update public.deliveries set sent_in = %s where id = any(%s)", [digest, ids])
