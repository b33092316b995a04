import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { splitExtras } from '../pipeline/requirement-includes.ts'

interface Asked {
  readonly files: readonly string[]
  readonly workspace: string
  readonly installer: 'uv' | 'pip'
  readonly allowBuilds: boolean
}

/**
 * Refuses lists that only code of the commit can tell, where that code would run with rights that steps do not
 * have (pip runs a setup.py whatever it is told about builds), or where the tool at hand would pass them over.
 */
export async function refuseComputed({ files, workspace, installer, allowBuilds }: Asked): Promise<void> {
  for (const file of files) {
    const { path } = splitExtras(file)
    const why = basename(path) === 'setup.py' ? !allowBuilds && SETUP : await whyComputed(join(workspace, path))
    if (why === false || why === undefined) continue
    const isTool = allowBuilds && installer === 'uv'
    if (basename(path) !== 'setup.py' && isTool) continue
    throw new AppError('INVALID_INPUT', `${path} ${why}${allowBuilds ? '' : AS_ROOT} ${INSTEAD}`)
  }
}

const SETUP = 'says what it requires only when it is run.'
const AS_ROOT = ' A server that runs as root runs no code of a commit with its own rights.'
const INSTEAD =
  'List the packages in a requirements.txt, or in `dependencies` of [project] in pyproject.toml, and name that file in `build.dependencies`.'

async function whyComputed(path: string): Promise<string | undefined> {
  if (!path.endsWith('.toml')) return undefined
  const text = await readFile(path, 'utf8')
  if (/^\s*dynamic\s*=\s*\[[^\]]*["']dependencies["']/m.test(text))
    return 'leaves its dependencies to a build (`dynamic`).'
  const isPoetry = /^\s*\[tool\.poetry\.dependencies\]/m.test(text) && !/^\s*dependencies\s*=\s*\[/m.test(text)
  return isPoetry ? 'keeps its dependencies in [tool.poetry], which only Poetry reads.' : undefined
}
