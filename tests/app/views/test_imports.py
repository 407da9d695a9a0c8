"""The Import page: previews before saving, every row accounted for, no duplicates, and undo."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import data
from app.auth.identity import User, database_of, supabase_client
from app.data import filing
from app.figures.source_names import shown_name
from app.views.imports.choices import Answers, Choices
from app.views.imports.column_mappings import (
    COLUMN_MEANINGS,
    guess_columns,
    remember_mapping,
    remembered_mappings,
)
from app.views.imports.history import describe_imports, load_rejected_file
from app.views.imports.jobs import FileToSave, ImportJob, write_rejected
from app.views.imports.preview_tables import daily_frame
from app.views.imports.uploads import Recognized, Unreadable, UploadCache, read_upload
from tally.importers import Rejected
from tally.importers.column_matching import COLUMNS
from tally.local.stack import Stack
from tally.pricing.custom_prices import CustomPrice, CustomPrices
from tally.pricing.workspace_prices import WorkspacePrices
from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase
from tally.storage.unnamed import UNASSIGNED
from tests.app.pages import metrics, open_page, read_markdown, shown
from tests.app.ui.shown_table import select_line, shown_table, tables
from tests.app.wire import Wire
from tests.shared_connections import operator_connection
from tests.tally.importers.golden import load_sample

GOOD = b"""date,provider,model,cost,tokens,requests,note
2026-11-02,OpenAI,gpt-5.2,1.25,48200,12,
2026-11-03,Anthropic,claude-opus-4-5,10.00,96000,7,
2026-13-40,OpenAI,gpt-5.2,1.00,1,1,
"""
OVERLAPPING = b"date,provider,model,cost\n2026-11-02,OpenAI,gpt-5.2,1.25\n2026-11-02,OpenAI,gpt-5.2,2.50\n"
AMBIGUOUS = b'date,provider,model,cost\n03/04/2026,OpenAI,gpt-5.2,"1,234"\n'
ESTIMATED = (
    b"start_time,end_time,num_model_requests,model,batch,service_tier,input_tokens,output_tokens,"
    b"input_cached_tokens\n1762041600,1762128000,10,gpt-4o-2024-08-06,false,default,700000,100000,0\n"
)
HEADER = b"date,provider,model,cost\n"
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
    """Press the button, wait for the import, and rerun the page."""
    press(page, "import")
    page.session_state.import_job.wait(60)
    page.run()
    assert not page.exception
    return page


def numbers(page: AppTest) -> list[str]:
    return [metrics(page)[name] for name in ("Read", "Added", "Duplicates", "Rejected")]


def answer(page: AppTest, option: bool) -> AppTest:
    page.radio[-1].set_value(option).run()
    return page


def count_records(user: User) -> int:
    table = supabase_client(user).table("cost_records")
    return len(table.select("id").execute().data)


def test_projects_that_a_file_names_become_projects_by_one_click(page: AppTest, user: User) -> None:
    """The column Project alone files nothing: Explore would have the records unassigned."""
    filing.create_project(user, "Web", is_private=False)
    rows = (
        b"2026-11-02,OpenAI,gpt-5.2,1,web\n2026-11-03,OpenAI,gpt-5.2,2,=api\n2026-11-03,OpenAI,gpt-5.2,4,\n"
    )
    drop(page, ("costs.csv", b"date,provider,model,cost,project\n" + rows))
    finish_import(page)
    assert "“=api”, “web”: no rule knows the name" in shown(page)
    press(page, "file_projects")
    assert not page.exception
    assert read_markdown(page.success[0].value) == "2 records filed under 2 projects."
    assert "file_projects" not in [button.key for button in page.button]
    names = {project.project_id: project.name for project in data.load_projects(user)}
    assert set(names.values()) == {"Web", "=api"}
    costs = data.load_split(user, "project", None, None)
    spent = {names.get(part, part): cost for part, cost in zip(costs["part"], costs["amount"], strict=True)}
    assert spent == {"Web": 1, "=api": 2, UNASSIGNED: 4}


def test_a_rule_for_a_project_of_a_file_can_be_made_by_hand(page: AppTest, user: User) -> None:
    filing.create_project(user, "Site", is_private=False)
    drop(page, ("costs.csv", b"date,provider,model,cost,project\n2026-11-02,OpenAI,gpt-5.2,1,web\n"))
    finish_import(page)
    press(page, "file_by_rule")
    assert not page.exception
    assert page.title[0].value == "Settings"
    assert page.session_state["rule-value"] == "web"


def test_new_account_sees_an_empty_history(page: AppTest) -> None:
    assert not page.exception
    assert "Nothing imported yet." in shown(page)


def test_preview_names_columns_that_are_not_used(page: AppTest) -> None:
    drop(page, ("usage.csv", b"date,cost,bar\n2026-11-02,1,Website\n"))
    assert 'Not imported: "bar".' in shown(page).replace("\\", "")


def test_same_file_is_known_before_it_is_imported_again(page: AppTest, user: User) -> None:
    drop(page, ("usage.csv", GOOD))
    assert page.button(key="import").label == "Import 2 rows"
    assert not any("here already" in warning.value for warning in page.warning)
    finish_import(page)
    press(page, "import_more")
    drop(page, ("renamed.csv", GOOD))
    assert any("This file is here already" in warning.value for warning in page.warning)
    assert page.button(key="import").label == "Import again"
    finish_import(page)
    assert numbers(page) == ["3", "0", "2", "1"]
    assert count_records(user) == 2

    press(page, "import_more")
    drop(page, ("usage.csv", GOOD + b"2026-11-09,OpenAI,gpt-5.2,1.00,1,1,\n"))
    assert page.button(key="import").label == "Import 3 rows"
    assert not any("here already" in warning.value for warning in page.warning)


@pytest.mark.parametrize(("days", "label"), [(20, "Spend of each day"), (300, "daily average of each week")])
def test_bars_of_the_preview_say_what_they_are(page: AppTest, days: int, label: str) -> None:
    rows = "".join(f"{date(2026, 1, 1) + timedelta(days=nth)},openai,gpt-5.2,1.00\n" for nth in range(days))
    drop(page, ("usage.csv", b"date,provider,model,cost\n" + rows.encode()))
    assert label in shown(page)


def test_preview_saves_nothing(page: AppTest, user: User) -> None:
    drop(page, ("usage.csv", GOOD))
    assert metrics(page) == {"Rows": "3", "Days": "2", "Cost": "$11.25", "Rejected": "1"}
    assert "Table of costs" in shown(page)
    totals, first_rows, rejected = (frame.value for frame in tables(page)[1:4])
    assert dict(zip(totals["provider"], totals["estimated"], strict=True)) == {
        "Anthropic": 10,
        "OpenAI": 1.25,
    }
    assert list(first_rows["model"]) == ["gpt-5.2", "claude-opus-4-5"]
    assert list(rejected["line"]) == [4]
    assert count_records(user) == 0
    assert data.load_import_list(user) == []


@pytest.mark.parametrize("basis", ["billed", "included"])
def test_amounts_of_a_table_are_what_the_user_answers(page: AppTest, user: User, basis: str) -> None:
    drop(page, ("usage.csv", GOOD))
    asked = next(asked for asked in page.segmented_control if asked.label == "Are these amounts billed?")
    asked.set_value(basis).run()
    finish_import(page)
    saved: Any = supabase_client(user).table("cost_records").select("cost_basis").execute().data
    assert {row["cost_basis"] for row in saved} == {basis}


def test_preview_shows_what_is_saved_at_custom_prices(page: AppTest, user: User) -> None:
    add_custom_price(user, Decimal(10))
    drop(page, ("usage.csv", ESTIMATED))
    assert metrics(page)["Cost"] == "$9.00"  # 0.7M input tokens at $10 and 0.1M output tokens at $20
    totals, first_rows = tables(page)[1:3]
    assert totals.value["estimated"].tolist() == [9]
    assert shown_table(first_rows)["cost"].tolist() == ["$9.00"]
    finish_import(page)
    assert data.load_daily(user, None, None)["cost_usd"].tolist() == [9]


def test_preview_follows_a_changed_custom_price(page: AppTest, user: User) -> None:
    drop(page, ("usage.csv", ESTIMATED))
    list_price = metrics(page)["Cost"]
    add_custom_price(user, Decimal(100))
    page.run()
    assert (list_price, metrics(page)["Cost"]) == ("$2.75", "$72.00")


def test_chart_of_the_preview_uses_custom_prices() -> None:
    prices = WorkspacePrices(CustomPrices([custom_price(Decimal(10))]))
    upload = read_upload(ESTIMATED, "usage.csv", Choices(prices=prices))[1]
    assert isinstance(upload, Recognized)
    assert upload.preview is not None
    assert upload.parsed is not None
    assert daily_frame(upload.preview)["cost"].tolist() == [9]
    assert upload.parsed.records[0].cost_usd == Decimal("2.75")  # saving applies the prices of its own time


def custom_price(input_usd: Decimal) -> CustomPrice:
    return CustomPrice(
        "openai", "gpt-4o-2024-08-06", date(2025, 1, 1), input_usd, Decimal(20), replaces_list=True
    )


def add_custom_price(user: User, input_usd: Decimal) -> None:
    openai = next(provider for provider in data.load_providers(user) if provider.slug == "openai")
    row = custom_price(input_usd).to_json(openai.provider_id)
    database_of(user).insert("model_prices", row)
    data.forget_version(user)


def test_every_row_is_added_duplicate_or_rejected(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    assert numbers(page) == ["3", "2", "0", "1"]
    assert count_records(user) == 2


def test_same_file_twice_adds_nothing(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    press(page, "import_more")
    finish_import(drop(page, ("usage again.csv", GOOD)))
    assert numbers(page) == ["3", "0", "2", "1"]
    assert count_records(user) == 2


def test_overlapping_files_add_each_row_once(page: AppTest, user: User) -> None:
    first, second = OVERLAPPING, OVERLAPPING + b"2026-11-05,OpenAI,gpt-5.2,3\n"
    finish_import(drop(page, ("first.csv", first), ("second.csv", second)))
    assert numbers(page) == ["5", "3", "2", "0"]
    assert count_records(user) == 3


def test_rerun_does_not_import_again(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    page.run()
    page.run()
    assert len(data.load_import_list(user)) == 1


def test_import_button_disappears_while_importing(page: AppTest) -> None:
    drop(page, ("usage.csv", GOOD))
    press(page, "import")
    assert all(button.key != "import" for button in page.button)


def test_import_continues_while_another_page_is_open(page: AppTest, user: User) -> None:
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
    assert "2 records will be removed from all totals." in shown(page).replace("\\", "")
    assert count_records(user) == 2

    confirm(row)
    assert count_records(user) == 0
    assert data.load_import_list(user) == []


def confirm(row: dict[str, Any]) -> None:
    """Press the dialog's button; run on its own, as AppTest closes dialogs."""

    def open_dialog(row: "dict[str, Any]") -> None:
        from app.parts.source_dialogs import confirm_deletion

        confirm_deletion(row)

    dialog = AppTest.from_function(open_dialog, args=(row,), default_timeout=60).run()
    dialog.button(key="danger-confirm").click().run()
    assert not dialog.exception


