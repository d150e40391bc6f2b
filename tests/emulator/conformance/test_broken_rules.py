"""Every test of the suite fails when its rule is broken on purpose, so none of them passes for another reason.

The rule is broken inside the emulator, which runs in this process.
"""

import dataclasses
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from emulator.conformance import test_outputs, test_refusals, test_requests
from support.conformance_service import Service
from support.sampling import one_in
from transform_emulator.containers import container
from transform_emulator.control_plane import describe, jobs
from transform_emulator.data_plane import data_log, inputs, records
from transform_emulator.service import job_request
from transform_emulator.service.job_request import Assemble, Split, Strategy

SUITE: tuple[ModuleType, ...] = (test_requests, test_outputs, test_refusals)


@dataclass(frozen=True)
class Break:
    """What is put in the place of what: an attribute of a module, or of a class in it."""

    target: str
    replacement: Any


def changed(function: Callable[..., Any], **values: Any) -> Callable[..., Any]:
    """A function that gives the same frozen record with other values."""
    return lambda *args, **kwargs: dataclasses.replace(function(*args, **kwargs), **values)


DATA = "transform_emulator.data_plane"
FILTERS = "transform_emulator.filters"
LINE_CUT = records.bodies


def cut(**forced: Any) -> Break:
    """Cuts objects with other arguments than the request's."""

    def broken(chunks: Any, split: Split, strategy: Strategy, limit_bytes: int | None) -> Any:
        given = {"split": split, "strategy": strategy, "limit_bytes": limit_bytes}
        return LINE_CUT(chunks, **(given | {k: f(given) if callable(f) else f for k, f in forced.items()}))

    return Break(f"{DATA}.file_transform.bodies", broken)


def request(**values: Any) -> Break:
    """Runs a job as if its request had said something else."""
    return Break(f"{DATA}.job_run.from_api", changed(job_request.from_api, **values))


def headline(name: str, **values: Any) -> Break:
    """Words a failure differently."""
    return Break(f"{DATA}.data_log.{name}", changed(getattr(data_log, name), **values))


def always_named(prefix: Any, keys: Any) -> Any:
    return (inputs.InputObject(prefix.bucket, key, key.rpartition("/")[2]) for key in keys)


def no_rule(*_: object, **__: object) -> None:
    return None


