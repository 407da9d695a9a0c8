"""kill -9 of senders between sending and recording: nothing is lost, and repetitions can be told."""

from tests.database.teams import make_team
from tests.database_fixtures import Connection, Project
from tests.tally.notifications.dying import kill_senders


def test_killed_senders_lose_no_message_and_repeat_it_under_its_identity(
    project: Project, database: Connection
) -> None:
    outcome = kill_senders(project, make_team(project, database, "owner").id, kills=3)
    assert (outcome.kills, outcome.lost, outcome.torn) == (3, 0, 0)
    assert outcome.repeated >= 3
