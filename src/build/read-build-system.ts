import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { hasCode } from '../lib/error-code.ts'
import { sha256 } from '../lib/sha256.ts'
import type { Python } from './find-python.ts'
import type { RequirementSet } from './read-requirements.ts'
import { readRequirementFile } from './requirement-files.ts'
import { runTool } from './run-tool.ts'

interface Place {
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** What pip takes where a project says nothing (PEP 517), and who reads pyproject.toml before Python 3.11. */
const DEFAULT_REQUIRES = 'setuptools>=61\nwheel'
const TOML_READER = 'tomli; python_version < "3.11"'
/** In the workspace; its name is what an error calls it. */
const LIST = 'build-system.requires.txt'

/** What `[build-system]` of the project in `folder` (empty, or ending in `/`) requires, as a list of its own. */
export async function readBuildSystem(folder: string, python: Python, place: Place): Promise<RequirementSet> {
  const { workspace } = place
  const path = `${folder}pyproject.toml`
  const text = await readFile(join(workspace, path), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  const listed = text === undefined ? DEFAULT_REQUIRES : await requiresOf(path, python, place)
  const list = `${listed}\n${TOML_READER}\n`
  await writeFile(join(workspace, LIST), list)
  const requirements = readRequirementFile(path, listed).requirements.map((one) => ({
    ...one,
    line: lineOf(text ?? '', one.text),
  }))
  return { files: [LIST], requirements, digests: { [LIST]: sha256(list) }, uvLock: false }
}

async function requiresOf(path: string, python: Python, { workspace, env, signal }: Place): Promise<string> {
  const args = ['-I', '-c', READ, path, DEFAULT_REQUIRES]
  const { ok, stdout, stderr } = await runTool({ program: python.executable, args, cwd: workspace, env, signal })
  if (ok) return stdout.trim()
  throw new AppError('INVALID_INPUT', `${path} cannot be read: ${stderr.trim().split('\n').at(-1) ?? ''}`)
}

/** A list that names something outside of it (`-r`, a path) is no list of requirements. */
const READ = `
import sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
with open(sys.argv[1], "rb") as file:
    system = tomllib.load(file).get("build-system")
lines = sys.argv[2].split("\\n") if system is None else system.get("requires")
if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
    sys.exit("[build-system] has no list called requires")
for line in lines:
    if line.startswith(("-", ".", "/")) or "\\n" in line or "file:" in line:
        sys.exit(f"[build-system] requires {line!r}, which is no package of an index")
print("\\n".join(lines))
`

/** Lines count from 1; a requirement that nobody wrote stands at the beginning. */
function lineOf(text: string, requirement: string): number {
  return Math.max(1, text.split('\n').findIndex((line) => line.includes(requirement)) + 1)
}
