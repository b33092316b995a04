import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pythonWith } from '../serving/python-environment.ts'

const run = promisify(execFile)

const PACKAGES = {
  /** What models here are made and hosted with. */
  models: ['pandas==3.1.1', 'scikit-learn==1.9.1', 'joblib==1.6.0', 'xgboost-cpu==3.2.0'],
  /** MLflow itself, without its server. */
  mlflow: ['pandas==3.1.1', 'scikit-learn==1.9.1', 'mlflow-skinny==3.17.2'],
} as const

/** The `bin` folder of a Python with real libraries, made once and kept below node_modules. */
export function librariesBin(what: keyof typeof PACKAGES): Promise<string> {
  return pythonWith(what, PACKAGES[what], what === 'models' ? addTorch : undefined)
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
  const python = join(await librariesBin('models'), 'python')
  return run(python, ['-c', 'import importlib.util as u; exit(u.find_spec("torch") is None)']).then(
    () => true,
    () => false,
  )
}
