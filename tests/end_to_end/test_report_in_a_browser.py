"""The report page in a real browser: its numbers are the report's, nothing is cut off, and axe finds nothing wrong.

It takes Chromium (Debian: `apt-get install chromium`) and axe-core (`npm install axe-core` in the folder that
AXE_CORE names, else in this one). Where either is not there it is skipped, with what to install.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.report_pages import gallery, value_at
from support.sampling import in_turn

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = Path(os.environ.get("AXE_CORE", Path.cwd())) / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    pytest.mark.skipif(not AXE.is_file(), reason=f"no {AXE}: npm install axe-core, and set AXE_CORE to its folder"),
]
RUNS = ("clean", "two-thousand-bad-rows", "failure-of-the-service", "in-steps")
WIDTHS = (400, 832, 1280, 1600)
LIGHT, DARK = 1, 0

# Runs within the page, whose own width it has, and leaves what it finds in the page around it.
LOOK = """
addEventListener('load', async () => {
  const wide = innerWidth, found = {};
  found.numbers = [...document.querySelectorAll('data[data-key]')].map(
    (d) => [d.dataset.key, Number(d.value), d.textContent]);
  found.outside = [...document.querySelectorAll('body *:not(title):not(desc)')].filter((e) => {
    const box = e.getBoundingClientRect();
    return !e.closest('thead, .patterns') && box.width && (box.right > wide + 1 || box.left < -1);
  }).map((e) => e.outerHTML.slice(0, 200));
  const texts = [...document.querySelectorAll('svg')].map((s) => [...s.querySelectorAll('text')]);
  found.overlapping = texts.flatMap((those) => those.flatMap((a, i) => those.slice(i + 1).filter((b) => {
    const x = a.getBoundingClientRect(), y = b.getBoundingClientRect();
    return x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 2 && y.top < x.bottom - 2;
  }).map((b) => a.textContent + ' | ' + b.textContent)));
  found.scrolls = document.documentElement.scrollWidth > wide + 1;
  const ground = getComputedStyle(document.body).backgroundColor;
  found.ground = ground;
  found.axe = (await axe.run()).violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map(
    (v) => [v.id, v.nodes.map((n) => n.html + ' ' + n.failureSummary)]);
  const out = parent.document.createElement('pre');
  out.id = 'found-' + wide;
  out.textContent = JSON.stringify(found);
  parent.document.body.append(out);
});
"""


@pytest.fixture(scope="module")
def pages():
    return gallery()


def looked_at(folder, page, scheme):
    """What a page shows at each width, everything unfolded."""
    script = f"<script>{AXE.read_text(encoding='utf-8')}</script><script>{LOOK}</script></body>"
    inner = html.escape(page.replace("<details>", "<details open>").replace("</body>", script))
    frames = "".join(f'<iframe style="width:{w}px;height:9000px;border:0" srcdoc="{inner}"></iframe>' for w in WIDTHS)
    around = folder / "around.html"
    around.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}</body>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
    options += [f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=60000", "--dump-dom"]
    done = subprocess.run(
        [str(CHROMIUM), *options, around.as_uri()], capture_output=True, text=True, timeout=300, check=True
    )
    found = re.findall(r'<pre id="found-(\d+)">(.*?)</pre>', done.stdout, re.DOTALL)
    return {int(width): json.loads(html.unescape(text)) for width, text in found}


@pytest.mark.parametrize(("run", "look"), in_turn(RUNS, [(LIGHT, "rgb(255, 255, 255)"), (DARK, "rgb(18, 23, 29)")]))
def test_a_page_shows_the_report_s_numbers_and_nothing_is_cut_off_or_inaccessible(tmp_path, pages, run, look):
    scheme, ground = look
    written = pages[run]
    found = looked_at(tmp_path, written.page, scheme)
    assert set(found) == set(WIDTHS)
    for width, seen in found.items():
        assert seen["ground"] == ground
        assert len(seen["numbers"]) > 10
        for key, value, text in seen["numbers"]:
            assert value == value_at(written.report, key), key
            assert float(text.lstrip("$").replace(",", "")) == pytest.approx(value, abs=0.05), key
        assert (width, seen["outside"], seen["overlapping"], seen["scrolls"]) == (width, [], [], False)
        assert seen["axe"] == []
