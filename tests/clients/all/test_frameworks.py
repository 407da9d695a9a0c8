"""pydantic-ai and LangChain with the settings of the page Keys: each call is on Tally once."""

from tests.clients.counted import CHAT, MESSAGE, load_counted
from tests.clients.fake_provider import FakeProvider
from tests.clients.machine import Machine
from tests.database_fixtures import Connection

AGENTS = """
from pydantic_ai import Agent

Agent("openai-chat:gpt-4o", name="greeter").run_sync("Say hello")
Agent("anthropic:claude-sonnet-4-5", name="greeter").run_sync("Say hello")
"""
CHAINS = """
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

chain = ChatPromptTemplate.from_template("Say {word}") | ChatOpenAI(model="gpt-4o", stream_usage=True)
chain.invoke({"word": "hello"})
for _ in chain.stream({"word": "hello"}):
    pass
"""


def test_calls_of_agents_of_pydantic_ai_count_though_the_agents_repeat_them(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    machine.run_python("frameworks", machine.snippet("pydantic-ai") + AGENTS)
    assert sorted(provider.served) == ["chat gpt-4o", "messages claude-sonnet-4-5"]
    assert load_counted(database) == sorted([CHAT, MESSAGE])


def test_calls_of_chains_count_plain_and_streamed(
    machine: Machine, provider: FakeProvider, database: Connection
) -> None:
    machine.run_python("frameworks", machine.snippet("langchain") + CHAINS)
    assert provider.served == ["chat gpt-4o", "chat gpt-4o"]
    assert load_counted(database) == [CHAT, CHAT]
