"""What do these files bring, and what did earlier ones bring?"""

from collections.abc import Sequence
from contextlib import nullcontext

import streamlit as st

from app import data
from app.auth.identity import User, current_user, database_of
from app.parts.source_names import shown_name
from app.ui.cards import render_heading
from app.ui.notices import render_announcement, render_refusal, render_warning
from app.ui.titles import title_row
from app.views.imports import column_mappings, upload_cards, upload_questions
from app.views.imports.history import render_history
from app.views.imports.jobs import FileToSave, ImportJob
from app.views.imports.previews import combine_previews
from app.views.imports.results import render_progress, render_result
from app.views.imports.uploads import (
    Choices,
    Readable,
    Reading,
    Refused,
    UploadedFile,
    Uploads,
    describe_format,
)
from tally.core.text import plural


def begin_import(user: User, files: Sequence[FileToSave]) -> None:
    """Save in the background; the page then shows the job instead of its button."""
    st.session_state.import_job = ImportJob(database_of(user), files)
    st.session_state.pop("uploads", None)
    st.rerun()


def read_files(user: User, files: Sequence[UploadedFile], choices: Choices) -> list[Reading]:
    """Each file once, with the columns that the person chose for such files before."""
    uploads: Uploads = st.session_state.setdefault("uploads", Uploads())
    uploads.forget_others(files)
    if files and not choices.mappings:
        choices.mappings = column_mappings.remembered_mappings(data.load_preference_metadata(user))
    with st.spinner("Reading…"):
        return [uploads.read(file, choices) for file in files]


def render_file(file: UploadedFile, reading: Reading, is_alone: bool) -> None:
    """One card: what the file is, then what it asks or what it brings."""
    with st.container(border=True, key=f"file-{file.file_id}"):
        upload_cards.render_file_heading(shown_name(file.name), describe_format(reading))
        if isinstance(reading, Refused):
            render_refusal(reading.sentence)
            return
        key = column_mappings.header_key(reading.header)
        is_answered_above = key in asked_headers
        if not isinstance(reading, Readable) or reading.questions:
            asked_headers.add(key)
        if not isinstance(reading, Readable):
            upload_questions.render_unmapped(user, reading, choices, file.file_id, is_answered_above)
            return
        for question in () if is_answered_above else reading.questions:
            upload_questions.render_question(question, choices, key, file.file_id)
        if reading.preview is not None:
            upload_cards.render_key_figures(reading.preview, currency)
            if is_alone:
                upload_cards.render_chart(reading.preview, labels, "chart", currency)
            with nullcontext() if is_alone else st.expander("Details"):
                upload_cards.render_details(user, reading, labels, choices, file.file_id)


def render_import(files: Sequence[tuple[UploadedFile, Readable]], waiting: int) -> None:
    """Everything that is ready, together, and the button that saves it."""
    together = combine_previews(reading.preview for _, reading in files if reading.preview)
    if len(files) > 1:
        with st.container(border=True):
            render_heading(f"{len(files)} files together")
            upload_cards.render_key_figures(together, currency)
            upload_cards.render_chart(together, labels, "chart", currency)
    if waiting:
        render_warning(f"{plural(waiting, 'file')} above will not be imported.")
    rows = together.rows - together.rejected
    if rows == 0:
        render_warning("There is no row to import.")
    elif st.button(f"Import {plural(rows, 'row')}", type="primary", icon=":material/upload:", key="import"):
        begin_import(user, [reading.to_save(file) for file, reading in files])


user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user).code
labels = {provider.slug: provider.name for provider in data.load_providers(user)}
job: ImportJob | None = st.session_state.get("import_job")
asked_headers: set[str] = set()

title_row("Import")
render_announcement()
if again := st.session_state.pop("import_again", None):
    begin_import(user, again)
if job is not None and job.is_running:
    render_progress(job)
elif job is not None:
    data.forget_version(user)
    render_result(job)
else:
    choices: Choices = st.session_state.setdefault("import_choices", Choices())
    choices.timezone = preferences.timezone
    choices.currency, choices.rates = data.load_currency(user), data.load_rates(user)
    chosen = upload_cards.render_uploader()
    read = list(zip(chosen, read_files(user, chosen, choices), strict=True))
    for file, reading in read:
        render_file(file, reading, is_alone=len(chosen) == 1)
    ready = [(f, r) for f, r in read if isinstance(r, Readable) and r.parsed is not None]
    if ready:
        render_import(ready, waiting=len(chosen) - len(ready))
render_history(user, preferences.zone, job)
