"""Files for the official validator: `python -m tests.tally.focus.samples FOLDER` exports two workspaces."""

import sys
from pathlib import Path

from tally.focus.export import choose_period, write_file
from tally.focus.versions import VERSIONS
from tally.samples.sample import load
from tally.storage.postgres import PostgresDatabase
from tests.database.cluster import Cluster
from tests.database.reuse import Reused
from tests.database_fixtures import Project, add_user
from tests.days import current_day
from tests.tally.focus.histories import make_history, save_history

SEED, RECORDS = 20_261, 3_000


def write_samples(folder: Path) -> list[Path]:
    """Export the sample data, and a random history, as CSV and Parquet."""
    written = []
    with Cluster.embedded() as cluster:
        reused = Reused(cluster)
        with Project(cluster, reused.name, reused).connect() as connection:
            for name in ("sample-data", "random-history"):
                database = PostgresDatabase(connection, add_user(connection, "America/Los_Angeles"))
                if name == "sample-data":
                    load(database, current_day())
                else:
                    # The validator takes no letters beyond ASCII, which the specification allows.
                    records = [one for one in make_history(SEED, RECORDS) if one.model_name.isascii()]
                    save_history(database, records, SEED)
                for suffix in ("csv", "parquet"):
                    written.append(folder / f"{name}.{suffix}")
                    write_file(database, written[-1], choose_period(None, None), VERSIONS["1.2"])
        reused.drop()
    return written


if __name__ == "__main__":
    for path in write_samples(Path(sys.argv[1])):
        print(path)
