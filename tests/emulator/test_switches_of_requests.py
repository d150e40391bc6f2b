"""Switches of how objects become requests and outputs, both ways: the default reading and the other one."""

import struct
import time
from collections.abc import Callable

import pytest

from support.emulator_aws import Aws, Ran, manifest
from support.model_server import DROP
from support.scripted_model import ScriptedModel
from transform_emulator.service.switches import Switches

Make = Callable[..., Aws]
Run = Callable[..., Ran]
MB = 2**20


@pytest.mark.parametrize(("switches", "lines"), [(Switches(), [4, 1]), (Switches(bytes_per_mb=10**6), [3, 2])])
def test_bytes_per_mb(make_aws: Make, run: Run, switches: Switches, lines: list[int]) -> None:
    """2**20 fits the log of a real job; 10**6 is what a cautious client plans with."""
    ran = run({"a": (b"x" * (MB // 4 - 1) + b"\n") * 5}, on=make_aws(switches), MaxPayloadInMB=1)
    assert [body.count(b"\n") for body in ran.bodies] == lines


@pytest.mark.parametrize(
    ("switches", "status"), [(Switches(), "Completed"), (Switches(payload_limit_inclusive=False), "Failed")]
)
def test_payload_limit_inclusive(make_aws: Make, run: Run, switches: Switches, status: str) -> None:
    """A body of exactly MaxPayloadInMB: AWS's XGBoost server takes it, the SDK's local mode compares with `<`."""
    assert run({"a": b"x" * (MB - 1) + b"\n"}, on=make_aws(switches), MaxPayloadInMB=1).status == status


@pytest.mark.parametrize("strategy", ["SingleRecord", "MultiRecord"])
@pytest.mark.parametrize("payload", [0, 1])
@pytest.mark.parametrize(("kept", "seen"), [(True, b"\n1\n\n2\n"), (False, b"1\n2\n")])
def test_blank_lines_are_records(
    make_aws: Make, run: Run, strategy: str, payload: int, kept: bool, seen: bytes
) -> None:
    """Real jobs delivered empty bodies (gluonts#927)."""
    aws = make_aws(Switches(blank_lines_are_records=kept))
    ran = run({"a": b"\n1\n\n2\n"}, on=aws, BatchStrategy=strategy, MaxPayloadInMB=payload)
    assert b"".join(ran.bodies) == seen
    assert len(ran.bodies) == (seen.count(b"\n") if strategy == "SingleRecord" else 1)


def tf_record(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + b"cccc" + data + b"dddd"


@pytest.mark.parametrize(("split", "records"), [("Line", [b"1\n", b"2"]), ("TFRecord", [tf_record(b"1")] * 2)])
@pytest.mark.parametrize("whole", [True, False])
def test_payload_zero_sends_whole_objects(
    make_aws: Make, run: Run, model: ScriptedModel, whole: bool, split: str, records: list[bytes]
) -> None:
    """MaxPayloadInMB=0 with MultiRecord: one body, or one for each record; in chunks either way."""
    aws = make_aws(Switches(payload_zero_sends_whole_objects=whole))
    ran = run({"a": b"".join(records)}, on=aws, MaxPayloadInMB=0, TransformInput__SplitType=split)
    assert ran.bodies == ([b"".join(records)] if whole else records)
    assert {seen.headers["Transfer-Encoding"] for seen in model.invocations} == {"chunked"}


@pytest.mark.parametrize(("switches", "requests"), [(Switches(), 3), (Switches(no_answer_is_retried=False), 1)])
def test_no_answer_is_retried(
    make_aws: Make, run: Run, model: ScriptedModel, switches: Switches, requests: int
) -> None:
    """A connection that is closed without an answer."""
    model.script.answer = lambda _: (DROP, b"")
    run({"a": b"1\n"}, on=make_aws(switches), ModelClientConfig={"InvocationsMaxRetries": 2})
    assert len(model.invocations) == requests


@pytest.mark.parametrize(("switches", "paused"), [(Switches(), False), (Switches(retry_pause_seconds=1), True)])
def test_retry_pause_seconds(make_aws: Make, run: Run, model: ScriptedModel, switches: Switches, paused: bool) -> None:
    """Logs of real jobs show no time between attempts."""
    times: list[float] = []

    def answer(_: bytes) -> tuple[int, bytes]:
        times.append(time.monotonic())
        return 500, b""

    model.script.answer = answer
    run({"a": b"1\n"}, on=make_aws(switches), ModelClientConfig={"InvocationsMaxRetries": 1})
    assert (times[1] - times[0] >= 1) == paused


@pytest.mark.parametrize(("empty", "header"), [(False, None), (True, "")])
def test_absent_content_type_is_empty(
    make_aws: Make, run: Run, model: ScriptedModel, empty: bool, header: str | None
) -> None:
    """A request without ContentType: no header, or one without a value; AWS's XGBoost takes either for libsvm."""
    run({"a": b"1\n"}, on=make_aws(Switches(absent_content_type_is_empty=empty)))
    assert model.invocations[0].headers.get("Content-Type") == header


@pytest.mark.parametrize(("counted", "outputs"), [(True, {".out", "a.out", "x/.out"}), (False, {"a.out"})])
def test_folder_markers_are_objects(make_aws: Make, run: Run, counted: bool, outputs: set[str]) -> None:
    """The empty objects that consoles make for a folder, the prefix's own among them."""
    ran = run({"": b"", "x/": b"", "a": b"1\n"}, on=make_aws(Switches(folder_markers_are_objects=counted)))
    assert set(ran.outputs) == outputs


@pytest.mark.parametrize(("kept", "output"), [(True, "x/a.out"), (False, "a.out")])
def test_manifest_entries_keep_folders(make_aws: Make, run: Run, name: str, kept: bool, output: str) -> None:
    """An entry with a slash: its folder is kept below S3OutputPath, or not."""
    aws = make_aws(Switches(manifest_entries_keep_folders=kept))
    aws.s3.put_object(Bucket=name, Key="m.json", Body=manifest(name, "in/", "x/a"))
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{name}/m.json"}
    ran = run({"x/a": b"1\n"}, on=aws, TransformInput__DataSource__S3DataSource=source)
    assert set(ran.outputs) == {output}


@pytest.mark.parametrize(("fails", "status", "outputs"), [(False, "Completed", {"a.out": b""}), (True, "Failed", {})])
def test_an_empty_object(make_aws: Make, run: Run, fails: bool, status: str, outputs: dict[str, bytes]) -> None:
    """Unconfirmed, so a switch: no request and an empty output, or a failed file."""
    ran = run({"a": b""}, on=make_aws(Switches(empty_object_fails=fails)))
    assert (ran.status, ran.outputs, ran.bodies) == (status, outputs, [])


@pytest.mark.parametrize(("only_if_missing", "expected"), [(False, b"1\n\n"), (True, b"1\n")])
def test_assemble_line_and_a_response_that_ends_with_a_newline(
    make_aws: Make, run: Run, model: ScriptedModel, only_if_missing: bool, expected: bytes
) -> None:
    """Unconfirmed, so a switch; the SDK's local mode writes a second newline."""
    model.script.answer = lambda body: (200, body)
    ran = run({"a": b"1\n"}, on=make_aws(Switches(newline_only_if_missing=only_if_missing)))
    assert ran.outputs == {"a.out": expected}
