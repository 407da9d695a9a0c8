"""Alerts in words, as pages show them."""

from tally.notifications.facts import Facts
from tally.notifications.texts import Told, describe_event
from tally.notifications.wording import WORD_JOINER


def describe_alert(kind: str, facts: Facts) -> Told:
    """The words of an event, without the marks that keep mail programs from making links of names."""
    told = describe_event(kind, facts, is_cleared=False)
    return Told(
        told.title.replace(WORD_JOINER, ""),
        tuple(sentence.replace(WORD_JOINER, "") for sentence in told.sentences),
    )
