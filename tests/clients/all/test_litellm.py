"""LiteLLM with the settings of the page Keys, as a library and as a proxy: each call is on Tally once."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.clients.counted import CHAT, MESSAGE, load_counted
from tests.clients.fake_provider import FakeProvider
from tests.clients.install import python_of
from tests.clients.machine import Machine
from tests.database_fixtures import Connection

SECONDS = 90
CALLS = """
import asyncio

messages = [{"role": "user", "content": "Say hello"}]
told = {"include_usage": True}
litellm.completion(model="openai/gpt-4o", messages=messages)
for _ in litellm.completion(model="openai/gpt-4o", messages=messages, stream=True, stream_options=told):
    pass
litellm.completion(model="anthropic/claude-sonnet-4-5", messages=messages)


async def call():
    await litellm.acompletion(model="openai/gpt-4o", messages=messages)
    await asyncio.sleep(1)


asyncio.run(call())
"""
EACH_ONCE = sorted([CHAT, CHAT, CHAT, MESSAGE])
MODELS = """
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: sk-none, api_base: PROVIDER/v1}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-none, api_base: PROVIDER}
"""
MASTER_KEY = "sk-here"
# Prices and news come with the package; the machine reaches nothing else.
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def wait_for(count: int, database: Connection) -> None:
    """Return when so many records are there."""
    deadline = time.monotonic() + SECONDS
    while len(load_counted(database)) < count:
        assert time.monotonic() < deadline, load_counted(database)
        time.sleep(0.1)


@contextmanager
def running_proxy(machine: Machine) -> Iterator[httpx.Client]:
    """The proxy with the settings of the page, and a client of it."""
    config = machine.snippet("litellm-proxy") + MODELS.replace("PROVIDER", machine.provider)
    file = machine.write("config.yaml", config)
    environment = machine.environment() | OFFLINE | {"LITELLM_MASTER_KEY": MASTER_KEY}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command: list[str | Path] = [python_of("litellm").parent / "litellm", "--config", file]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = machine.home / "proxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=machine.home)
    try:
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
            deadline = time.monotonic() + SECONDS
            while not is_ready(client):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/liveliness").status_code == 200
    except httpx.HTTPError:
        return False


def test_calls_of_the_library_count(machine: Machine, provider: FakeProvider, database: Connection) -> None:
    machine.run_python("litellm", machine.snippet("litellm-sdk") + CALLS, **OFFLINE)
    assert len(provider.served) == len(EACH_ONCE)
    assert load_counted(database) == EACH_ONCE


def test_calls_through_the_proxy_count(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    messages = [{"role": "user", "content": "Say hello"}]
    with running_proxy(machine) as client:
        for model in ("gpt-4o", "claude"):
            client.post(
                "/v1/chat/completions", json={"model": model, "messages": messages}
            ).raise_for_status()
        wait_for(2, database)
    assert sorted(provider.served) == ["chat gpt-4o", "messages claude-sonnet-4-5"]
    assert load_counted(database) == sorted([CHAT, MESSAGE])
