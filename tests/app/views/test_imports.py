"""Importing files: nothing before a preview, every row accounted for, each event once, and a way back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import stamina
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of, supabase_client
from app.parts.source_names import shown_name
from app.views.imports.column_mappings import (
    COLUMN_MEANINGS,
    guess_columns,
    remember_mapping,
    remembered_mappings,
)
from app.views.imports.history import describe_imports, load_rejected_file
from app.views.imports.jobs import FileToSave, ImportJob, write_rejected
from app.views.imports.uploads import Answers, Choices, Readable, Refused, Uploads, read_upload
from tally.importers import Rejected, generic
from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase
from tests.app.pages import metrics, open_page, shown
from tests.app.wire import Wire
from tests.tally.importers.golden import load_sample

GOOD = b"""date,provider,model,cost,tokens,requests,note
2026-11-02,OpenAI,gpt-5.2,1.25,48200,12,
2026-11-03,Anthropic,claude-opus-4-5,10.00,96000,7,
2026-13-40,OpenAI,gpt-5.2,1.00,1,1,
"""
OVERLAPPING = b"date,provider,model,cost\n2026-11-02,OpenAI,gpt-5.2,1.25\n2026-11-02,OpenAI,gpt-5.2,2.50\n"
AMBIGUOUS = b'date,provider,model,cost\n03/04/2026,OpenAI,gpt-5.2,"1,234"\n'
BANK = b"Booked,Merchant,What,Total charged\n2026-10-01,OpenAI,API,12.50\n"
HOSTILE = "<b>x ![x](http://localhost/x).csv"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, user: User) -> AppTest:
    return open_page(monkeypatch, user, "imports")


def drop(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, content, "text/csv") for name, content in files])
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    return page


def finish_import(page: AppTest) -> AppTest:
    """Press the button, wait for the job, and look at what became of it."""
    press(page, "import")
    page.session_state.import_job.wait(60)
    page.run()
    assert not page.exception
    return page


def numbers(page: AppTest) -> list[str]:
    return [metrics(page)[name] for name in ("Read", "Added", "Already there", "Rejected")]


def answer(page: AppTest, option: bool) -> AppTest:
    page.radio[-1].set_value(option).run()
    return page


def count_records(user: User) -> int:
    table = supabase_client(user).table("cost_records")
    return len(table.select("id").execute().data)


def test_new_person_sees_where_to_begin(page: AppTest) -> None:
    assert not page.exception
    assert "Nothing imported yet." in shown(page)


def test_file_is_previewed_and_nothing_is_saved(page: AppTest, user: User) -> None:
    drop(page, ("usage.csv", GOOD))
    assert metrics(page) == {"Rows": "3", "Days": "2", "Cost": "$11.25", "Rejected": "1"}
    assert "Table of costs" in shown(page)
    totals, first_rows, rejected = (frame.value for frame in page.dataframe[1:4])
    assert dict(zip(totals["Provider"], totals["Billed"], strict=True)) == {
        "Anthropic": "$10.00",
        "OpenAI": "$1.25",
    }
    assert list(first_rows["Model"]) == ["gpt-5.2", "claude-opus-4-5"]
    assert list(rejected["Line"]) == [4]
    assert count_records(user) == 0
    assert data.load_import_list(user) == []


def test_every_row_is_added_already_there_or_rejected(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    assert numbers(page) == ["3", "2", "0", "1"]
    assert count_records(user) == 2


def test_same_file_twice_adds_nothing(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    press(page, "import_more")
    finish_import(drop(page, ("usage again.csv", GOOD)))
    assert numbers(page) == ["3", "0", "2", "1"]
    assert count_records(user) == 2


def test_files_that_overlap_bring_each_row_once(page: AppTest, user: User) -> None:
    first, second = OVERLAPPING, OVERLAPPING + b"2026-11-05,OpenAI,gpt-5.2,3\n"
    finish_import(drop(page, ("first.csv", first), ("second.csv", second)))
    assert numbers(page) == ["5", "3", "2", "0"]
    assert count_records(user) == 3


def test_rerun_does_not_import_again(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    page.run()
    page.run()
    assert len(data.load_import_list(user)) == 1


def test_second_click_finds_no_button(page: AppTest) -> None:
    drop(page, ("usage.csv", GOOD))
    press(page, "import")
    assert all(button.key != "import" for button in page.button)


def test_import_goes_on_while_another_page_is_open(page: AppTest, user: User) -> None:
    drop(page, ("usage.csv", GOOD))
    press(page, "import")
    page.switch_page("views/settings/page.py").run()
    page.session_state.import_job.wait(60)
    page.switch_page("views/imports/page.py").run()
    assert numbers(page) == ["3", "2", "0", "1"]
    assert count_records(user) == 2


def test_undone_import_leaves_no_record(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    row = data.load_import_list(user)[0]
    select_first_row(page, f"imports-{row['id']}-1")
    press(page, "undo")
    assert "2 records go out of every total." in shown(page).replace("\\", "")
    assert count_records(user) == 2

    confirm(row)
    assert count_records(user) == 0
    assert data.load_import_list(user) == []


def confirm(row: dict[str, Any]) -> None:
    """Press the button of the dialog; AppTest runs a dialog's own clicks only where it stays open."""

    def open_dialog(row: "dict[str, Any]") -> None:
        from app.parts.source_dialogs import confirm_deletion

        confirm_deletion(row)

    dialog = AppTest.from_function(open_dialog, args=(row,), default_timeout=60).run()
    dialog.button[0].click().run()
    assert not dialog.exception


