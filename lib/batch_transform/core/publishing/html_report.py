"""The report as a page: numbers, jobs, and a timeline. Pure; no row data and nothing from another host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from batch_transform.core.escaping import one_line
from batch_transform.core.ledger import StepKind
from batch_transform.core.report_keys import FailedClass, FailureExample, JobReport, RunReport
from batch_transform.core.run_state import RunState

_STEPS = {
    StepKind.STAGED: "stage",
    StepKind.EXPORTED: "export",
    StepKind.PLANNED: "plan",
    StepKind.JOB_CREATED: "create",
    StepKind.JOB_ENDED: "score",
    StepKind.JOB_JUDGED: "reconcile",
    StepKind.GATED: "gate",
    StepKind.PUBLICATION: "merge",
    StepKind.PUBLISHED: "publish",
}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem} h2{font-size:1.05rem;margin-top:2rem} p.sub{color:#5b6875;margin-top:0}
.cards{display:flex;gap:.8rem;flex-wrap:wrap}.card{background:#f3f6f9;border-radius:.5rem;padding:.7rem 1.1rem}
.card b{display:block;font-size:1.4rem}.card span{color:#5b6875}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e3e8ed}
td.n,th.n{text-align:right}.bar{background:#2f6fb2;height:.9rem;border-radius:.2rem;min-width:2px}
.track{background:#f3f6f9;border-radius:.2rem}td.t{width:55%}
"""


def render(report: RunReport, state: RunState) -> str:
    """Returns the HTML page of a run's report."""
    cards = [
        ("rows in", report["rows_in"]),
        ("scored", report["rows_scored"]),
        ("dead letters", report["rows_dead_letter"]),
        ("rounds", report["rounds"]),
    ]
    seconds = report["instance_seconds"]
    paid = f"{seconds['paid']:,.0f} instance-seconds were paid"
    if seconds["busy"] is not None:
        paid += f", of which instances waited {seconds['paid'] - seconds['busy']:,.0f} for the last one of their job"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_shown(str(report['run_id']))}</title>"
        f"<style>{_STYLE}</style><h1>{_shown(str(report['run_id']))}</h1>"
        f"<p class=sub>{_shown(state.settings.model_name)} &rarr; {_shown(_target(state))}, begun "
        f"{_shown(state.opened_at[:19])} UTC</p>"
        f"<div class=cards>{''.join(_card(label, number) for label, number in cards)}</div>"
        f"{_errors(report['errors'], report['advice'])}"
        f"<h2>Timeline</h2>{_timeline(report['seconds_by_step'])}<h2>Jobs</h2><p>{paid}</p>{_jobs(report['jobs'])}</html>"
    )


def _shown(text: str) -> str:
    return escape(one_line(text))


def _target(state: RunState) -> str:
    output = state.settings.output
    return (output and (output.table or output.path)) or "the workspace"


def _card(label: str, value: int | None) -> str:
    text = "-" if value is None else f"{value:,}"
    return f"<div class=card><b>{text}</b><span>{label}</span></div>"


def _errors(errors: Sequence[FailedClass], advice: Sequence[str]) -> str:
    """What failed, by class, and what to change; nothing where nothing failed."""
    if not errors and not advice:
        return ""
    rows = [
        f"<tr><td>{_shown(entry['class'])}<td class=n>{entry['rows']:,}<td>{_shown(entry['examples'][0]['message'])}"
        f"<td>{'<br>'.join(_place(example) for example in entry['examples'])}"
        for entry in errors
    ]
    head = "<tr><th>class<th class=n>rows<th>message<th>examples"
    table = f"<table>{head}{''.join(rows)}</table>" if rows else ""
    return f"<h2>Errors</h2>{table}{''.join(f'<p>{_shown(words)}</p>' for words in advice)}"


def _place(example: FailureExample) -> str:
    if example["object"] is None:
        return "not sent"
    return f"line {example['line']} of {_shown(example['object'])}"


def _timeline(seconds_by_step: Mapping[str, float]) -> str:
    """Steps one under the other, each bar beginning where the one before ended."""
    total = sum(seconds_by_step.values()) or 1.0
    rows, begun = [], 0.0
    for kind, label in _STEPS.items():
        seconds = seconds_by_step.get(kind, 0.0)
        left, width = 100 * begun / total, 100 * seconds / total
        bar = f"<div class=track><div class=bar style='margin-left:{left:.2f}%;width:{width:.2f}%'></div></div>"
        rows.append(f"<tr><td>{label}<td class=n>{seconds:.1f} s<td class=t>{bar}")
        begun += seconds
    return f"<table>{''.join(rows)}</table>"


def _jobs(jobs: Sequence[JobReport]) -> str:
    head = (
        "<tr><th>job<th class=n>round<th>lane<th>type<th class=n>objects<th>status<th class=n>payload MB"
        "<th class=n>concurrent"
    )
    rows = [
        f"<tr><td>{_shown(job['name'])}<td class=n>{job['round']}<td>{job['lane']}"
        f"<td>{_shown(job['instance_type'])}<td class=n>{job['objects']:,}"
        f"<td>{job['status'] or 'in flight'}"
        f"<td class=n>{job['max_payload_mb'] or 'model'}<td class=n>{job['max_concurrent_transforms'] or 'model'}"
        for job in jobs
    ]
    return f"<table>{head}{''.join(rows)}</table>" if rows else "<p>No job: there was no row to score.</p>"