def select_first_row(page: AppTest, table_key: str) -> None:
    select_line(page, table_key, 0)


def test_ambiguous_numbers_and_dates_are_asked_in_turn(page: AppTest) -> None:
    drop(page, ("spend.csv", AMBIGUOUS))
    assert "import" not in {button.key for button in page.button}
    assert "1,234" in page.radio[0].label
    answer(page, False)
    assert len(page.radio) == 2
    assert "03/04/2026 is 3 Apr 2026" in page.radio[1].options[0].replace("\\", "")
    answer(page, True)
    assert metrics(page)["Cost"] == "$1,234.00"
    answer(page, False)
    assert shown_table(tables(page)[2])["when"][0] == "4 Mar 2026"


def test_answer_does_not_overrule_an_unambiguous_file() -> None:
    choices = Choices()
    key, upload = read_upload(AMBIGUOUS, "open.csv", choices)
    assert isinstance(upload, Recognized)
    assert upload.parsed is None
    choices.answers[key] = Answers(day_first=True, decimal_comma=False)
    clear = b"date,provider,model,cost\n03/24/2026,OpenAI,gpt-5.2,1.5\n"
    _, upload = read_upload(clear, "clear.csv", choices)
    assert isinstance(upload, Recognized)
    assert upload.parsed is not None
    assert upload.parsed.records[0].day == date(2026, 3, 24)


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
    assert tables(later)[2].value["model"][0] == "API"