def select_first_row(page: AppTest, table_key: str) -> None:
    page.session_state[table_key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    assert not page.exception


def test_ambiguous_numbers_and_dates_are_asked_one_after_the_other(page: AppTest) -> None:
    drop(page, ("spend.csv", AMBIGUOUS))
    assert "import" not in {button.key for button in page.button}
    assert "1,234" in page.radio[0].label
    answer(page, False)
    assert len(page.radio) == 2
    assert "03/04/2026 is 3 Apr 2026" in page.radio[1].options[0].replace("\\", "")
    answer(page, True)
    assert metrics(page)["Cost"] == "$1,234.00"
    answer(page, False)
    assert page.dataframe[2].value["When"][0] == "2026-03-04"


def test_answer_serves_all_files_with_the_same_header_that_leave_it_open() -> None:
    choices = Choices()
    key, reading = read_upload(AMBIGUOUS, "open.csv", choices)
    assert isinstance(reading, Readable)
    assert reading.parsed is None
    choices.answers[key] = Answers(day_first=True, decimal_comma=False)
    clear = b"date,provider,model,cost\n03/24/2026,OpenAI,gpt-5.2,1.5\n"
    _, reading = read_upload(clear, "clear.csv", choices)
    assert isinstance(reading, Readable)
    assert reading.parsed is not None
    assert reading.parsed.records[0].metadata["day"] == "2026-03-24"


def test_chosen_columns_are_remembered_for_the_next_file(
    page: AppTest, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(page, ("bank.csv", BANK))
    boxes = {box.label: box for box in page.selectbox}
    assert boxes["Date (required)"].value == "Booked"
    assert boxes["Cost (required)"].value == "Total charged"
    boxes["Model"].set_value("What")
    next(button for button in page.button if button.label == "Use these columns").click().run()
    assert metrics(page)["Cost"] == "$12.50"

    later = open_page(monkeypatch, user, "imports")
    drop(later, ("next bank.csv", BANK))
    assert metrics(later)["Cost"] == "$12.50"
    assert later.dataframe[2].value["Model"][0] == "API"


def test_column_chosen_for_two_things_is_refused(page: AppTest) -> None:
    drop(page, ("bank.csv", BANK))
    next(box for box in page.selectbox if box.label == "Model").set_value("Booked")
    next(button for button in page.button if button.label == "Use these columns").click().run()
    assert "chosen twice" in shown(page)


def test_remembered_mappings_stay_few(user: User) -> None:
    for number in range(45):
        remember_mapping(user, [f"Day {number}", "Sum"], {f"Day {number}": "date", "Sum": "cost"})
    kept = remembered_mappings(data.load_preference_metadata(user))
    assert len(kept) == 40
    assert {"Day 44": "date", "Sum": "cost"} in kept.values()


def test_every_column_of_the_template_is_explained() -> None:
    assert set(COLUMN_MEANINGS) == set(generic.COLUMNS)


def test_guesses_follow_the_words_of_the_headings() -> None:
    guess = guess_columns(["Booking date", "Merchant", "Net amount", "Memo"])
    assert guess == {
        "date": "Booking date",
        "cost": "Net amount",
        "provider": "Merchant",
        "note": "Memo",
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7 ...", "is a PDF document, not a CSV file."),
        (b"PK\x03\x04xl/", "is a damaged ZIP archive, or one that Tally cannot unpack."),
        (b'{"daily": [], "totals": {}}', "has no rows."),
        (b"", "is empty."),
        (b"date,cost\n", "has a header and no rows below it."),
        (b"date,cost,cost\n2026-11-02,1,2\n", "more than one column named"),
        (bytes(range(256)) * 50, "not a CSV file"),
    ],
)
def test_what_is_no_table_is_a_sentence(page: AppTest, content: bytes, sentence: str) -> None:
    drop(page, ("file.csv", content))
    assert sentence in shown(page).replace("\\", "")
    assert "import" not in {button.key for button in page.button}


def test_file_beside_a_refused_one_can_be_imported(page: AppTest) -> None:
    finish_import(drop(page, ("usage.csv", GOOD), ("invoice.pdf", b"%PDF-1.7")))
    assert numbers(page) == ["3", "2", "0", "1"]


def test_file_name_is_text_and_never_markdown(page: AppTest) -> None:
    drop(page, (HOSTILE, GOOD), (HOSTILE + ".pdf", b"%PDF-1.7"))
    assert HOSTILE in [text.value for text in page.text]
    said = [str(e.value) for kind in (page.caption, page.markdown, page.error, page.header) for e in kind]
    assert all("![x](" not in text and "<b>" not in text for text in said)
    finish_import(page)
    assert HOSTILE in list(page.dataframe[-1].value["File"])


def test_file_name_cannot_turn_text_around() -> None:
    assert shown_name("inv\u202efdp.csv\0") == "inv\ufffdfdp.csv\ufffd"
    assert shown_name("  ") == "upload.csv"


@pytest.fixture
def retries_at_once() -> Iterator[None]:
    """Retries without waiting: a wire that is cut stays cut."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.mark.usefixtures("retries_at_once")
def test_cut_off_database_interrupts_and_the_same_file_completes_it(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    rows = b"".join(b"2026-11-02,OpenAI,m%d,1\n" % number for number in range(12_000))
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    reading = read_upload(b"date,provider,model,cost\n" + rows, "big.csv", Choices())[1]
    assert isinstance(reading, Readable)
    assert reading.parsed is not None
    file = FileToSave("big.csv", "generic", reading.parsed, rows)
    job = ImportJob(CutAfterFirstBatch(user, wire), [file])
    job.wait(120)
    assert "Import the same file again" in job.problem
    assert job.results == []
    assert [file.filename for file in job.remaining] == ["big.csv"]

    wire.mend()
    listed = describe_imports(data.load_import_list(user), ZoneInfo("UTC"), job)
    assert list(listed["Status"]) == ["Interrupted"]
    assert listed["Added"].isna().all()
    again = ImportJob(database_of(user), job.remaining)
    again.wait(120)
    result = again.results[0][1]
    assert (result.added + result.already_there, result.rejected) == (12_000, ())
    exact: Any = supabase_client(user).table("cost_records").select("id", count="exact", head=True)  # type: ignore[arg-type]
    assert exact.execute().count == 12_000


class CutAfterFirstBatch(SupabaseDatabase):
    """The person's client on a wire that breaks once some rows are saved."""

    workers = 1

    def __init__(self, user: User, wire: Wire) -> None:
        super().__init__(supabase_client(user))
        self._wire = wire

    def call(self, function: str, **params: Any) -> Any:
        answer = super().call(function, **params)
        if function == "save_cost_records":
            self._wire.cut()
        return answer


@pytest.mark.usefixtures("retries_at_once")
def test_import_that_failed_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "imports")
    reading = read_upload(GOOD, "usage.csv", Choices())[1]
    assert isinstance(reading, Readable)
    assert reading.parsed is not None
    job = ImportJob(
        CutAfterFirstBatch(user, wire), [FileToSave("usage.csv", "generic", reading.parsed, GOOD)]
    )
    job.wait(60)
    wire.mend()
    page.session_state.import_job = job
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)

    press(page, "retry")
    page.session_state.import_job.wait(60)
    page.run()
    assert numbers(page) == ["3", "0", "2", "1"]


