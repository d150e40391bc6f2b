"""A state on disk as a whole: opened, given to the parts of the emulator, loaded, closed."""

from collections.abc import Callable
from pathlib import Path

from transform_emulator.control_plane.jobs import JobRegister
from transform_emulator.moto.log_group import LogGroup
from transform_emulator.moto.registry import ModelRegistry
from transform_emulator.moto.world import World
from transform_emulator.state.database import Database
from transform_emulator.state.directory import Directory
from transform_emulator.state.errors import StateError, told_of
from transform_emulator.state.kept_jobs import KeptJobs
from transform_emulator.state.kept_logs import KeptLogs
from transform_emulator.state.kept_models import KeptModels
from transform_emulator.state.kept_objects import KeptObjects
from transform_emulator.state.object_files import ObjectFiles


class State:
    """A directory that this process has, and what is kept there.

    Attributes:
        objects: Buckets and objects.
        jobs: Transform jobs.
        logs: Their log lines.
        models: Models and endpoints that clients created.
    """

    def __init__(
        self,
        path: Path,
        patience_seconds: float,
        waits: Callable[[str], None],
        models: ModelRegistry,
        world: World,
    ) -> None:
        """Takes the directory, once another process that is about to end has left it; `waits` as of `Directory`.

        Raises:
            StateError: It cannot be used, or another process has it.
        """
        self._directory = Directory(path, patience_seconds, waits)
        try:
            with told_of(self._directory.database):
                self._database = Database(self._directory.database)
                self.objects = KeptObjects(self._database, ObjectFiles(self._directory.objects), world)
                self.jobs = KeptJobs(self._database)
                self.logs = KeptLogs(self._database)
                self.models = KeptModels(self._database, models, world)
        except StateError:
            self._directory.release()
            raise

    def load(self, jobs: JobRegister, logs: LogGroup, with_objects: bool) -> None:
        """Gives the parts of the emulator what was kept.

        Args:
            jobs: Takes in the jobs; those in flight do not run yet.
            logs: Takes in the lines.
            with_objects: Whether moto is to have the objects, rather than another S3 server.

        Raises:
            StateError: Some of it is not there any more, or damaged.
        """
        try:
            with told_of(self._directory.database):
                self.models.load()
                self.logs.load(logs.restore)
                jobs.restore(self.jobs.load())
                if with_objects:
                    self.objects.load()  # last: it removes the files that the index does not name
        except StateError:
            self.close()
            raise

    def forget(self) -> None:
        """Keeps nothing any more of what was kept so far."""
        self._database.forget()
        self.objects.forget()

    def tell(self, endpoint_url: str) -> None:
        """Says where this process answers, to whoever cannot have the directory meanwhile."""
        self._directory.tell(endpoint_url)

    def close(self) -> None:
        """Lets another process have the directory."""
        self._database.close()
        self._directory.release()