def test_column_chosen_twice_is_refused(page: AppTest) -> None:
    drop(page, ("bank.csv", BANK))
    next(box for box in page.selectbox if box.label == "Model").set_value("Booked")
    next(button for button in page.button if button.label == "Use these columns").click().run()
    assert "chosen twice" in shown(page)


def test_column_without_a_heading_is_never_mistaken_for_another(page: AppTest) -> None:
    drop(page, ("bank.csv", b"Booked,,(column 2),Total charged\n2026-10-01,OpenAI,API,12.50\n"))
    assert not page.exception
    headings = [table.value.columns.tolist() for table in tables(page)]
    assert ["Booked", "((column 2))", "(column 2)", "Total charged"] in headings


def test_remembered_mappings_are_limited(user: User) -> None:
    for number in range(45):
        remember_mapping(user, [f"Day {number}", "Sum"], {f"Day {number}": "date", "Sum": "cost"})
    mappings = remembered_mappings(data.load_preference_metadata(user))
    assert len(mappings) == 40
    assert {"Day 44": "date", "Sum": "cost"} in mappings.values()


def test_every_column_of_the_template_is_explained() -> None:
    assert set(COLUMN_MEANINGS) == set(COLUMNS)


def test_columns_are_guessed_from_headings() -> None:
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
def test_unreadable_file_is_explained(page: AppTest, content: bytes, sentence: str) -> None:
    drop(page, ("file.csv", content))
    assert sentence in shown(page).replace("\\", "")
    assert "import" not in {button.key for button in page.button}


