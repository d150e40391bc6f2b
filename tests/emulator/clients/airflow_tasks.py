"""Runs in Airflow's own environment: the operator creates the job of argv[1] (JSON), the sensor waits for it."""

import json
import sys
import time

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTransformOperator
from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerTransformSensor

config = json.loads(sys.argv[1])
WHERE = {"aws_conn_id": None, "region_name": "us-west-2"}

operator = SageMakerTransformOperator(task_id="score", config=config, wait_for_completion=False, **WHERE)
created = operator.execute({})
sensor = SageMakerTransformSensor(task_id="wait", job_name=config["TransformJobName"], **WHERE)
end = time.monotonic() + 60
while not sensor.poke({}):
    if time.monotonic() > end:
        sys.exit("the sensor never saw the end")
    time.sleep(0.2)
print(json.dumps({"created": created["Transform"]["TransformJobName"], "sensed": True}))
