import { execFile } from 'node:child_process'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openAnalytics, sqlText } from '../src/lib/open-analytics.ts'
import { answer, type BenchOptions, type BenchRow } from './bench-row.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('evaluation-child.ts', import.meta.url))
const PEER = fileURLToPath(new URL('evaluation-peer.py', import.meta.url))
const PYTHON = fileURLToPath(new URL('../node_modules/.cache/tidegate-bench-python', import.meta.url))

const ROUNDS = 3

interface Measured {
  readonly evaluateSeconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
  readonly metrics: Readonly<Record<string, number>>
}

/** Every metric with its interval, two slices and the rows kept, beside scikit-learn's values of the same table. */
export async function benchEvaluation({ quick }: BenchOptions): Promise<BenchRow[]> {
  const rows = quick ? 500_000 : 10_000_000
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  try {
    const table = join(folder, 'rows.parquet')
    await writeTable(table, rows, folder)
    const python = await pythonWithPeer()
    const peer = [await measured(python, [PEER, table])]
    const ours: Measured[] = []
    for (let round = 0; round < ROUNDS; round++) ours.push(await measured(process.execPath, [CHILD, table]))
    requireSame(ours[0]!, peer[0]!)
    const samples = (of: (one: Measured) => number) => ({ ours: ours.map(of), peer: peer.map(of) })
    const what = `${rows.toLocaleString('en')} rows of two classes with scores`
    const peerIs = 'scikit-learn: 12 of the metrics, without intervals'
    const budget = quick ? {} : { budget: { says: '< 15 s', isMet: (seconds: number) => seconds < 15 } }
    const memory = quick
      ? {}
      : { budget: { says: '< 2 GB', isMet: (mebibytes: number) => mebibytes * 1.048_576 < 2_000 } }
    return [
      answer(
        { what, unit: 's', statistic: 'median', peerIs, ...budget },
        samples(({ evaluateSeconds }) => evaluateSeconds),
      ),
      answer(
        { what: `${what}, processor time of the whole program`, unit: 's', statistic: 'median', peerIs },
        samples(({ cpuSeconds }) => cpuSeconds),
      ),
      answer(
        { what: `${what}, most memory`, unit: 'MiB', statistic: 'max', peerIs, ...memory },
        samples(({ peakMiB }) => peakMiB),
      ),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeTable(path: string, rows: number, folder: string): Promise<void> {
  await using analytics = await openAnalytics({ spillFolder: join(folder, 'spill') })
  const noise = '2 * (random() + random() + random() - 1.5)'
  await analytics.use(async (connection) => {
    await connection.run('select setseed(0.5)')
    await connection.run(`copy (
      select case when truth then 'yes' else 'no' end as label, case when score >= 0.5 then 'yes' else 'no' end as prediction,
        1 - score as score_no, score as score_yes, ['dark', 'light', 'medium'][1 + (i % 3)] as ink, 's' || (i % 10) as source
      from (select i, truth, 1 / (1 + exp(-(case when truth then 1.2 else -1.2 end + ${noise}))) as score
        from (select i, random() < 0.3 as truth from range(${rows}) t(i)))
    ) to ${sqlText(path)} (format parquet)`)
  })
}

/** An environment of its own below node_modules, made once. */
async function pythonWithPeer(): Promise<string> {
  const python = join(PYTHON, 'bin/python')
  const isThere = await access(join(PYTHON, 'ready')).then(
    () => true,
    () => false,
  )
  if (isThere) return python
  await run('python3', ['-m', 'venv', PYTHON])
  await run(python, ['-m', 'pip', 'install', '--quiet', 'scikit-learn==1.7.*', 'pyarrow', 'numpy'])
  await run('touch', [join(PYTHON, 'ready')])
  return python
}

async function measured(command: string, args: readonly string[]): Promise<Measured> {
  const { stdout } = await run(command, [...args], { maxBuffer: 64 << 20 })
  return JSON.parse(stdout) as Measured
}

/** A benchmark of wrong numbers would be worth nothing. */
function requireSame(ours: Measured, peer: Measured): void {
  for (const [name, value] of Object.entries(peer.metrics)) {
    const difference = Math.abs((ours.metrics[name] ?? Number.NaN) - value)
    if (!(difference < 1e-9)) throw new Error(`${name} is ${ours.metrics[name]} here and ${value} there`)
  }
}
