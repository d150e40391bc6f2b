"""A plan as lines for a person: the work, what it costs, and what becomes of the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_transform.core.amounts import between, counted, dollars, size, time_range, verb
from batch_transform.core.estimate.earlier_jobs import GIVEN, GUESSED, MEASURED
from batch_transform.core.estimate.outlook import Outlook
from batch_transform.core.estimate.plan_keys import RunPlan
from batch_transform.core.estimate.plan_tables import concurrency_lines, instance_lines, lane_lines
from batch_transform.core.run_settings import INSTANCES, JOBS, OutputSettings
from batch_transform.core.sending.instances import SECONDS_PER_HOUR, no_price

_LEAST_HOURS = 0.005
# transform.spread in words.
_SPREAD: dict[str, str] = {JOBS: "a job for each instance", INSTANCES: "all instances in one job"}


def plan_lines(plan: RunPlan) -> Iterator[str]:
    """Yields the lines of a plan (run_plan.run_plan): what there is, the jobs, and what instances and requests buy."""
    about = "about " if plan["estimated"] else ""
    yield (
        f"{about}{counted(plan['rows_in'], 'row')}, {size(plan['bytes'])} of records, "
        f"the largest {counted(plan['largest_record_bytes'], 'byte')}"
    )
    if plan["estimated"]:
        yield f"estimated: {plan['estimated']}"
    if over := plan["rows_over_the_limit"]:
        are = verb(over, "is", "are")
        yield f"{counted(over, 'row')} {are} over the service's largest payload, 100 MB: dead letters"
    before, after = plan["input_partitions"], plan["staged_partitions"]
    as_is = f"staged as {verb(before, 'it is', 'they are')}"
    shuffle = f"{plan['repartitioned']}: repartitioned into {after:,}" if plan["repartitioned"] else as_is
    yield f"{counted(before, 'partition')} with rows, {shuffle}; objects of up to {size(plan['object_bytes'])}"
    yield from lane_lines(plan["jobs"])
    if plan["instances"]:
        yield _taken(plan)
    yield from instance_lines(plan["instances"], plan["outlook"]["price_per_hour"], plan["spread"])
    yield from concurrency_lines(plan["concurrency"])


def _taken(plan: RunPlan) -> str:
    told = plan["outlook"]
    known = {GUESSED: "is guessed", GIVEN: "is taken", MEASURED: "was measured"}[told["speed"]]
    source = "" if told["speed"] == GUESSED else f": {told['speed_from']}"  # a guess is told with the range it makes
    return (
        f"{_SPREAD[plan['spread']]}; an instance {known} to start in {told['instance_start_seconds']:g} s and to work "
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
    hours = _paid(told["instance_hours"])
    minutes = f"{time_range(*told['elapsed_seconds'])} of jobs"
    why = f" (a guess: {told['speed_from']})" if told["speed"] == GUESSED else ""
    if told["cost_usd"] is None:
        yield f"{minutes}, {hours}; {no_price(instance_types, region)}{why}"
        return
    amounts = between(*map(dollars, told["cost_usd"]))
    whose = "" if region else "AWS's "
    yield f"{minutes}, {hours}, {amounts} at {whose}${told['price_per_hour']:g} an hour{why}"


def _paid(hours: Sequence[float]) -> str:
    """A time of instances as a person says it: of less than an hour in minutes and seconds."""
    if hours[1] < 1:
        return f"{time_range(*(each * SECONDS_PER_HOUR for each in hours))} of instances paid"
    said = [f"{each:,.2f}" if each >= _LEAST_HOURS else f"{each:.1g}" for each in hours]
    return f"{between(*said)} instance-hours"


def input_line(given: str, format: str | None, where: str | None) -> str:
    """Returns what is scored.

    Args:
        given: a location, a table, or a run whose dead letters are meant.
        format: of a location; None: of the others, which have their own.
        where: which rows of it; None: all.
    """
    return f"input: {given}{f' ({format})' if format else ''}{f', where {where}' if where else ''}"


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
