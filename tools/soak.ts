import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine } from '../bench/machine.ts'
import { soakCrash } from './soak/crash.ts'
import { soakMutations } from './soak/mutations.ts'
import { reliabilityPage, type SoakSection } from './soak/reliability-page.ts'
import type { SoakJob } from './soak/soak-job.ts'

/** What is too long for a test, in the order of the page: one line each. */
const JOBS: readonly SoakJob[] = [soakCrash, soakMutations]

const PAGE = fileURLToPath(new URL('../docs/reference/reliability.md', import.meta.url))

/**
 * `npm run soak [-- --only crash] [--kills 1000] [--seed 1]`. Writes the page when every job ran in full and
 * lost nothing; else only prints. Ends with 1 where something was lost.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, kills: { type: 'string' }, seed: { type: 'string' } },
  })
  const wanted = values.only?.split(',') ?? JOBS.map(({ name }) => name)
  const unknown = wanted.filter((name) => !JOBS.some((job) => job.name === name))
  if (unknown.length > 0)
    throw new Error(`no job ${unknown.join(', ')}; there are ${JOBS.map(({ name }) => name).join(', ')}`)
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const machine = describeMachine()
  const sections: SoakSection[] = []
  for (const job of JOBS.filter(({ name }) => wanted.includes(name))) {
    const { title } = job
    console.log(`${title}; seed ${seed}`)
    const began = performance.now()
    const kills = values.kills === undefined ? {} : { kills: Number(values.kills) }
    const result = await job.run({ seed, ...kills, say: (line) => console.log(line) })
    sections.push({ title, explained: job.explained, result, tookSeconds: (performance.now() - began) / 1_000 })
    for (const [what, figure] of result.figures) console.log(`  ${what}: ${figure}`)
    for (const loss of result.losses) console.log(`  LOST: ${loss}`)
  }
  const isWhole = wanted.length === JOBS.length && sections.every(({ result }) => result.isFull)
  const losses = sections.flatMap(({ result }) => result.losses)
  if (losses.length > 0) process.exitCode = 1
  else if (isWhole) await writeFile(PAGE, reliabilityPage({ machine, seed, sections }))
  if (losses.length === 0 && isWhole) console.log(`${PAGE} is written.`)
}

await main()
