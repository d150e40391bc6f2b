"""CreateModel and ListModels, as clients that make a model for each run use them."""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.emulator_aws import Aws

ROLE = "arn:aws:iam::123456789012:role/model"
LONG_AGO, IN_TIME = datetime(2000, 1, 1, tzinfo=timezone.utc), datetime(2100, 1, 1, tzinfo=timezone.utc)


def create(aws: Aws, name: str, image: str = "scripted") -> str:
    made: str = aws.sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": image}, ExecutionRoleArn=ROLE)[
        "ModelArn"
    ]
    return made


def test_a_name_is_given_to_one_model(aws: Aws, name: str) -> None:
    """In the service's words (FACTS.md, 1): the SageMaker SDK goes on with the model that is there."""
    arn = create(aws, name)
    with pytest.raises(ClientError) as refused:
        create(aws, name, "another")
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        f'Cannot create already existing model "{arn}".',
    )
    assert aws.sagemaker.describe_model(ModelName=name)["PrimaryContainer"] == {"Image": "scripted"}
    aws.sagemaker.delete_model(ModelName=name)
    assert create(aws, name, "another") == arn


def test_a_served_model_may_be_created_by_a_client_once(make_aws: Callable[..., Aws]) -> None:
    """A model of the command line is there before anybody has created it, and may be created."""
    aws = make_aws(region="eu-west-3")
    create(aws, "scripted")
    with pytest.raises(ClientError, match="already existing"):
        create(aws, "scripted")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["c", "b", "a"]),
        ({"SortBy": "Name"}, ["c", "b", "a"]),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["a", "b", "c"]),
        ({"SortOrder": "Ascending"}, ["a", "b", "c"]),
        ({"MaxResults": 2}, ["c", "b"]),
        ({"CreationTimeAfter": IN_TIME}, []),
        ({"CreationTimeBefore": LONG_AGO}, []),
        ({"CreationTimeAfter": LONG_AGO, "CreationTimeBefore": IN_TIME}, ["c", "b", "a"]),
    ],
)
def test_models_are_listed_as_they_are_asked_for(
    aws: Aws, name: str, query: dict[str, Any], expected: list[str]
) -> None:
    """botocore, ListModels: latest first, unless the query says otherwise; moto gave all of them to whoever asked."""
    for letter in "abc":
        create(aws, f"{name}-{letter}")
    found = aws.sagemaker.list_models(NameContains=f"{name}-", **query)
    assert [each["ModelName"].removeprefix(f"{name}-") for each in found["Models"]] == expected
    assert ("NextToken" in found) == ("MaxResults" in query)


def test_models_are_listed_by_pages(aws: Aws, name: str) -> None:
    """Ten at a time unless MaxResults says otherwise, each once."""
    names = [f"{name}-{number:02d}" for number in range(12)]
    for each in names:
        create(aws, each)
    pages = list(aws.sagemaker.get_paginator("list_models").paginate(NameContains=f"{name}-"))
    assert [len(page["Models"]) for page in pages] == [10, 2]
    assert [model["ModelName"] for page in pages for model in page["Models"]] == names[::-1]
    for wrong in ({"NextToken": "x"}, {"NameContains": "a_b"}):
        with pytest.raises(ClientError, match="ValidationException"):
            aws.sagemaker.list_models(**wrong)
