import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArtifacts } from '../src/artifacts/open-artifacts.ts'
import { openFolderStore } from '../src/drivers/store/folder/folder-store.ts'
import { createEvaluateTask } from '../src/evaluation/evaluate.ts'
import { createGateTask } from '../src/evaluation/gate.ts'
import type { GateSpec } from '../src/pipeline/pipeline.ts'

/**
 * Evaluates the table that the command line names as a task's process would, decides two gates on it, and prints
 * one line of JSON: seconds, those of the processor from the process's start on, the most memory it had, and what it found.
 */
async function main(table: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  await using store = await openFolderStore(join(folder, 'store'))
  const artifacts = openArtifacts(store)
  await symlink(table, join(folder, 'rows.parquet'))
  const context = {
    workspace: folder,
    dataFolder: folder,
    artifacts,
    signal: new AbortController().signal,
    log: () => {},
  }
  const startedAt = performance.now()
  const deps = { openHost: () => Promise.reject(new Error('nothing is asked')) }
  const task = createEvaluateTask(deps)
  const { result, failure } = await task.run(INPUT, context)
  if (result === undefined) throw new Error(failure?.message)
  const evaluatedAt = performance.now()
  const { user, system } = process.cpuUsage()
  const gates = await createGateTask(deps).run(
    { run: 'bench#1', gates: GATES, waivers: [], evaluation: result },
    context,
  )
  const answer = {
    evaluateSeconds: (evaluatedAt - startedAt) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    gateSeconds: (performance.now() - evaluatedAt) / 1_000,
    peakMiB: await peakMiB(),
    metrics: Object.fromEntries(Object.entries(result.candidate.metrics).map(([name, { value }]) => [name, value])),
    slices: result.slices.map(({ column, value, candidate }) => [column, value, candidate['accuracy']?.value]),
    gates: gates.result?.gates.map(({ summary }) => summary),
  }
  console.log(JSON.stringify(answer))
  await rm(folder, { recursive: true })
}

const SLICES = ['ink', 'source']

const GATES: readonly GateSpec[] = [
  { kind: 'absolute', name: 'accuracy', metric: 'accuracy', min: 0.5, minRows: 1 },
  { kind: 'absolute', name: 'accuracy-ink', metric: 'accuracy', min: 0.5, slice: 'ink', minRows: 100 },
]

const INPUT: Parameters<ReturnType<typeof createEvaluateTask>['run']>[0] = {
  evaluation: {
    source: { kind: 'predictions', path: 'rows.parquet' },
    task: 'classification',
    label: 'label',
    slices: SLICES,
  },
  metrics: ['accuracy'],
  slices: SLICES,
  labelsAreHidden: false,
  latency: false,
  candidate: {
    bundle: 'sha256:00',
    manifest: {
      version: 1,
      name: 'bench',
      files: { kind: 'tree', digest: 'sha256:00', size: 0 },
      modelPath: 'model.onnx',
      runtime: { kind: 'onnx' },
      signature: { inputs: [], outputs: [], columns: {}, answer: { prediction: 'label' } },
    },
  },
}

/** What the kernel counted: resident pages at their most. */
async function peakMiB(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024
}

await main(process.argv[2] ?? '')
