"""The objects that a job reads: listed once, shared out to its instances, without those that are done."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from transform_emulator.control_plane.jobs import Job
from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.inputs import (
    InputObject,
    ManifestError,
    from_manifest,
    output_location,
    under_prefix,
)
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore
from transform_emulator.data_plane.progress import Progress
from transform_emulator.data_plane.shares import InputError, shards
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.service.job_request import JobRequest
from transform_emulator.service.s3_locations import parse_uri
from transform_emulator.service.switches import Switches

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobInput:
    """A job's input, and how far each of its objects has come."""

    job: Job
    request: JobRequest
    store: ObjectStore
    progress: Progress
    switches: Switches
    faults: FaultRegister

    def shares(self) -> list[list[InputObject]]:
        """Returns the objects of each instance that are not done, by another process, if any.

        Raises:
            InputError: They cannot be listed, or the manifest is none.
        """
        try:
            objects = self.progress.objects(self.job.arn) or self._found()
        except ManifestError as error:
            log.error("job %s: %s", self.job.name, error)
            raise InputError(f"{data_log.Blame.CLIENT.value}: {error}") from error
        except STORE_ERRORS as error:
            log.error("job %s cannot read its input: %s", self.job.name, error)
            raise InputError(data_log.INTERNAL_ERROR) from error
        done = self.progress.outcomes(self.job.arn)
        shares = shards(objects, self.request.instance_count, self.switches.sharding)
        return [[item for item in share if item not in done] for share in shares]

    def _found(self) -> list[InputObject]:
        """The objects that the job reads, also if other keys come below its prefix later."""
        objects = self._listed()
        self._leave_outputs(objects)
        self.progress.begin(self.job.arn, objects)
        return objects

    def _leave_outputs(self, objects: Sequence[InputObject]) -> None:
        """Puts the `.out` objects that a fault wants to be there already, as an earlier job would have left them."""
        facts = {"job": self.request.name, "model": self.request.model_name}
        for item in objects:
            fault = self.faults.find((Kind.LEFTOVER_OUTPUT,), facts | {"key": item.key})
            if fault is not None:
                with self.store.writer(output_location(self.request.output_path, item), None) as writer:
                    writer.write(fault.body.encode())
                    writer.complete()

    def _listed(self) -> list[InputObject]:
        place = parse_uri(self.request.s3_uri)
        if not self.request.manifest:
            keys = (
                key
                for key in self.store.keys(place)
                if self.switches.folder_markers_are_objects or not key.endswith("/")
            )
            return list(under_prefix(place, keys))
        chunks = self.store.chunks(place)
        if chunks is None:
            raise ManifestError(f"there is no manifest at {place.uri}")
        return from_manifest(b"".join(chunks), self.switches.manifest_entries_keep_folders)
