"""How the page looks: light and dark as the reader has it, from 400 to 1,600 pixels, and on paper."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--panel:#f2f5f8;--line:#c9d2db;--ink:#1b2530;--soft:#48545f;--work:#1f5f9e;
--pale:#cfe0f1;--bad:#a3212e;--good:#1c6b3a;--link:#1a56a0}
@media (prefers-color-scheme:dark){:root{--ground:#12171d;--panel:#1c232b;--line:#3a4652;--ink:#e6ebf0;--soft:#b3bec9;
--work:#7fb5ef;--pale:#27405c;--bad:#ff9a9f;--good:#7fd39d;--link:#8fc0ff}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--ground);
margin:0 auto;padding:1.2rem 1rem 3rem;max-width:80rem;overflow-wrap:anywhere}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .2rem}
h2{font-size:1.15rem;margin:2.2rem 0 .5rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0}
a{color:var(--link)}
.sub,figcaption,caption,.tick{color:var(--soft)}
.verdict{border-left:.4rem solid var(--bad);background:var(--panel);padding:.7rem 1rem;margin:1rem 0;
border-radius:.3rem}
.verdict.good{border-color:var(--good)}
.verdict p:first-child{font-size:1.1rem;font-weight:600;margin-top:0}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.7rem;margin:0;padding:0}
.cards div{background:var(--panel);border-radius:.4rem;padding:.6rem .9rem}
.cards dt{color:var(--soft)}
.cards dd{margin:0;font-size:1.35rem;font-weight:600}
figure{margin:.8rem 0}
figcaption{font-size:.9rem}
svg{display:block;overflow:visible}
.patterns{position:absolute}
svg text{font-size:12px;fill:var(--ink)}
svg text.tick{fill:var(--soft)}
.track{fill:var(--panel)}
.work{fill:var(--work)}
.start{fill:url(#hatch);stroke:var(--work)}
.jobs{fill:url(#lines);stroke:var(--work)}
.nothing{fill:url(#dots);stroke:var(--soft)}
.failed{fill:url(#cross);stroke:var(--bad)}
.ground{fill:var(--ground)}
.ink{stroke:var(--work);stroke-width:2}
.inkdot{fill:var(--soft)}
.badink{stroke:var(--bad);stroke-width:1.5}
.axis{stroke:var(--soft)}
.mark{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 3}
.key{display:inline-block;vertical-align:middle;margin-right:.3rem}
.keys{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.4rem 0;font-size:.9rem}
table{border-collapse:collapse;width:100%;margin:.8rem 0}
caption{text-align:left;padding-bottom:.2rem;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
th,td{overflow-wrap:normal}
td.w{overflow-wrap:anywhere}
th{font-weight:600}
.n{text-align:right}
td.n{font-variant-numeric:tabular-nums}
details{margin:.6rem 0}
summary{cursor:pointer;padding:.2rem 0}
code,pre{font-family:ui-monospace,"SFMono-Regular",Consolas,"Liberation Mono",monospace;font-size:.9em}
code.command{display:block;background:var(--ground);border:1px solid var(--line);border-radius:.3rem;
padding:.3rem .6rem;margin:.2rem 0 .5rem}
pre{background:var(--panel);padding:.8rem;border-radius:.4rem;white-space:pre-wrap;margin:.4rem 0}
@media screen and (max-width:52rem){
table,tbody,caption{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{display:block;border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.2rem .6rem}
td,td.n{display:flex;justify-content:space-between;gap:1rem;text-align:left;border:0;padding:.15rem 0}
td::before{content:attr(data-label);color:var(--soft);flex:none;max-width:45%}
td span{text-align:right;overflow-wrap:anywhere}
}
@media print{
details{display:block}
details::details-content{content-visibility:visible}
table{font-size:.7rem}
th,td{padding:.15rem .3rem}
tr{break-inside:avoid}
}
"""
