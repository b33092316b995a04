import { join } from 'node:path'
import { openArtifacts } from '../../src/artifacts/open-artifacts.ts'
import { putTree } from '../../src/artifacts/put.ts'
import { readTree } from '../../src/artifacts/read.ts'
import { RUN_TRANSITIONS } from '../../src/core/run-state.ts'
import { isFinal } from '../../src/core/transitions.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { openLocalExecutor } from '../../src/drivers/executor/local/local-executor.ts'
import { openFolderStore } from '../../src/drivers/store/folder/folder-store.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { getRun } from '../../src/engine/runs.sql.ts'
import { artifactTrouble } from '../../src/flow/stored-trees.ts'
import { command, needs, planOf } from './engine-place.ts'

/**
 * A server that has an engine and one run, to be killed at any moment and started again: `<database> <folder>`.
 * Every step appends its name to `<folder>/ran`. Ends with 0 when the run has succeeded.
 */
const [url = '', folder = ''] = process.argv.slice(2)
const database = await openDatabase(url)
const store = await openFolderStore(join(folder, 'store'))
const artifacts = openArtifacts(store)
const executor = openLocalExecutor({ folder: join(folder, 'executor'), spares: 0 })

const engine = createEngine({
  database,
  executors: new Map([['local', executor]]),
  dataFolder: folder,
  storeFolder: join(folder, 'store'),
  readTree: async (ref) => (await readTree(store, ref.digest)).files,
  readBytes: (digest) => artifacts.read(digest),
  putBytes: (bytes) => artifacts.putBytes(bytes),
  artifactTrouble: (ref) => artifactTrouble(store, ref),
  tasks: {},
  openStep: async () => ({ env: { RAN: join(folder, 'ran') }, secrets: {} }),
  closeStep: async () => undefined,
  readResults: async () => ({}),
  writeResults: async () => [],
  log: { info: () => undefined, warn: console.error, error: console.error },
})

const write = (name: string) => `echo ${name} >> "$RAN"; sleep 0.1; echo ${name} > ${name}.txt`
const out = (name: string) => ({ outs: [`${name}.txt`] })
const sourceTree = (await putTree(store, [])).digest
const { run } = await database.write((writer) =>
  engine.createRun(writer, {
    project: 'digits',
    commit: 'c0ffee',
    branch: 'main',
    event: 'push',
    title: 'a change',
    person: 'ana',
    authors: [],
    dedupeKey: 'the only one',
    sourceTree,
    pipelineText: '',
    rules: {},
    problems: [],
    plan: planOf(
      command('a', write('a'), out('a')),
      command('b', write('b'), out('b')),
      command('c', write('c'), { ...out('c'), needs: needs('a', 'b') }),
      command('d', write('d'), { ...out('d'), needs: needs('c') }),
    ),
  }),
)
await engine.start()
let state = run.state
while (!isFinal(RUN_TRANSITIONS, state)) {
  await new Promise((resolve) => setTimeout(resolve, 10))
  state = (await getRun(database.read, run.id))?.state ?? state
}
await engine.stop()
await executor[Symbol.asyncDispose]()
await database[Symbol.asyncDispose]()
process.exitCode = state === 'succeeded' ? 0 : 1
