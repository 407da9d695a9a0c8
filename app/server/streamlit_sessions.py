"""Owners of live pages, uploads and downloads. Streamlit asks only for an address that is hard to guess.

It reads private fields of Streamlit's runtime, in the version that the lock file pins.
"""

import re
from typing import Any

from starlette.datastructures import Headers
from streamlit.runtime import get_instance

MEDIA = re.compile(r"/media/([^/.]+)(\.[^/]*)?")
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")
MAX_UPLOADED_BYTES = 200 * 1024 * 1024  # four files of the greatest size
TOO_MUCH = "This page holds 200 MB of files. Reload it, then choose fewer."


def belongs_to(path: str, session_id: str) -> bool:
    """False for a file of another session's page; True for every path that is no such file."""
    if media := MEDIA.fullmatch(path):
        return any(
            media[1] in files.values() and _owner(page) == session_id
            for page, files in list(_runtime().media_file_mgr._files_by_session_and_coord.items())
        )
    if upload := UPLOAD.fullmatch(path):
        return _owner(upload[1]) == session_id
    return True


def has_room(path: str, headers: Headers) -> bool:
    """False if an upload would make the files of its page more than 200 MB."""
    upload = UPLOAD.fullmatch(path)
    if upload is None:
        return True
    stored = _runtime().uploaded_file_mgr.file_storage.get(upload[1], {})
    length = headers.get("content-length", "")
    size = int(length) if length.isdecimal() else MAX_UPLOADED_BYTES
    return sum(len(file.data) for file in list(stored.values())) + size <= MAX_UPLOADED_BYTES


def _owner(page: str) -> str | None:
    """Id of the session that opened a live page."""
    found = _runtime()._session_mgr.get_session_info(page)
    return found.session._user_info.get("sid") if found is not None else None


def _runtime() -> Any:  # its private fields have no types
    return get_instance()
