import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import type { Installer } from './find-installer.ts'
import type { Python } from './find-python.ts'
import { holdLock } from '../lib/hold-lock.ts'
import { findWhole, writeMarker } from './environment-marker.ts'
import { runTool } from './run-tool.ts'

export interface Installation {
  /** Of this environment alone; several installations of one key make it once. */
  readonly key: string
  /** `<data>/environments`. */
  readonly root: string
  readonly lock: string
  readonly python: Python
  readonly installer: Installer
  readonly allowBuilds: boolean
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

export interface InstalledEnvironment {
  readonly folder: string
  readonly installer: Installer['kind']
  /** It was there already. */
  readonly cached: boolean
}

/**
 * One immutable environment in its final place: scripts in it name their interpreter by its full path, so it
 * cannot be made elsewhere and renamed. Many at once build it once; an unfinished one is made anew.
 */
export async function installEnvironment(installation: Installation): Promise<InstalledEnvironment> {
  const { key, root, signal, log } = installation
  const folder = join(root, key)
  const there = await findWhole(folder)
  if (there.whole !== undefined) return { folder, installer: there.whole, cached: true }
  await mkdir(root, { recursive: true, mode: 0o755 })
  using _held = await holdLock(join(root, `${key}.lock`), signal, () =>
    log('another run is building this environment; waiting for it'),
  )
  const builtMeanwhile = await findWhole(folder)
  if (builtMeanwhile.whole !== undefined) return { folder, installer: builtMeanwhile.whole, cached: true }
  if (builtMeanwhile.damage !== undefined) log(`${builtMeanwhile.damage}: it is built again`)
  await rm(folder, { recursive: true, force: true })
  await build(folder, installation)
  await writeMarker(folder, installation.installer.kind)
  return { folder, installer: installation.installer.kind, cached: false }
}

async function build(folder: string, installation: Installation): Promise<void> {
  const { installer, lock, python } = installation
  const lockFile = join(installation.root, `${installation.key}.txt`)
  await writeFile(lockFile, lock)
  try {
    const interpreter = join(folder, 'bin', 'python')
    await must(installation, installer.kind === 'uv' ? uvVenv(folder, python) : pipVenv(folder), 'create')
    if (lock !== '') {
      await must(
        installation,
        installer.kind === 'uv' ? uvSync(interpreter, lockFile) : pipSync(interpreter, lockFile),
        'install',
      )
      await finish(folder, installation)
    }
    await closeToWriters(folder, installation)
  } finally {
    await rm(lockFile, { force: true })
  }
}

/**
 * A package may hook code into the start of the environment's interpreter (`.pth` files). Where that code
 * would run with rights that steps do not have, the environment's interpreter is never started by us: the
 * base one compiles, without looking at packages, and the resolver's word that all fit together is enough.
 */
async function finish(folder: string, installation: Installation): Promise<void> {
  const { installer, python, root, signal, allowBuilds } = installation
  const program = allowBuilds ? join(folder, 'bin', 'python') : python.executable
  const args = ['-I', '-S', '-m', 'compileall', '-q', '-j', '0', join(folder, 'lib')]
  // A source for another Python does not compile, and is no reason to fail.
  await runTool({ program, args, cwd: root, env: installer.env, signal })
  if (!allowBuilds) return
  const interpreter = join(folder, 'bin', 'python')
  await must(
    installation,
    installer.kind === 'uv' ? ['pip', 'check', '--python', interpreter] : pip(interpreter, ['check']),
    'check',
  )
}

function uvVenv(folder: string, python: Python): string[] {
  return ['venv', '--quiet', '--no-project', '--no-python-downloads', '--python', python.executable, folder]
}

/** Copies, because a hard link into uv's cache would let one write through to every environment. */
function uvSync(interpreter: string, lockFile: string): string[] {
  const args = ['pip', 'sync', lockFile, '--python', interpreter, '--require-hashes']
  return [...args, '--link-mode', 'copy', '--no-python-downloads']
}

/** As uv makes it, with nothing in it but the lock: to put a pip of its own there takes longer than all the rest. */
function pipVenv(folder: string): string[] {
  return ['-m', 'venv', '--without-pip', folder]
}

function pipSync(interpreter: string, lockFile: string): string[] {
  return pip(interpreter, ['install', '--quiet', '--no-compile', '--require-hashes', '--no-deps', '-r', lockFile])
}

/** The pip that made the lock, for another interpreter than its own. */
function pip(interpreter: string, args: readonly string[]): string[] {
  return ['-m', 'pip', '--python', interpreter, ...args]
}

const WHAT_FAILED = {
  create: 'The environment cannot be created (Debian keeps venv in a package of its own: apt-get install python3-venv)',
  install: 'The locked packages cannot be installed',
  check: 'The installed packages do not fit together',
}

async function must(
  installation: Installation,
  args: readonly string[],
  what: keyof typeof WHAT_FAILED,
): Promise<void> {
  const { installer, root, signal, log, allowBuilds } = installation
  const noBuilds = { UV_NO_BUILD: '1', PIP_ONLY_BINARY: ':all:' }
  const { ok, stdout, stderr } = await runTool({
    program: installer.program,
    args,
    cwd: root,
    env: { ...installer.env, ...(allowBuilds ? {} : noBuilds), NO_COLOR: '1' },
    signal,
    log,
  })
  if (ok) return
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new AppError(what === 'check' ? 'INVALID_INPUT' : 'UPSTREAM', `${WHAT_FAILED[what]}:\n${said}`)
}

/** Everybody may read and run it; only the server's own user could write, and does not. */
async function closeToWriters(folder: string, { root, installer, signal }: Installation): Promise<void> {
  await runTool({ program: 'chmod', args: ['-R', 'a+rX,go-w', folder], cwd: root, env: installer.env, signal })
}
