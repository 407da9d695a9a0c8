"""Actions during which processes are killed, and what must be true after each."""

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg

from bench.importing import write_files
from bench.killing import (
    BACKEND,
    COMMAND,
    DASHBOARD,
    DATA_API,
    GATEWAY,
    PARTS,
    POSTMASTER,
    Machine,
    Running,
    machine,
    wait_for,
)
from tally.accounts.auth_client import AuthClient, Tokens
from tally.backups.totals import load_totals
from tally.core.settings import load_settings
from tally.local.migrations import MIGRATIONS
from tally.local.running import running_stack
from tally.secrets.key_ring import KeyRing, load_key_ring
from tally.secrets.vault import EncryptedKey, Owner, decrypt_key, encrypt_key
from tally.storage.postgres import PostgresDatabase
from tests.embedded import free_port_block

ROWS, CREDENTIALS = 20_000, 50
PASSWORD = "correct horse 1"
REVERTED = 5  # migrations that the older version lacks

SUMS = """
select
    count(*),
    count(distinct (timestamp, source_key)),
    coalesce(sum(cost_usd), 0),
    coalesce(sum(tokens_used), 0)
from public.cost_records
where workspace_id = %s"""
LAST_RUN = """
with last as (
    select run_id, status from public.job_runs where workspace_id is null order by started_at desc limit 1
)

select
    (select status from last),
    (select count(*) from public.job_runs where status = 'running'),
    (select count(*) from public.anomalies),
    (select count(*) from public.forecast_totals where run_id = (select run_id from last)),
    (select count(*) from public.forecast_results where run_id = (select run_id from last))"""
ADD_CREDENTIAL = """
insert into public.api_credentials
    (id, workspace_id, user_id, provider_id, credential_name, encrypted_api_key, encryption_key_id)
select %s, %s, %s, p.id, %s, %s, %s from public.providers as p where p.name = 'anthropic'"""
FORGET = (
    "delete from supabase_migrations.schema_migrations where version = %s",
    "delete from supabase_migrations.checksums where version = %s",
)


class Action(ABC):
    """Something that Tally does, again and again on one machine."""

    name: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = PARTS

    def __init__(self, furnished: Machine | None = None) -> None:
        self.expected: Any = None
        self.furnished = furnished  # a machine that runs and was furnished; else one is made

    def machine(self) -> AbstractContextManager[Machine]:
        """The machine that it happens on."""
        return nullcontext(self.furnished) if self.furnished else machine()

    @abstractmethod
    def start(self, on: Machine) -> Running:
        """Begin it from its first state."""

    @abstractmethod
    def again(self, on: Machine) -> Running:
        """Repeat the command, as a person would."""

    @abstractmethod
    def state(self, on: Machine) -> Any:
        """The data that it must leave."""

    def has_ended(self, command: Running) -> bool:
        """True if the command has come to its end."""
        return command.has_ended

    def has_succeeded(self, command: Running) -> bool:
        """True if the command did what it was to do."""
        return command.process.returncode == 0

    def remember(self, on: Machine) -> None:
        """Keep the state after an undisturbed run."""
        self.expected = self.state(on)

    def faults(self, on: Machine) -> list[str]:
        """Differences from that state."""
        found = self.state(on)
        return [] if found == self.expected else [f"{found} instead of {self.expected}"]

    def wait_until_healthy(self, on: Machine, _command: Running) -> None:
        """Return when all parts answer."""
        wait_for(on.is_healthy, "healthy")

    def healing_seconds(self, healthy: float, repeated: float) -> float | None:  # noqa: ARG002 - of a start
        """The time that counts as healing: until all parts answered, or of the command that was repeated."""
        return healthy

    def recover(self, on: Machine, is_shaken: bool) -> None:
        """Prepare the machine for the next kill: pauses between restarts grow with each."""
        if is_shaken:
            on.shut_down()
            on.start_up()


def sign_up(on: Machine) -> tuple[str, str]:
    """Id and email address of a new account."""
    lines = (on.home / "stack.env").read_text().splitlines()
    settings = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    accounts = AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"])
    tokens = accounts.sign_up(f"{uuid4().hex[:12]}@example.com", PASSWORD)
    assert isinstance(tokens, Tokens)
    return tokens.user_id, tokens.email


