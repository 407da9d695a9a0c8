"""A cheap look for rows that the analytics engine has yet to be told, which the worker takes every second."""

PAUSE_SECONDS = 15  # after the engine did not take any; by the clock of Postgres alone

SHIPPING_IS_DUE = f"""
select
from private.analytics_engine as e
where
    (e.problem_at is null or e.problem_at < clock_timestamp() - interval '{PAUSE_SECONDS} seconds')
    and (exists (select from private.analytics_outbox) or exists (select from private.analytics_tasks))"""
