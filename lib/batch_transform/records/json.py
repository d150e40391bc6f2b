"""`json`: each record is a JSON document, which may be a request by itself."""

from __future__ import annotations

from batch_transform.core.framing import WHOLE
from batch_transform.records.jsonlines import JsonLines


class JsonDocuments(JsonLines):
    """The records of JSON Lines, of which no two may be one body."""

    name = "json"
    media_type = "application/json"
    suffix = "json"

    def is_one_row(self, split: str) -> bool:
        """Returns whether each row is an object, which it is unless the service cuts objects into lines."""
        return split == WHOLE

    def check_lines(self, strategy: str) -> None:
        """Refuses several records in one request."""
        if strategy != "SingleRecord":
            raise ValueError(
                "has strategy: MultiRecord, which sends several records as one body, and several JSON documents are no "
                "JSON document: set transform.strategy: SingleRecord, or record.format: jsonlines"
            )


FORMAT = JsonDocuments()
