import { access, constants, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { indexIdentity, pipConfigPaths, pipVariables, readPackageIndex, uvVariables } from './package-index.ts'
import type { Python } from './find-python.ts'
import { runTool } from './run-tool.ts'

/** What resolves and installs: uv where there is one, else the interpreter's own venv and pip. */
export interface Installer {
  readonly kind: 'uv' | 'pip'
  /** uv itself, or the interpreter whose pip is used. */
  readonly program: string
  readonly env: Readonly<Record<string, string>>
  /** What decides which packages are found. */
  readonly index: unknown
}

export async function findInstaller(
  python: Python,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Installer> {
  const index = readPackageIndex(await readAll(pipConfigPaths(env)), env)
  const uv = await findUv(env, signal)
  if (uv === undefined) {
    const quiet = { PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' }
    const own = { ...env, ...quiet, ...pipVariables(index, env) }
    return { kind: 'pip', program: python.executable, env: own, index: indexIdentity(index) }
  }
  return { kind: 'uv', program: uv, env: { ...env, ...uvVariables(index, env) }, index: indexIdentity(index) }
}

/** The first that answers: pyenv leaves a `uv` on PATH that only says which of its Pythons has the real one. */
async function findUv(env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string | undefined> {
  const home = env['HOME'] ?? '/'
  const folders = [...(env['PATH'] ?? '').split(delimiter), join(home, '.local/bin'), join(home, '.cargo/bin')]
  for (const folder of folders) {
    const program = join(folder, 'uv')
    if (!folder.startsWith('/') || !(await isExecutable(program))) continue
    if ((await runTool({ program, args: ['--version'], cwd: '/', env, signal })).ok) return program
  }
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function readAll(paths: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')))
  return texts.filter((text) => text !== '')
}
