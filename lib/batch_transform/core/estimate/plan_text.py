"""A plan as lines for a person: the work, what it costs, and what becomes of the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_transform.core.amounts import counted, dollars, time_range, verb
from batch_transform.core.estimate.earlier_jobs import GIVEN, GUESSED, MEASURED
from batch_transform.core.estimate.outlook import Outlook
from batch_transform.core.estimate.plan_keys import RunPlan
from batch_transform.core.run_settings import OutputSettings
from batch_transform.core.sending.instances import no_price
from batch_transform.core.text_table import text_table

_MB = 1e6


def plan_lines(plan: RunPlan) -> Iterator[str]:
    """Yields the lines of a plan (run_plan.run_plan): what there is, the jobs, and what instances and requests buy."""
    about = "about " if plan["estimated"] else ""
    yield (
        f"{about}{counted(plan['rows_in'], 'row')}, {plan['bytes'] / _MB:,.1f} MB of records, "
        f"the largest {counted(plan['largest_record_bytes'], 'byte')}"
    )
    if plan["estimated"]:
        yield f"estimated: {plan['estimated']}"
    if over := plan["rows_over_the_limit"]:
        are = verb(over, "is", "are")
        yield f"{counted(over, 'row')} {are} over the service's largest payload, 100 MB: dead letters"
    before, after = plan["input_partitions"], plan["staged_partitions"]
    shuffle = (
        f"repartitioned into {after:,}: {plan['repartitioned']}" if plan["repartitioned"] else "staged as they are"
    )
    yield f"{counted(before, 'partition')} with rows, {shuffle}; objects of up to {plan['object_bytes'] / _MB:,.1f} MB"
    yield from text_table(
        ["lane", "rows", "largest", "payload MB", "at once", "objects", "requests"],
        [
            [
                job["lane"],
                f"{job['rows']:,}",
                f"{job['largest']:,}",
                _or_model(job["max_payload_mb"]),
                _or_model(job["max_concurrent_transforms"]),
                f"~{job['objects']:,}",
                f"~{job['requests']:,}",
            ]
            for job in plan["jobs"]
        ],
        is_right=True,
    )
    if plan["instances"]:
        yield _taken(plan)
    yield from text_table(
        ["instances", "objects", "each", "in flight", "in turn", "jobs", "minutes", "paid", "busy"],
        [
            [
                f"{step['instance_count']}{'*' if step['configured'] else ''}",
                f"~{step['objects']:,}",
                f"{step['objects_per_instance']:,}",
                _or_model(step["requests_at_once"]),
                _or_model(step["requests_in_turn"]),
                f"{step['jobs']:,}",
                f"{step['elapsed_seconds'] / 60:,.1f}",
                f"{step['paid_seconds'] / 60:,.1f}",
                f"{step['busy_seconds'] / 60:,.1f}",
            ]
            for step in plan["instances"]
        ],
        is_right=True,
    )
    yield from text_table(
        ["at once", "payload MB", "largest fits", "in flight", "in turn"],
        [
            [
                f"{step['max_concurrent_transforms']}{'*' if step['planned'] else ''}",
                _or_model(step["max_payload_mb"]),
                "yes" if step["largest_record_fits"] else "no",
                _or_model(step["requests_at_once"]),
                _or_model(step["requests_in_turn"]),
            ]
            for step in plan["concurrency"]
        ],
        is_right=True,
    )


def _taken(plan: RunPlan) -> str:
    told = plan["outlook"]
    known = {GUESSED: "is guessed", GIVEN: "is taken", MEASURED: "was measured"}[told["speed"]]
    source = "" if told["speed"] == GUESSED else f": {told['speed_from']}"  # a guess is told with the range it makes
    return (
        f"spread: {plan['spread']}; an instance {known} to start in {told['instance_start_seconds']:g} s and to work "
        f"through {told['instance_mb_per_second']:g} MB/s{source}"
    )


def money_lines(told: Outlook, instance_types: Sequence[str], region: str | None) -> Iterator[str]:
    """Yields what a run is expected to take and to cost, the last lines of a plan.

    Args:
        told: that.
        instance_types: of the run.
        region: where jobs run; None: in an emulator.
    """
    yield from told["advice"]
    if not told["instance_hours"][1]:
        return
    hours = "{:,.2f} to {:,.2f} instance-hours".format(*told["instance_hours"])
    minutes = f"{time_range(*told['elapsed_seconds'])} of jobs"
    why = f"; so far apart because the speed is guessed: {told['speed_from']}" if told["speed"] == GUESSED else ""
    if told["cost_usd"] is None:
        yield f"{minutes}, {hours}; {no_price(instance_types, region)}{why}"
        return
    least, most = map(dollars, told["cost_usd"])
    where = "" if region else "on AWS "
    yield f"{minutes}, {hours}, {where}{least} to {most} at ${told['price_per_hour']:g} an hour{why}"


def _or_model(value: int | None) -> str:
    return "model" if value is None else f"{value:,}"


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
