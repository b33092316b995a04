/** Colours that people with colour blindness tell apart, of enough contrast on both grounds. */
export const REPORT_STYLE = `
:root { --ground: #fff; --sheet: #f6f7f9; --ink: #1a1f26; --dim: #56606c; --rule: #d8dde3; --candidate: #0b62a8; --champion: #b34700; --good: #14673c; --bad: #a8201a; --doubt: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --sheet: #1d232a; --ink: #e8ebef; --dim: #a3adb8; --rule: #353e48; --candidate: #6cb8f5; --champion: #f2a25c; --good: #6fcf97; --bad: #ff8f87; --doubt: #f0c24b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 20px 0 6px; }
p { margin: 4px 0; }
ul { margin: 0; padding-left: 20px; }
.over, .facts, figcaption, .legend { color: var(--dim); }
.over { margin: 0; font-size: 13px; }
.facts, .legend { font-size: 13px; }
figcaption { font-size: 14px; margin-bottom: 6px; }
.verdict, .outcome { display: inline-block; border: 1px solid currentColor; border-radius: 4px; padding: 0 7px; font-size: 13px; font-weight: 600; line-height: 20px; vertical-align: middle; }
.passed, .pass { color: var(--good); } .refused, .fail { color: var(--bad); } .a-person-must-decide, .inconclusive { color: var(--doubt); } .not-applicable { color: var(--dim); }
.gate { background: var(--sheet); border-radius: 6px; padding: 10px 14px; margin: 8px 0; overflow-wrap: anywhere; }
.tests { margin: 8px 0 0 10px; padding-left: 12px; border-left: 2px solid var(--rule); }
summary { cursor: pointer; color: var(--dim); font-size: 13px; }
pre { background: var(--sheet); border-radius: 6px; padding: 10px 14px; overflow-x: auto; font-size: 13px; margin: 6px 0; }
.gate pre { background: var(--ground); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: top; font-weight: normal; }
thead th { color: var(--dim); font-size: 13px; white-space: nowrap; }
tbody th { font-weight: 600; }
td:last-child { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 20px; margin: 0; font-size: 14px; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 13px; }
figure { margin: 0 0 20px; }
.beside { display: flex; flex-wrap: wrap; gap: 12px 40px; align-items: flex-start; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 8px 24px; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .tick { fill: var(--dim); font-size: 11px; } svg .name { font-size: 12px; }
svg .grid { stroke: var(--rule); stroke-width: 1; } svg .axis { stroke: var(--dim); } svg .ideal { stroke: var(--dim); stroke-dasharray: 4 4; }
svg .candidate, svg .held-out { fill: var(--candidate); } svg .champion, svg .reference { fill: var(--champion); }
svg .whisker { stroke-width: 2; } svg .candidate.whisker { stroke: var(--candidate); } svg .champion.whisker { stroke: var(--champion); }
svg .curve { fill: none; stroke-width: 1.5; } svg .candidate.curve { stroke: var(--candidate); } svg .champion.curve { stroke: var(--champion); stroke-dasharray: 5 3; }
svg .cell.right { fill: var(--candidate); } svg .cell.wrong { fill: var(--champion); } svg .on-cell { fill: var(--ground); font-weight: 600; }
.mark { display: inline-block; width: 10px; height: 10px; margin-left: 10px; } .mark.candidate { border-radius: 50%; background: var(--candidate); } .mark.champion, .mark.reference { background: var(--champion); } .mark.held-out { background: var(--candidate); }
@media print { .gate, figure { break-inside: avoid; } }
`
