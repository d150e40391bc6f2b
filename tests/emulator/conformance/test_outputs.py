"""What jobs leave behind: outputs, statuses, logs. Each docstring quotes the rule and names its source."""

import json
import time

from support.conformance_service import Service

JSON = {"TransformInput__ContentType": "application/jsonlines", "TransformOutput__Accept": "application/jsonlines"}
CSV = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "text/csv"}


def test_one_output_for_each_input(service: Service) -> None:
    """ "one output per input ... `.out`" (developer guide); a sub-folder is kept "in a corresponding subfolder"."""
    ran = service.run({"a": b"1\n2\n", "x/b": b"3\n"})
    assert ran.outputs == {"a.out": b"1\n2\n", "x/b.out": b"3\n"}


def test_a_prefix_is_a_string(service: Service) -> None:
    """sagemaker-python-sdk#3557: prefix `test` also transformed `test_small_sample/`."""
    source = {"TransformInput__DataSource__S3DataSource__S3Uri": service.uri("in/test")}
    ran = service.run({"test/a": b"1\n", "test_more/b": b"2\n", "other": b"3\n"}, **source)
    assert len(ran.outputs) == 2


def test_a_manifest_chooses(service: Service) -> None:
    """`[{"prefix": ...}, "key", ...]` (botocore, S3Uri); local mode sends the manifest itself (sdk#826)."""
    manifest = json.dumps([{"prefix": service.uri("in/")}, "a", "c"]).encode()
    service.s3.put_object(Bucket=service.bucket, Key=f"{service.prefix}/m.json", Body=manifest)
    source = {"S3DataType": "ManifestFile", "S3Uri": service.uri("m.json")}
    files = {"a": b"1\n", "b": b"2\n", "c": b"3\n"}
    ran = service.run(files, TransformInput__DataSource__S3DataSource=source)
    assert ran.outputs == {"a.out": b"1\n", "c.out": b"3\n"}


def test_assemble_none_adds_nothing(service: Service) -> None:
    """huggingface/notebooks#187: "no line breaks between the json outputs"."""
    ran = service.run({"a": b"[1]\n[2]\n"}, TransformOutput__AssembleWith=None, BatchStrategy="SingleRecord")
    assert ran.outputs == {"a.out": b"[1][2]"}


def test_assemble_line_ends_each_response(service: Service) -> None:
    """A newline follows each mini-batch's response, not each record (huggingface/notebooks#227; SDK local mode)."""
    ran = service.run({"a": b"1\n2\n"}, "describe")
    assert ran.outputs["a.out"].count(b"\n") == 1


def test_a_failed_file_leaves_no_output_and_the_others_theirs(service: Service) -> None:
    """ "an .out file only if the transform job succeeds on the entire file"."""
    files = {"a": b"1\n", "b": b"1\n" * 50 + b"status=400\n", "c": b"3\n"}
    ran = service.run(files, BatchStrategy="SingleRecord")
    assert (ran.status, set(ran.outputs)) == ("Failed", {"a.out", "c.out"})


