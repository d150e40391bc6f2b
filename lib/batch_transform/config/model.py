"""The section `model`: what scores the rows."""

from __future__ import annotations

from batch_transform.config.sections import Section
from batch_transform.config.values import ModelName, NotBuilt


class Model(Section):
    """The SageMaker model, by its name."""

    name: ModelName
    image: NotBuilt = None
    data_url: NotBuilt = None
    role_arn: NotBuilt = None
    environment: NotBuilt = None