def sums(on: Machine, user_id: str) -> Any:
    """Records of a personal workspace, and whether daily costs add up to the same."""
    with on.database() as connection:
        plain = connection.execute(SUMS, [user_id]).fetchone()
        daily = PostgresDatabase(connection, user_id).call("daily_costs", from_date=None, to_date=None)
    assert plain is not None
    return (*map(str, plain), sum(daily["records"]) == plain[0], sum(daily["tokens"]) == plain[3])


def furnish(on: Machine) -> tuple[str, str]:
    """An account with records, on a machine that has done its nightly run: it would catch it up later."""
    user = sign_up(on)
    on.must_run("import", _usage(on), "--email", user[1])
    on.run_nightly()
    return user


def _usage(on: Machine) -> Path:
    """A file of usage beside the home."""
    file = on.home.parent / "usage-0.csv"
    return file if file.exists() else write_files(on.home.parent, ROWS)[0]


class Import(Action):
    """A file of usage, imported by the operator."""

    name = "import"
    user: tuple[str, str] | None = None

    def start(self, on: Machine) -> Running:
        if self.user is None:
            furnish(on)
        self.user = sign_up(on)
        return self.again(on)

    def again(self, on: Machine) -> Running:
        assert self.user is not None
        return on.start("import", _usage(on), "--email", self.user[1])

    def state(self, on: Machine) -> Any:
        assert self.user is not None
        return sums(on, self.user[0])


class Move(Import):
    """An export of everything, imported over the API as the person who is signed in."""

    name = "import --everything"

    def start(self, on: Machine) -> Running:
        if self.user is None:
            on.must_run("export", "--everything", self._file(on), "--email", furnish(on)[1])
        self.user = sign_up(on)
        on.must_run("login", "--email", self.user[1], "--password-stdin", given=f"{PASSWORD}\n")
        return self.again(on)

    def again(self, on: Machine) -> Running:
        return on.start("import", "--everything", self._file(on))

    def _file(self, on: Machine) -> Path:
        return on.home.parent / "moving.zip"


class Nightly(Action):
    """The nightly run of an account with half a year of sample data."""

    name = "nightly"
    user: tuple[str, str] | None = None

    def start(self, on: Machine) -> Running:
        if self.user is None:
            self.user = sign_up(on)
            on.must_run("demo", "--email", self.user[1])
            on.must_run("nightly")
        return self.again(on)

    def again(self, on: Machine) -> Running:
        return on.start("nightly")

    def state(self, on: Machine) -> Any:
        assert self.user is not None
        with on.database() as connection:
            [counts] = connection.execute(LAST_RUN).fetchall()
        return (*counts, *sums(on, self.user[0]))


class Backup(Action):
    """A backup of a machine with records."""

    name = "backup"
    file: Path

    def start(self, on: Machine) -> Running:
        if self.furnished is None:
            furnish(on)
            self.furnished = on
        self.file = on.home.parent / f"{uuid4().hex}.backup"
        return self.again(on)

    def again(self, on: Machine) -> Running:
        return on.start("backup", self.file, "--without-keys")

    def state(self, on: Machine) -> Any:
        said = on.must_run("backup", self.file, "--verify")
        left = [path.name for path in on.home.parent.glob("*.unfinished")]
        self.file.unlink()
        with on.database() as connection:
            return said.partition(" is intact: ")[2].partition(" of 20")[0], left, load_totals(connection)


class Rotate(Action):
    """A rotation of the keys that encrypt provider keys."""

    name = "keys rotate"
    user: tuple[str, str] | None = None

    def start(self, on: Machine) -> Running:
        if self.user is None:
            self.user = sign_up(on)
            with on.database() as connection:
                self._add(connection, _ring(on))
        return self.again(on)

    def again(self, on: Machine) -> Running:
        return on.start("keys", "rotate")

    def state(self, on: Machine) -> Any:
        with on.database() as connection:
            rows = connection.execute(
                "select id, workspace_id, credential_name, encrypted_api_key, encryption_key_id"
                " from public.api_credentials order by credential_name"
            ).fetchall()
        ring = _ring(on)
        return [
            decrypt_key(ring, EncryptedKey(text, key), Owner(of, id_, "anthropic")).get_secret_value() == name
            for id_, of, name, text, key in rows
        ]

    def _add(self, connection: psycopg.Connection[Any], ring: KeyRing) -> None:
        assert self.user is not None
        of = UUID(self.user[0])
        for nth in range(CREDENTIALS):
            id_, name = uuid4(), f"secret {nth}"
            encrypted = encrypt_key(ring, name, Owner(of, id_, "anthropic"))
            values = [id_, of, of, name, encrypted.envelope, encrypted.key_id]
            connection.execute(ADD_CREDENTIAL, values)


