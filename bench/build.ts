import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startRun } from '../src/api/runs.ts'
import { startTestServerProcess } from '../tests/harness/server-process.ts'
import { temporaryFolder } from '../tests/source/git-place.ts'
import { answer, inTurns, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const REQUIREMENTS = 'six==1.17.0\n'
const PIPELINE = `version: 1
steps:
  use: { run: python -c "import six" }
`

const run = promisify(execFile)

/** A run whose environment is there already: how long until its steps may use it. */
export async function benchBuild({ quick }: BenchOptions): Promise<BenchRow[]> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder()).path
  const server = stack.use(await startTestServerProcess('sqlite'))
  const project = await server.project('built', { 'tidegate.yaml': PIPELINE, 'requirements.txt': REQUIREMENTS })
  await project.push(server.admin)
  const list = join(folder, 'requirements.txt')
  await writeFile(list, REQUIREMENTS)
  await run('python3', ['-m', 'venv', join(folder, 'venv')])
  const install = () => run(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--requirement', list])
  await install()

  const samples = await inTurns({
    rounds: quick ? 3 : 20,
    async ours() {
      const { number } = await server.admin.client.call(startRun, { params: { project: project.name }, body: {} })
      const { state, reason, startedAt, steps } = await project.ended(number)
      const environment = steps.find(({ key }) => key === 'environment')
      if (state !== 'succeeded' || environment?.cache !== 'hit') throw new Error(`run ${number} ${state}: ${reason}`)
      return (environment.endedAt ?? 0) - (startedAt ?? 0)
    },
    peer: () => timed(install),
  })
  const question = {
    what: 'an environment that is there already, from the start of the run',
    unit: 'ms',
    peerIs: '`pip install -r`, everything satisfied',
  }
  const budget = { says: '< 50 ms', isMet: (ms: number) => ms < 50 }
  return [
    answer({ ...question, statistic: 'median', budget }, samples),
    answer({ ...question, statistic: 'p95' }, samples),
  ]
}

if (import.meta.main) console.log(JSON.stringify(await benchBuild({ quick: true }), null, 1))
