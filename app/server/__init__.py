"""The ASGI server: gate, headers, compression and warm-up."""
