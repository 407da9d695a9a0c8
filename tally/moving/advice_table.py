"""The table of advice in an export of everything: what was decided, and what it saved."""

from tally.moving import cells
from tally.moving.table import make_table

_AMOUNT = cells.decimal(13, 20)
ADVICE = make_table(
    "advice",
    "id kind subject current_usd saving_low saving_mid saving_high confidence basis evidence assumptions"
    " window_from window_to status found_at metadata",
    {
        "id": cells.identifier,
        "kind": cells.text(30),
        "subject": cells.record_of,
        "project_id": cells.identifier,
        "current_usd": _AMOUNT,
        "saving_low": _AMOUNT,
        "saving_mid": _AMOUNT,
        "saving_high": _AMOUNT,
        "confidence": cells.choice("high", "medium", "low"),
        "basis": cells.choice("measured", "modelled"),
        "evidence": cells.record_of,
        "assumptions": cells.list_of,
        "window_from": cells.day,
        "window_to": cells.day,
        "status": cells.choice("open", "applied", "dismissed", "expired"),
        "found_at": cells.instant,
        "decided_at": cells.instant,
        "dismissed_saving": _AMOUNT,
        "verification": cells.record_of,
        "metadata": cells.record_of,
    },
    order=("created_at", "id"),
)
