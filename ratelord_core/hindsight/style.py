"""How the page of a backtest looks: by day and by night, on paper too."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6575;--paper:#fff;--line:#dfe3ea;
--good:#217a45;--bad:#b83227;--other:#1f5fbf;--late:#946200}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf2;--soft:#9aa5b5;--paper:#12161d;
--line:#2b3340;--good:#5fc98a;--bad:#ff8579;--other:#7fb0ff;--late:#e6b450}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:1.6rem;margin:0 0 .3em;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2em 0 .4em}
.lead{font-size:1.15rem;font-weight:600;margin:.2em 0 .6em}
.note{border-left:4px solid var(--late);padding-left:.7em;color:var(--soft)}
.cards{display:flex;flex-wrap:wrap;gap:12px;margin:1.2em 0}
.card{border:1px solid var(--line);border-radius:8px;padding:.7em 1em;min-width:9em;
color:var(--soft);font-size:.9rem}
.card b{display:block;font-size:1.5rem;color:var(--other)}
.card.denied b{color:var(--bad)}.card.approved b,.card.sooner b{color:var(--good)}
.card.delayed b{color:var(--late)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem}
th{text-align:left;font-weight:600;color:var(--soft)}
td,th{padding:.35em .6em;border-bottom:1px solid var(--line);vertical-align:top}
td{font-variant-numeric:tabular-nums}
figure{margin:.6em 0}figcaption,.key{color:var(--soft);font-size:.85rem}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}
.up{text-anchor:end}rect.allowed{fill:var(--good)}rect.denied{fill:var(--bad)}
.key i{display:inline-block;width:12px;height:10px;border-radius:2px;margin:0 5px 0 0}
.key i.allowed{background:var(--good)}.key i.denied{background:var(--bad);margin-left:14px}
"""
