"""database/schema.sql: the schema as one file, dumped from a migrated database. `make schema` writes it."""

import re
import subprocess

from tally.backups.programs import find_program
from tests.database.cluster import MIGRATIONS, TEMPLATE, Cluster

FILE = MIGRATIONS.parent / "schema.sql"
HEAD = (
    "-- The schema as the migrations leave it, without the months of cost_records. Written by `make schema`."
)
DUMP = (
    "--schema-only",
    "--no-owner",
    "--schema=public",
    "--schema=private",
    "--exclude-table=private.cost_records_2*",  # which months exist depends on the day
    "--restrict-key=schema",  # random otherwise
)
HEADER = re.compile(r"--\n-- Name: (.+); Type: (.+); Schema: (.+); Owner: -.*\n--\n")
ACCESS = re.compile(r"^-- (DEFAULT ACL|ACL|COMMENT) .*\n\n", re.MULTILINE)
GRANTS = re.compile(r"^(GRANT .*\n)\n(?=GRANT .* ON TABLE)", re.MULTILINE)
# Versions of server and tools, settings of a restore, and what a project has before the migrations.
NOISE = re.compile(
    r"^(--|-- Dumped .*|-- PostgreSQL database dump.*|SET .*|SELECT pg_catalog.set_config.*|\\\w+ schema"
    r"|ALTER DEFAULT PRIVILEGES .*|COMMENT ON SCHEMA public .*)\n",
    re.MULTILINE,
)
AUTH_TRIGGERS = """
select string_agg(pg_get_triggerdef(oid) || ';', e'\n' order by tgname)
from pg_trigger
where tgrelid = 'auth.users'::regclass and not tgisinternal"""


def dump_schema(cluster: Cluster, database: str = TEMPLATE) -> str:
    """The schema of a migrated database: the same text on every day and machine."""
    command = [str(find_program("pg_dump")), *DUMP, cluster.url(database)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    text = NOISE.sub("", HEADER.sub(r"-- \2 \3.\1\n", ended.stdout).replace(" -.", " "))
    text = GRANTS.sub(r"\1", ACCESS.sub("", text))
    with cluster.connect(database) as connection:
        [[triggers]] = connection.execute(AUTH_TRIGGERS).fetchall()
    parts = [HEAD, text.strip(), "-- TRIGGERS of the auth server's table", triggers]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)) + "\n"


def main() -> None:
    """Write the file."""
    with Cluster.embedded() as cluster:
        FILE.write_text(dump_schema(cluster), encoding="utf-8")


if __name__ == "__main__":
    main()
