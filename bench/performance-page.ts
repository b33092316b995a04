import type { BenchRow } from './bench-row.ts'
import type { Machine } from './machine.ts'

export interface Section {
  readonly name: string
  readonly title: string
  readonly rows: readonly BenchRow[]
  /** Of the minute in which it ended, the benchmark's own processes among it. */
  readonly loadAverage: number
}

interface Report {
  readonly machine: Machine
  readonly sections: readonly Section[]
  readonly tookSeconds: number
}

/** What stands under a section's title: how it is measured, and what it leaves out. */
const EXPLAINED: Readonly<Record<string, string>> = {
  push: `A real server, a real \`git push\` over HTTP of a pipeline with one step that prints, into a project whose
environment exists. The end is the first byte that a client of the log's stream gets. The peer does as little as
possible: git's own HTTP server with a hook that prints, without rows, log or workspace. Buildbot (PyPI, master and one
worker on this machine) is told of the push by a hook; for it the end is the moment at which its command runs.`,
  steps: `A chain of thirty steps, on a real server with the local executor. Each step gets a workspace and a user of its
own, a log and durable rows; its supervisor is a Node process that outlives the server, and serves one attempt after another.`,
  supervisor: `One attempt through the local executor alone, without engine and database, and its log.`,
  command: `Wall time of the whole process, from the source tree. The repository has twenty steps over a gibibyte of data,
each of which reads a part of it and the output of the one before.`,
  graph: `A whole run on a real server, from the request to its end: each step has a workspace and a user of its own, a
supervisor, a log and durable rows; nothing is taken from the cache. \`make\` starts the same shells and keeps nothing;
DVC and Prefect (its flow alone, warm) do the same commands.`,
  drain: `Runs of one step are asked for eight at a time, until all have ended: asking is part of the time. Each run is planned
from its commit. The most that a project may have under way is twenty; the rest wait in the queue.`,
  logs: `Twenty steps print ten lines a second each, and a client of its own follows each of them through the API. Every line
says when it was printed; the clients' clock says when it came.`,
  build: `Runs of a pipeline with one package, whose environment an earlier run has built: from the start of the run to the
end of the step \`environment\`, which names the lock, finds the environment and looks whether it is whole.`,
  evaluation: `A table that is answered already (\`evaluation.predictions\`), in a process of its own on both sides, reading included. Ours
computes 22 metrics with intervals, the confusion matrix and two slices, and keeps the rows for the gates; the peer twelve metrics,
the matrix and the slices. Both agree to 1e-9. Memory is the most that the kernel counted (VmHWM).`,
  gateway: `Gateway, model host and prediction log on our side; on the other ONNX Runtime in one process of \`node:http\`,
without routes, tokens, checks or log. The same model and the same client, in turns.`,
  rollback: `Half of all customers are at a canary, sixteen clients ask without a pause, a person calls it back. Measured
at the clients: from sending the rollback to the last answer of the version that was called back.`,
}

export function performancePage({ machine, sections, tookSeconds }: Report): string {
  return `# Performance

Written by \`npm run bench\`, and by nothing else. Budgets are goals on two idle cores; a benchmark is never a test.

| | |
| --- | --- |
| when | ${machine.at.slice(0, 16).replace('T', ' ')} UTC, ${tookSeconds} s |
| machine | ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel} |
| Node | ${machine.node} |
| load average at the start | ${machine.loadAverage.join(', ')} (1, 5, 15 minutes) |
${busyNote(machine, sections)}
## How to read it

Every figure stands beside a peer or a floor that was measured in turns with it, in the same minutes. The **ratio** is
ours divided by the peer's: it says more than the times, because whatever else the machine did met both. Compare
ratios across machines, and times only within this page. *Met* compares the time of this run with the budget.

${sections.map(sectionText).join('\n')}
## Raw runs

One JSON document a line: the machine, then the samples of each figure in the order they were measured.

\`\`\`jsonl
${rawRuns({ machine, sections, tookSeconds })}
\`\`\`
`
}

/** What the benchmarks themselves ask for is about one core; the gateway's and rollback's clients take both. */
function busyNote({ cores }: Machine, sections: readonly Section[]): string {
  const most = Math.max(...sections.map(({ loadAverage }) => loadAverage))
  if (most <= cores) return ''
  return `
Others were at work on this machine meanwhile: up to ${most} processes wanted its ${cores} cores. Times are too long by a
factor that nobody knows; each section says what it met.
`
}

function sectionText({ name, title, rows, loadAverage }: Section): string {
  return `## ${title}

${EXPLAINED[name] ?? ''}

| what | ratio | ours | peer | what the peer is | budget | |
| --- | --- | --- | --- | --- | --- | --- |
${rows.map(rowText).join('\n')}

Load average of its last minute: ${loadAverage}.
`
}

function rowText({ what, statistic, unit, ours, peer, peerIs, ratio, budget }: BenchRow): string {
  const verdict = budget === undefined ? '' : budget.isMet ? 'met' : '**not met**'
  const cells = [
    `${what}, ${statistic}`,
    ratio === null ? '–' : `**${inDigits(ratio)}**`,
    `${inDigits(ours)} ${unit}`.trim(),
    `${inDigits(peer)} ${unit}`.trim(),
    peerIs,
    budget?.says ?? '',
    verdict,
  ]
  return `| ${cells.join(' | ')} |`
}

/** Three digits are more than a noisy machine can promise. */
function inDigits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en')
}

/** Rows that differ in their statistic alone have the same samples. */
function rawRuns({ machine, sections, tookSeconds }: Report): string {
  const runs = sections.flatMap(({ name, rows }) =>
    rows.map(({ what, unit, peerIs, samples }) => JSON.stringify({ name, what, unit, peerIs, ...samples })),
  )
  return [JSON.stringify({ ...machine, tookSeconds }), ...new Set(runs)].join('\n')
}
