"""Performance of models. Cached for a moment, as traces are."""

from app.auth.identity import User, database_of
from app.data.reading import cached_for_a_moment
from tally.traces.performance import Performance, PerformanceQuestion, read_performance


@cached_for_a_moment
def load_performance(user: User, question: PerformanceQuestion) -> Performance:
    """The models of a period, of calls that the user may see; raises DatabaseError, also for too many."""
    return read_performance(database_of(user).call("model_performance", **question.arguments()))
