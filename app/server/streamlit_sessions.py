"""Owners of live pages, uploads and downloads. Streamlit asks only for an address that is hard to guess.

It reads private fields of Streamlit's runtime, in the version that the lock file pins.
"""

import re
from typing import Any

from starlette.datastructures import Headers
from streamlit.runtime import get_instance
from streamlit.runtime.media_file_manager import MediaFileManager

MEDIA = re.compile(r"/media/([^/.]+)(\.[^/]*)?")
UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+")
MAX_UPLOADED_BYTES = 200 * 1024 * 1024  # four files of the greatest size
_made: dict[str, set[str]] = {}  # files that a click made, with the live pages that it was made for
_execute_deferred = MediaFileManager.execute_deferred
TOO_MUCH = "This page holds 200 MB of files. Reload it, then choose fewer."


def belongs_to(path: str, session_id: str) -> bool:
    """False for a file of another session's page; True for every path that is no such file."""
    if media := MEDIA.fullmatch(path):
        shown = list(_runtime().media_file_mgr._files_by_session_and_coord.items())
        pages = {page for page, files in shown if media[1] in files.values()} | _made.get(media[1], set())
        return any(_owner(page) == session_id for page in pages)
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


def _make_file(manager: MediaFileManager, file_id: str) -> str:
    """Make the file of a download button that was clicked, and remember the page that it was made for.

    Streamlit forgets it: the file is in no page's list.
    """
    clicked = manager._deferred_callables.get(file_id)
    url = _execute_deferred(manager, file_id)
    if clicked is not None and (media := MEDIA.fullmatch(url)):
        for made, pages in list(_made.items()):
            if not any(map(_owner, pages)):
                _made.pop(made, None)
        _made[media[1]] = _made.get(media[1], set()) | {clicked["session_id"]}
    return url


def _owner(page: str) -> str | None:
    """Id of the session that opened a live page."""
    found = _runtime()._session_mgr.get_session_info(page)
    return found.session._user_info.get("sid") if found is not None else None


def _runtime() -> Any:  # its private fields have no types
    return get_instance()


MediaFileManager.execute_deferred = _make_file  # type: ignore[assignment, method-assign]
