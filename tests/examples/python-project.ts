import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Result } from 'execa'

/** A Python of its own with what the requirements file names: by uv where there is one, else by venv and pip. */
export class PythonEnvironment implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create(requirements: string): Promise<PythonEnvironment> {
    const folder = await mkdtemp(join(tmpdir(), 'tidegate-python-'))
    const environment = new PythonEnvironment(folder)
    await ((await hasUv()) ? installWithUv(folder, requirements) : installWithPip(folder, requirements))
    return environment
  }

  async run(cwd: string, args: readonly string[], more: Record<string, string> = {}): Promise<Result> {
    const env = { PYTHONPATH: 'src', OMP_NUM_THREADS: '1', ...more }
    return execa(join(this.#folder, 'bin/python'), args, { cwd, env, all: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function hasUv(): Promise<boolean> {
  const { failed } = await execa('uv', ['--version'], { reject: false })
  return !failed
}

async function installWithUv(folder: string, requirements: string): Promise<void> {
  await execa('uv', ['venv', '--quiet', '--allow-existing', '--python', '3.11', folder])
  await execa('uv', ['pip', 'install', '--quiet', '-r', requirements], { env: { VIRTUAL_ENV: folder } })
}

async function installWithPip(folder: string, requirements: string): Promise<void> {
  await execa('python3.11', ['-m', 'venv', folder])
  await execa(join(folder, 'bin/pip'), ['install', '--quiet', '--no-compile', '-r', requirements])
}

/** A copy of the project, with the files of some changes laid over it. */
export async function copyProject(to: string, project: string, ...changes: readonly string[]): Promise<string> {
  for (const from of [project, ...changes]) {
    await cp(from, to, { recursive: true, filter: (path) => !path.includes('__pycache__') })
  }
  return to
}
