import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchBuild } from './build.ts'
import { benchCommand } from './command.ts'
import { benchDrain } from './drain.ts'
import { benchEvaluation } from './evaluation.ts'
import { benchGateway } from './gateway.ts'
import { benchGraph } from './graph.ts'
import { benchLogs } from './logs.ts'
import { benchPush } from './push.ts'
import { benchRollback } from './rollback.ts'
import { benchSteps } from './steps.ts'
import { benchSupervisor } from './supervisor.ts'
import { performancePage, type Section } from './performance-page.ts'
import { describeMachine } from './machine.ts'
import type { BenchOptions, BenchRow } from './bench-row.ts'

interface Bench {
  readonly title: string
  readonly run: (options: BenchOptions) => Promise<BenchRow[]>
}

/** In the order of the page; they run one after another. */
const BENCHES: Readonly<Record<string, Bench>> = {
  push: { title: 'Push to first output', run: benchPush },
  steps: { title: "The engine's overhead per step", run: benchSteps },
  graph: { title: 'Many steps', run: benchGraph },
  drain: { title: 'A long queue', run: benchDrain },
  logs: { title: 'Live logs', run: benchLogs },
  supervisor: { title: 'What supervision costs', run: benchSupervisor },
  command: { title: 'The command', run: benchCommand },
  build: { title: 'A warm build', run: benchBuild },
  evaluation: { title: 'Evaluation of ten million rows', run: benchEvaluation },
  gateway: { title: 'The gateway', run: benchGateway },
  rollback: { title: 'Rollback', run: benchRollback },
}

const PAGE = fileURLToPath(new URL('../docs/reference/performance.md', import.meta.url))

/**
 * `npm run bench [-- --only push,steps] [--quick]`. Writes the page when everything was measured in full;
 * else only prints, so that a page never mixes runs.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } })
  const names = values.only?.split(',') ?? Object.keys(BENCHES)
  const unknown = names.filter((name) => !(name in BENCHES))
  if (unknown.length > 0)
    throw new Error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`)
  const machine = describeMachine()
  const startedAt = performance.now()
  const sections: Section[] = []
  for (const [name, { title, run }] of Object.entries(BENCHES)) {
    if (!names.includes(name)) continue
    const rows = await run({ quick: values.quick })
    sections.push({ name, title, rows, loadAverage: describeMachine().loadAverage[0] ?? 0 })
    console.log(title)
    for (const row of rows) console.log(describe(row))
  }
  if (values.quick || values.only !== undefined) return
  const tookSeconds = Math.round((performance.now() - startedAt) / 1_000)
  await writeFile(PAGE, performancePage({ machine, sections, tookSeconds }))
  console.log(`${PAGE} is written.`)
}

function describe({ what, statistic, ours, unit, peer, peerIs, ratio, budget }: BenchRow): string {
  const verdict = budget === undefined ? '' : `; budget ${budget.says}: ${budget.isMet ? 'met' : 'NOT met'}`
  return `  ${what}, ${statistic}: ${ours} ${unit} against ${peer} (${peerIs}), ratio ${ratio ?? '–'}${verdict}`
}

await main()
