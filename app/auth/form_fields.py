"""Fields of a submitted form."""

from urllib.parse import parse_qs

from starlette.requests import Request

MAX_FORM_BYTES = 8192


async def read_fields(request: Request) -> dict[str, str] | None:
    """The first value of each field; None if the form is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return None
    values = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: found[0] for name, found in values.items()}