def test_case_4d_a_job_becomes_failed(service: Service) -> None:
    """Any failed file fails the job, with a FailureReason; local mode writes a 500's body as a prediction instead."""
    ran = service.run({"a": b"status=500\n"}, ModelClientConfig__InvocationsMaxRetries=0)
    assert ran.description["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert (ran.status, ran.outputs) == ("Failed", {})


def test_a_client_error_is_named_as_one(service: Service) -> None:
    """`ClientError: See job logs for more information` for a 4xx (Describe of real jobs)."""
    ran = service.run({"a": b"status=413\n"})
    assert ran.description["FailureReason"] == "ClientError: See job logs for more information"


def test_the_data_log_of_a_failed_file(service: Service) -> None:
    """amazon-sagemaker-examples#1620: headline, an empty line, `Message:`, then the response body line by line."""
    ran = service.run({"a": b"status=400\n"})
    assert ran.failure("a") == ["ClientError: 400", "", "Message:", "first", "second"]


def test_the_headline_of_a_server_error(service: Service) -> None:
    """amazon-sagemaker-examples#3948: `Bad HTTP status received from algorithm: 500`."""
    ran = service.run({"a": b"status=500\n"}, ModelClientConfig__InvocationsMaxRetries=0)
    assert ran.failure("a")[0] == "Bad HTTP status received from algorithm: 500"


def test_the_headline_of_a_timeout(service: Service) -> None:
    """`Model server did not respond to /invocations request within <N> seconds`, seen by a production system."""
    limits = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    ran = service.run({"a": b"1\n"}, ModelClientConfig=limits, Environment__MIRROR_SECONDS="3")
    assert ran.failure("a")[0].startswith("Model server did not respond to /invocations request within 1")


def test_a_hundred_files_use_both_instances(service: Service) -> None:
    """ "maps Amazon S3 objects to instances"; 100 files over two used both: two data-logs (EX-pytorch, cell 29)."""
    files = {f"{number:03}": b"1\n" for number in range(100)}
    ran = service.run(files, "describe", TransformResources__InstanceCount=2)
    assert (len(ran.outputs), len(ran.data_log)) == (100, 2)
    assert len({ran.requests(key)[0]["server"] for key in files}) == 2


def test_a_stopped_job_stores_nothing(service: Service) -> None:
    """ "When you stop a batch transform job ... doesn't store the job's output in Amazon S3" (botocore)."""
    slow = {"Environment__MIRROR_SECONDS": "2", "BatchStrategy": "SingleRecord"}
    body = service.request({"a": b"1\n" * 100}, **slow)
    service.sagemaker.create_transform_job(**body)
    time.sleep(service.poll_seconds)
    service.sagemaker.stop_transform_job(TransformJobName=body["TransformJobName"])
    ran = service.finished(body["TransformJobName"])
    assert (ran.status, ran.outputs) == ("Stopped", {})
    assert "FailureReason" not in ran.description


def test_describe_fills_in_so_much_and_no_more(service: Service) -> None:
    """EX-pytorch, cells 27 and 33: filters and "None"s are filled in; sizes that were not set are absent."""
    described = service.run({"a": b"1\n"}, TransformOutput__AssembleWith=None).description
    assert described["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert described["TransformOutput"]["AssembleWith"] == "None"
    assert not {"MaxPayloadInMB", "MaxConcurrentTransforms", "BatchStrategy"} & described.keys()


def test_an_input_filter_selects_what_the_model_gets(service: Service) -> None:
    """ "InputFilter ... a portion of the input data to pass to the algorithm" (DataProcessing)."""
    (seen,) = service.run(
        {"a": b'{"id": 1, "features": [2, 3]}\n'}, "describe", DataProcessing__InputFilter="$.features", **JSON
    ).requests()
    assert seen["body"] == "[2,3]\n"


def test_a_slice_reaches_its_end(service: Service) -> None:
    """ "`$[1:4]` specifies the second through fifth columns" (developer guide, batch-transform-data-processing)."""
    ran = service.run({"a": b"0,1,2,3,4,5\n"}, DataProcessing__InputFilter="$[1:4]", **CSV)
    assert ran.outputs == {"a.out": b"1,2,3,4\n"}


def test_a_joined_object_gets_an_attribute(service: Service) -> None:
    """ "adds the transformed data to the input JSON object in an attribute called SageMakerOutput" (DataProcessing).

    A notebook of AWS's shows it written anew, compact and with sorted keys.
    """
    changes = {"InputFilter": "$.x", "JoinSource": "Input"}
    ran = service.run({"a": b'{"x": [1],  "id": "k"}\n{"x": [2], "id": "l"}\n'}, DataProcessing=changes, **JSON)
    lines = [b'{"SageMakerOutput":[1],"id":"k","x":[1]}\n', b'{"SageMakerOutput":[2],"id":"l","x":[2]}\n']
    assert ran.outputs == {"a.out": b"".join(lines)}


def test_what_is_no_object_is_wrapped_for_a_join(service: Service) -> None:
    """ "If the input is not a key-value pair object" there are SageMakerInput and SageMakerOutput (DataProcessing)."""
    ran = service.run({"a": b"[1, 2]\n"}, DataProcessing__JoinSource="Input", **JSON)
    assert ran.outputs == {"a.out": b'{"SageMakerInput":[1,2],"SageMakerOutput":[1,2]}\n'}


def test_joined_csv_has_the_prediction_at_the_end(service: Service) -> None:
    """ "if the record is [1,2,3], and the label result is [1], then ... [1,2,3,1]" (developer guide)."""
    changes = {"InputFilter": "$[0]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    ran = service.run({"a": b"7,2,3\n8,5,6\n"}, DataProcessing=changes, **CSV)
    assert ran.outputs == {"a.out": b"7,7\n8,8\n"}


def test_an_output_filter_selects_attributes(service: Service) -> None:
    """The developer guide's last example: OutputFilter `$['id','SageMakerOutput']`."""
    changes = {"JoinSource": "Input", "InputFilter": "$.x", "OutputFilter": "$['id','SageMakerOutput']"}
    ran = service.run({"a": b'{"x": 1, "id": "k", "y": 0}\n'}, DataProcessing=changes, **JSON)
    assert ran.outputs == {"a.out": b'{"SageMakerOutput":1,"id":"k"}\n'}


def test_two_ranges_are_refused_in_the_data_log(service: Service) -> None:
    """sagemaker-python-sdk#1112: `Invalid JsonPath: ...: only single range filters of format (eg: [1:5]) ...`."""
    ran = service.run({"a": b"1,2,3\n"}, DataProcessing__OutputFilter="$[0:1,2:]", **CSV)
    assert ran.status == "Failed"
    assert ran.failure("a")[0] == (
        "Invalid JsonPath: $[0:1,2:]: only single range filters of format (eg: [1:5]) are supported. "
        "Format [0:1,2:] is not supported"
    )


def test_an_index_that_is_not_there_is_an_error(service: Service) -> None:
    """ "If you specify indexes that aren't within the dimension size ..., you get an error" (OutputFilter)."""
    assert service.run({"a": b"1,2\n"}, DataProcessing__OutputFilter="$[5]", **CSV).status == "Failed"
