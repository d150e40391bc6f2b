"""How a run ended in one sentence, and what to do next, at the head of its page."""

from __future__ import annotations

from batch_transform.core.publishing.last_words import next_steps, sentence
from batch_transform.core.report_keys import RunReport
from batch_transform.core.report_page.markup import Html, joined, listed, paragraph, sentence_of, shown
from batch_transform.core.statuses import RunStatus


def verdict(report: RunReport) -> Html:
    """Returns the box at the head of the page."""
    errors = report.get("error", [])
    steps = [_step(step) for step in next_steps(report)]
    is_good = report["status"] == RunStatus.PUBLISHED
    inner = [
        paragraph(sentence(report)),
        *([Html("<p><strong>Error</strong></p>"), listed(map(sentence_of, errors))] if errors else []),
        *([Html("<p><strong>What to do next</strong></p>"), listed(steps)] if steps else []),
    ]
    name = " good" if is_good else ""
    return Html(f'<div class="verdict{name}" data-status="{shown(report["status"])}">{joined(inner)}</div>')


def _step(step: str) -> Html:
    """A step; its command is a block of its own, of which a person takes all."""
    words, _, command = step.partition(": ")
    if not words.startswith("To ") or not command or command.startswith("the same call"):
        return sentence_of(step)
    return Html(f'{shown(words)}: <code class="command">{shown(command)}</code>')
