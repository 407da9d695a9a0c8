"""Forecasts of many accounts, streamed through the workers one account after the other."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from forecasting.nightly.account_run import AccountRun, load_account_run
from forecasting.nightly.accounts import Account
from forecasting.nightly.database import Connection
from forecasting.workers.pool import Stream, Task
from forecasting.workers.progress_line import ProgressLine


def forecast_accounts(
    connection: Connection, accounts: Sequence[Account], stream: Stream, finish: Callable[[AccountRun], None]
) -> None:
    """Forecast each account's series, and pass each AccountRun to `finish` once it is complete.

    Accounts are loaded as the workers need tasks, so memory does not grow with their number.
    """
    open_runs: dict[UUID, AccountRun] = {}
    progress = ProgressLine()

    def tasks() -> Iterator[Task]:
        for account in accounts:
            account_run = load_account_run(connection, account)
            if account_run.is_complete:
                finish(account_run)
            else:
                open_runs[account.user_id] = account_run
                yield from account_run.tasks

    for outcome in stream(tasks()):
        account_run = open_runs[outcome.series.user_id]
        account_run.add(outcome)
        progress.count()
        if account_run.is_complete:
            finish(open_runs.pop(account_run.account.user_id))
    progress.end()
