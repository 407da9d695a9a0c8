"""The document names attributes that are read."""

import re
from pathlib import Path

from tally.telemetry.content import find_key
from tally.telemetry.decoding.notes import MAX_ATTRIBUTES
from tally.telemetry.decoding.values import MAX_TEXT
from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.told import find_tag

DOCUMENT = (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()
ROWS = re.findall(r"^\| (?!for)(.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
OTHER_TAG = "team.id"  # as in the document: a key of the resource that no SDK sets


def named(of: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", of)


def test_every_attribute_of_the_document_is_read() -> None:
    attributes = [name for _, cell in ROWS for name in named(cell) if name != OTHER_TAG]
    assert len(attributes) > 20
    assert [name for name in attributes if name not in keys.KNOWN and find_tag(name) is None] == []


def test_attributes_are_in_the_order_in_which_they_are_read() -> None:
    fields = {key: (field, place) for field, of in keys.FIELDS.items() for place, key in enumerate(of)}
    for _, cell in ROWS:
        found = [fields[name] for name in named(cell) if name in fields]
        assert found == sorted(found, key=lambda one: ([field for field, _ in found].index(one[0]), one[1]))


def test_no_attribute_of_the_document_is_content() -> None:
    assert [name for _, cell in ROWS for name in named(cell) if not find_key(name)] == []


def test_star_marks_what_programs_may_tell() -> None:
    starred = {what for cell, _ in ROWS for what in re.findall(r"([a-z ]+?) \*", cell)}
    names = {"session or conversation": "session", "end customer": "end_user"}
    of_programs = {names.get(what.strip(), what.strip()) for what in starred}
    assert of_programs == keys.OF_PROGRAMS - {"service"}


def test_limits_of_the_document_are_those_of_the_code() -> None:
    assert f"{MAX_TEXT:,} characters" in DOCUMENT
    assert f"{MAX_ATTRIBUTES} attributes" in DOCUMENT
