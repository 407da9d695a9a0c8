"""Content is told from facts by its key."""

import time
from itertools import product

import pytest

from tally.telemetry.content import find_key
from tally.telemetry.contents import MAX_RAW, MAX_WORD, shorten
from tally.telemetry.decoding import decode_logs, decode_traces
from tests.every_case import every_case
from tests.tally.telemetry.otlp import as_json, as_protobuf, log, logs, span, traces

CONTENT_KEYS = """
gen_ai.input.messages gen_ai.output.messages gen_ai.system_instructions gen_ai.prompt.0.content
gen_ai.completion.0.content gen_ai.completion.0.tool_calls.0.arguments gen_ai.tool.call.arguments
gen_ai.tool.call.result gen_ai.tool.definitions gen_ai.prompt gen_ai.completion
llm.input_messages.0.message.content llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments
llm.invocation_parameters llm.prompts.0.content llm.openai.messages
llm.openai.choices llm.anthropic.system_prompt
input.value output.value ai.prompt ai.prompt.messages ai.prompt.tools ai.response.text ai.response.object
ai.response.toolCalls ai.toolCall.args ai.toolCall.result ai.request.headers.authorization ai.values
langfuse.observation.input langfuse.observation.output langfuse.trace.input prompt user_prompt system_prompt
response response_text request_text arguments function_args tool_input tool_parameters full_command output
traceloop.entity.input traceloop.entity.output pydantic_ai.all_messages all_messages_events final_result
mlflow.spanInputs mlflow.spanOutputs genkit:input genkit:output lk.user_input request_data response_data
logfire.msg db.query.text db.statement url.full url.query http.url http.request.header.authorization
exception.stacktrace retrieval.documents.0.document.content embedding.embeddings.0.embedding.text
tool.parameters api_key x.apiKey access_token client_secret authorization
body message messages content text instructions
"""
FACT_KEYS = """
gen_ai.usage.input_tokens gen_ai.usage.prompt_tokens gen_ai.usage.completion_tokens gen_ai.usage.cost
gen_ai.prompt.name gen_ai.prompt.version gen_ai.response.id
gen_ai.response.model gen_ai.response.finish_reasons
gen_ai.request.model gen_ai.conversation.id gen_ai.tool.name gen_ai.tool.call.id gen_ai.output.type
llm.token_count.prompt llm.token_count.completion llm.token_count.prompt_details.cache_read llm.cost.prompt
llm.cost.completion llm.cost.total llm.model_name llm.request.model_name llm.response.model_name
llm.prompt_template.version ai.usage.promptTokens ai.usage.inputTokens ai.response.providerMetadata
ai.response.model ai.telemetry.metadata.sessionId langfuse.observation.usage_details
langfuse.observation.prompt.name langfuse.observation.cost_details operation.cost prompt.id prompt_id
prompt_length cost_usd input_token_count output_token_count cached_content_token_count request_id session.id
user.id event.name query_source metadata.usage_object exception.message exception.type http.route
http.response.status_code service.name deployment.environment.name tag.tags error.type
gen_ai.server.time_to_first_token user_api_key_alias
"""
CONTENT, FACTS = CONTENT_KEYS.split(), FACT_KEYS.split()


@every_case([(key,) for key in CONTENT])
def test_key_of_content_is_dropped(key: str) -> None:
    assert find_key(key) == ""


@every_case([(key,) for key in FACTS])
def test_key_of_a_fact_is_kept(key: str) -> None:
    assert find_key(key) == key


@pytest.mark.parametrize("is_json", [True, False])
def test_nothing_that_was_said_is_decoded(is_json: bool) -> None:
    said = "the secret plan"
    of = dict.fromkeys(CONTENT, said) | {"deep": {"input": said, "messages": {"0": said}}}
    events = [{"name": "gen_ai.user.message", "attributes": [{"key": "x", "value": {"stringValue": said}}]}]
    request, recorded = traces(span(attributes=of, events=events)), logs(log(of, body={"stringValue": said}))
    if is_json:
        decoded = decode_traces(as_json(request), True), decode_logs(as_json(recorded), True)
    else:
        decoded = decode_traces(as_protobuf(request), False), decode_logs(as_protobuf(recorded), False)
    assert len(decoded[0].spans) == len(decoded[1].logs) == 1
    assert said not in repr(decoded)


RESPONSES = {
    '{"id":"msg_0005","container":null,"content":[]}': "msg_0005",
    '{"id": "resp_0004", "output": [{"id": "msg_1"}]}': "resp_0004",
    '{"choices": [{"message": {"content": "Hello"}}], "id": "chatcmpl-0002"}': "chatcmpl-0002",
    r'{"choices": [{"text": "\"id\": \"chatcmpl-fake\""}], "id": "chatcmpl-0002"}': "chatcmpl-0002",
    '{"data": [{"id": "msg_0005"}]}': "",
    '{"id": "call_1"}': "",
    "Hello": "",
    "": "",
}


@every_case(product(RESPONSES, [True, False]))
def test_id_of_a_response_is_kept_and_nothing_else_of_it(response: str, is_json: bool) -> None:
    request = traces(span(attributes={"output.value": response}))
    body = as_json(request) if is_json else as_protobuf(request)
    (found,) = decode_traces(body, is_json).spans
    expected = RESPONSES[response]
    assert found.attributes == ({"llm.response.id": expected} if expected else {})


@every_case(
    [
        ("a" * MAX_RAW, MAX_RAW),
        ("word " * MAX_RAW, MAX_RAW - 1),
        ("a" * (MAX_RAW - 9) + "\n" + "b" * 99, MAX_RAW - 8),
        ("a" * (MAX_RAW + 1), MAX_RAW - MAX_WORD),
    ]
)
def test_long_text_ends_before_its_last_word(text: str, kept: int) -> None:
    assert shorten(text) == text[:kept]


def test_long_text_without_spaces_is_shortened_at_once() -> None:
    """An image in a prompt is one."""
    seconds = []
    for _ in range(3):  # other threads count too
        started = time.process_time()
        shorten("A" * 10 * MAX_RAW)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.1
