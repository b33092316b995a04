import { execFile } from 'node:child_process'
import { access, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findPython } from '../../src/build/find-python.ts'
import { folderOfUv } from '../build/python-tools.ts'

const run = promisify(execFile)
const PACKAGES = ['pandas', 'tritonclient[http]']
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/tidegate-model-python', import.meta.url))

/**
 * The `bin` folder of a Python with pandas and the real tritonclient, made once and kept below node_modules.
 * Programs of models run as another user where we are root, so not every interpreter will do.
 */
export async function pythonBin(): Promise<string> {
  const bin = join(CACHE, 'bin')
  if (await exists(join(CACHE, 'complete'))) return bin
  const uv = join(await folderOfUv(), 'uv')
  const temporary = `${CACHE}.${process.pid}`
  await run(uv, ['venv', '--quiet', '--relocatable', '--python', await interpreter(), temporary])
  await run(uv, ['pip', 'install', '--quiet', '--python', join(temporary, 'bin/python'), ...PACKAGES])
  await run('touch', [join(temporary, 'complete')])
  // Another test file may have been quicker: its environment is as good.
  await rename(temporary, CACHE).catch(() => rm(temporary, { recursive: true, force: true }))
  return bin
}

async function interpreter(): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']))
  const forOtherUser = process.getuid?.() === 0
  return (await findPython({ env, forOtherUser, signal: AbortSignal.timeout(60_000) })).executable
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
