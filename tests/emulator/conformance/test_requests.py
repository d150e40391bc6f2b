"""How input objects become requests. Each docstring quotes the rule and names its source."""

import base64
import gzip
import struct

import pytest

from support.conformance_service import Service

MB = 2**20


def record_io(data: bytes) -> bytes:
    """A record as MXNet writes it (dmlc-core, recordio.h): magic, length, data, padding to four bytes."""
    return struct.pack("<II", 0xCED7230A, len(data)) + data + b"\0" * (-len(data) % 4)


def tf_record(data: bytes) -> bytes:
    """A record as TensorFlow writes it (record_writer.h), with checksums that nobody verifies."""
    return struct.pack("<Q", len(data)) + b"cccc" + data + b"dddd"


def bodies(service: Service, data: bytes, key: str = "a", **changes) -> list[str]:
    """The bodies that the model gets for one object."""
    return [seen["body"] for seen in service.run({key: data}, "describe", **changes).requests(key)]


def test_an_unsplit_object_is_one_request(service: Service) -> None:
    """ "request payloads contain the entire contents of an input object" (SplitType); BatchStrategy is ignored then."""
    changes = {"TransformInput__SplitType": "None", "TransformOutput__AssembleWith": "None"}
    assert bodies(service, b"1\n2\n", BatchStrategy="SingleRecord", **changes) == ["1\n2\n"]


def test_single_record_sends_a_line_with_its_newline(service: Service) -> None:
    r"""One request a line (botocore, BatchStrategy), newline included: json.loads of a job's body said `line 2`."""
    assert bodies(service, b"1\n\n2", BatchStrategy="SingleRecord") == ["1\n", "\n", "2"]


