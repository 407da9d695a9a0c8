"""The tables of prompts in an export of everything."""

from tally.moving import cells
from tally.moving.table import make_table

MAX_PROMPT = 1_048_576

PROMPTS = make_table(
    "prompts",
    "id name tags",
    {
        "id": cells.identifier,
        "name": cells.text(200),
        "project_id": cells.identifier,
        "tags": cells.list_of,
        "archived_at": cells.instant,
    },
)
VERSIONS = make_table(
    "prompt_versions",
    "id prompt_id number variables labels created_at",
    {
        "id": cells.identifier,
        "prompt_id": cells.identifier,
        "number": cells.count,
        "told_version": cells.text(100),
        "content": cells.text(MAX_PROMPT),
        "message": cells.text(500),
        "variables": cells.list_of,
        "labels": cells.list_of,
        "created_at": cells.instant,
    },
    order=("prompt_id", "number"),
    filled=frozenset({"message"}),
)
DEPLOYMENTS = make_table(
    "prompt_deployments",
    "prompt_id environment version_id share from_at",
    {
        "prompt_id": cells.identifier,
        "environment": cells.text(50),
        "version_id": cells.identifier,
        "share": cells.decimal(3, 2),
        "from_at": cells.instant,
        "to_at": cells.instant,
    },
)
