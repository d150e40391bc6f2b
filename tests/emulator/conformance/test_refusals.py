"""What CreateTransformJob refuses. Each docstring quotes the rule and names its source."""

from support.conformance_service import Service


def test_an_unknown_model(service: Service) -> None:
    """deep-learning-containers#586: `Could not find model "arn:aws:sagemaker:<r>:<acct>:model/<name>".`"""
    code, text = service.refusal(ModelName="nobody")
    assert code == "ValidationException"
    assert text.startswith('Could not find model "arn:aws:sagemaker:')


def test_an_empty_prefix(service: Service) -> None:
    """amazon-sagemaker-examples#2414: `No S3 objects found under S3 URL "..." given in input data source. ...`"""
    uri = service.uri("nothing/")
    code, text = service.refusal(TransformInput__DataSource__S3DataSource__S3Uri=uri)
    assert code == "ValidationException"
    assert text.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that')


def test_a_name_is_taken_for_ever(service: Service) -> None:
    """ "unique within an ... Region in an ... account" (botocore); jobs cannot be deleted (ResourceInUse declared)."""
    job = service.run({"a": b"1\n"}).job
    assert service.refusal(TransformJobName=job)[0] == "ResourceInUse"


def test_the_product_of_payload_and_concurrency(service: Service) -> None:
    """ "The value of MaxPayloadInMB cannot be greater than 100 MB ... (MaxConcurrentTransforms * MaxPayloadInMB)"."""
    assert service.refusal(MaxPayloadInMB=34, MaxConcurrentTransforms=3)[0] == "ValidationException"


def test_a_long_filter(service: Service) -> None:
    """JSONPath of at most 63 characters (botocore, DataProcessing)."""
    kinds = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "text/csv"}
    assert service.refusal(DataProcessing__InputFilter="$." + "a" * 62, **kinds)[0] == "ValidationException"


def test_a_join_needs_accept_like_content_type(service: Service) -> None:
    """ "you must set both the Content Type and Accept parameters to one of the following values" (developer guide)."""
    kinds = {"TransformInput__ContentType": "text/csv", "TransformOutput__Accept": "application/json"}
    assert service.refusal(DataProcessing__JoinSource="Input", **kinds)[0] == "ValidationException"
