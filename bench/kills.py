"""kill -9 of every process while Tally works: nothing is lost or doubled, and it heals itself.

Each action is measured once, then repeated: at equal shares of that time one process is killed. Afterwards
Tally must be healthy within seconds, the same command must finish what was interrupted, and the data must be
as after the first, undisturbed run.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.kill_actions import ACTIONS, Action
from bench.killing import COMMAND, SUPERVISED, Machine, Stuck, kill, wait_for
from bench.measurement import Measurement, Options
from tally.local import processes

MOMENTS = 12
HEALTHY_SECONDS = 10.0  # the bar


@dataclass
class Outcome:
    """All kills of one process during one action."""

    kills: int = 0
    slowest: float | None = None  # seconds until healthy
    faults: list[str] = field(default_factory=list)

    def add(self, seconds: float | None) -> None:
        """Count a kill and the time until all was healthy; None where nothing runs that could heal."""
        self.kills += 1
        if seconds is not None:
            self.slowest = max(self.slowest or 0.0, seconds)


def measure(options: Options) -> Iterator[Measurement]:
    """Kill at twelve moments of six actions; takes an hour and a half."""
    for action in ACTIONS:
        for part, outcome in measure_action(action(), options.scaled(MOMENTS)).items():
            yield from describe(action.name, part, outcome)


def describe(action: str, part: str, outcome: Outcome) -> list[Measurement]:
    """Two lines of the table; faults are printed."""
    for fault in outcome.faults:
        print(f"    {action}, {part}: {fault}", flush=True)
    name, faults = f"{action}, kill -9 of {part}, {outcome.kills} times", float(len(outcome.faults))
    lines = [Measurement(f"{name}: faults", faults, "", 0, faults, 0.0)]
    if outcome.slowest is not None:
        share = outcome.slowest / HEALTHY_SECONDS
        lines.append(Measurement(f"{name}: healthy in", outcome.slowest, "s", HEALTHY_SECONDS, share, 1.0))
    return lines


def measure_action(action: Action, moments: int, parts: tuple[str, ...] = ()) -> dict[str, Outcome]:
    """Kill each of these parts at this many moments of an action; by default each part that it has."""
    outcomes = {part: Outcome() for part in parts or action.parts}
    with action.machine() as machine:
        seconds = _undisturbed(action, machine)
        for nth in range(moments):
            for part, outcome in outcomes.items():
                at = (nth + 0.5) / moments
                try:
                    outcome.add(strike(action, machine, part, at * seconds))
                    found = action.faults(machine)
                except Stuck as stuck:
                    found = [str(stuck)]
                outcome.faults += [f"at {at:.0%} of {seconds:.1f} s: {fault}" for fault in found]
                action.recover(machine, part in SUPERVISED or bool(found))
    return outcomes


def _undisturbed(action: Action, machine: Machine) -> float:
    command = action.start(machine)
    began = time.monotonic()
    wait_for(lambda: action.has_ended(command), f"{action.name} undisturbed")
    seconds = time.monotonic() - began
    if not action.has_succeeded(command):
        raise Stuck(f"{action.name} failed undisturbed: {command.said[-500:]}")
    action.remember(machine)
    return seconds


def strike(action: Action, machine: Machine, part: str, after: float) -> float | None:
    """Kill the part at this moment and finish the action; seconds until Tally was healthy, or ready again."""
    command = action.start(machine)
    began = time.monotonic()
    pid: int | None = None
    while pid is None and not action.has_ended(command):
        time.sleep(max(0.002, began + after - time.monotonic()))
        pid = machine.find(part, command)
    if pid is None:
        raise Stuck(f"there was no process of {part} to kill")
    kill(pid)
    killed_at = time.monotonic()
    wait_for(lambda: not processes.is_running(pid), "the death of a process")
    if part == COMMAND:
        command.process.wait()
    action.wait_until_healthy(machine, command)
    healthy = time.monotonic() - killed_at
    wait_for(lambda: action.has_ended(command), f"the end of the command after the death of {part}")
    if "Traceback" in command.said:
        raise Stuck(f"a stack trace: {command.said[-300:]}")
    repeated = 0.0 if action.has_succeeded(command) else _repeat(action, machine)
    return action.healing_seconds(healthy, repeated)


def _repeat(action: Action, machine: Machine) -> float:
    """Seconds that the same command takes to succeed."""
    again, began = action.again(machine), time.monotonic()
    wait_for(lambda: action.has_ended(again), "the same command again")
    if not action.has_succeeded(again):
        raise Stuck(f"the same command again failed: {again.said[-300:]}")
    return time.monotonic() - began
