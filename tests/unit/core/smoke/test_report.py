"""The report of `smoke` has cost and switches, and nothing that tells whose account it was."""

from __future__ import annotations

import json

import pytest

from batch_transform.core.errors import ConfigurationError
from batch_transform.core.smoke import experiments as smoke
from batch_transform.core.smoke.artifact import archive, as_expected, row_objects
from batch_transform.core.smoke.findings import Findings, JobFound, Refusal
from batch_transform.core.smoke.images import image_of
from batch_transform.core.smoke.questions import QUESTIONS
from batch_transform.core.smoke.report import Circumstances, sentence, smoke_report
from batch_transform.core.statuses import JobStatus

ACCOUNT, BUCKET = "123456789012", "my-bucket"
OWN_IMAGE = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/own:1"


def reported(found, *, image=OWN_IMAGE, price=None, switches=("unknown_job_code", "duplicate_name_message")):
    where = Circumstances("eu-west-1", image, "ml.m5.large", price, {BUCKET: "<bucket>"})
    asked = [question for question in QUESTIONS if question.switch in switches]
    return smoke_report(asked, found, where, 61.04, [])


REFUSED = Findings(
    {},
    {
        smoke.UNKNOWN: Refusal("ResourceNotFound", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:a of s3://{BUCKET}/b"),
        smoke.DUPLICATE: Refusal(
            "ResourceInUse", f"there is arn:aws:sagemaker:eu-west-1:{ACCOUNT}:transform-job/a-1 {{already}}"
        ),
    },
)


def test_neither_account_nor_bucket_is_in_it():
    report = reported(REFUSED)
    text = json.dumps(report)
    assert ACCOUNT not in text
    assert BUCKET not in text
    assert report["image"] == "<account>.dkr.ecr.eu-west-1.amazonaws.com/own:1"
    assert report["switches"][0]["evidence"][0].endswith("arn:aws:sagemaker:eu-west-1:<account>:a of s3://<bucket>/b")


def test_awss_own_image_is_in_it_as_it_is():
    assert reported(REFUSED, image=image_of("us-east-1"))["image"] == image_of("us-east-1")


def test_what_is_not_the_emulators_default_is_what_it_is_started_with():
    assert reported(REFUSED)["emulator"] == [
        "unknown_job_code=ResourceNotFound",
        "duplicate_name_message=there is {arn} {already}",
    ]


def test_each_instance_of_each_job_is_paid_for_from_start_to_end():
    jobs = [
        JobFound("a", "b", "c", JobStatus.COMPLETED, created=0.0, started=100.0, ended=1900.0, instances=2),
        JobFound("b", "b", "c", None, reason="refused"),
    ]
    report = reported(Findings({each.name: each for each in jobs}, {}), price=0.5)
    assert (report["paid_instance_seconds"], report["cost_usd"], report["seconds"]) == (3600.0, 0.5, 61.0)
    assert [each["status"] for each in report["jobs"]] == ["Completed", "not created refused"]
    assert reported(Findings({}, {}))["cost_usd"] is None


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        ("unknown_job_code", "unknown_job_code: ResourceNotFound, not ValidationException"),
        ("bytes_per_mb", "bytes_per_mb: not told: payload: its job was not created"),
    ],
)
def test_a_person_is_told_of_a_switch_in_a_line(switch, said):
    (found,) = reported(REFUSED, switches=(switch,))["switches"]
    assert sentence(found) == said


def test_rows_count_that_are_where_they_belong():
    answers = [b'{"p": 0.125}', b"{}", b"no", b'{"p": null}']
    assert as_expected(answers) == 1
    assert sum(body.count(b"\n") for body in row_objects().values()) == 1000


def test_the_artifact_is_tiny():
    assert len(archive()) < 20_000


@pytest.mark.parametrize(
    ("region", "image"),
    [
        ("us-west-2", "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"),
        ("cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.2-1-cpu-py3"),
    ],
)
def test_the_image_is_that_of_the_region(region, image):
    assert image_of(region) == image


def test_a_region_without_one_is_refused():
    with pytest.raises(ConfigurationError, match="is known for mars-1; name one with --image"):
        image_of("mars-1")
