import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { peerPrograms } from './peers.ts'
import { answer, inTurns, timed, type BenchOptions, type BenchRow } from './bench-row.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const STEPS = 20
const NAMES = Array.from({ length: STEPS }, (_, at) => `part${at}`)

/** Each reads a part of the data and what the one before made of its own. */
function graph(command: 'run' | 'cmd'): string {
  return NAMES.map((name, at) => {
    const before = at === 0 ? '' : `, ${NAMES[at - 1]}.txt`
    const run = `head -c 100 data/${name}.bin | od -An -tx1 > ${name}.txt`
    return `  ${name}: { ${command}: "${run}", deps: [data/${name}.bin${before}], outs: [${name}.txt] }\n`
  }).join('')
}

/** What a person waits for at the prompt: the bare command, and a pipeline of which nothing has changed. */
export async function benchCommand({ quick }: BenchOptions): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  try {
    const tidegate = await buildPackage(join(folder, 'package'))
    return [await version(tidegate, quick ? 3 : 20), await nothingChanged(tidegate, folder, quick)]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

/** The command as people have it from the package, with the packages that it leaves to npm. */
async function buildPackage(folder: string): Promise<string> {
  await mkdir(folder)
  for (const name of ['bin', 'package.json']) await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await run(process.execPath, [join(ROOT, 'tools', 'build-server.ts'), join(folder, 'dist')])
  return join(folder, 'bin', 'tidegate.js')
}

async function version(tidegate: string, rounds: number): Promise<BenchRow> {
  await run(process.execPath, [tidegate, '--version'])
  const samples = await inTurns({
    rounds,
    ours: () => timed(() => run(process.execPath, [tidegate, '--version'])),
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

async function nothingChanged(tidegate: string, folder: string, quick: boolean): Promise<BenchRow> {
  const repository = join(folder, 'repository')
  const partBytes = (quick ? 2 ** 25 : 2 ** 30) / STEPS
  await makeRepository(repository, { 'tidegate.yaml': `version: 1\nsteps:\n${graph('run')}` }, partBytes)
  const environment = { ...process.env, TIDEGATE_DATA: join(folder, 'tidegate') }
  const ours = () => run(process.execPath, [tidegate, 'run'], { cwd: repository, env: environment })
  await ours()
  await ours()
  const peer = await prepareDvc(folder, partBytes)
  const samples = await inTurns({ rounds: quick ? 3 : 15, ours: () => timed(ours), peer: () => timed(peer.run) })
  const size = quick ? '32 MiB' : '1 GiB'
  return answer(
    {
      what: `\`tidegate run\`, nothing changed: ${STEPS} steps, ${size} of data`,
      unit: 'ms',
      statistic: 'median',
      peerIs: peer.name,
      budget: { says: '< 300 ms, a third of the peer’s', isMet: (ms, theirs) => ms < 300 && ms * 3 <= theirs },
    },
    samples,
  )
}

async function makeRepository(root: string, files: Readonly<Record<string, string>>, partBytes: number): Promise<void> {
  await mkdir(join(root, 'data'), { recursive: true })
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text)
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd: root })
  await run('git', ['add', '--all'], { cwd: root })
  const person = ['-c', 'user.name=Ana', '-c', 'user.email=ana@example.test']
  await run('git', [...person, 'commit', '--quiet', '--message', 'first'], { cwd: root })
  // Beside the repository's own files, as data is: not in a commit.
  for (const name of NAMES) await writeFile(join(root, 'data', `${name}.bin`), randomBytes(partBytes))
}

interface Peer {
  readonly name: string
  readonly run: () => Promise<unknown>
}

/** The same stages under DVC; where it cannot be had, the floor that any such command has. */
async function prepareDvc(folder: string, partBytes: number): Promise<Peer> {
  const repository = join(folder, 'dvc')
  await makeRepository(repository, { 'dvc.yaml': `stages:\n${graph('cmd')}` }, partBytes)
  const programs = await peerPrograms('dvc')
  if (programs !== undefined) {
    const dvc = join(programs, 'dvc')
    const options = { cwd: repository, env: { ...process.env, DVC_NO_ANALYTICS: '1' } }
    await run(dvc, ['init', '--quiet'], options)
    const repro = () => run(dvc, ['repro', '--quiet'], options)
    await repro()
    await repro()
    return { name: '`dvc repro`, nothing changed', run: repro }
  }
  const floor = async () => {
    await run('git', ['status', '--porcelain'], { cwd: repository })
    await run(process.execPath, ['-e', '0'])
  }
  return { name: '`git status`, then `node -e 0`', run: floor }
}

const run = promisify(execFile)

if (import.meta.main) console.log(JSON.stringify(await benchCommand({ quick: true }), null, 1))
