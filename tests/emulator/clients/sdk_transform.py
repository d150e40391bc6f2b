"""Runs as a process of its own, as the SDK keeps one client for a process: Transformer, then TransformJob.wait."""

import json
import sys

from sagemaker.core.resources import TransformJob
from sagemaker.core.transformer import Transformer

name, data, output = sys.argv[1:]
transformer = Transformer(
    model_name="mirror",
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="SingleRecord",
    assemble_with="Line",
    output_path=output,
)
transformer.transform(data, split_type="Line", job_name=name, wait=True, logs=True)
job = TransformJob.get(name)
job.wait(poll=1, timeout=60, logs=True)
print(json.dumps({"status": job.transform_job_status}))
