"""Preload header for the code of the first elements, which browsers would otherwise request too late.

Without it, they request the code only when the figures arrive, which took 0.4 s on a slow machine.
"""

from functools import cache

from app.server.bundle import FIRST_ELEMENTS, find_bundle
from app.server.chunks import ENTRY, names_of, read_chunks
from app.server.dashboard_page import dashboard_page

TABLE = ("DataFrame.", *FIRST_ELEMENTS)
ELEMENTS = {"/traces": TABLE}  # of pages that begin with others


@cache
def preload_header(path: str = "/") -> str:
    """Value of the Link header: the first elements' code, unless Streamlit's page imports it itself."""
    elements = read_chunks(names_of(ELEMENTS.get(path, FIRST_ELEMENTS)))
    bundle = find_bundle()
    if bundle is not None:
        apart = (f"{bundle.folder}js/{name}" for name in elements if name not in bundle.names)
        addresses = [bundle.address, *apart]
    else:
        imported = read_chunks(ENTRY.findall(dashboard_page()))
        addresses = [f"/static/js/{name}" for name in elements if name not in imported]
    return ", ".join(f"<{address}>; rel=modulepreload" for address in sorted(addresses))
