"""The API that programs call: they send telemetry with a key, and read what it cost."""
