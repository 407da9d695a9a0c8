"""kill -9 of senders of alerts between sending and recording: no message is lost, none comes as another."""

from collections.abc import Iterator
from uuid import uuid4

from bench.measurement import Measurement, Options
from tests.database.cluster import TEMPLATE, Cluster
from tests.database_fixtures import Project
from tests.tally.notifications.dying import kill_senders

KILLS = 50


def measure(options: Options) -> Iterator[Measurement]:
    """Kill fifty senders, each with three messages on their way."""
    with Cluster.embedded() as cluster:
        cluster.clone(TEMPLATE, "senders")
        project = Project(cluster, "senders")
        with project.connect() as connection:
            workspace = uuid4()
            connection.execute("insert into public.workspaces (id, name) values (%s, 'Team')", [workspace])
        outcome = kill_senders(project, workspace, options.scaled(KILLS))
    name = f"Alerts, kill -9 between sending and recording, {outcome.kills} times"
    yield Measurement(f"{name}: lost", outcome.lost, "", 0, float(outcome.lost), 0.0)
    yield Measurement(f"{name}: under another identity", outcome.torn, "", 0, float(outcome.torn), 0.0)
    yield Measurement(f"{name}: repeated", outcome.repeated, "")
