"""Import: uploaded files with a preview, the running import, and past imports."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal

import streamlit as st

from app import data
from app.auth.identity import User, current_user, database_of
from app.figures.source_names import shown_name
from app.parts.permissions import explain_fixed, render_reason
from app.ui.cards import render_heading
from app.ui.notices import render_announcement, render_refusal, render_warning
from app.ui.titles import title_row
from app.views.imports import column_mappings, upload_cards, upload_questions
from app.views.imports.choices import Choices
from app.views.imports.file_projects import render_file_projects
from app.views.imports.history import render_history
from app.views.imports.jobs import FileToSave, ImportJob
from app.views.imports.previews import combine_previews
from app.views.imports.results import render_progress, render_result, render_unpriced
from app.views.imports.uploads import (
    Recognized,
    Unreadable,
    Upload,
    UploadCache,
    UploadedFile,
    describe_upload,
)
from tally.core.text import plural
from tally.importers import generic


def begin_import(user: User, files: Sequence[FileToSave]) -> None:
    """Save the files in the background, and show the progress instead of the button."""
    st.session_state.import_job = ImportJob(database_of(user), files)
    st.session_state.pop("uploads", None)
    st.rerun()


def read_files(user: User, files: Sequence[UploadedFile], choices: Choices) -> list[Upload]:
    """Read each file once, with the column mappings remembered for its header."""
    uploads: UploadCache = st.session_state.setdefault("uploads", UploadCache())
    uploads.drop_others(files)
    if files and not choices.mappings:
        choices.mappings = column_mappings.remembered_mappings(data.load_preference_metadata(user))
    with st.spinner("Reading…"):
        return [uploads.read(file, choices) for file in files]


def render_file(file: UploadedFile, upload: Upload, is_alone: bool) -> None:
    """The card of one file: its format, then questions about it or its preview."""
    with st.container(border=True, key=f"file-{file.file_id}"):
        upload_cards.render_file_heading(shown_name(file.name), describe_upload(upload))
        if isinstance(upload, Unreadable):
            render_refusal(upload.reason)
            return
        key = column_mappings.header_key(upload.header)
        is_asked_above = key in asked_headers
        if not isinstance(upload, Recognized) or upload.questions or upload.format_name == generic.name:
            asked_headers.add(key)
        if not isinstance(upload, Recognized):
            upload_questions.render_unmapped(user, upload, choices, file.file_id, is_asked_above)
            return
        for question in () if is_asked_above else upload.questions:
            upload_questions.render_question(question, choices, key, file.file_id)
        if upload.format_name == generic.name and upload.parsed is not None and not is_asked_above:
            upload_questions.render_cost_basis(choices, key, file.file_id)
        if upload.preview is not None:
            upload_cards.render_key_figures(upload.preview, currency)
            upload_cards.render_notes(upload.notes)
            if same := find_same(upload):
                upload_cards.render_same(same, preferences.zone)
            if is_alone:
                upload_cards.render_chart(upload.preview, labels, "chart", currency)
            with nullcontext() if is_alone else st.expander("Details"):
                upload_cards.render_details(user, upload, labels, choices, file.file_id)


def find_same(upload: Recognized) -> dict[str, Any] | None:
    """The import of the same file, where it is here already."""
    return data.load_same_import(user, upload.key) if upload.key else None


def render_import(files: Sequence[tuple[UploadedFile, Recognized]], waiting: int) -> None:
    """The preview of all files that are ready, and the button that imports them."""
    together = combine_previews(upload.preview for _, upload in files if upload.preview)
    if len(files) > 1:
        with st.container(border=True):
            render_heading(f"{len(files)} files combined")
            upload_cards.render_key_figures(together, currency)
            upload_cards.render_chart(together, labels, "chart", currency)
    if waiting:
        render_warning(f"{plural(waiting, 'file')} above won't be imported.")
    rows = together.rows - together.rejected
    if rows == 0:
        render_warning("No rows to import.")
        return
    is_here = all(find_same(upload) for _, upload in files)
    label = "Import again" if is_here else f"Import {plural(rows, 'row')}"
    kind: Literal["primary", "secondary"] = "secondary" if is_here else "primary"
    if st.button(label, type=kind, icon=":material/upload:", key="import"):
        begin_import(user, [upload.to_save(file) for file, upload in files])


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
    render_file_projects(user, job)
    render_unpriced(user)
elif reason := explain_fixed(user):
    render_reason(reason)
else:
    choices: Choices = st.session_state.setdefault("import_choices", Choices())
    choices.timezone = preferences.timezone
    choices.currency, choices.rates = data.load_currency(user), data.load_rates(user)
    choices.prices = data.load_workspace_prices(user)
    chosen = upload_cards.render_uploader()
    uploaded = list(zip(chosen, read_files(user, chosen, choices), strict=True))
    for file, upload in uploaded:
        render_file(file, upload, is_alone=len(chosen) == 1)
    ready = [(f, up) for f, up in uploaded if isinstance(up, Recognized) and up.parsed is not None]
    if ready:
        render_import(ready, waiting=len(chosen) - len(ready))
render_history(user, preferences.zone, job)
