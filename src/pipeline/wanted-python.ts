import type { BuildSpec } from './pipeline.ts'
import type { PlanContext } from './plan-context.ts'

/**
 * Which Python a build environment is made with: what the pipeline file says, else the file that pyenv and uv
 * read, else what the project itself allows (`>=3.10,<3.13`).
 */
export function wantedPython(build: BuildSpec, { readText, files }: PlanContext): string | undefined {
  if (build.python !== undefined) return build.python
  const read = (path: string) => (files.includes(path) ? readText?.(path) : undefined)
  const pinned = /^(?:cpython-|python-)?(3\.\d{1,2}(?:\.\d{1,2})?)\s*$/m.exec(read('.python-version') ?? '')?.[1]
  return pinned ?? requiredPython(read('pyproject.toml') ?? '') ?? setupPython(read('setup.cfg') ?? '')
}

function requiredPython(pyproject: string): string | undefined {
  return /^\s*requires-python\s*=\s*["']([^"']+)["']/m.exec(pyproject)?.[1]
}

function setupPython(setup: string): string | undefined {
  return /^\s*python_requires\s*=\s*(.+?)\s*$/m.exec(setup)?.[1]
}
