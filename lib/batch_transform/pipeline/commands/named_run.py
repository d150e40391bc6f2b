"""A run, or a workspace, that a person has named, and the way there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from batch_transform.aws.access import AwsAccess
from batch_transform.config.loading import load, reload, surroundings, whereabouts
from batch_transform.config.places import check_workspace, is_s3
from batch_transform.config.run_files import read_text
from batch_transform.config.runfile import EMULATOR_STAGING, RunConfig
from batch_transform.config.surroundings import Surroundings, Whereabouts
from batch_transform.core.errors import ConfigurationError
from batch_transform.core.near_names import meant
from batch_transform.core.object_names import folder_named
from batch_transform.core.object_store import ObjectNotFound, StoreFailure
from batch_transform.core.run_state import RunState
from batch_transform.core.uris import S3Uri
from batch_transform.pipeline.commands.command_line import CommandLine
from batch_transform.pipeline.commands.command_options import LIST, PREPARE
from batch_transform.pipeline.ending.exits import NO_CREDENTIALS, teller
from batch_transform.pipeline.recorded import RecordedRun, named_run, no_run, read_run
from batch_transform.pipeline.world.aws_access import access_of
from batch_transform.pipeline.world.emulation import StateInUse, embedded_emulator
from batch_transform.s3.s3_errors import NO_SUCH_BUCKET
from batch_transform.s3.store import S3Store

# Whoever keeps credentials and does not answer may mean as well that there are none for whom an emulator has run.
_NO_CREDENTIALS = (*NO_CREDENTIALS, "CredentialRetrievalError")
# For an emulator that is about to end: its answers would end with it.
_BORROW_SECONDS = 1.0
# An address, which is no such word, may have a secret inside.
_BARE_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Reached:
    """Where the run, or the workspace, lies that a person has named, and the way there.

    Attributes:
        uri: `<workspace>/<run_id>`, or the run's or the workspace's folder.
        is_of_file: whether a run file has named the run, and so its workspace.
        told: how it was named, where that is not its location: a run's folder may have another name than its id.
        is_borrowed: whether the emulator of a run that is at work is asked, which ends with that run's driver.
    """

    uri: S3Uri
    access: AwsAccess
    is_of_file: bool = False
    told: str = ""
    is_borrowed: bool = False

    def recorded(self) -> RecordedRun:
        """Returns the run, whose state is None if there is none."""
        store = S3Store(self.access.client("s3"))
        if self.is_of_file:
            return read_run(self.uri.parent, self.uri.name, store)
        return named_run(self.uri, store)

    def run(self) -> tuple[RecordedRun, RunState]:
        """Returns the run.

        Raises:
            ConfigurationError: there is none.
        """
        found = self.recorded()
        if found.state is None:
            if self.is_borrowed:
                raise ConfigurationError(
                    f"{self.told or self.uri}: no such run is recorded; a run is at work with the same emulator.state, "
                    "and if it is this one, it has nothing to show yet: look again in some seconds"
                )
            named, beside = self.told or str(self.uri), str(self.uri.parent).rstrip("/")
            raise ConfigurationError(
                f"{no_run(named, self.uri, found.store)}; `list {beside}` tells the runs beside it, and `list {named}` "
                f"those in it, if it is a workspace{_emulated_here(self.uri)}"
            )
        return found, found.state


@contextmanager
def reached(
    asked: CommandLine, environ: Mapping[str, str], *, borrows: bool = False, wait_seconds: float | None = None
) -> Iterator[Reached]:
    """Yields where the subject of a command lies; an emulated one can be reached within the block only.

    Args:
        asked: the command.
        environ: where `${name}` is looked up, and what reaches AWS.
        borrows: whether the emulator is asked that has the folder of `emulator.state` already, and models of its own.
        wait_seconds: how long to wait for that one to leave the folder; None: as long as an emulator does by itself.

    Raises:
        ConfigurationError: the run file or the arguments are wrong, or the run ended with its emulator.
    """
    near: Surroundings
    if _BARE_WORD.fullmatch(asked.subject) and not Path(asked.subject).exists():
        raise ConfigurationError(
            f"{asked.subject}: is no run file that there is; name a run by its folder, s3://bucket/prefix/run_id, a "
            "workspace by its own, s3://bucket/prefix, or either by its run file"
        )
    if not asked.names_file:
        near, uri, is_of_file = surroundings(asked.sets, asked.emulator_models), _folder(asked), False
    else:
        found = whereabouts_of(asked, environ)
        near, is_of_file = found, asked.command != LIST
        uri = found.layout.run if is_of_file else found.layout.workspace
        if is_of_file and found.run_id is None and (found.emulator is None or found.emulator.state is not None):
            raise ConfigurationError(
                f"{asked.command}: {asked.subject} has no run_id, without which no run can be found; give it there, by "
                "--set run_id=..., or name the run by its folder, s3://bucket/prefix/run_id"
            )
    told = "" if is_of_file else asked.subject
    if near.emulator is None:
        with _without_credentials(uri):
            yield Reached(uri, access_of(near, None, environ), is_of_file, told)
        return
    _refuse_nothing_kept(asked.command, near.emulator.state)
    with ExitStack() as resources:
        is_borrowed = False
        try:
            waits = (_BORROW_SECONDS, lambda _text: None) if borrows else (wait_seconds, teller(asked.command))
            url = resources.enter_context(embedded_emulator(near.emulator, *waits))
        except StateInUse as err:
            if not (borrows and err.endpoint_url):
                raise
            url, is_borrowed = err.endpoint_url, True
        yield Reached(uri, access_of(near, url, environ), is_of_file, told, is_borrowed)


@contextmanager
def _without_credentials(uri: S3Uri) -> Iterator[None]:
    """Says what it may mean that nobody is there to ask AWS as: most have none for whom an emulator has run."""
    try:
        yield
    except StoreFailure as err:
        if err.code not in _NO_CREDENTIALS:
            raise
        found = "found here (AWS_PROFILE, AWS_ACCESS_KEY_ID, the machine's role)"
        if err.code not in NO_CREDENTIALS:  # there are some, which somebody does not give
            found = f"had: {str(err).partition(f'{err.code}: ')[2].rstrip('.')}"
        raise ConfigurationError(
            f"{uri}: AWS is asked for it, and no credentials are {found}. If an emulator held the run, give the same "
            "command with --set emulator.state=FOLDER, the folder in which it is kept; without one it has ended with "
            f"its driver{_emulated_here(uri)}"
        ) from err


def _emulated_here(uri: S3Uri) -> str:
    """What is left here of a run that an emulator held and nobody keeps."""
    page = Path(EMULATOR_STAGING) / uri.name / "report.html"
    return f". An emulator has held a run of this name here, whose page is {page}" if page.exists() else ""


def _folder(asked: CommandLine) -> S3Uri:
    """The folder of a run, of which its id may be given, or of a workspace."""
    found = S3Uri.parse(check_workspace(asked.subject))  # whose faults are those of the command line
    *workspace, name = found.key.split("/")
    is_workspace = asked.older_than or asked.lifecycle or asked.command == LIST
    return found if is_workspace else S3Uri(found.bucket, "").join(*workspace, folder_named(name))


def resumable(asked: CommandLine, environ: Mapping[str, str], there: Reached, state: RunState) -> RunConfig:
    """Returns the configuration with which a recorded run goes on: of the run file that was named, else the ledger's.

    Raises:
        ConfigurationError: the run file or the arguments are wrong, or the run was begun by `score()`.
    """
    if asked.names_file:
        return loaded(asked, environ, reads_input=state.staged is None)
    if state.settings.is_of_frame:
        raise ConfigurationError(f"{asked.command}: {there.uri} was begun by score(); the same call goes on with it")
    source = f"the ledger of {there.uri}"
    return reload(
        state.config,
        source,
        sets=asked.sets,
        emulator_models=asked.emulator_models,
        environ=environ,
        goes_on=state.report is None,
        reads_input=state.staged is None,
    )


def loaded(asked: CommandLine, environ: Mapping[str, str], *, reads_input: bool = True) -> RunConfig:
    """Returns the configuration of the run file that is the subject; `reads_input` as of `load`."""
    return load(
        asked.subject,
        sets=asked.sets,
        variables=asked.variables,
        emulator_models=asked.emulator_models,
        environ=environ,
        read=_reader(asked, environ),
        reads_input=reads_input,
    )


def whereabouts_of(asked: CommandLine, environ: Mapping[str, str]) -> Whereabouts:
    """Returns where the run of the run file is that is the subject; raises as `loaded`."""
    return whereabouts(
        asked.subject,
        sets=asked.sets,
        variables=asked.variables,
        emulator_models=asked.emulator_models,
        environ=environ,
        read=_reader(asked, environ),
        names_run=asked.command != LIST,
    )


def _reader(asked: CommandLine, environ: Mapping[str, str]) -> Callable[[str], str]:
    """What gives the text of a run file: of one on S3 as the command line and the environment say, which it may not."""

    def read(name: str) -> str:
        if not is_s3(name):
            return read_text(name)
        store = S3Store(access_of(surroundings(asked.sets, ()), None, environ).client("s3"))
        try:
            return store.get(S3Uri.parse(name))[0].decode("utf-8")
        except ObjectNotFound as err:
            raise FileNotFoundError(name) from err
        except StoreFailure as err:
            if err.code == NO_SUCH_BUCKET:
                raise OSError(f"there is no bucket {S3Uri.parse(name).bucket}") from err
            raise

    return read


def _refuse_nothing_kept(command: str, state: str | None) -> None:
    if state is None:
        raise ConfigurationError(
            f"{command}: the embedded emulator's S3 and jobs end with the run's driver, so there is nothing to go back "
            "to; set emulator.state to a folder before a run begins, and it survives its driver, or start a "
            "transform-emulator of your own and set aws.endpoint_url"
        )
    folder = Path(state)
    if command != PREPARE and not folder.exists():
        around = folder.absolute().parent
        hint = meant(folder.name, [each.name for each in around.iterdir()] if around.is_dir() else [])
        raise ConfigurationError(
            f"emulator.state: there is no folder {state}{hint}, so no run is kept there; give the one that the run "
            "had, from where that was begun if it is a relative one"
        )
