"""The words of failing files, without any I/O."""

from datetime import datetime, timezone

from transform_emulator.data_plane import data_log
from transform_emulator.data_plane.inputs import InputObject

NOW = datetime(2020, 10, 14, 4, 8, 19, 666_999, tzinfo=timezone.utc)
ITEM = InputObject("bucket", "path/model.tar.gz", "model.tar.gz")


def test_a_failed_file_has_the_lines_of_a_real_log() -> None:
    """amazon-sagemaker-examples#1620: headline, an empty line, `Message:`, then the response body line by line."""
    lines = data_log.failure_lines(NOW, ITEM, data_log.status_failure(400, b"first\nsecond"))
    prefix = "2020-10-14T04:08:19.666:[sagemaker logs]: bucket/path/model.tar.gz: "
    assert lines == [prefix + text for text in ("ClientError: 400", "", "Message:", "first", "second")]


def test_parameters_line() -> None:
    """The one line of an instance on which nothing fails (sm-batch_transform_pytorch.ipynb, cell 29)."""
    assert data_log.parameters_line(NOW, 1, 6, "MULTI_RECORD") == (
        "2020-10-14T04:08:19.666:[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, "
        "BatchStrategy=MULTI_RECORD"
    )


def test_a_4xx_is_the_clients_fault_and_a_5xx_the_algorithms() -> None:
    """FailureReason `ClientError: ...` for 4xx, `AlgorithmError: ...` for 5xx; headlines of sdk#1882, examples#3948."""
    client, algorithm = data_log.status_failure(413, b""), data_log.status_failure(500, b"")
    assert (client.headline, client.reason) == ("ClientError: 413", "ClientError: See job logs for more information")
    assert algorithm.headline == "Bad HTTP status received from algorithm: 500"
    assert algorithm.reason == "AlgorithmError: See job logs for more information"


def test_no_answer_has_no_message() -> None:
    """sagemaker-python-sdk#703: the headline stands alone, as there was no response."""
    assert len(data_log.failure_lines(NOW, ITEM, data_log.no_response_failure())) == 1
    assert data_log.timeout_failure(600).headline.startswith("Model server did not respond to /invocations request")


def test_bodies_that_are_not_text_are_logged_all_the_same() -> None:
    """CloudWatch holds text only; a container may answer anything."""
    assert data_log.failure_lines(NOW, ITEM, data_log.status_failure(400, b"\xff"))[-1].endswith(": \ufffd")