BREAKS: dict[str, Break] = {
    "test_an_unsplit_object_is_one_request": cut(split=Split.LINE),
    "test_single_record_sends_a_line_with_its_newline": cut(strategy=Strategy.MULTI_RECORD),
    "test_multi_record_fits_as_many_lines_as_it_can": cut(limit_bytes=lambda given: given["limit_bytes"] // 2),
    "test_the_xgboost_log": cut(limit_bytes=lambda given: given["limit_bytes"] * 10**6 // 2**20),
    "test_four_requests_of_one_file_are_in_flight_and_order_holds": request(max_concurrent_transforms=1),
    "test_case_4a_a_record_over_the_limit_fails_its_file_only": cut(limit_bytes=None),
    "test_case_4b_the_limit_counts_bytes_not_characters": cut(limit_bytes=lambda given: given["limit_bytes"] * 2),
    "test_case_4c_an_empty_object": Break(
        f"{DATA}.file_transform.bodies", lambda *args: list(LINE_CUT(*args)) or [b""]
    ),
    "test_the_limit_is_inclusive": cut(limit_bytes=lambda given: given["limit_bytes"] - 1),
    "test_payload_zero_is_sent_in_chunks": request(max_payload_mb=6),
    "test_record_io_single": cut(strategy=Strategy.MULTI_RECORD),
    "test_record_io_multi": cut(strategy=Strategy.SINGLE_RECORD),
    "test_tf_record": cut(
        strategy=lambda given: (set(Strategy) - {given["strategy"]}).pop(),
    ),
    "test_gzip_is_unpacked_before_splitting": request(gzip=False),
    "test_headers_are_absent_unless_asked_for": request(accept="*/*"),
    "test_a_request_names_its_object": Break("transform_emulator.containers.container.INPUT_OBJECT", "X-Object"),
    "test_headers_are_passed_on": request(accept=None),
    "test_only_what_the_request_sets_is_in_the_environment": request(max_concurrent_transforms=1),
    "test_the_request_wins_over_the_container_and_that_over_the_default": request(max_payload_mb=None),
    "test_one_output_for_each_input": Break(f"{DATA}.job_input.under_prefix", always_named),
    "test_a_prefix_is_a_string": Break(
        f"{DATA}.job_input.under_prefix",
        lambda prefix, keys: inputs.under_prefix(prefix, (k for k in keys if k.startswith(prefix.key + "/"))),
    ),
    "test_a_manifest_chooses": request(manifest=False),
    "test_assemble_none_adds_nothing": request(assemble=Assemble.LINE),
    "test_assemble_line_ends_each_response": request(assemble=Assemble.NONE),
    "test_a_failed_file_leaves_no_output_and_the_others_theirs": Break(
        "transform_emulator.containers.container.Container.invoke",
        lambda self, body, call, real=container.Container.invoke: changed(real, status=200)(self, body, call),
    ),
    "test_case_4d_a_job_becomes_failed": Break(f"{DATA}.job_run.job_reason", no_rule),
    "test_a_client_error_is_named_as_one": headline("status_failure", blame=data_log.Blame.ALGORITHM),
    "test_the_data_log_of_a_failed_file": headline("status_failure", message=None),
    "test_the_headline_of_a_server_error": headline("status_failure", headline="500"),
    "test_the_headline_of_a_timeout": headline("timeout_failure", headline=data_log.NO_RESPONSE),
    "test_a_hundred_files_use_both_instances": Break(
        f"{DATA}.job_input.shards", lambda found, n, _: [found, *[[]] * (n - 1)]
    ),
    "test_a_stopped_job_stores_nothing": Break(
        "transform_emulator.control_plane.jobs.JobRegister.finish",
        lambda self, job, reason, moment=None, real=jobs.JobRegister.finish: (
            setattr(job, "life", dataclasses.replace(job.life, status=jobs.Status.IN_PROGRESS)),
            real(self, job, reason, moment),
        ),
    ),
    "test_describe_fills_in_so_much_and_no_more": Break(
        "transform_emulator.control_plane.operations.description",
        lambda job: describe.description(job) | {"MaxPayloadInMB": 6},
    ),
    "test_an_input_filter_selects_what_the_model_gets": request(input_filter="$"),
    "test_a_slice_reaches_its_end": request(input_filter="$[1:3]"),
    "test_a_joined_object_gets_an_attribute": request(join_input=False),
    "test_what_is_no_object_is_wrapped_for_a_join": Break(f"{FILTERS}.data_processing.INPUT_KEY", "input"),
    "test_joined_csv_has_the_prediction_at_the_end": request(output_filter="$"),
    "test_an_output_filter_selects_attributes": request(output_filter="$"),
    "test_two_ranges_are_refused_in_the_data_log": request(output_filter="$"),
    "test_an_index_that_is_not_there_is_an_error": request(output_filter="$[1]"),
    "test_an_unknown_model": Break(
        "transform_emulator.moto.registry.ModelRegistry.role_of_model", lambda *_: "arn:aws:iam::123456789012:role/r"
    ),
    "test_an_empty_prefix": Break("transform_emulator.moto.objects.MotoStore.has_objects", lambda *_: True),
    "test_a_name_is_taken_for_ever": Break(
        "transform_emulator.control_plane.jobs.JobRegister.add",
        lambda self, scope, body, real=jobs.JobRegister.add: (real(self, scope, body)[0], True),
    ),
    "test_the_product_of_payload_and_concurrency": Break(
        "transform_emulator.control_plane.rules.MAX_PAYLOAD_TIMES_CONCURRENCY_MB", 1000
    ),
    "test_a_long_filter": Break("transform_emulator.control_plane.request_validation.check", no_rule),
    "test_a_join_needs_accept_like_content_type": Break(
        "transform_emulator.control_plane.rules._check_processing", no_rule
    ),
}


def suite() -> dict[str, Callable[..., None]]:
    """The tests of the suite by name."""
    return {
        name: function
        for module in SUITE
        for name, function in vars(module).items()
        if name.startswith("test_") and inspect.isfunction(function)
    }


def test_every_rule_is_broken_once_and_has_a_source() -> None:
    """No test without a break, and none without the words and the source of its rule."""
    assert suite().keys() == BREAKS.keys()
    assert [name for name, function in suite().items() if len(function.__doc__ or "") < 40] == []


@pytest.mark.parametrize("name", one_in(2, BREAKS))
def test_a_broken_rule_is_noticed(
    name: str, service: Service, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The test passes on the emulator as it is, and fails on this one."""
    if request.config.getoption("--aws", default=False):
        pytest.skip("the real service cannot be broken")
    function, broken = suite()[name], BREAKS[name]
    owner, _, attribute = broken.target.rpartition(".")
    module, _, of_class = owner.rpartition(".")
    try:
        place: Any = importlib.import_module(owner)
    except ModuleNotFoundError:
        place = getattr(importlib.import_module(module), of_class)
    monkeypatch.setattr(place, attribute, broken.replacement)
    arguments = {"strategy": "SingleRecord", "expected": 2} if name == "test_tf_record" else {}
    with pytest.raises((AssertionError, KeyError, ValueError, pytest.fail.Exception)):
        function(service, **arguments)
