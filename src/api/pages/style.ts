/** The pages' one stylesheet: light and dark by the system's setting. */
export const style = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #dfe3e8; --page: #f7f8fa; --card: #fff;
  --link: #1558c0; --good: #17703a; --bad: #b3261e; --busy: #8a5a00; --chart: #2f6fde; --hover: #eef2f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #98a3b3; --line: #2d3541; --page: #12161c;
  --card: #1a2029; --link: #7fb0ff; --good: #62c88b; --bad: #ff8f86; --busy: #e6b45c; --chart: #6ea2ff; --hover: #222a35; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
header { background: var(--card); border-bottom: 1px solid var(--line); }
header nav, main { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header nav { display: flex; gap: 1.5rem; align-items: center; height: 3.25rem; }
header .brand { font-weight: 700; color: var(--ink); letter-spacing: -.01em; } header .here { color: var(--ink); font-weight: 600; }
main { padding-top: 1.5rem; padding-bottom: 4rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; } h2 { font-size: 1.02rem; margin: 2rem 0 .6rem; }
.crumbs, .soft { color: var(--soft); } .crumbs { margin: 0 0 .35rem; font-size: .9rem; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .8rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; } tbody tr:hover { background: var(--hover); }
th { color: var(--soft); font-weight: 600; font-size: .85rem; } th.number, td.number { text-align: right; }
td.wrap { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 16rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 1rem 0; } dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; } code { font: .88em ui-monospace, monospace; }
form { display: flex; gap: .6rem; margin: 1rem 0; flex-wrap: wrap; }
input { flex: 1 1 16rem; padding: .45rem .7rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: inherit; font: inherit; }
button { padding: .45rem 1rem; border: 0; border-radius: 6px; background: var(--link); color: var(--card); font: inherit; font-weight: 600; cursor: pointer; }
.chip { display: inline-block; padding: 0 .55rem; border: 1px solid currentColor; border-radius: 99px; font-size: .8rem; }
.FINISHED, .READY, .Production { color: var(--good); } .FAILED, .KILLED { color: var(--bad); } .RUNNING, .SCHEDULED, .Staging { color: var(--busy); }
.None, .Archived { color: var(--soft); }
.notice { padding: .7rem 1rem; border: 1px solid var(--bad); border-radius: 8px; color: var(--bad); background: var(--card); overflow-wrap: anywhere; }
.empty { padding: 2.5rem 1rem; text-align: center; color: var(--soft); background: var(--card); border: 1px dashed var(--line); border-radius: 8px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; }
.chart h3 { display: flex; justify-content: space-between; font-size: .9rem; margin: 0 0 .4rem; gap: 1rem; overflow-wrap: anywhere; }
.chart svg { display: block; width: 100%; height: 7rem; overflow: visible; } .chart p { display: flex; justify-content: space-between; margin: .3rem 0 0; font-size: .8rem; }
polyline { fill: none; stroke: var(--chart); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.base { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; } .more { margin-top: 1rem; }
`;

/** MLflow's clients print addresses like `/#/experiments/1/runs/ID`; a server never sees what follows the hash. */
export const hashScript = `
const target = /^#(\\/(?:experiments|models)\\/.+)$/.exec(location.hash);
if (target) location.replace(document.documentElement.dataset.prefix + target[1].split('?')[0]);
`;