def _ring(on: Machine) -> KeyRing:
    with on.as_environment():
        return load_key_ring(load_settings())


class Restore(Action):
    """A restore into an empty folder, with a stack of its own."""

    name = "restore"
    parts = (COMMAND, BACKEND, POSTMASTER, DATA_API, GATEWAY)

    @contextmanager
    def machine(self) -> Iterator[Machine]:
        """A folder that is emptied for each restore, and a backup beside it."""
        with machine() as original:
            furnish(original)
            file = original.home.parent / "original.backup"
            original.must_run("backup", file, "--without-keys")
            original.shut_down()
            self.file = file
            yield Machine(original.home.parent / "empty", free_port_block())

    def start(self, on: Machine) -> Running:
        shutil.rmtree(on.home, ignore_errors=True)
        on.home.mkdir()
        return self.again(on)

    def again(self, on: Machine) -> Running:
        return on.start("restore", self.file, "--without-keys")

    def state(self, on: Machine) -> Any:
        with running_stack(on.home, on.port), on.database() as connection:
            return load_totals(connection)

    def wait_until_healthy(self, on: Machine, command: Running) -> None:
        """Nothing runs that could heal: the next restore starts over."""

    def healing_seconds(self, healthy: float, repeated: float) -> None:
        """None."""

    def recover(self, on: Machine, is_shaken: bool) -> None:
        """The next restore begins with an empty folder."""


class Migrate(Action):
    """A start that brings an older database up to date."""

    name = "up with migrations"
    parts = (COMMAND, BACKEND, POSTMASTER, DATA_API, GATEWAY, DASHBOARD)

    @contextmanager
    def machine(self) -> Iterator[Machine]:
        """A folder that gets a copy of the older one for each start."""
        with super().machine() as original:
            if self.furnished is None:
                furnish(original)
            with original.database() as connection:
                _revert(connection)
            original.shut_down()
            self.older = original.home
            made = Machine(original.home.parent / "copy", original.port, backups=True)
            try:
                yield made
            finally:
                made.shut_down()

    def start(self, on: Machine) -> Running:
        on.shut_down()
        shutil.rmtree(on.home, ignore_errors=True)
        subprocess.run(["/bin/cp", "-a", str(self.older), str(on.home)], check=True)
        return self.again(on)

    def again(self, on: Machine) -> Running:
        on.up = on.start("up")
        return on.up

    def has_ended(self, command: Running) -> bool:
        return command.has_ended or "Tally is ready" in command.said

    def has_succeeded(self, command: Running) -> bool:
        return not command.has_ended

    def state(self, on: Machine) -> Any:
        with on.database() as connection:
            versions = connection.execute(
                "select count(*) from supabase_migrations.schema_migrations"
            ).fetchall()
            return load_totals(connection), versions

    def wait_until_healthy(self, on: Machine, command: Running) -> None:
        """A start that goes on becomes ready; one that ended is repeated by the person."""
        wait_for(lambda: self.has_ended(command) and (command.has_ended or on.is_healthy()), "healthy")

    def healing_seconds(self, healthy: float, repeated: float) -> float:
        return max(healthy, repeated)

    def recover(self, on: Machine, is_shaken: bool) -> None:  # noqa: ARG002 - each start has a folder of its own
        on.shut_down()


def _revert(connection: psycopg.Connection[Any]) -> None:
    """Take back the newest migrations, as if they did not exist yet."""
    files = sorted((MIGRATIONS / "down").glob("*.sql"), reverse=True)[:REVERTED]
    for file in files:
        version = file.name.partition("_")[0]
        connection.execute(file.read_bytes())
        for statement in FORGET:
            connection.execute(statement, [version])


ACTIONS: tuple[type[Action], ...] = (Import, Move, Nightly, Backup, Rotate, Restore, Migrate)
