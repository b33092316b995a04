import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Files } from '../source/git-place.ts'

const BIN = fileURLToPath(new URL('../../bin/tidegate.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder for repositories and a data folder of its own, in which the real command is run. */
export interface CommandPlace extends AsyncDisposable {
  readonly folder: string
  readonly data: string
  /** A real git repository with these files committed. */
  repository(name: string, files: Files): Promise<string>
  start(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams
  tidegate(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>
}

export async function openCommandPlace(): Promise<CommandPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-cli-'))
  const data = join(folder, 'data')

  function start(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { PATH = '', HOME = '' } = process.env
    const config = join(folder, 'config')
    return spawn(process.execPath, [BIN, ...args], {
      cwd,
      env: { PATH, HOME, TIDEGATE_DATA: data, TIDEGATE_CONFIG: config, ...env },
    })
  }

  return {
    folder,
    data,
    start,
    tidegate: (cwd, args, env) => outcomeOf(start(cwd, args, env)),
    async repository(name, files) {
      const root = join(folder, name)
      await writeFiles(root, files)
      await git(root, 'init', '--quiet', '--initial-branch=main')
      await git(root, 'add', '--all')
      await git(root, '-c', 'user.name=Ana', '-c', 'user.email=ana@example.test', 'commit', '--quiet', '-m', 'first')
      return root
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

export async function writeFiles(root: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

export async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)('git', [...args], { cwd })).stdout
}

export function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
