"""The outcome of a message: recorded with each attempt, with the state of its channel."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tally.notifications.claims import Claim
from tally.notifications.retries import next_attempt
from tally.notifications.senders.protocol import Outcome

Connection = psycopg.Connection[Any]

MAX_PROBLEM = 500
DISABLED_AFTER = 5  # messages in a row that were refused for good
GONE = 410  # a webhook that says so is never written to again

LOCK = "select attempts, state from public.deliveries where id = %s for update"
ADD_ATTEMPT = """
insert into public.delivery_attempts (workspace_id, delivery_id, number, status_code, problem)
values (%s, %s, %s, %s, %s)"""
FINISH = """
update public.deliveries
set state = %(state)s, attempts = %(attempts)s, leased_until = null, status_code = %(status)s,
    problem = %(problem)s, next_attempt_at = coalesce(%(next)s, next_attempt_at),
    sent_at = case when %(state)s = 'sent' then now() end
where id = %(id)s"""
FINISH_PARTS = """
update public.deliveries
set state = %(state)s, status_code = %(status)s, problem = %(problem)s,
    sent_at = case when %(state)s = 'sent' then now() end
where sent_in = %(id)s and state = 'held'"""

REACHED = """
update public.channels
set last_sent_at = now(), last_problem = null, failures_in_a_row = 0,
    verified_at = coalesce(
        verified_at, case when %(verified_by)s::text is not null and sealed_target = %(sealed)s then now() end
    ),
    verified_by = coalesce(verified_by, case when sealed_target = %(sealed)s then %(verified_by)s end)
where id = %(id)s"""
REFUSED = """
update public.channels
set last_problem = %(problem)s,
    failures_in_a_row = least(failures_in_a_row + %(failures)s, 1000)
where id = %(id)s
returning failures_in_a_row >= %(limit)s and disabled_at is null"""
DISABLE = """
update public.channels
set disabled_at = now(), disabled_reason = %(problem)s
where id = %(id)s
returning (now() at time zone 'UTC')::date::text"""
END_WAITING = """
update public.deliveries
set state = 'failed', problem = 'The channel was switched off after messages were refused.'
where channel_id = %s and state in ('waiting', 'held') and coalesce(leased_until, '-infinity') < now()"""
TELL = "select private.raise_event(%s, 'channel', %s, null, %s::date, 'warning', %s)"
WAIT = """
update public.deliveries
set next_attempt_at = greatest(next_attempt_at, now() + %s * interval '1 second')
where channel_id = %s and state = 'waiting' and leased_until is null"""


def record(connection: Connection, claim: Claim, outcome: Outcome, verified_by: str | None = None) -> str:
    """Store the outcome of an attempt and return the delivery's state.

    `verified_by` says how the channel is verified by a message that was delivered, if its target is the same.
    """
    with connection.transaction():
        row = connection.execute(LOCK, [claim.id]).fetchone()
        if row is None:
            return "failed"  # its workspace is gone
        attempts, present = row[0] + 1, row[1]
        problem = outcome.problem and outcome.problem[:MAX_PROBLEM]
        connection.execute(ADD_ATTEMPT, [claim.workspace_id, claim.id, attempts, outcome.status, problem])
        state, due = _decide(claim, outcome, attempts)
        values = {"id": claim.id, "status": outcome.status, "problem": problem, "attempts": attempts}
        if present in ("waiting", "held"):  # else another sender was as fast
            connection.execute(FINISH, values | {"state": state, "next": due})
            if claim.kind == "digest" and state != "waiting":
                connection.execute(FINISH_PARTS, values | {"state": state})
        if not outcome.is_fault:
            pass  # nothing was sent, and nothing is wrong
        elif problem is None:
            reached = {"id": claim.channel_id, "verified_by": verified_by, "sealed": claim.sealed_target}
            connection.execute(REACHED, reached)
        else:
            _record_refusal(connection, claim, outcome, problem)
        if outcome.wait:
            connection.execute(WAIT, [outcome.wait, claim.channel_id])
    return state


def _decide(claim: Claim, outcome: Outcome, attempts: int) -> tuple[str, Any]:
    """The state after an attempt, and the time of the next one."""
    if outcome.problem is None:
        return "sent", None
    due = None
    if not outcome.is_final:
        due = next_attempt(attempts, claim.now, claim.expires_at, outcome.wait)
    return ("failed", None) if due is None else ("waiting", due)


def _record_refusal(connection: Connection, claim: Claim, outcome: Outcome, problem: str) -> None:
    """Count a refusal; switch the channel off after several, and tell so over the others."""
    is_gone = outcome.status == GONE and claim.channel_kind == "webhook"
    is_counted = outcome.is_final and claim.kind != "verify"
    failures = DISABLED_AFTER if is_gone and is_counted else int(is_counted)
    values = {"id": claim.channel_id, "problem": problem, "failures": failures, "limit": DISABLED_AFTER}
    row = connection.execute(REFUSED, values).fetchone()
    if not is_counted or row is None or not row[0]:
        return
    [[today]] = connection.execute(DISABLE, values).fetchall()
    connection.execute(END_WAITING, [claim.channel_id])
    facts = {"channel": claim.channel, "reason": problem, "as_of": claim.now.isoformat()}
    connection.execute(TELL, [claim.workspace_id, str(claim.channel_id), today, Jsonb(facts)])
