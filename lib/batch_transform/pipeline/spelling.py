"""How a command about a run is given here, to be pasted: by the program's name, with all that it takes to get there.

What a message says of a command stands in it as `stop s3://bucket/prefix/run`, or `batch-transform package`; whoever
tells the message spells that out, so that no module need know how the run was reached.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROGRAM_VARIABLE = "BATCH_TRANSFORM_PROGRAM"  # the wrapper, as it was called
RESUME_VARIABLE = "BATCH_TRANSFORM_RESUME"  # what resumes the run that it began
SEE_ERRORS_VARIABLE = "BATCH_TRANSFORM_ERRORS"  # what shows how rows of the run that it began have failed
PROGRAM_NAME = "batch-transform"
# The commands that begin Spark, and so repeat what is said of it.
WITH_SPARK = ("run", "plan", "resume", "prepare", "collect")
_OF_A_RUN = re.compile(r"`([a-z]+) (s3://[^`]+?)((?: --[^`]*)?)`")
_OF_THE_PROGRAM = re.compile(rf"`{PROGRAM_NAME} (?=[a-z])")
_AT_THE_END = re.compile(r": `([^`]+ s3://[^`]+)`$", re.MULTILINE)
# A word as `shlex` quotes it, in which an apostrophe stands between two strings.
_OF_THE_STATE = re.compile(r"""--set (?='?emulator\.state=)(?:'[^']*'|"[^"]*"|[^\s'"`])+""")
_BEFORE = 3  # words of a command line that are its program, the command and the run


@dataclass(frozen=True)
class Spelling:
    """Commands as they are given here.

    Attributes:
        program: as it was called.
        near: options with which a run is reached.
        spark: those, and what is said of Spark; behind `--` what is passed on unread.
    """

    program: str = PROGRAM_NAME
    near: tuple[str, ...] = ()
    spark: tuple[str, ...] = ()

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Spelling:
        """Returns them as the wrapper has left them, which names a command of each kind."""
        resume, see_errors = (shlex.split(environ.get(name, "")) for name in (RESUME_VARIABLE, SEE_ERRORS_VARIABLE))
        program = (resume or see_errors or [environ.get(PROGRAM_VARIABLE) or PROGRAM_NAME])[0]
        return cls(program, tuple(see_errors[_BEFORE:]), tuple(resume[_BEFORE:]))

    def of(self, command: str, run: str, *options: str) -> str:
        """Returns the command line of a command about a run.

        Args:
            command: that one.
            run: the run's folder, or the folder of its workspace.
            options: further ones.
        """
        words = self.spark if command in WITH_SPARK else self.near
        return with_options([self.program, command, run, *words], options)

    def spelled_out(self, text: str) -> str:
        """Returns a text with each command in it as it is given here; one that ends a line is not quoted."""
        found = _OF_A_RUN.sub(lambda named: f"`{self.of(named[1], named[2], *shlex.split(named[3]))}`", text)
        found = _OF_THE_PROGRAM.sub(lambda _: f"`{self.program} ", found)
        return _AT_THE_END.sub(lambda quoted: f": {quoted[1]}", found)


def with_options(words: Sequence[str], options: Sequence[str]) -> str:
    """Returns a command line with further options, which stand before what is passed on unread, behind `--`."""
    cut = words.index("--") if "--" in words else len(words)
    return shlex.join([*words[:cut], *options, *words[cut:]])


def reached_as_here(text: str) -> str:
    """Returns what was recorded of commands with the `emulator.state` that is given in this process, if one is.

    The folder may lie elsewhere since, or have been given by a path relative to another place.
    """
    near = Spelling.from_environ(os.environ).near
    given = [word for word in near if word.startswith("emulator.state=")]
    return _OF_THE_STATE.sub(lambda _: shlex.join(["--set", given[-1]]), text) if given else text


def spelled_out_here(text: str) -> str:
    """Returns a text with each command in it as it is given in this process."""
    return Spelling.from_environ(os.environ).spelled_out(text)
