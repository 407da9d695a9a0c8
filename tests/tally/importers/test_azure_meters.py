"""Models from the names of Azure's meters."""

from tally.core.records import NO_MODEL
from tally.importers.azure_meters import model_of
from tests.every_case import every_case


@every_case(
    [
        ("gpt-4o-mini 0718 Inp glbl Tokens", "gpt-4o-mini"),
        ("gpt-4o-mini-0718-Outp-regnl Tokens", "gpt-4o-mini"),
        ("GPT 4.1 mini cached Inp Data Zone Tokens", "gpt-4.1-mini"),
        ("gpt-4o-2024-08-06 Batch Inp glbl 1M Tokens", "gpt-4o"),
        ("o3-mini 0131 outp Tokens", "o3-mini"),
        ("o4-mini 0416 Inp", "o4-mini"),
        ("o 3 inp", "o3"),
        ("gpt-35-turbo Input", "gpt-3.5-turbo"),
        ("GPT 5 Inpt Glbl 1M Tokens", "gpt-5"),
        ("GPT 5 outpt Glbl 1M Tokens", "gpt-5"),
        ("GPT5 Mini Outpt DZ", "gpt-5-mini"),
        ("5.4 inp Gl 1M Tokens", "gpt-5.4"),
        ("5.4 mini cchd inp DZ 1M Tokens", "gpt-5.4-mini"),
        ("5.2 ShortCo inp Gl", "gpt-5.2"),
        ("5.2 LongCo outp Dz", "gpt-5.2"),
        ("5.4 batch inp", "gpt-5.4"),
        ("gpt-5.1-codex-mini Inp glbl", "gpt-5.1-codex-mini"),
        ("gpt-9 Inp glbl Tokens", "gpt-9"),  # newer than the price list
        ("gpt-image-1 Img Inp", "gpt-image-1"),
        ("text-embedding-3-large glbl Tokens", "text-embedding-3-large"),
        ("Claude Sonnet 4.5 input", "claude-sonnet-4-5"),
        ("Grok 3 Inp glbl Tokens", "grok-3"),
        ("Grok-4 Fast Outp", "grok-4-fast"),
        ("DeepSeek R1 Inpt Glbl", "deepseek-r1"),
        ("DeepSeek V3 outp", "deepseek-v3"),
        ("Mistral Large 2411 Inp", "mistral-large-2411"),  # its version is part of the name in logs
        ("Codestral 2501 Outp", "codestral-2501"),
        ("Llama 3.3 70B Inp Tokens", "llama-3.3-70b-instruct"),
        ("Meta Llama 3.1 8B Instruct Inp Tokens", "llama-3.1-8b-instruct"),
        ("Phi-4 Inp Tokens", "phi-4"),
        ("gpt 4o rt aud 1217 Out glbl Tokens", "gpt-4o-realtime-preview"),
        ("gpt-4o-mini-rt-txt-1217 Inp", "gpt-4o-mini-realtime-preview"),
        ("gpt rt aud Inp glbl", "gpt-realtime"),
        ("Speech To Text", NO_MODEL),
        ("Standard Text Records", NO_MODEL),
        ("Computer Vision S1 Transactions", NO_MODEL),
        ("S0 Custom 4", NO_MODEL),
        ("1M Tokens", NO_MODEL),
        ("Tokens", NO_MODEL),
        ("", NO_MODEL),
    ]
)
def test_meter_gives_the_model_name_of_other_sources(meter: str, model: str) -> None:
    assert model_of(meter) == model
