"""One input object of a job, from the bytes in S3 to the `.out` object or the reason why there is none."""

from collections.abc import Iterator
from dataclasses import dataclass

from transform_emulator.containers.chain import Chain
from transform_emulator.containers.compression import CompressionError, gunzip
from transform_emulator.containers.container import Call
from transform_emulator.containers.payload import InMemory, Payload, Streamed
from transform_emulator.data_plane.assembly import Assembler, FaultyWriter
from transform_emulator.data_plane.data_log import Blame, FileFailure
from transform_emulator.data_plane.file_run import Slots, send_in_order
from transform_emulator.data_plane.framing import MalformedRecordError
from transform_emulator.data_plane.inputs import InputObject, output_location
from transform_emulator.data_plane.invocation import InvocationError, Invoker
from transform_emulator.data_plane.object_store import STORE_ERRORS, ObjectStore
from transform_emulator.data_plane.records import (
    RecordTooLargeError,
    bodies,
    is_one_body,
    one_by_one,
    without_blank_lines,
)
from transform_emulator.data_plane.timing import Meter
from transform_emulator.faults.model import Kind
from transform_emulator.faults.register import FaultRegister
from transform_emulator.filters.data_processing import Processing, ProcessingError
from transform_emulator.service.job_request import JobRequest, Parameters, Split
from transform_emulator.service.s3_locations import S3Location
from transform_emulator.service.switches import Switches

OUTPUT_FAULTS = (Kind.OUTPUT_TRUNCATED, Kind.OUTPUT_EXTRA_LINES)


@dataclass(frozen=True)
class FileTransform:
    """Transforms the files of one instance, each in the calling thread.

    Attributes:
        request: The job's request.
        chosen: The parameters that the instance works with.
        container: Its model server, or those of a pipeline.
        store: The job's objects.
        slots: What its files share.
        switches: The readings of unconfirmed points.
        faults: What is made to go wrong.
        facts: What a fault can be narrowed down to: job, model, instance.
        meter: Where the requests' time is spent.
    """

    request: JobRequest
    chosen: Parameters
    container: Chain
    store: ObjectStore
    slots: Slots
    switches: Switches
    faults: FaultRegister
    facts: dict[str, object]
    meter: Meter

    def run(self, item: InputObject) -> S3Location | FileFailure | None:
        """Returns where the output is, or why there is none; None for an object that is not there and may be missing.

        Raises:
            CancelledError: The job was told to stop.
        """
        try:
            return self._write_output(item)
        except RecordTooLargeError:
            return FileFailure(Blame.CLIENT, self.switches.too_large_headline)
        except (MalformedRecordError, CompressionError) as error:
            return FileFailure(Blame.CLIENT, f"ClientError: {error}")
        except ProcessingError as error:
            return FileFailure(Blame.CLIENT, str(error), None if error.message is None else error.message.encode())
        except InvocationError as error:
            return error.failure
        except STORE_ERRORS as error:
            return FileFailure(Blame.PLATFORM, f"InternalServerError: {error}")

    def _write_output(self, item: InputObject) -> S3Location | FileFailure | None:
        # "Doesn't combine mini-batches from different input files" (developer guide): all below is about one object.
        place = S3Location(item.bucket, item.key)
        chunks = self.store.chunks(place)
        if chunks is None:
            skipped = self.request.manifest and not self.switches.missing_manifest_key_fails
            return None if skipped else FileFailure(Blame.CLIENT, "ClientError: 404")
        processing, invoker = Processing(self.request, self.switches), self._invoker(item)
        target = output_location(self.request.output_path, item)
        with self.store.writer(target, self.request.output_kms_key) as plain:
            fault = self.faults.find(OUTPUT_FAULTS, self.facts | {"key": item.key})
            writer = plain if fault is None else FaultyWriter(plain, fault)
            responses = Assembler(writer.write, self.request.assemble, self.switches.newline_only_if_missing)
            send_in_order(
                enumerate(self._payloads(place, chunks, processing.active)),
                lambda numbered: _answer(*numbered, invoker, processing),
                responses.write,
                self.slots,
                (InvocationError,) if self.switches.failed_file_sends_rest else (),
            )
            if responses.written == 0 and self.switches.empty_object_fails:
                return FileFailure(Blame.CLIENT, "ClientError: empty input")
            # Only here does the object appear: uploaded parts of a failed file are removed (batch errors).
            writer.complete()
        return target

    def _payloads(self, place: S3Location, chunks: Iterator[bytes], parsed: bool) -> Iterator[Payload]:
        split, strategy, limit = self.request.split, self.chosen.strategy, self._limit_bytes
        plain = self._plain(chunks)
        one_body = is_one_body(split, strategy, limit)
        if one_body and split is not Split.NONE and not self.switches.payload_zero_sends_whole_objects:
            yield from map(InMemory, one_by_one(plain, split))
        # A body whose records are filtered or joined has to be held to be parsed, as large as it may be.
        elif parsed or not one_body:
            yield from map(InMemory, bodies(plain, split, strategy, limit))
        elif any(plain):  # an object without a byte is no record, streamed or not
            yield Streamed(lambda: self._plain(self.store.chunks(place) or iter(())))

    @property
    def _limit_bytes(self) -> int | None:
        return self.chosen.payload_bytes(self.switches.bytes_per_mb, self.switches.payload_limit_inclusive)

    def _plain(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        unpacked = gunzip(chunks) if self.request.gzip else chunks
        if self.request.split is Split.LINE and not self.switches.blank_lines_are_records:
            return without_blank_lines(unpacked, self._limit_bytes)
        return unpacked

    def _invoker(self, item: InputObject) -> Invoker:
        request = self.request
        missing = "" if self.switches.absent_content_type_is_empty else None
        content_type = missing if request.content_type is None else request.content_type
        call = Call(
            content_type,
            request.accept,
            request.timeout_seconds,
            chunked=self._limit_bytes is None,
            input_object=f"{item.bucket}/{item.key}",
            unpacks_gzip=self.switches.gzip_answers_are_unpacked,
        )
        return Invoker(
            container=self.container,
            call=call,
            max_retries=request.max_retries,
            switches=self.switches,
            faults=self.faults,
            facts=self.facts | {"key": item.key},
            item=item,
            meter=self.meter,
        )


def _answer(number: int, body: Payload, invoker: Invoker, processing: Processing) -> Payload:
    if not processing.active or not isinstance(body, InMemory):
        return invoker.invoke(body, number).body
    answer = invoker.invoke(InMemory(processing.request_body(body.data)), number)
    return InMemory(processing.output(body.data, b"".join(answer.body.chunks()), answer.content_type))