def test_unreachable_database_is_a_sentence(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "imports")
    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)


def test_import_that_nobody_finishes_is_interrupted_and_claims_no_counts() -> None:
    row = {
        "id": "1",
        "filename": "a.csv",
        "format": "generic",
        "status": "running",
        "created_at": datetime.now(UTC).isoformat(),
        "rows_read": 10,
        "rows_imported": 0,
        "rows_duplicate": 0,
        "rows_rejected": 0,
    }
    listed = describe_imports([row], ZoneInfo("UTC"), None)
    assert list(listed["Status"]) == ["Interrupted"]
    assert listed[["Read", "Added", "Already there", "Rejected"]].isna().all(axis=None)


def test_rejected_rows_of_a_past_import_can_be_downloaded(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    content = load_rejected_file(user, data.load_import_list(user)[0]).decode()
    header, row = content.splitlines()
    assert header == "file,line,reason,row"
    assert row.startswith("usage.csv,4,")
    assert "2026-13-40" in row


def test_rejected_rows_do_no_harm_in_a_spreadsheet() -> None:
    content = write_rejected([("=a.csv", Rejected(2, "+reason", "=HYPERLINK(1),2"))]).decode()
    assert content.splitlines()[1] == "'=a.csv,2,'+reason,\"'=HYPERLINK(1),2\""


def test_sample_data_is_named_and_removed_from_the_list(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    sample_data.load(database_of(user), datetime.now(UTC).date())
    page = open_page(monkeypatch, user, "imports")
    sample = data.load_import_list(user)[0]
    assert page.dataframe[-1].value["Format"][0] == "Sample data"

    select_first_row(page, f"imports-{sample['id']}-1")
    assert page.button(key="undo").label == "Remove sample data"
    confirm(sample)
    assert data.load_import_list(user) == []
    assert data.load_subscriptions(user) == []
    assert count_records(user) == 0


def test_file_is_parsed_once_for_the_same_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def count(content: bytes, name: str, choices: Choices) -> tuple[str, Refused]:
        parsed.append(name)
        return "", Refused(f"{len(content)} {choices.timezone}")

    monkeypatch.setattr("app.views.imports.uploads.read_upload", count)
    uploads, choices, file = Uploads(), Choices(), Upload()
    for _ in range(3):
        uploads.read(file, choices)
    assert len(parsed) == 1
    choices.timezone = "Asia/Kathmandu"
    uploads.read(file, choices)
    assert len(parsed) == 2
    uploads.forget_others([])
    uploads.read(file, choices)
    assert len(parsed) == 3


class Upload:
    """A file as Streamlit hands it over."""

    file_id, name = "1", "a.csv"

    def getvalue(self) -> bytes:
        return GOOD


def test_archive_and_json_are_imported_as_what_they_hold(page: AppTest) -> None:
    archive, log = load_sample("deepseek"), load_sample("litellm_logs_json")
    drop(page, archive, log)
    assert "DeepSeek usage export" in shown(page)
    assert "LiteLLM spend" in shown(page)
    finish_import(page)
    assert numbers(page) == ["13", "11", "0", "2"]
    press(page, "import_more")
    finish_import(drop(page, archive, log))
    assert numbers(page) == ["13", "0", "11", "2"]
