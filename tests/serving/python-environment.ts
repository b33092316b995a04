import { execFile } from 'node:child_process'
import { access, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findPython } from '../../src/build/find-python.ts'
import { folderOfUv } from '../build/python-tools.ts'
import { IS_ROOT } from '../harness/is-root.ts'

const run = promisify(execFile)
const CACHES = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/** The `bin` folder of a Python with pandas and the real tritonclient. */
export function pythonBin(): Promise<string> {
  return pythonWith('model', ['pandas', 'tritonclient[http]'])
}

/**
 * The `bin` folder of a Python with these packages, made once and kept below node_modules. Programs of
 * models and steps run as another user where we are root, so not every interpreter will do. `add` puts in what
 * packages of an index cannot say.
 */
export async function pythonWith(
  name: string,
  packages: readonly string[],
  add: (uv: string, python: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const cache = join(CACHES, `tidegate-${name}-python`)
  const bin = join(cache, 'bin')
  if (await exists(join(cache, 'complete'))) return bin
  const uv = join(await folderOfUv(), 'uv')
  const temporary = `${cache}.${process.pid}`
  await run(uv, ['venv', '--quiet', '--relocatable', '--python', await interpreter(), temporary])
  const python = join(temporary, 'bin/python')
  await run(uv, ['pip', 'install', '--quiet', '--python', python, ...packages])
  await add(uv, python)
  await run('touch', [join(temporary, 'complete')])
  // Another test file may have been quicker: its environment is as good.
  await rename(temporary, cache).catch(() => rm(temporary, { recursive: true, force: true }))
  return bin
}

async function interpreter(): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']))
  const forOtherUser = IS_ROOT
  return (await findPython({ env, forOtherUser, signal: AbortSignal.timeout(60_000) })).executable
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
