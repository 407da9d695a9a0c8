"""Past calls at other prices, read and priced as the user. They are not cached: a replay takes a while."""

from datetime import date

from app.auth.identity import User, database_of
from tally.core.progress import Progress
from tally.pricing.replay import Replayed, replay
from tally.pricing.scenarios import Scenario


def replay_calls(user: User, scenario: Scenario, days: tuple[date, date], on_progress: Progress) -> Replayed:
    """Price the calls of these days as they would have been. Raises DatabaseError."""
    return replay(database_of(user), scenario, *days, on_progress)
