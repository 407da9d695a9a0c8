"""Kill processes one after the other while they are used, and count what was lost, doubled or signed out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import psycopg

from tests.app.accounts import Account, sign_in
from tests.processes.fleet import Fleet, Senders, Visitor, count_jobs, looking, put_jobs, wait_until
from tests.processes.programs import Program

JOBS, VISITORS = 100, 3
CALLS_BETWEEN, ANSWERS_BETWEEN = 40, 15  # until the next one is killed
FOUND = """
select count(*), count(distinct r.metadata ->> 'span_id') from public.cost_records as r
where r.workspace_id = %s"""


@dataclass
class Outcome:
    """What came of it; all is well where everything but `sent` and `answers` is zero or empty."""

    sent: int = 0
    answers: int = 0
    lost: int = 0
    doubled: int = 0
    jobs_left: int = 0
    signed_out: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[object]:
        """All that is not well."""
        return [
            each for each in (self.lost, self.doubled, self.jobs_left, self.signed_out, self.failures) if each
        ]


@dataclass(frozen=True)
class Use:
    """An account with pages open, and a key of it that calls are sent with."""

    account: Account
    workspace_id: str
    key: str


def kill_in_turn(
    fleet: Fleet, database: psycopg.Connection[Any], use: Use, killed: Iterable[Program], again: bool = False
) -> Outcome:
    """Kill these processes; `again` starts each once more before the next one is killed."""
    outcome = Outcome()
    visitors = [_arrive(fleet, use.account) for _ in range(VISITORS)]
    senders = Senders(fleet.balancer.api, use.key)

    def count() -> tuple[int, int]:
        return senders.sent, sum(each.answers for each in visitors)

    with looking(visitors):
        for program in killed:
            put_jobs(database, JOBS)
            enough = count()[0] + CALLS_BETWEEN, count()[1] + ANSWERS_BETWEEN
            program.end()
            wait_until(partial(_have_passed, count, enough), f"work after the death of {program.name}")
            if again:
                program.start()
                program.wait()
    outcome.sent, outcome.answers = senders.stop(), count()[1]
    [(there, different)] = database.execute(FOUND, [use.workspace_id]).fetchall()
    outcome.lost, outcome.doubled = outcome.sent - different, there - different
    outcome.signed_out = [each for visitor in visitors for each in visitor.signed_out]
    outcome.failures = [each for visitor in visitors for each in visitor.failures]
    wait_until(lambda: count_jobs(database) == 0, "the jobs of the killed worker")
    outcome.jobs_left = count_jobs(database)
    return outcome


def _have_passed(count: Callable[[], tuple[int, int]], enough: tuple[int, int]) -> bool:
    return all(now > then for now, then in zip(count(), enough, strict=True))


def _arrive(fleet: Fleet, account: Account) -> Visitor:
    client = httpx.Client(base_url=fleet.balancer.web, timeout=30, headers={"origin": fleet.balancer.web})
    sign_in(client, account)
    return Visitor(client)