def test_file_beside_an_unreadable_one_can_be_imported(page: AppTest) -> None:
    finish_import(drop(page, ("usage.csv", GOOD), ("invoice.pdf", b"%PDF-1.7")))
    assert numbers(page) == ["3", "2", "0", "1"]


def test_file_name_is_shown_as_plain_text(page: AppTest) -> None:
    drop(page, (HOSTILE, GOOD), (HOSTILE + ".pdf", b"%PDF-1.7"))
    assert HOSTILE in [text.value for text in page.text]
    texts = [str(e.value) for kind in (page.caption, page.markdown, page.error, page.header) for e in kind]
    assert all("![x](" not in text and "<b>" not in text for text in texts)
    finish_import(page)
    assert HOSTILE in list(tables(page)[-1].value["file"])


def test_file_name_cannot_reverse_text() -> None:
    assert shown_name("inv\u202efdp.csv\0") == "inv\ufffdfdp.csv\ufffd"
    assert shown_name("  ") == "upload.csv"


@pytest.fixture
def retries_at_once() -> Iterator[None]:
    """Retries without waiting: a wire that is cut stays cut."""
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.mark.usefixtures("retries_at_once")
def test_interrupted_import_is_completed_by_a_retry(
    monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire
) -> None:
    rows = b"".join(b"2026-11-02,OpenAI,m%d,1\n" % number for number in range(12_000))
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    job = ImportJob(CutAfterFirstBatch(user, wire), [file_to_save("big.csv", HEADER + rows)])
    job.wait(120)
    assert "Import the same file again" in job.problem
    assert job.results == []
    assert [file.filename for file in job.remaining] == ["big.csv"]

    wire.mend()
    listed = describe_imports(data.load_import_list(user), job)
    assert list(listed["status"]) == ["Interrupted"]
    assert listed["added"].isna().all()
    again = ImportJob(database_of(user), job.remaining)
    again.wait(120)
    result = again.results[0][1]
    assert (result.added + result.already_there, result.rejected) == (12_000, ())
    exact: Any = supabase_client(user).table("cost_records").select("id", count="exact", head=True)  # type: ignore[arg-type]
    assert exact.execute().count == 12_000


def file_to_save(name: str, content: bytes) -> FileToSave:
    upload = read_upload(content, name, Choices())[1]
    assert isinstance(upload, Recognized)
    assert upload.parsed is not None
    return FileToSave(name, upload.format_name, upload.parsed, content)


class CutAfterFirstBatch(SupabaseDatabase):
    """A client whose connection breaks after the first batch of rows."""

    workers = 1

    def __init__(self, user: User, wire: Wire) -> None:
        super().__init__(supabase_client(user), user.user_id)
        self._wire = wire

    def call(self, function: str, **params: Any) -> Any:
        answer = super().call(function, **params)
        if function == "save_cost_records":
            self._wire.cut()
        return answer


@pytest.mark.usefixtures("retries_at_once")
def test_failed_import_can_be_retried(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "imports")
    job = ImportJob(CutAfterFirstBatch(user, wire), [file_to_save("usage.csv", GOOD)])
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