def test_multi_record_fits_as_many_lines_as_it_can(service: Service) -> None:
    """ "as many records in a mini-batch as can fit within the MaxPayloadInMB limit" (BatchStrategy)."""
    line = b"x" * (MB // 4 - 1) + b"\n"
    ran = service.run({"a": line * 9}, "describe", BatchStrategy="MultiRecord", MaxPayloadInMB=1)
    assert [seen["lines"] for seen in ran.requests()] == [4, 4, 1]


def test_the_xgboost_log(service: Service) -> None:
    """A real job's log: 25,000 rows of 10,000 bytes at 6 MB gave 40 responses, the last one of 469 rows.

    Its size fits 6 * 2**20 bytes and greedy packing; with 6 * 10**6 there would be 42 requests, the last of 400 rows.
    Rows were in flight four at a time, and 25,000 labels matched in order.
    """
    row = b"1," * 4999 + b"1\n"
    ran = service.run({"a": row * 25_000}, "describe", MaxPayloadInMB=6, MaxConcurrentTransforms=4)
    lines = [seen["lines"] for seen in ran.requests()]
    assert (len(lines), set(lines[:-1]), lines[-1]) == (40, {629}, 469)


def test_four_requests_of_one_file_are_in_flight_and_order_holds(service: Service) -> None:
    """The same log: four POSTs of the one test.csv within a second; output is "in the same order" (developer guide)."""
    lines = [b"%d" % number for number in range(40)]
    changes = {"MaxConcurrentTransforms": 4, "Environment__MIRROR_SECONDS": "0.1", "BatchStrategy": "SingleRecord"}
    seen = service.run({"a": b"\n".join(lines)}, "describe", **changes).requests()
    assert [int(each["body"]) for each in seen] == list(range(40))
    assert max(each["in_flight"] for each in seen) == 4


def test_case_4a_a_record_over_the_limit_fails_its_file_only(service: Service) -> None:
    """ "A single record > MaxPayloadInMB" is an error (developer guide, batch-transform-errors).

    The SDK's local mode posts an empty body before such a record, and the record as well.
    """
    ran = service.run({"a": b"x" * (2 * MB) + b"\n", "b": b"1\n"}, "describe", MaxPayloadInMB=1)
    assert (ran.status, set(ran.outputs)) == ("Failed", {"b.out"})
    assert [seen["body"] for seen in ran.requests("b")] == ["1\n"]


def test_case_4b_the_limit_counts_bytes_not_characters(service: Service) -> None:
    """MaxPayloadInMB limits the payload; local mode measures `sys.getsizeof` of a str, which counts characters."""
    record = "é".encode() * (MB // 4) + b"\n"  # half a megabyte and a newline, so two do not fit
    seen = service.run({"a": record * 2}, "describe", MaxPayloadInMB=1).requests()
    assert [each["bytes"] for each in seen] == [len(record)] * 2


def test_case_4c_an_empty_object(service: Service) -> None:
    """No source says; chosen is no request and an empty output (switch `empty_object_fails`), but never a crash."""
    ran = service.run({"a": b"", "b": b"1\n"})
    assert ran.status == "Completed"
    assert ran.outputs == {"a.out": b"", "b.out": b"1\n"}


def test_the_limit_is_inclusive(service: Service) -> None:
    """Exactly MaxPayloadInMB passes: AWS's XGBoost container refuses only what is `>` 6 * 1024 * 1024."""
    ran = service.run({"a": b"x" * (MB - 1) + b"\n", "b": b"x" * MB + b"\n"}, MaxPayloadInMB=1)
    assert set(ran.outputs) == {"a.out"}


def test_payload_zero_is_sent_in_chunks(service: Service) -> None:
    """ "For cases where the payload might be arbitrarily large ... HTTP chunked encoding" (MaxPayloadInMB)."""
    (seen,) = service.run({"a": b"1\n2\n"}, "describe", MaxPayloadInMB=0).requests()
    assert (seen["headers"]["transfer-encoding"], seen["body"]) == ("chunked", "1\n2\n")


def test_record_io_single(service: Service) -> None:
    """ "sends individual records in each request", without wrapper: "padding is removed" (SplitType)."""
    changes = {"TransformInput__SplitType": "RecordIO", "BatchStrategy": "SingleRecord"}
    assert bodies(service, record_io(b"abc") + record_io(b"defgh"), **changes) == ["abc", "defgh"]


def test_record_io_multi(service: Service) -> None:
    """ "Padding is not removed if the value of BatchStrategy is set to MultiRecord" (botocore, SplitType)."""
    data = record_io(b"abc") + record_io(b"defgh")
    assert bodies(service, data, TransformInput__SplitType="RecordIO") == [data.decode("latin-1")]


@pytest.mark.parametrize(("strategy", "expected"), [("SingleRecord", 2), ("MultiRecord", 1)])
def test_tf_record(service: Service, strategy: str, expected: int) -> None:
    """As RecordIO: "padding is removed if the value of BatchStrategy is set to SingleRecord" (SplitType)."""
    changes = {"TransformInput__SplitType": "TFRecord", "BatchStrategy": strategy}
    seen = bodies(service, tf_record(b"abc") + tf_record(b"de"), **changes)
    assert len(seen) == expected
    assert (seen == ["abc", "de"]) == (strategy == "SingleRecord")


def test_gzip_is_unpacked_before_splitting(service: Service) -> None:
    """ "the service ... decompresses the data" (botocore, CompressionType); the output is not compressed."""
    ran = service.run({"a.gz": gzip.compress(b"1\n2\n")}, TransformInput__CompressionType="Gzip")
    assert ran.outputs == {"a.gz.out": b"1\n2\n"}


def test_headers_are_absent_unless_asked_for(service: Service) -> None:
    """sagemaker-xgboost-container#122: "accept is not specified in the header (occurs during batch transform)"."""
    (seen,) = service.run({"a": b"1\n"}, "describe").requests()
    assert "accept" not in seen["headers"]


def test_a_request_names_its_object(service: Service) -> None:
    """amazon-sagemaker-examples, inference_pipeline_custom_containers, cell 24: the headers that a real job sent."""
    (seen,) = service.run({"a": b"1\n"}, "describe").requests()
    name = seen["headers"]["x-amzn-sagemaker-input-object"]
    assert name.endswith("/a")
    assert base64.b64decode(seen["headers"]["x-amzn-sagemaker-input-object-base64"]).decode() == name
    assert seen["headers"]["accept-encoding"] == "gzip"


def test_headers_are_passed_on(service: Service) -> None:
    """Content-Type is ContentType, Accept is Accept (botocore, TransformInput and TransformOutput)."""
    kinds = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "application/json"}
    (seen,) = service.run({"a": b"1\n"}, "describe", **kinds).requests()
    assert (seen["headers"]["content-type"], seen["headers"]["accept"]) == ("text/csv", "application/json")


def test_only_what_the_request_sets_is_in_the_environment(service: Service) -> None:
    """SAGEMAKER_BATCH always; the others "if the user set them" (developer guide, your-algorithms-batch-code)."""
    (seen,) = service.run({"a": b"1\n"}, "describe", MaxPayloadInMB=7).requests()
    named = {name: value for name, value in seen["environment"].items() if name.startswith("SAGEMAKER_")}
    named.pop("SAGEMAKER_BIND_TO_PORT", None)
    assert named == {"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "7"}


def test_the_request_wins_over_the_container_and_that_over_the_default(service: Service) -> None:
    """Precedence request, /execution-parameters, default; one data-log line tells (developer guide; EX-pytorch)."""
    given = '{"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}'
    ran = service.run({"a": b"1\n2\n"}, MaxPayloadInMB=5, Environment__MIRROR_PARAMETERS=given)
    ((line,),) = ran.data_log.values()
    assert line.endswith("MaxConcurrentTransforms=8, MaxPayloadInMB=5, BatchStrategy=SINGLE_RECORD")
