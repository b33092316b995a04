import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../core/errors.ts'
import type { Python } from './find-python.ts'
import { normalise, type Requirement } from './requirement-files.ts'
import { runTool } from './run-tool.ts'

interface Place {
  readonly workspace: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** One version of a package that a poetry.lock holds; as a requirement it names version and hashes. */
export interface PoetryPin extends Requirement {
  /** Absent: it comes from a repository, a folder or an address, which has no version to hold to. */
  readonly version?: string
  readonly marker?: string
}

const Lock = z.object({
  /** `lock-version`. */
  format: z.string(),
  packages: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      marker: z.string().nullable(),
      elsewhere: z.boolean(),
      hashes: z.array(z.string()),
    }),
  ),
})

/** All versions that a poetry.lock holds (formats 1 and 2), with its lines. Fails with INVALID_INPUT. */
export async function readPoetryLock(lock: string, python: Python, place: Place): Promise<PoetryPin[]> {
  const { workspace: cwd, env, signal } = place
  const args = ['-I', '-c', READ_LOCK, lock]
  const { ok, stdout, stderr } = await runTool({ program: python.executable, args, cwd, env, signal })
  if (!ok) throw new AppError('INVALID_INPUT', `${lock} cannot be read: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  const { format, packages } = Lock.parse(JSON.parse(stdout))
  if (!/^[12]\./.test(format)) {
    const way = 'commit what `poetry export --output requirements.txt` writes, and name that in build.dependencies'
    throw new AppError('INVALID_INPUT', `${lock} has the format "${format}"; 1.1 to 2.1 are known. Instead, ${way}.`)
  }
  const lines = (await readFile(join(cwd, lock), 'utf8')).split('\n')
  const places = lines.flatMap((line, index) => (line.trim() === '[[package]]' ? [index + 1] : []))
  return packages.map(({ name, version, marker, elsewhere, hashes }, i) => ({
    name: normalise(name),
    text: elsewhere ? name : [`${name}==${version}`, ...hashes.map((hash) => `--hash=${hash}`)].join(' '),
    file: lock,
    line: places[i] ?? 1,
    ...(elsewhere ? {} : { version }),
    ...(marker === null ? {} : { marker }),
  }))
}

/**
 * As lines of a constraints file. Of a package in several versions only markers tell which is for whom: Poetry writes
 * them down from format 2.1 on. Without them the resolver chooses, and is checked.
 */
export function constraintsOf(pins: readonly PoetryPin[]): string {
  const all = Map.groupBy(
    pins.filter(({ version }) => version !== undefined),
    ({ name }) => name,
  )
  return [...all.values()]
    .filter((versions) => versions.length === 1 || versions.every(hasUsableMarker))
    .flatMap((versions) =>
      versions.map(({ name, version, marker }) =>
        versions.length === 1 ? `${name}==${version}\n` : `${name}==${version} ; ${marker}\n`,
      ),
    )
    .join('')
}

/** What an extra asks for is not known where constraints are read. */
function hasUsableMarker({ marker }: PoetryPin): boolean {
  return marker !== undefined && !/\bextra\b/.test(marker)
}

/** Refuses what was resolved where the poetry.lock holds something else: its pyproject.toml has outgrown it. */
export function checkPoetryLock(resolved: string, pins: readonly PoetryPin[], pyproject: string): void {
  const lock = pins[0]?.file ?? 'poetry.lock'
  for (const [, name = '', version = ''] of resolved.matchAll(/^([A-Za-z0-9._-]+)==([^\s;\\]+)/gm)) {
    const held = pins.filter((pin) => pin.name === normalise(name))
    if (held.some((pin) => pin.version === undefined || pin.version === version)) continue
    const has = held.map((pin) => pin.version).join(' and ')
    const why =
      held.length === 0
        ? `${pyproject} requires ${name}, and ${lock} does not hold it. Run \`poetry lock\``
        : `${pyproject} leads to ${name} ${version}, and ${lock} holds ${has}. Run \`poetry lock\` with Poetry 2, which writes down what each is for`
    throw new AppError('INVALID_INPUT', `${why}, and commit ${lock}.`)
  }
}

/** Files stand with their package from format 2.0 on, and in a table of their own before. */
const READ_LOCK = String.raw`
import json, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib

with open(sys.argv[1], "rb") as file:
    lock = tomllib.load(file)
metadata = lock.get("metadata", {})


def marker_of(package):
    told = package.get("markers")
    if isinstance(told, dict):
        groups = [told.get(group) for group in package.get("groups", [])]
        told = None if None in groups else " or ".join(f"({one})" for one in dict.fromkeys(groups))
    return told or None


print(json.dumps({
    "format": str(metadata.get("lock-version", "")),
    "packages": [{
        "name": package["name"],
        "version": package["version"],
        "marker": marker_of(package),
        "elsewhere": package.get("source", {}).get("type", "legacy") != "legacy",
        "hashes": [one["hash"] for one in package.get("files") or metadata.get("files", {}).get(package["name"], [])],
    } for package in lock.get("package", [])],
}))
`
