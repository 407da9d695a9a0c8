"""Answers of models' APIs that were saved as JSON: each with usage is one estimated request.

Chat completions, responses and embeddings of OpenAI and of those who imitate them, Anthropic's messages,
Gemini's generated contents, and results of batches. They name no project and no key. Anthropic's and Gemini's
tell no date: it is taken from beside the answer, else the row is rejected. Prompts and texts are not stored.
"""

from collections.abc import Callable, Mapping, Sequence

from tally.catalog.payees import OTHER
from tally.core.records import CostRecord, identity
from tally.importers.exports import Bucket, Dimensions, Numbers, utc_time
from tally.importers.gateways import EventName, Reported, make_record, name_request
from tally.importers.protocol import Options, Parsed, RowRejected, RowSkipped, choose, read_rows
from tally.importers.readers.answer_rows import COLUMNS, GEMINI, MESSAGE
from tally.importers.readers.table import Table
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import STANDARD, Conditions, Usage

name = "saved_answers"
title = "Saved API answers"

COUNTS = COLUMNS[COLUMNS.index("input_tokens") :]
TELLING = ("input_tokens", "output_tokens")
MAKERS = {MESSAGE: "anthropic", GEMINI: "google"}
FAILED = ("failed", "incomplete", "cancelled")
WITHOUT_USAGE = "of answers without usage"
WITHOUT_DATE = (
    'its date "" is missing; write "created_at" with its time into it, such as "2026-11-02T10:00:00Z", '
    "or import the provider's usage export"
)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is the one that the reader of answers gives."""
    return set(header) >= {*COLUMNS}


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per answer; of an answer that was saved in parts, the last one counts."""
    named = Dimensions(
        table, ("answer", "id", "model", "sent_by", "status", "is_batch", "tier", "speed", "inference_geo")
    )
    numbers = Numbers(table, options, *COUNTS, "cost")
    kind_of = table.reader("answer")
    time_of = _times(table, options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        if all(numbers.is_blank(column, cells) for column in TELLING):
            raise RowSkipped(WITHOUT_USAGE)
        found, usage = named.read(cells), read_usage(numbers, cells, kind_of(cells) == MESSAGE)
        when = time_of(cells)
        reported = Reported(
            when,
            found["model"],
            _name(found, when, usage, options),
            numbers.amount_if_any("cost", cells),
            usage,
            min(numbers.count("reasoning", cells), usage.output_tokens),
            is_failed=found["status"] in FAILED,
            hint=found["sent_by"] or MAKERS.get(found["answer"], ""),
            conditions=_find_conditions(found),
        )
        return make_record(reported, OTHER, {}, options)

    return read_rows(table, read_row, combine=choose)


def read_usage(numbers: Numbers, cells: Sequence[str], is_message: bool) -> Usage:
    """The tokens of an answer; the input of Anthropic's messages excludes what was cached."""
    count = {column: numbers.count(column, cells) for column in COUNTS}
    cached = count["cache_read"] + count["cache_write"]
    is_beside = is_message or cached > count["input_tokens"]
    return Usage(
        input_tokens=count["input_tokens"] + cached * is_beside,
        output_tokens=count["output_tokens"],
        cached_input_tokens=count["cache_read"],
        cache_write_tokens=count["cache_write"],
        cache_write_1h_tokens=min(count["cache_write_1h"], count["cache_write"]),
        input_audio_tokens=count["input_audio"],
        cached_audio_tokens=count["cached_audio"],
        output_audio_tokens=count["output_audio"],
        web_searches=count["web_searches"],
    )


def _times(table: Table, options: Options) -> Callable[[Sequence[str]], Bucket]:
    read_cell, read_time = table.reader("time"), utc_time(table, options, "time")

    def read_when(cells: Sequence[str]) -> Bucket:
        if not read_cell(cells):
            raise RowRejected(WITHOUT_DATE)
        return read_time(cells)

    return read_when


def _find_conditions(found: Mapping[str, str]) -> Conditions:
    tier = "batch" if found["is_batch"] else found["tier"].lower().removeprefix("on_demand_")
    context = dict([condition] if (condition := find_condition(tier)) else [])
    context |= {"speed": "fast"} if found["speed"].lower() == "fast" else {}
    place = found["inference_geo"].lower()
    context |= {"inference_geo": place} if place not in ("", "global", "not_available") else {}
    return Conditions(context=context) if context else STANDARD


def _name(found: Mapping[str, str], when: Bucket, usage: Usage, options: Options) -> EventName:
    if found["id"]:
        return name_request(name, options, found["id"])
    told = (when.key, found["model"], usage.input_tokens, usage.output_tokens)
    return EventName(identity(name, options.account, *told))
