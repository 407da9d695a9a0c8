"""The messages that are due, for the sender and for a cheap look that the worker takes every second."""

# A delivery `d` that its channel `c` may get now: one at a time, and the end of an event after its beginning.
MAY_LEAVE = """(
    (
        d.kind in ('test', 'verify')
        or (c.verified_at is not null and c.paused_at is null and c.disabled_at is null)
    )
    and not exists (
        select from public.deliveries as o
        where o.workspace_id = d.workspace_id and o.channel_id = d.channel_id
            and o.state = 'waiting' and o.leased_until > now()
    )
    and not (
        d.kind = 'clear'
        and exists (
            select from public.deliveries as o
            where o.event_id = d.event_id and o.channel_id = d.channel_id and o.kind = 'open'
                and o.state in ('waiting', 'held')
        )
    )
)"""

IS_DUE = f"""
select
from public.deliveries as d
left join public.channels as c on c.id = d.channel_id
where d.state in ('waiting', 'held') and d.next_attempt_at <= now() and d.sent_in is null
    and coalesce(d.leased_until, '-infinity') < now()
    and (d.expires_at < now() - interval '2 days' or {MAY_LEAVE})
limit 1"""
