"""What a person says of a run beside its run file, each by a switch of a command."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class RunSwitches:
    """The switches that a run's driver is given, by the names of the arguments of `score()`.

    Attributes:
        retry_dead: whether the dead rows of an unpublished run are sent again.
        accept_model: whether the model may be another one than scored before.
        accept_expectations: whether predictions are published that are not as `expect` says.
    """

    retry_dead: bool = False
    accept_model: bool = False
    accept_expectations: bool = False

    @property
    def flags(self) -> list[str]:
        """Those that are given, as a command line has them."""
        return [flag for name, flag in SWITCHES.items() if getattr(self, name)]


SWITCHES = {each.name: f"--{each.name.replace('_', '-')}" for each in fields(RunSwitches)}
NO_SWITCHES = RunSwitches()
