"""A model server that answers as SageMaker's built-in PCA does: one JSON document for a whole mini-batch of CSV lines.

Run it with `python -m transform_emulator.examples.pca`. It is fitted on the movies when it starts. The document
is `{"projections": [{"projection": [0.1, ...]}, ...]}` ("PCA Response Formats", developer guide), in the lines' order.
"""

import json
from typing import Any

from transform_emulator.examples.movies import Matrix, matrix, table
from transform_emulator.examples.server import serve

COMPONENTS = 3


def fit(rows: Matrix, components: int = COMPONENTS) -> Any:
    """Returns scikit-learn's PCA of the rows; the same each time, as the full decomposition has no random start."""
    from sklearn.decomposition import PCA

    return PCA(n_components=components, svd_solver="full").fit(rows)


def answer(model: Any, rows: Matrix) -> str:
    """Returns the document with one projection for each row.

    Raises:
        ValueError: The rows have another number of columns than those that the model was fitted on.
    """
    projections = model.transform(rows).tolist() if rows.size else []
    return json.dumps({"projections": [{"projection": projection} for projection in projections]})


if __name__ == "__main__":
    serve(lambda: fit(matrix(table())), answer)
