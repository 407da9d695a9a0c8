"""A cheap look for messages that are due, which the worker takes every few seconds."""

IS_DUE = """
select
from public.deliveries as d
left join public.channels as c on c.id = d.channel_id
where d.state in ('waiting', 'held') and d.next_attempt_at <= now() and d.sent_in is null
    and coalesce(d.leased_until, '-infinity') < now()
    and (
        d.kind in ('test', 'verify')
        or d.expires_at < now() - interval '2 days'
        or (c.verified_at is not null and c.paused_at is null and c.disabled_at is null)
    )
limit 1"""
