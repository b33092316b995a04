import { execFile } from 'node:child_process'
import { access, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findPython } from '../../src/build/find-python.ts'
import { folderOfUv } from '../build/python-tools.ts'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

const PACKAGES = {
  /** What models here are made and hosted with. */
  models: ['pandas==3.1.1', 'scikit-learn==1.9.1', 'joblib==1.6.0', 'xgboost-cpu==3.2.0'],
  /** MLflow itself, without its server. */
  mlflow: ['pandas==3.1.1', 'scikit-learn==1.9.1', 'mlflow-skinny==3.17.2'],
} as const

/** The `bin` folder of a Python with real libraries, made once and kept below node_modules. */
export async function pythonWith(what: keyof typeof PACKAGES): Promise<string> {
  const folder = join(CACHE, `tidegate-python-${what}`)
  if (await exists(join(folder, 'complete'))) return join(folder, 'bin')
  const uv = join(await folderOfUv(), 'uv')
  const temporary = `${folder}.${process.pid}`
  const python = join(temporary, 'bin/python')
  await run(uv, ['venv', '--quiet', '--relocatable', '--python', await interpreter(), temporary])
  await run(uv, ['pip', 'install', '--quiet', '--python', python, ...PACKAGES[what]])
  if (what === 'models') await addTorch(uv, python)
  await writeFile(join(temporary, 'complete'), '')
  await rename(temporary, folder).catch(() => rm(temporary, { recursive: true, force: true }))
  return join(folder, 'bin')
}

/** Only from where pip is told to find wheels: the index has it with gigabytes for graphics cards. */
async function addTorch(uv: string, python: string): Promise<void> {
  const { stdout } = await run('python3', ['-m', 'pip', 'config', 'list'])
  const links = /find-links='([^']+)'/.exec(stdout)?.[1]
  if (links === undefined) return
  await run(uv, ['pip', 'install', '--quiet', '--python', python, '--find-links', links, 'torch==2.13.0+cpu']).catch(
    () => undefined,
  )
}

/** PyTorch is there where this machine has a wheel of it for processors. */
export async function hasTorch(): Promise<boolean> {
  const python = join(await pythonWith('models'), 'python')
  return run(python, ['-c', 'import importlib.util as u; exit(u.find_spec("torch") is None)']).then(
    () => true,
    () => false,
  )
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
