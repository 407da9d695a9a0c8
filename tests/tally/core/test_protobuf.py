"""Fields of protobuf messages: read by the real library as they were written."""

from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tally.core.protobuf import encode_field, encode_number, encode_text


@given(st.integers(0, 2**31 - 1), st.text())
def test_written_fields_are_those_of_the_library(number: int, text: str) -> None:
    status = Status.FromString(encode_number(1, number) + encode_text(2, text))
    assert (status.code, status.message) == (number, text)
    partial = encode_number(1, number) + encode_text(2, text)
    response = ExportTraceServiceResponse.FromString(encode_field(1, partial))
    assert response.partial_success.rejected_spans == number
    assert response.partial_success.error_message == text


def test_text_that_is_no_unicode_is_replaced() -> None:
    assert Status.FromString(encode_text(2, "a\ud800")).message == "a?"