def test_unreachable_database_is_explained(monkeypatch: pytest.MonkeyPatch, user: User, wire: Wire) -> None:
    monkeypatch.setenv("SUPABASE_URL", wire.url)
    page = open_page(monkeypatch, user, "imports")
    wire.cut()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "cannot be reached" in shown(page)


@pytest.mark.parametrize(
    ("status", "minutes", "shown_status"),
    [("running", 1, "Importing"), ("running", 61, "Interrupted"), ("failed", 1, "Interrupted")],
)
def test_unfinished_import_from_elsewhere_has_no_counts_and_is_given_up_after_an_hour(
    status: str, minutes: int, shown_status: str
) -> None:
    row = {
        "id": "1",
        "filename": "a.csv",
        "format": "generic",
        "status": status,
        "created_at": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(),
        "rows_read": 10,
        "rows_imported": 0,
        "rows_duplicate": 0,
        "rows_rejected": 0,
    }
    listed = describe_imports([row], None)
    assert list(listed["status"]) == [shown_status]
    assert listed[["read", "added", "duplicates", "rejected"]].isna().all(axis=None)


def test_killed_import_is_shown_as_interrupted_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, user: User, stack: Stack
) -> None:
    file = {"filename": "killed.csv", "format": "generic", "file_sha256": "0" * 64, "rows_read": 3}
    row = database_of(user).insert("imports", file)
    assert "Import the same file again" not in shown(open_page(monkeypatch, user, "imports"))
    with operator_connection(stack, autocommit=True) as operator:
        query = "update public.imports set created_at = now() - interval '2 hours' where id = %s"
        operator.execute(query, [row["id"]])
    page = open_page(monkeypatch, user, "imports")
    assert list(tables(page)[-1].value["status"]) == ["Interrupted"]
    assert "Import the same file again to complete it, or undo it." in shown(page)


def test_rejected_rows_of_a_past_import_can_be_downloaded(page: AppTest, user: User) -> None:
    finish_import(drop(page, ("usage.csv", GOOD)))
    content = load_rejected_file(user, data.load_import_list(user)[0]).decode()
    header, row = content.splitlines()
    assert header == "file,line,reason,row"
    assert row.startswith("usage.csv,4,")
    assert "2026-13-40" in row


def test_rejected_rows_are_harmless_in_a_spreadsheet() -> None:
    content = write_rejected([("=a.csv", Rejected(2, "+reason", "=HYPERLINK(1),2"))]).decode()
    assert content.splitlines()[1] == "'=a.csv,2,'+reason,\"'=HYPERLINK(1),2\""


def test_sample_data_can_be_removed(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    sample_data.load(database_of(user), datetime.now(UTC).date())
    page = open_page(monkeypatch, user, "imports")
    sample = data.load_import_list(user)[0]
    assert tables(page)[-1].value["format"][0] == "Sample data"

    select_first_row(page, f"imports-{sample['id']}-1")
    assert page.button(key="undo").label == "Remove sample data"
    confirm(sample)
    assert data.load_import_list(user) == []
    assert data.load_subscriptions(user) == []
    assert count_records(user) == 0


def test_file_is_parsed_once_for_the_same_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def count(content: bytes, name: str, choices: Choices) -> tuple[str, Unreadable]:
        parsed.append(name)
        return "", Unreadable(f"{len(content)} {choices.timezone}")

    monkeypatch.setattr("app.views.imports.uploads.read_upload", count)
    uploads, choices, file = UploadCache(), Choices(), Upload()
    for _ in range(3):
        uploads.read(file, choices)
    assert len(parsed) == 1
    choices.timezone = "Asia/Kathmandu"
    uploads.read(file, choices)
    assert len(parsed) == 2
    uploads.drop_others([])
    uploads.read(file, choices)
    assert len(parsed) == 3


class Upload:
    """A file of Streamlit's uploader."""

    file_id, name = "1", "a.csv"

    def getvalue(self) -> bytes:
        return GOOD


def test_archive_and_json_are_imported(page: AppTest, user: User) -> None:
    archive, log = load_sample("deepseek"), load_sample("litellm_logs_json")
    drop(page, archive, log)
    assert "DeepSeek usage export" in shown(page)
    assert "LiteLLM spend" in shown(page)
    finish_import(page)
    assert numbers(page) == ["13", "11", "0", "2"]
    assert f"11 rows became {count_records(user)} records" in shown(page)
    press(page, "import_more")
    finish_import(drop(page, archive, log))
    assert numbers(page) == ["13", "0", "11", "2"]
