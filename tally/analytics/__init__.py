"""Questions about costs and traces, answered by Postgres or, past one machine, by ClickHouse."""
