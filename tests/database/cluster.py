"""Throwaway Postgres servers made into Supabase projects: the embedded 17, and Debian's 15 with pg_cron."""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql

from tally.local.node import find_node
from tests.scratch import make_folder
from tests.snapshots import fill

CHECKOUT = Path(__file__).resolve().parents[2]
MIGRATIONS = CHECKOUT / "database" / "migrations"
MODULES = CHECKOUT / "supabase" / "local" / "node_modules"
BOOTSTRAP = CHECKOUT / "supabase" / "local" / "bootstrap.sql"
TEMPLATE = "project"
DEBIAN = Path("/usr/lib/postgresql/15/bin")
DEBIAN_EXTENSIONS = Path("/usr/share/postgresql/15/extension")

# What the auth server would have made: just enough for references, triggers and emails.
AUTH_USERS = """
create table if not exists auth.users (
    id uuid primary key default gen_random_uuid(),
    email text unique,
    email_confirmed_at timestamptz default now(),
    created_at timestamptz not null default now()
);
grant select, insert, update, delete, references, trigger on auth.users to postgres;
alter table auth.users owner to supabase_auth_admin"""

# Throwaway data needs no safety; waits for locks must end long before a test run does.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "autovacuum": "off",  # it would connect to the template while a test clones it
    "deadlock_timeout": "200ms",
    "lock_timeout": "30s",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}
CRON_SETTINGS = {
    "shared_preload_libraries": "pg_cron",
    "cron.database_name": "postgres",
    "cron.use_background_workers": "on",
    "cron.host": "",
}


class Missing(Exception):
    """A server that this machine does not have; the text says what to install."""


class PushFailed(Exception):
    """The Supabase CLI failed; the text is its output."""


class Cluster:
    """One server on a free port, in a temporary folder."""

    def __init__(self, binaries: Path, settings: dict[str, str] | None = None) -> None:
        self.binaries = binaries
        self.account = "postgres" if os.geteuid() == 0 else None
        self.folder = make_folder("tally-postgres-")
        self.data = self.folder / "data"
        self.port = _free_port()
        self.settings = SETTINGS | (settings or {})
        self.is_migrated = False

    @classmethod
    def embedded(cls) -> Self:
        """PostgreSQL 17 as `tally up` runs it, with a migrated database to clone: TEMPLATE."""
        cluster = cls(_embedded_binaries())
        cluster.is_migrated = True
        return cluster

    @classmethod
    def debian(cls) -> Self:
        """Debian's PostgreSQL 15 with pg_cron and plpgsql_check."""
        if not (DEBIAN / "initdb").exists():
            raise Missing("Debian's PostgreSQL 15 is not installed (apt install postgresql-15).")
        for extension, package in (("pg_cron", "cron"), ("plpgsql_check", "plpgsql-check")):
            if not (DEBIAN_EXTENSIONS / f"{extension}.control").exists():
                raise Missing(f"{extension} is not installed (apt install postgresql-15-{package}).")
        return cls(DEBIAN, CRON_SETTINGS)

    def __enter__(self) -> Self:
        if self.account:
            shutil.chown(self.folder, self.account, self.account)
        if self.is_migrated:
            fill(self.data, "cluster", self._make_migrated)
        else:
            self._make()
        self._start()
        if self.is_migrated:
            self.connect(TEMPLATE).close()  # leaves a file of catalog caches, which every copy gets
        return self

    def __exit__(self, *_: object) -> None:
        self._stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, user: str = "postgres") -> str:
        """The address of a database for one role; the server trusts its loopback."""
        return f"postgresql://{user}:trusted@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str, user: str = "postgres") -> psycopg.Connection[Any]:
        """A connection in autocommit: each statement is a transaction, as in PostgREST."""
        return psycopg.connect(self.url(database, user), autocommit=True)

    def make_project(self, name: str) -> None:
        """A database as a fresh Supabase project: its roles, its schemas, auth.users, no migration."""
        with self.connect("template1", "supabase_admin") as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with self.connect(name, "supabase_admin") as connection:
            connection.execute(BOOTSTRAP.read_bytes())
            connection.execute(AUTH_USERS)

    def clone(self, template: str, name: str) -> None:
        """A copy of a database; nobody may be connected to the template."""
        statement = sql.SQL("create database {} template {} owner postgres strategy file_copy")
        with self.connect("template1", "supabase_admin") as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop(self, name: str) -> None:
        """Drop a database and end the connections to it."""
        with self.connect("template1", "supabase_admin") as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def supabase(self, *arguments: str, database: str) -> subprocess.CompletedProcess[str]:
        """Run the Supabase CLI on a database, in a temporary folder because it writes beside its config."""
        node = find_node()
        folder = self.folder / "cli"
        if not folder.exists():
            (folder / "supabase").mkdir(parents=True)
            (folder / "supabase" / "config.toml").symlink_to(CHECKOUT / "supabase" / "config.toml")
            (folder / "supabase" / "migrations").symlink_to(MIGRATIONS)
        return subprocess.run(
            [
                str(node.program),
                str(MODULES / "supabase" / "dist" / "supabase.js"),
                *arguments,
                "--workdir",
                str(folder),
                "--db-url",
                f"{self.url(database)}?sslmode=disable",
            ],
            env={
                "PATH": f"{node.program.parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(folder),
                "SUPABASE_HOME": str(folder),
                "SUPABASE_TELEMETRY_DISABLED": "1",
                "SUPABASE_NO_UPDATE_NOTIFIER": "1",
                "DO_NOT_TRACK": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def push(self, database: str) -> str:
        """Apply the migrations with `supabase db push`; returns its output."""
        ended = self.supabase("db", "push", "--yes", database=database)
        if ended.returncode:
            raise PushFailed(ended.stderr or ended.stdout)
        return ended.stdout + ended.stderr

    def _make(self) -> None:
        self._run("initdb", "-U", "supabase_admin", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (self.data / "postgresql.auto.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self.settings.items())

    def _make_migrated(self, _: Path) -> None:
        self._make()
        self._start()
        self.make_project(TEMPLATE)
        self.push(TEMPLATE)
        self._stop("fast")

    def _start(self) -> None:
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-s", "-l", log, "-o", f"-p {self.port}")

    def _stop(self, mode: str) -> None:
        self._run("pg_ctl", "stop", "-m", mode, "-w", "-s")

    def _run(self, program: str, *arguments: str) -> None:
        ended = subprocess.run(
            [str(self.binaries / program), "-D", str(self.data), *arguments],
            user=self.account,
            group=self.account,
            extra_groups=[] if self.account else None,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server inherits it: a pipe would never end
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if ended.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed: {log.read_text()[-2000:] if log.exists() else 'no log'}")


def _embedded_binaries() -> Path:
    system = {"win32": "windows"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = MODULES / "@embedded-postgres" / f"{system}-{machine}"
    links = package / "native" / "pg-symlinks.json"
    if not links.exists():
        raise Missing("The embedded PostgreSQL is not installed (run `make setup`, then `make up` once).")
    if not all((package / link["target"]).exists() for link in json.loads(links.read_text())):
        hydrate = [str(find_node().program), str(package / "scripts" / "hydrate-symlinks.js")]
        subprocess.run(hydrate, cwd=package, check=True, capture_output=True)
    return package / "native" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
