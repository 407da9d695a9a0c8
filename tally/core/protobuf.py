"""Fields of protobuf messages as bytes, where there is no class of the message."""


def encode_number(field_number: int, number: int) -> bytes:
    """A field of a protobuf message that holds an integer; nothing for 0, as protobuf leaves it out."""
    return _varint(field_number << 3) + _varint(number) if number else b""


def encode_text(field_number: int, text: str) -> bytes:
    """A field of a protobuf message that holds a text."""
    return encode_field(field_number, text.encode(errors="replace"))


def encode_field(field_number: int, content: bytes) -> bytes:
    """A field of a protobuf message that holds bytes or a message."""
    return _varint(field_number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
