"""What publishing will do to the output, in words. Pure."""

from __future__ import annotations

from batch_transform.core.run_settings import OutputSettings


def output_fate(output: OutputSettings | None, *, is_there: bool | None) -> str:
    """Returns what becomes of the output.

    Args:
        output: that section; None: the result stays in the run's own folder.
        is_there: whether something is there already; None: that could not be looked at.
    """
    if output is None:
        return "output: the result stays in the run's own folder"
    place = output.table or output.path or ""
    by = f", in folders by {', '.join(output.partition_by)}" if output.partition_by else ""
    named = f"output: {place} ({output.format})"
    if is_there is None:
        return f"{named}: mode {output.mode}{by}; whether it is there already could not be looked at"
    if not is_there:
        return f"{named}: is created{by}"
    if output.mode == "error":
        return f"{named}: is there already, and the run is refused: set output.mode, or name another output"
    if output.mode == "append":
        return f"{named}: is appended to{by}"
    if output.mode == "overwrite_partitions":
        return f"{named}: its partitions that get rows are replaced{by}"
    if output.replace_where:
        return f"{named}: its rows are replaced where {output.replace_where}"
    return f"{named}: all of it is replaced{by}"
