"""What botocore's model of the API says of requests."""

from __future__ import annotations

import botocore.session

SERVICE = botocore.session.get_session().get_service_model("sagemaker")
CREATE = SERVICE.operation_model("CreateTransformJob").input_shape
