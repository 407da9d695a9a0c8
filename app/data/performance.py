"""Performance of models. Cached for a moment, as traces are."""

from app.auth.identity import User
from app.data.analytics import ask_engine
from app.data.reading import cached_for_a_moment
from tally.traces.performance import Performance, PerformanceQuestion, read_performance


@cached_for_a_moment
def load_performance(user: User, question: PerformanceQuestion) -> Performance:
    """The models of a period, of calls that the user may see; raises DatabaseError, also for too many."""
    answer = ask_engine(user, "model_performance", **question.arguments())
    return read_performance(answer.value)._replace(source=answer.source)
