"""Model servers that nobody here wrote, each in an environment of its own, score through the emulator."""

import json
import os
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.client_processes import environment, output_of
from support.emulator_aws import Aws, request
from support.venvs import TOOLKIT, Venv

HERE = Path(__file__).parent
START_SECONDS = 120
MLFLOW = ("mlflow==3.17.2", "scikit-learn==1.9.1")
# The first run installs what it tries.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]


def score(aws: Aws, job: str, files: dict[str, bytes], **changes: str) -> dict[str, bytes]:
    """The outputs of a job over CSV files."""
    for key, data in files.items():
        aws.s3.put_object(Bucket=job, Key=f"in/{key}", Body=data)
    body = request(job, job, ModelName="model", TransformInput__ContentType="text/csv", **changes)
    aws.sagemaker.create_transform_job(**body)
    described = aws.wait_until(job, seconds=START_SECONDS)
    assert described["TransformJobStatus"] == "Completed", [
        *aws.log_lines(job, data_log=True),
        *aws.log_lines(job, data_log=False)[-20:],
    ]
    return aws.outputs(job)


def shell(script: str, bin_folder: Path, **variables: str) -> str:
    """A model's command: a shell that becomes the server, with an environment's programs first on the path."""
    told = [f"{name}={value}" for name, value in variables.items()]
    return shlex.join(
        ["env", f"PATH={bin_folder}{os.pathsep}{os.environ['PATH']}", *told, "sh", "-c", f"exec {script}"]
    )


@pytest.mark.long
def test_mlflow(served: Callable[..., Aws], job: str, venv: Venv, tmp_path: Path) -> None:
    """MLflow's scoring server: a scikit-learn model over text/csv, a header in each object as MLflow demands."""
    binaries = venv("mlflow", *MLFLOW)
    model = tmp_path / "model"
    output_of([str(binaries / "python"), str(HERE / "mlflow_model.py"), str(model)], environment(served({})))
    serve = f'mlflow models serve -m {shlex.quote(str(model))} --env-manager local -p "$SAGEMAKER_BIND_TO_PORT"'
    aws = served({"model": shell(serve, binaries)})
    outputs = score(aws, job, {"a.csv": b"a,b\n1,1\n2,0\n"}, TransformInput__SplitType="None")
    assert json.loads(outputs["a.csv.out"])["predictions"] == pytest.approx([12, 4])


def test_the_sagemaker_inference_toolkit(served: Callable[..., Aws], job: str, venv: Venv, tmp_path: Path) -> None:
    """AWS's `sagemaker-inference` on its Multi Model Server (Java): line by line and in mini-batches."""
    binaries = venv("toolkit", *TOOLKIT)
    code = tmp_path / "model" / "code"
    code.mkdir(parents=True)
    shutil.copy(HERE / "toolkit_handler.py", code)
    serve = f"python {shlex.quote(str(HERE / 'toolkit_serve.py'))}"
    # It writes logs/ where it stands, unless told.
    folders = dict.fromkeys(("SAGEMAKER_BASE_DIR", "TEMP", "LOG_LOCATION", "METRICS_LOCATION"), str(tmp_path))
    aws = served({"model": shell(serve, binaries, **folders)})
    lines = {"a.csv": b"1,2\n3,4\n", "b.csv": b"5,6\n"}
    outputs = score(aws, job, lines, TransformOutput__Accept="text/csv", TransformOutput__AssembleWith="None")
    assert [float(value) for value in outputs["a.csv.out"].split()] == [30, 70]
    assert [float(value) for value in outputs["b.csv.out"].split()] == [110]
