"""The open points of the service, each with its readings, the experiments that tell, and how their answer is read.

The names are those of the emulator's switches, and a reading is what such a switch is set to (the emulator's README.md,
Switches). What the readings are, and who says so, is in transform_emulator/FACTS.md, 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke import reading_bodies as bodies
from batch_transform.core.smoke import reading_chains as chains
from batch_transform.core.smoke import reading_failures as failures
from batch_transform.core.smoke import reading_times as times
from batch_transform.core.smoke.findings import Findings, NotTold, Told

YES_FIRST, NO_FIRST = ("true", "false"), ("false", "true")


@dataclass(frozen=True)
class Question:
    """An open point.

    Attributes:
        switch: of the emulator.
        readings: its values, the emulator's default first.
        needs: the experiments that tell.
        read: gives the answer.
        is_open: whether it may be another number, or other words, than the readings have.
    """

    switch: str
    readings: tuple[str, ...]
    needs: tuple[str, ...]
    read: Callable[[Findings], Told]
    is_open: bool = False

    def answer(self, found: Findings) -> Told:
        """Returns what the service did; without a value, where nothing tells it or it did neither."""
        try:
            told = self.read(found)
        except NotTold as err:
            return Told(None, (), str(err))
        if told.value is None or self.is_open or told.value in self.readings:
            return told
        return Told(None, (f"it is {told.value}", *told.evidence))


def _open(switch: str, readings: tuple[str, ...], need: str, read: Callable[[Findings], Told]) -> Question:
    return Question(switch, readings, (need,), read, is_open=True)


QUESTIONS: Sequence[Question] = (
    _open("bytes_per_mb", ("1048576", "1000000"), smoke.PAYLOAD, bodies.bytes_per_mb),
    Question("payload_limit_inclusive", YES_FIRST, (smoke.PAYLOAD,), bodies.payload_limit_inclusive),
    Question("payload_zero_sends_whole_objects", YES_FIRST, (smoke.ZERO,), bodies.payload_zero),
    Question("blank_lines_are_records", YES_FIRST, (smoke.RECORDS,), bodies.blank_lines),
    Question("folder_markers_are_objects", YES_FIRST, (smoke.SHARDS,), bodies.folder_markers),
    Question("manifest_entries_keep_folders", YES_FIRST, (smoke.ANSWERS,), bodies.manifest_folders),
    Question("absent_content_type_is_empty", NO_FIRST, (smoke.ZERO,), bodies.absent_content_type),
    Question("empty_object_fails", NO_FIRST, (smoke.ANSWERS,), bodies.empty_object),
    Question("newline_only_if_missing", NO_FIRST, (smoke.ANSWERS,), bodies.newline),
    _open("retried_statuses_from", ("500", "400", "600"), smoke.RECORDS, failures.retried_statuses),
    Question("no_answer_is_retried", YES_FIRST, (smoke.TIMEOUT,), failures.no_answer),
    _open("retry_pause_seconds", ("0",), smoke.RECORDS, failures.retry_pause),
    _open("success_statuses_to", ("299", "200"), smoke.ANSWERS, failures.success_statuses),
    Question("sharding", ("hash_of_key", "contiguous_ranges", "all_to_one"), (smoke.SHARDS,), times.sharding),
    _open("instance_start_seconds", ("0",), smoke.RECORDS, times.instance_start),
    _open("milliseconds_per_request", ("0",), smoke.RECORDS, times.per_request),
    _open("nanoseconds_per_byte", ("0",), smoke.RECORDS, times.per_byte),
    Question("start_is_billed", YES_FIRST, (smoke.RECORDS,), times.start_is_billed),
    Question("files_in_parallel", YES_FIRST, (smoke.ANSWERS,), times.files_in_parallel),
    Question("stop_keeps_outputs", NO_FIRST, (smoke.STOP,), failures.stop_keeps_outputs),
    Question("missing_manifest_key_fails", NO_FIRST, (smoke.MISSING,), failures.missing_key),
    Question("model_data_source_refused", YES_FIRST, (smoke.DATA_SOURCE,), failures.model_data_source),
    Question("failed_file_sends_rest", NO_FIRST, (smoke.RECORDS,), failures.rest_of_a_failed_file),
    Question("slice_end_inclusive", YES_FIRST, (smoke.FILTERS,), chains.slice_end),
    Question("answer_type", ("accept", "content_type"), (smoke.FILTERS,), chains.answer_type),
    Question("inner_accept", ("absent", "any", "jobs"), (smoke.PIPELINE,), chains.inner_accept),
    Question("inner_input_object", YES_FIRST, (smoke.PIPELINE,), chains.inner_input_object),
    Question("gzip_answers_are_unpacked", YES_FIRST, (smoke.ANSWERS,), bodies.gzip_answers),
    _open("inner_payload_limit_mb", ("0", "5"), smoke.PIPELINE, chains.inner_payload),
    Question("job_environment", ("all", "first"), (smoke.PIPELINE,), chains.job_environment),
    _open(
        "join_mismatch_headline",
        ("Fail to join data: mismatched line count between the input and the output",),
        smoke.JOIN,
        failures.join_mismatch,
    ),
    _open(
        "join_settings_message",
        (
            "JoinSource Input requires Accept to be the same as ContentType and AssembleWith to be the same as "
            "SplitType.",
        ),
        smoke.JOIN_SETTINGS,
        failures.join_settings,
    ),
    _open("too_large_headline", ("Too much data for max payload size",), smoke.PAYLOAD, failures.too_large),
    _open("unknown_job_code", ("ValidationException", "ResourceNotFound"), smoke.UNKNOWN, failures.unknown_job),
    _open(
        "duplicate_name_message",
        ("Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",),
        smoke.DUPLICATE,
        failures.duplicate_name,
    ),
    _open(
        "payload_product_message",
        ("MaxConcurrentTransforms ({concurrent}) multiplied by MaxPayloadInMB ({payload}) must not exceed 100.",),
        smoke.PRODUCT,
        failures.payload_product,
    ),
)
