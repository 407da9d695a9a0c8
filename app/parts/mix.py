"""The mix of classes of tokens of a workspace's last 90 days."""

from datetime import date, timedelta

from app import data
from app.auth.identity import User
from app.figures.price_mix import Mix, find_mix
from app.formats.counts import round_shares

DAYS = timedelta(days=89)


def load_mix(user: User, today: date) -> Mix | None:
    """Shares of tokens by class; None where none are split."""
    question = data.Question(today - DAYS, today, "tokens", ("token_class",), "none")
    return find_mix(
        {
            group.keys[0].value: group.value
            for group in data.load_explored(user, question).groups
            if group.kind == "value" and group.value is not None and group.keys[0].value is not None
        }
    )


def describe_mix(mix: Mix) -> str:
    """The mix in words."""
    shares = round_shares((mix.input, mix.cached, mix.written, mix.output))
    names = ("input", "read from a cache", "written to one", "output")
    return ", ".join(f"{share}% {name}" for share, name in zip(shares, names, strict=True))
