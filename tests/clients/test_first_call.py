"""The README's way to the first call, on the stack of `tally up`."""

import re
import subprocess
from pathlib import Path

from api.app import create_api
from api.settings import ApiSettings
from tally.core.paths import CHECKOUT
from tally.local.stack import Stack
from tests.api.server import ApiServer
from tests.clients.machine import NEEDS_CURL
from tests.program_environment import program_environment
from tests.tally.people import PASSWORD, sign_up

README = (CHECKOUT / "README.md").read_text()
[COMMANDS] = re.findall(r"((?:^ {4}.*\n)+)", README.partition("## Telemetry")[2], re.MULTILINE)[:1]
START, LOGIN, *OTHERS = [line.strip() for line in COMMANDS.splitlines()]


@NEEDS_CURL
def test_five_commands_of_the_readme_lead_to_the_first_call(stack: Stack, tmp_path: Path) -> None:
    assert (START, len(OTHERS)) == ("make up", 3)
    settings, person = stack.settings(), sign_up(stack)
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    checkout.mkdir()
    home.mkdir()
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    with ApiServer(create_api(ApiSettings(api_database_url=settings["API_DATABASE_URL"]))) as api:  # type: ignore[arg-type]
        given = {"HOME": str(home), "TALLY_HOME": str(tmp_path / "tally"), "APP_ORIGIN": api.url}
        environment = program_environment(**settings, **given)

        def run(command: str, answers: str = "") -> str:
            ended = subprocess.run(
                ["sh", "-c", command],
                cwd=checkout,
                env=environment,
                input=answers,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ended.returncode == 0, ended.stderr
            return ended.stdout

        run(f"{LOGIN} --email {person.email} --password-stdin", f"{PASSWORD}\n")
        said = [run(command) for command in OTHERS]
    assert [each.name for each in checkout.iterdir()] == [".venv"]  # the key is in no file that git would add
    assert said[-1] == "gpt-4o: 1,200 tokens in, 50 out, $0.0035.\n"
