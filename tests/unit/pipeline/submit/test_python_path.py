"""Where Python looks for Spark's modules."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from batch_transform.pipeline.submit.python_path import package_first

ZIP, PY4J = "/site/pyspark/python/lib/pyspark.zip", "/site/pyspark/python/lib/py4j-0.10.9.9-src.zip"
THEIRS, SITE = "/theirs/pyspark/__init__.py", "/site/pyspark/__init__.py"


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        (["/jobs", ZIP, PY4J, "/lib", "/site"], {SITE}, ["/jobs", PY4J, "/lib", "/site", ZIP]),
        (["/jobs", ZIP, "/site"], set(), None),  # what is there is no package
        (["/jobs", ZIP], {SITE}, None),  # nor would it be found
        (["/opt/spark/python/lib/pyspark.zip", "/site"], {SITE}, None),  # another Spark's
        ([ZIP, "/theirs", "/site"], {SITE, THEIRS}, None),  # another Spark's would be found instead
        ([ZIP, "/site", "/theirs"], {SITE, THEIRS}, ["/site", "/theirs", ZIP]),
        ([], set(), None),
    ],
)
def test_the_zip_of_an_installed_spark_comes_last(path, files, expected):
    assert package_first(path, files.__contains__) == (path if expected is None else expected)


def test_the_package_is_imported_and_what_only_the_zip_has_is_found(tmp_path):
    home = tmp_path / "pyspark"
    (home / "python" / "lib").mkdir(parents=True)
    (home / "__init__.py").write_text("")
    with zipfile.ZipFile(home / "python" / "lib" / "pyspark.zip", "w") as zipped:
        zipped.writestr("pyspark/__init__.py", "")
        zipped.writestr("only_here.py", "")
    script = (
        "import sys; from batch_transform.pipeline.submit.python_path import package_first; "
        "sys.path[:] = package_first(sys.path); import only_here, pyspark; print(pyspark.__file__)"
    )
    path = [str(home / "python" / "lib" / "pyspark.zip"), str(tmp_path), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(home / "__init__.py")
