"""Opening the dashboard in the browser of whoever started it."""

import os
import threading
import webbrowser

DISPLAYS = (
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "BROWSER",
)  # without them, a browser in the terminal would take it over


def open_browser(address: str) -> bool:
    """Open the address; False where this machine shows no browser."""
    if not any(map(os.environ.get, DISPLAYS)):
        return False
    # Some browsers return only when they are closed.
    threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    return True
