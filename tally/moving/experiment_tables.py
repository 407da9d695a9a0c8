"""The tables of experiments in an export of everything."""

from tally.moving import cells
from tally.moving.table import EMAIL, NAME, PERSON, make_table

EXPERIMENTS = make_table(
    "experiments",
    "id name question score_kind margin min_runs status starts_at gathered metadata",
    {
        "id": cells.identifier,
        "name": NAME,
        "question": cells.text(300),
        "project_id": cells.identifier,
        "primary_score": NAME,
        "score_kind": cells.choice("bool", "rating", "number"),
        "margin": cells.decimal(12, 20),
        "min_runs": cells.count,
        "status": cells.choice("draft", "running", "decided", "archived"),
        "starts_at": cells.instant,
        "ends_at": cells.instant,
        "decided_variant": NAME,
        "decided_at": cells.instant,
        "decision": cells.record_of,
        "gathered": cells.record_of,
        "metadata": cells.record_of,
    },
    order=("created_at", "id"),
    filled=frozenset({"question"}),
)
VARIANTS = make_table(
    "experiment_variants",
    "id experiment_id nth name is_baseline match",
    {
        "id": cells.identifier,
        "experiment_id": cells.identifier,
        "nth": cells.count,
        "name": NAME,
        "is_baseline": cells.flag,
        "match": cells.record_of,
    },
    order=("experiment_id", "nth"),
)
RUNS = make_table(
    "experiment_runs",
    "id experiment_id variant_id session happened_at source",
    {
        "id": cells.identifier,
        "experiment_id": cells.identifier,
        "variant_id": cells.identifier,
        "session": cells.text(200),
        "item_key": cells.text(200),
        "happened_at": cells.instant,
        "cost_usd": cells.decimal(),
        "input_tokens": cells.count,
        "output_tokens": cells.count,
        "calls": cells.count,
        "latency_ms": cells.count,
        "ok": cells.flag,
        "source": cells.choice("records", "file", "api"),
    },
)
SCORES = make_table(
    "scores",
    "id experiment_run_id name kind value scored_by",
    {
        "id": cells.identifier,
        "experiment_run_id": cells.identifier,
        "name": NAME,
        "kind": cells.choice("bool", "rating", "number"),
        "value": cells.decimal(13, 20),
        "scored_by": cells.choice("human", "code", "model"),
        PERSON: EMAIL,
    },
)
