"""The files of deploy/ as the test reads them: processes with what they run and what they are told."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE = DEPLOY / "docker" / "compose.yaml"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*"))
ENV_EXAMPLE = DEPLOY / "env.example"
ASSIGNED = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=", re.MULTILINE)
FILLED_IN = re.compile(r"\$\{?([A-Z][A-Z_]+)")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of one of the sets: its command line after `tally`, and the variables that it gets."""

    place: str
    arguments: tuple[str, ...]
    variables: frozenset[str]

    @property
    def command(self) -> str:
        return self.arguments[0]


def example_variables() -> frozenset[str]:
    return frozenset(ASSIGNED.findall(ENV_EXAMPLE.read_text()))


def all_processes() -> list[Process]:
    return [*compose_processes(), *kubernetes_processes(), *systemd_processes()]


def compose_services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def compose_processes() -> list[Process]:
    return [
        Process(f"{COMPOSE.name} {name}", tuple(service["command"]), frozenset(service["environment"]))
        for name, service in compose_services().items()
        if service["image"] == "tally"
    ]


def manifests() -> list[dict[str, Any]]:
    return [found for file in MANIFESTS for found in yaml.safe_load_all(file.read_text())]


def pod_of(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that a Deployment, a Job or a CronJob makes."""
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {"spec": spec})["spec"]
    pod: dict[str, Any] | None = spec.get("template", {}).get("spec")
    return pod


def kubernetes_processes() -> list[Process]:
    everything = manifests()
    [shared] = [set(each["data"]) for each in everything if each["kind"] == "ConfigMap"]
    found = []
    for manifest in everything:
        for container in (pod_of(manifest) or {"containers": []})["containers"]:
            if container["image"] == "tally":
                own = {each["name"] for each in container["env"]}
                name = f"kubernetes {manifest['metadata']['name']}"
                found.append(Process(name, tuple(container["args"]), frozenset(shared | own)))
    return found


def systemd_processes() -> list[Process]:
    """Units get the whole file but for what they take out of it."""
    found = []
    for unit in UNITS:
        text = unit.read_text()
        if started := re.search(r"^ExecStart=/opt/tally/bin/tally (.+)", text, re.MULTILINE):
            removed = " ".join(re.findall(r"^UnsetEnvironment=(.+)", text, re.MULTILINE))
            set_here = set(re.findall(r"^Environment=(\w+)=", text, re.MULTILINE))
            variables = (example_variables() - set(removed.split())) | set_here
            found.append(Process(unit.name, tuple(started[1].split()), frozenset(variables)))
    return found


def named_variables() -> dict[str, frozenset[str]]:
    """All variables that files name, also those that they leave out or fill in."""
    compose = frozenset(FILLED_IN.findall(COMPOSE.read_text()))
    units = {unit.name: re.findall(r"[A-Z]+(?:_[A-Z]+)+", unit.read_text()) for unit in UNITS}
    secrets = re.findall(r"secretKeyRef: \{name: tally, key: (\w+)", "".join(map(Path.read_text, MANIFESTS)))
    return {
        "env.example": example_variables(),
        "compose.yaml": compose,
        "kubernetes secrets": frozenset(secrets),
        **{process.place: process.variables for process in all_processes()},
        **{name: frozenset(found) for name, found in units.items()},
    }
