"""The page as a whole."""

from __future__ import annotations

import json
from typing import Any

from batch_transform.core.amounts import noun
from batch_transform.core.report_page import outcomes
from batch_transform.core.report_page.charts import PATTERNS
from batch_transform.core.report_page.clock_times import clock_times
from batch_transform.core.report_page.console_links import folder_link
from batch_transform.core.report_page.expectations import expectations
from batch_transform.core.report_page.facts import PageFacts
from batch_transform.core.report_page.markup import Column, Html, folded, joined, number, section, shown, table
from batch_transform.core.report_page.predictions import predictions
from batch_transform.core.report_page.sizes import sizes
from batch_transform.core.report_page.style import STYLE
from batch_transform.core.report_page.timeline import timeline
from batch_transform.core.report_page.verdict import verdict
from batch_transform.core.run_state import RunState
from batch_transform.core.secret_values import is_sealed, sealed, with_texts
from batch_transform.core.source_identity import input_place
from batch_transform.core.uris import S3Uri

_MOST_CONFIGURATION = 20_000


def render(facts: PageFacts) -> str:
    """Returns the page of a run, wherever it stands."""
    report, state = facts.report, facts.state
    times = clock_times(facts.steps, state.jobs, facts.at)
    payloads = sorted({job["max_payload_mb"] for job in report["jobs"] if job["max_payload_mb"]})
    body = [
        PATTERNS,
        Html(f"<header><h1>{shown(report['run_id'])}</h1>{_under(state)}</header><main>"),
        verdict(report),
        _cards(facts),
        section("Timeline", timeline(times), _seconds(facts)),
        section("Errors", outcomes.errors(report["errors"], state.staged)),
        section("Rounds", outcomes.rounds(state)),
        section("Jobs", outcomes.jobs(facts)),
        section("Predictions", predictions(report.get("predictions", []), report.get("predictions_left_out", 0))),
        section("Expectations", expectations(report.get("expectations", []))),
        section("Plan and outcome", outcomes.plan_and_outcome(facts, times)),
        section("Sizes", sizes(facts.objects, report.get("record_sizes"), payloads)),
        section("Where it lies", _places(facts)),
        section("Configuration", _configuration(state)),
        section("Versions", _versions(facts)),
        Html("</main>"),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{shown(report['run_id'])}, {shown(report['status'])}</title><style>{STYLE}</style></head>"
        f"<body>{joined(body)}</body></html>"
    )


def _under(state: RunState) -> Html:
    output = state.settings.output
    target = (output and (output.table or output.path)) or "the workspace"
    words = f"{shown(state.settings.model_name)} &rarr; {shown(target)}, begun {shown(state.opened_at[:19])} UTC"
    return Html(f'<p class="sub">{words}</p>')


def _cards(facts: PageFacts) -> Html:
    report = facts.report
    rows, dead, rounds = report["rows_in"], report["rows_dead_letter"], report["rounds"]
    cards = [
        _card(f"{noun(rows or 0, 'row')} in", rows, "rows_in"),
        _card("scored", report["rows_scored"], "rows_scored"),
        _card(noun(dead or 0, "dead letter"), dead, "rows_dead_letter"),
        _card(noun(rounds, "round"), rounds, "rounds"),
    ]
    return Html(f'<dl class="cards">{joined(cards)}</dl>')


def _card(label: str, value: int | None, key: str) -> Html:
    return Html(f"<div><dt>{label}</dt><dd>{number(value, key)}</dd></div>")


def _seconds(facts: PageFacts) -> Html:
    """Each step's seconds as the report has them, of all drivers together."""
    found = facts.report["seconds_by_step"]
    columns = [Column("step of the ledger"), Column("seconds", True)]
    rows = [[kind, number(float(seconds), f"seconds_by_step.{kind}")] for kind, seconds in found.items()]
    return folded("Seconds by step", table("Seconds by step", columns, rows)) if rows else Html("")


def _places(facts: PageFacts) -> Html:
    report = facts.report
    named = [
        ("input", input_place(facts.state.config)),
        ("result", report["output"]),
        ("dead letters", report["dead_letter"]),
        ("workspace", report["workspace"]),
    ]
    rows = [[what, _linked(place, facts.region)] for what, place in named if place]
    return table("Places", [Column("what"), Column("where", is_wide=True)], rows)


def _linked(place: str, region: str | None) -> Html:
    if region is None or not place.startswith("s3://"):
        return shown(place)
    return Html(f'<a href="{shown(folder_link(region, S3Uri.parse(place)))}">{shown(place)}</a>')


def _configuration(state: RunState) -> Html:
    """The configuration as the ledger holds it, secrets sealed, also of a version that sealed none."""
    document = with_texts(sealed(state.config, state.nonce), lambda _, text: "<secret>" if is_sealed(text) else text)
    text = json.dumps(_said(document), indent=1, ensure_ascii=False)
    lines = [shown(line) for line in text[:_MOST_CONFIGURATION].split("\n")]
    more = "\n..." if len(text) > _MOST_CONFIGURATION else ""
    return folded("As the ledger holds it", Html(f"<pre>{joined(lines, chr(10))}{more}</pre>"))


# JSON itself, of any shape.
def _said(value: Any) -> Any:
    """A document without the keys that say nothing."""
    if isinstance(value, dict):
        found = {key: _said(inner) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner not in (None, {}, [])}
    return [_said(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _versions(facts: PageFacts) -> Html:
    rows = [list(each) for each in facts.versions]
    return (
        table("Versions of what made this page", [Column("what"), Column("version", is_wide=True)], rows)
        if rows
        else Html("")
    )
