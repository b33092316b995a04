import { execFile } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { answer, inTurns, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const TIDEGATE = fileURLToPath(new URL('../bin/tidegate.js', import.meta.url))
const DVC_INSTALL_MS = 60_000

const PIPELINE = `version: 1
steps:
  prepare: { run: "tr a-z A-Z < words.txt > rows.txt", deps: [words.txt], outs: [rows.txt] }
  train: { run: "sort -r rows.txt > model.txt", deps: [rows.txt, lib], outs: [model.txt] }
`

const DVC_PIPELINE = `stages:
  prepare: { cmd: "tr a-z A-Z < words.txt > rows.txt", deps: [words.txt], outs: [rows.txt] }
  train: { cmd: "sort -r rows.txt > model.txt", deps: [rows.txt, lib], outs: [model.txt] }
`

/** What a person waits for at the prompt: the bare command, and a pipeline of which nothing has changed. */
export async function benchCommand({ quick }: BenchOptions): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  try {
    return [await version(quick ? 3 : 20), await nothingChanged(folder, quick ? 3 : 15)]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

async function version(rounds: number): Promise<BenchRow> {
  await run(process.execPath, [TIDEGATE, '--version'])
  const samples = await inTurns({
    rounds,
    ours: () => timed(() => run(process.execPath, [TIDEGATE, '--version'])),
    peer: () => timed(() => run(process.execPath, ['--version'])),
  })
  return answer(
    {
      what: '`tidegate --version`',
      unit: 'ms',
      statistic: 'median',
      peerIs: '`node --version`',
      budget: { says: '< 150 ms', isMet: (ms) => ms < 150 },
    },
    samples,
  )
}

async function nothingChanged(folder: string, rounds: number): Promise<BenchRow> {
  const repository = join(folder, 'repository')
  await makeRepository(repository)
  const environment = { ...process.env, TIDEGATE_DATA: join(folder, 'data') }
  const ours = () => run(process.execPath, [TIDEGATE, 'run'], { cwd: repository, env: environment })
  await ours()
  await ours()
  const peer = await prepareDvc(folder)
  const samples = await inTurns({ rounds, ours: () => timed(ours), peer: () => timed(peer.run) })
  return answer(
    {
      what: '`tidegate run`, nothing changed',
      unit: 'ms',
      statistic: 'median',
      peerIs: peer.name,
      budget: { says: '< 300 ms', isMet: (ms) => ms < 300 },
    },
    samples,
  )
}

/** Two steps and forty files that one of them depends on. */
async function makeRepository(root: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const lib = Array.from({ length: 40 }, (_, at) => [`lib/module-${at}.py`, `NUMBER = ${at}\n`] as const)
  const files = { 'words.txt': 'b\na\n', 'tidegate.yaml': PIPELINE, ...Object.fromEntries(lib), ...more }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd: root })
  await run('git', ['add', '--all'], { cwd: root })
  const person = ['-c', 'user.name=Ana', '-c', 'user.email=ana@example.test']
  await run('git', [...person, 'commit', '--quiet', '--message', 'first'], { cwd: root })
}

interface Peer {
  readonly name: string
  readonly run: () => Promise<unknown>
}

/** The same two stages under DVC; where it cannot be installed in a minute, the floor that any such command has. */
async function prepareDvc(folder: string): Promise<Peer> {
  const repository = join(folder, 'dvc')
  await makeRepository(repository, { 'dvc.yaml': DVC_PIPELINE })
  try {
    const dvc = await installDvc(join(folder, 'venv'))
    const environment = { ...process.env, DVC_NO_ANALYTICS: '1' }
    await run(dvc, ['init', '--quiet'], { cwd: repository, env: environment })
    const repro = () => run(dvc, ['repro', '--quiet'], { cwd: repository, env: environment })
    await repro()
    await repro()
    return { name: '`dvc repro`, nothing changed', run: repro }
  } catch (error) {
    console.error(`DVC cannot be had here: ${(error as Error).message.split('\n')[0]}`)
    const floor = async () => {
      await run('git', ['status', '--porcelain'], { cwd: repository })
      await run(process.execPath, ['-e', '0'])
    }
    return { name: '`git status`, then `node -e 0`', run: floor }
  }
}

async function installDvc(venv: string): Promise<string> {
  const signal = AbortSignal.timeout(DVC_INSTALL_MS)
  await run('uv', ['venv', '--quiet', venv], { signal })
  await run('uv', ['pip', 'install', '--quiet', '--python', join(venv, 'bin', 'python'), 'dvc'], { signal })
  return join(venv, 'bin', 'dvc')
}

const run = promisify(execFile)

if (import.meta.main) console.log(JSON.stringify(await benchCommand({ quick: true }), null, 1))
