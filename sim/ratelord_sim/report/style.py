"""How the page looks: by day and by night, on paper too."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2330;--soft:#5b6575;--paper:#fff;--line:#dfe3ea;--used:#1f5fbf;--held:#9cc3f5;
--known:#10a37f;--limit:#c0392b;--approved:#2e9e5b;--modified:#e0a526;--denied:#c0392b;
--errors:#7d3c98;--refused:#111}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf2;--soft:#9aa5b5;--paper:#12161d;
--line:#2b3340;--used:#6fa8ff;--held:#27466f;--refused:#fff}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:940px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:1.7rem;margin:0 0 .3em}h2{font-size:1.15rem;margin:2.2em 0 .3em}
.lead{font-size:1.05rem;color:var(--soft);margin:.2em 0 1em}
.fine,small,.key{color:var(--soft);font-size:.85rem}
.verdict{display:inline-block;padding:.3em .9em;border-radius:99px;color:#fff;font-weight:600;
margin:.3em 0}
.verdict.good{background:#2e9e5b}.verdict.bad{background:#c0392b}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{text-align:left;font-weight:600;color:var(--soft)}
td,th{padding:.4em .6em;border-bottom:1px solid var(--line);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.good td:first-child{color:#2e9e5b}tr.bad td{color:#c0392b;font-weight:600}
code{font-size:.9em}.wide{overflow-x:auto}
.wide table{font-size:.8rem}.wide td,.wide th{padding:.4em}
.wide th{white-space:normal;vertical-align:bottom}
figure{margin:.4em 0}svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:11px}.up,.last{text-anchor:end}
.across{text-anchor:middle}
.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:2 3;opacity:.6}
polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
polyline.used{stroke:var(--used)}polyline.known{stroke:var(--known);stroke-dasharray:5 3}
polyline.limit{stroke:var(--limit);stroke-width:1.4}polygon.held{fill:var(--held);opacity:.55}
rect.approved{fill:var(--approved)}rect.modified{fill:var(--modified)}rect.denied{fill:var(--denied)}
rect.errors{fill:var(--errors)}rect.refused{fill:var(--refused)}rect.waits{fill:var(--used)}
.key{display:flex;flex-wrap:wrap;align-items:center;gap:.2em}
.k{display:inline-block;width:14px;height:10px;margin:0 5px 0 14px;border-radius:2px}
.k:first-child{margin-left:0}.k.used{background:var(--used)}.k.held{background:var(--held)}
.k.known{background:var(--known)}.k.limit{background:var(--limit)}.k.mark{background:var(--soft)}
.k.approved{background:var(--approved)}.k.modified{background:var(--modified)}
.k.denied{background:var(--denied)}.k.errors{background:var(--errors)}.k.refused{background:var(--refused)}
"""
