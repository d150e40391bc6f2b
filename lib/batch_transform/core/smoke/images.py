"""AWS's scikit-learn container, by region.

The accounts are those of sagemaker-python-sdk, `sagemaker-core/src/sagemaker/core/image_uri_config/sklearn.json`, for
inference with version 1.2-1, as of sagemaker-core 2.27.0.
"""

from __future__ import annotations

from batch_transform.core.aws_partitions import domain_of
from batch_transform.core.errors import ConfigurationError

TAG = "1.2-1-cpu-py3"
_REPOSITORY = "sagemaker-scikit-learn"
_ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


def image_of(region: str) -> str:
    """Returns the URI of the public image in a region.

    Raises:
        ConfigurationError: there is none that this version knows of.
    """
    account = _ACCOUNTS.get(region)
    if account is None:
        raise ConfigurationError(
            f"--image: no scikit-learn image of AWS's is known for {region}; name one with --image, or set AWS_REGION"
        )
    return f"{account}.dkr.ecr.{region}.{domain_of(region)}/{_REPOSITORY}:{TAG}"


def is_public(image: str) -> bool:
    """Returns whether an image is one of these, whose account is AWS's."""
    return image.partition(".")[0] in _ACCOUNTS.values() and f"/{_REPOSITORY}:" in image
