"""pandas in one process: file by file, chunk by chunk, rendered by orjson."""

from __future__ import annotations

from pathlib import Path

import orjson
import pandas as pd

from benchmarks.peers.input_tables import PREDICTION
from benchmarks.peers.posting import answer_to, arguments, predictions, working


def main() -> None:
    """Scores the table."""
    asked = arguments(__doc__).parse_args()
    output = Path(asked.output)
    output.mkdir()
    options = orjson.OPT_SERIALIZE_NUMPY  # arrays within a column
    with working(f"pandas {pd.__version__}: one process, a file and chunks of {asked.batch_rows} rows at a time"):
        for path in sorted(Path(asked.input).glob("*.parquet")):
            df = pd.read_parquet(path)
            found = []
            for start in range(0, len(df), asked.batch_rows):
                records = df.iloc[start : start + asked.batch_rows].to_dict("records")
                body = b"\n".join([orjson.dumps(record, option=options) for record in records])
                found.append(predictions(answer_to(asked.url, body), len(records)).to_pandas())
            df[PREDICTION] = pd.concat(found, ignore_index=True)
            df.to_parquet(output / path.name, index=False)


if __name__ == "__main__":
    main()
