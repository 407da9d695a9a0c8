"""Addresses of the API, compared as whole paths: every other path stays with the dashboard."""

TRACES, LOGS, METRICS = "/v1/traces", "/v1/logs", "/v1/metrics"
LANGFUSE_TRACES, LANGFUSE_BATCH = "/api/public/otel/v1/traces", "/api/public/ingestion"
LITELLM, RECORDS = "/v1/litellm", "/v1/records"
COSTS, BUDGET, MODELS = "/v1/costs", "/v1/budget", "/v1/models"
OPENAPI = "/v1/openapi.json"
MCP = "/mcp"
