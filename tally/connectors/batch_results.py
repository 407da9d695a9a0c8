"""The tokens of an Anthropic batch: its list does not tell them, the file of its results does, line by line.

Only usage and model of each line are kept; what the requests asked and what was answered is dropped at once.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from tally.connectors.client import ApiClient
from tally.connectors.errors import unreadable
from tally.connectors.fields import MalformedRow, read_count, read_object, read_text
from tally.connectors.jobs import MOST_TOKENS, MOST_USD, Job, price_batch
from tally.pricing.usage import Usage

PATH = "v1/messages/batches/{}/results"
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Answered(NamedTuple):
    """A request of a batch that succeeded."""

    model: str
    usage: Usage


def add_tokens(client: ApiClient, job: Job) -> Job:
    """An ended batch with its tokens and its cost; raises ConnectorError."""
    if not _ID.fullmatch(job.told_id):
        return job
    try:
        answered = client.list_lines(PATH.format(job.told_id), _read_line)
    except MalformedRow as problem:
        raise unreadable(client.host.title, str(problem)) from None
    if sum(usage.input_tokens + usage.output_tokens for _, usage in answered) > MOST_TOKENS:
        raise unreadable(client.host.title, "has more tokens than there can be")
    by_model: dict[str, list[Usage]] = {}
    for model, usage in answered:
        by_model.setdefault(model, []).append(usage)
    return _sum(
        job, {model: Usage(*map(sum, zip(*of_model, strict=True))) for model, of_model in by_model.items()}
    )


def _sum(job: Job, by_model: Mapping[str, Usage]) -> Job:
    """The batch with the sums over its models; a cost only if each of them has a price."""
    priced = [price_batch("anthropic", model, usage, job.began_at) for model, usage in by_model.items()]
    costs, alone = ([each[place] for each in priced] for place in (0, 1))
    return replace(
        job,
        model=(next(iter(by_model)) or None) if len(by_model) == 1 else None,
        input_tokens=sum(usage.input_tokens for usage in by_model.values()),
        cached_input_tokens=sum(usage.cached_input_tokens for usage in by_model.values()),
        output_tokens=sum(usage.output_tokens for usage in by_model.values()),
        cost_usd=_add(costs),
        synchronous_usd=_add(alone),
    )


def _add(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    total = sum(known, Decimal(0))
    return total if amounts and len(known) == len(amounts) and total <= MOST_USD else None


def _read_line(row: Mapping[str, Any]) -> Answered | None:
    """Usage and model of a result; None for a request that failed."""
    result = read_object(row, "result")
    if read_text(result, "type") != "succeeded":
        return None
    message = read_object(result, "message")
    usage = read_object(message, "usage")
    plain = read_count(usage, "input_tokens", needed=True)
    written, read = (
        read_count(usage, name) for name in ("cache_creation_input_tokens", "cache_read_input_tokens")
    )
    return Answered(
        read_text(message, "model"),
        Usage(
            input_tokens=plain + written + read,
            cached_input_tokens=read,
            cache_write_tokens=written,
            cache_write_1h_tokens=read_count(
                read_object(usage, "cache_creation"), "ephemeral_1h_input_tokens"
            ),
            output_tokens=read_count(usage, "output_tokens", needed=True),
        ),
    )
