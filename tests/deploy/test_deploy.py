"""Files in deploy/: their programs accept them, and they name settings and commands that exist."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import compose_spec
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer.main
import yaml  # type: ignore[import-untyped]

from api.addresses import Addresses
from api.app import create_api
from api.settings import ApiSettings
from tally.cli.main import app
from tally.core.paths import CHECKOUT
from tally.core.settings import Settings
from tally.local.settings import LocalSettings
from tests.deploy import sets
from tests.deploy.sets import COMPOSE, DEPLOY, UNITS, Process, all_processes, example_variables

COMMANDS = typer.main.get_group(app)
# Of programs that are not Tally's.
OTHERS = {"TZ", "SUPABASE_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# Set by `tally up`, or for tests.
NOT_FOR_SETS = {"TALLY_OUTBOX", "TALLY_SCAN_LOGS", "TALLY_ALERT_SERVICES"}
# Passes row-level security, so that it is for those alone who work for everybody.
OPERATORS = {"worker", "nightly"}
DRAIN_AND_FINISH_SECONDS = {"web": 5 + 10, "api": 5 + 20, "worker": 10}


def read_by_tally() -> set[str]:
    """Fields of settings, and variables that code names itself."""
    models = (Settings, ApiSettings, LocalSettings)
    found = {field.upper() for model in models for field in model.model_fields}
    for package in ("tally", "app", "api", "forecasting"):
        for module in (CHECKOUT / package).rglob("*.py"):
            text = module.read_text()
            found |= set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', text))
            found |= {
                name.upper() for name in re.findall(r"^    ((?:tally|api)_[a-z_]+): ", text, re.MULTILINE)
            }
    return found


def test_every_named_variable_is_read() -> None:
    read = read_by_tally() | OTHERS
    named = sets.named_variables()
    assert len(named) > 10
    assert {place: unread for place, names in named.items() if (unread := names - read)} == {}


def test_the_example_names_every_setting_and_sets_have_no_other() -> None:
    fields = {field.upper() for model in (Settings, ApiSettings) for field in model.model_fields}
    example = example_variables()
    assert fields - example == NOT_FOR_SETS
    others = {process.place: process.variables - example - {"TALLY_HOME"} for process in all_processes()}
    assert {place: names for place, names in others.items() if names} == {}


def test_every_set_has_a_use_for_each_variable_of_the_example() -> None:
    wanted = example_variables() - {"SUPABASE_SECRET_KEY"}
    for found in (sets.compose_processes(), sets.kubernetes_processes(), sets.systemd_processes()):
        given = set[str]().union(*(process.variables for process in found))
        assert wanted - given == set(), found[0].place


def test_every_process_is_started_by_a_command_and_options_that_exist() -> None:
    processes = all_processes()
    assert {process.command for process in processes} == {"web", "api", "worker", "nightly"}
    for process in processes:
        command = COMMANDS.commands[process.command]
        known = {name for option in command.params for name in option.opts}
        assert {each for each in process.arguments if each.startswith("--")} <= known, process.place


def test_only_those_who_work_for_everybody_can_pass_row_level_security() -> None:
    processes = all_processes()
    given = {process.place for process in processes if "DATABASE_URL" in process.variables}
    assert given == {process.place for process in processes if process.command in OPERATORS}
    assert not [process.place for process in processes if "SUPABASE_SECRET_KEY" in process.variables]
    stored = {process.place for process in processes if "AWS_SECRET_ACCESS_KEY" in process.variables}
    assert stored == given
    assert not [
        process.place
        for process in processes
        if process.command == "api"
        and process.variables & {"TALLY_ENCRYPTION_KEYS", "TALLY_WEB_DATABASE_URL"}
    ]


def test_every_process_has_the_settings_that_its_kind_needs() -> None:
    shared = {"TALLY_PROCESSES", "APP_ORIGIN"}
    supabase = {"SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "TALLY_ENCRYPTION_KEYS", "SMTP_URL"}
    engine = {"TALLY_CLICKHOUSE_URL", "TALLY_ANALYTICS"}
    storage = {"TALLY_ARCHIVE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    nightly = supabase | engine | storage | {"DATABASE_URL", "EXCHANGE_RATES_URL"}
    programs = {"API_DATABASE_URL", "TALLY_REDIS_URL", "FORWARDED_ALLOW_IPS", "TALLY_DRAIN_SECONDS"}
    needed = {
        "web": shared | supabase | engine | programs | {"TALLY_WEB_DATABASE_URL"},
        "api": shared | programs,
        "worker": shared | nightly | {"TZ"},
        "nightly": nightly,
    }
    lacking = {each.place: needed[each.command] - each.variables for each in all_processes()}
    assert {place: names for place, names in lacking.items() if names} == {}


def test_nobody_is_killed_while_it_finishes() -> None:
    services, units = sets.compose_services(), {unit.name: unit.read_text() for unit in UNITS}
    pods = {
        each["metadata"]["name"]: sets.pod_of(each)
        for each in sets.manifests()
        if each["kind"] == "Deployment"
    }
    for kind, seconds in DRAIN_AND_FINISH_SECONDS.items():
        [timeout] = re.findall(r"^TimeoutStopSec=(\d+)$", units[f"tally-{kind}@.service"], re.MULTILINE)
        pod = pods[f"tally-{kind}"]
        assert pod is not None
        graces = (timeout, services[kind]["stop_grace_period"].removesuffix("s"))
        assert min(*map(int, graces), pod["terminationGracePeriodSeconds"]) > seconds, kind


def test_pods_are_probed_restricted_and_spread() -> None:
    for manifest in sets.manifests():
        pod = sets.pod_of(manifest)
        if pod is None or "containers" not in pod:
            continue
        [container] = pod["containers"]
        name = manifest["metadata"]["name"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert "memory" in container["resources"]["limits"], name
        if "ports" in container:
            probes = {
                kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")
            }
            assert probes == {"liveness": "/healthz", "readiness": "/readyz"}, name
    kinds = [(each["kind"], each["metadata"]["name"]) for each in sets.manifests()]
    for name in ("tally-web", "tally-api", "tally-worker"):
        assert {("Deployment", name), ("PodDisruptionBudget", name)} <= set(kinds)


def test_manifests_agree_with_the_schemas_of_kubernetes() -> None:
    for manifest in sets.manifests():
        kubernetes_validate.validate(manifest, "1.33", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**sets.manifests()[0], "misspelt": 1}, "1.33", strict=True)


def test_compose_file_agrees_with_its_specification() -> None:
    content = yaml.safe_load(COMPOSE.read_text())  # Docker merges lists of anchors, as this reader does
    parsed = compose_spec.PyCompose.from_yaml(yaml.safe_dump(content))
    parsed.validate()
    assert {"web", "api", "worker", "balancer", "redis"} <= set(parsed.service_names())
    content["services"]["web"]["read_only"] = {}
    with pytest.raises(ValueError, match="read_only"):
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(content))


def test_files_that_the_compose_file_and_the_image_are_made_of_exist() -> None:
    for service in sets.compose_services().values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source == "./certs" or (COMPOSE.parent / source).is_file(), volume
        if "build" in service:
            context = COMPOSE.parent / service["build"]["context"]
            assert context.resolve() == CHECKOUT
            assert (context / service["build"]["dockerfile"]).is_file()
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.MULTILINE))
    assert stages == {"build", "stack", "migrate", "run"}
    assert re.findall(r"^USER (\d+)$", dockerfile, re.MULTILINE) == ["10001", "10001"]
    let_in = re.findall(r"^!(.+)$", (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert [name for name in let_in if not (CHECKOUT / name).exists()] == []
    copied = {
        name
        for line in re.findall(r"^COPY (?!--)(.+)$", dockerfile, re.MULTILINE)
        for name in line.split()[:-1]
    }
    assert copied - {"."} <= set(let_in)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_units_are_accepted_by_systemd(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/opt/tally/bin/tally", "/bin/true")  # it has to exist
        (tmp_path / unit.name.replace("@.", "@8501.")).write_text(text)
    names = sorted(map(str, tmp_path.iterdir()))
    checked = subprocess.run(
        ["systemd-analyze", "verify", *names], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in checked.stderr.splitlines() if str(tmp_path) in line or "tally" in line]
    assert (checked.returncode, ours) == (0, [])


def test_programs_are_sent_to_the_processes_that_answer_them() -> None:
    api = create_api()
    balancer, ingress = balancer_rule(), ingress_rule()
    addresses = [address.replace("{name}", "x") for address in api.addresses]
    assert len(addresses) > 10
    assert [address for address in addresses if not balancer(address)] == []
    assert [address for address in addresses if not ingress(address)] == []
    pages = ["/", "/login", "/explore", "/v1", "/mcps", "/app/static/logo.svg", "/api/publication"]
    assert [page for page in pages if balancer(page) and not Addresses(addresses).find(page)] == []


def balancer_rule() -> Callable[[str], bool]:
    """Tells if HAProxy sends a path to processes that answer programs."""
    text = (DEPLOY / "haproxy" / "10-frontend.cfg").read_text()
    [rule] = re.findall(r"use_backend api if (.+)", text)
    begins = re.findall(r"path_beg ([^}]+)", rule)[0].split()
    whole = re.findall(r"path (/[^}]+)", rule)[0].split()
    return lambda path: path.startswith(tuple(begins)) or path in whole


def ingress_rule() -> Callable[[str], bool]:
    """Tells if the ingress does."""
    [found] = [each for each in sets.manifests() if each["kind"] == "Ingress"]
    paths = [
        (path["path"], path["pathType"] == "Exact")
        for path in found["spec"]["rules"][0]["http"]["paths"]
        if path["backend"]["service"]["name"] == "tally-api"
    ]
    return lambda asked: any(
        asked == path or (not exact and asked.startswith(f"{path}/")) for path, exact in paths
    )


def test_processes_listen_where_the_balancer_looks() -> None:
    one_machine = (DEPLOY / "haproxy" / "20-one-machine.cfg").read_text()
    ports = {
        kind: re.findall(rf"^    server {kind}\d 127\.0\.0\.1:(\d+)", one_machine, re.MULTILINE)
        for kind in ("web", "api")
    }
    assert ports == {"web": ["8501", "8502", "8503"], "api": ["8601", "8602", "8603"]}
    compose = (DEPLOY / "haproxy" / "20-compose.cfg").read_text()
    wanted = {
        (kind, port_of(process)) for process in sets.compose_processes() if (kind := process.command) in ports
    }
    assert set(re.findall(r"^    server-template \w+ \d+ (\w+):(\d+)$", compose, re.MULTILINE)) == wanted
    services = sets.compose_services()
    fixed = services["balancer"]["networks"]["inside"]["ipv4_address"]
    assert {services[kind]["environment"]["FORWARDED_ALLOW_IPS"] for kind in ports} == {fixed}


def port_of(process: Process) -> str:
    return process.arguments[process.arguments.index("--port") + 1]
