"""Three processes for pages, three for programs, two workers, each killed in turn: what is lost?"""

from collections.abc import Iterator

import psycopg

from bench.measurement import Measurement, Options
from tally.accounts.auth_client import AuthClient
from tally.api_keys.keys import NewKey, create_key
from tally.storage.postgres import PostgresDatabase
from tests.app.accounts import sign_up, tokens_of
from tests.embedded import temporary_stack
from tests.processes.fleet import has_queue, running_fleet, wait_until
from tests.processes.killing import Use, kill_in_turn
from tests.scratch import temporary_folder

ROUNDS = 1  # of killing all eight


def measure(options: Options) -> Iterator[Measurement]:
    """Kill each of the eight processes in turn, and start it again; takes some minutes."""
    with (
        temporary_stack(on_disk=True) as stack,
        temporary_folder() as folder,
        psycopg.connect(stack.settings()["DATABASE_URL"], autocommit=True) as database,
        running_fleet(stack, folder, each=3) as fleet,
    ):
        settings = stack.settings()
        owner = sign_up(AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]))
        wait_until(lambda: has_queue(database), "a worker's queue")
        workspace_id = tokens_of(owner).user_id
        new_key = NewKey("bench", requests_per_minute=100_000)
        key = create_key(PostgresDatabase(database, workspace_id), new_key).text
        killed = fleet.all * max(1, options.scaled(ROUNDS))
        outcome = kill_in_turn(fleet, database, Use(owner, workspace_id, key), killed, again=True)
    about = f"3 web, 3 ingest, 2 workers, kill -9 of each in turn, {len(killed)} times"
    for fault in (*outcome.signed_out, *outcome.failures):
        print(f"    {fault}", flush=True)
    for name, count in (
        (f"calls lost of {outcome.sent:,}", outcome.lost),
        ("calls doubled", outcome.doubled),
        (f"visits signed out of {outcome.answers:,}", len(outcome.signed_out)),
        ("visits not answered", len(outcome.failures)),
        ("jobs not done", outcome.jobs_left),
    ):
        yield Measurement(f"{about}: {name}", float(count), "", 0, float(count), 0.0)
