import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { checkUvLock } from './check-uv-lock.ts'
import { isEnvironmentYml, readEnvironmentYml } from './environment-yml.ts'
import type { Installer } from './find-installer.ts'
import type { Python } from './find-python.ts'
import { holdToHashes } from './hold-to-hashes.ts'
import { checkPoetryLock, constraintsOf, readPoetryLock, type PoetryPin } from './poetry-lock.ts'
import { refuseLines } from './refuse-lines.ts'
import { explainResolution, normalise, readRequirementFile } from './requirement-files.ts'
import { splitExtras } from '../pipeline/requirement-includes.ts'
import type { RequirementSet } from './read-requirements.ts'
import { runTool } from './run-tool.ts'

export interface Resolution {
  readonly requirements: RequirementSet
  readonly python: Python
  readonly installer: Installer
  /** Packages that must be built run code of their own: only where that code runs as nobody special. */
  readonly allowBuilds: boolean
  /** Where the dependency files stand. */
  readonly workspace: string
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/**
 * Every package with its exact version and the hashes it may have, as a requirements file that both uv and
 * pip install from. Fails with INVALID_INPUT, saying which requirements cannot go together.
 */
export async function resolveLock(resolution: Resolution): Promise<string> {
  const { requirements } = resolution
  if (requirements.files.length === 0) return ''
  if (requirements.poetryLock !== undefined) return await resolveByPoetryLock(resolution, requirements.poetryLock)
  const lock = await resolve({ ...resolution, constraints: [] })
  return holdToHashes(lock, requirements.requirements)
}

/** The project's requirements are resolved as ever, among the versions that the lock holds. */
async function resolveByPoetryLock(resolution: Resolution, lockPath: string): Promise<string> {
  const { requirements, python, installer, workspace, signal } = resolution
  const pins = await readPoetryLock(lockPath, python, { workspace, env: installer.env, signal })
  await writeFile(join(workspace, CONSTRAINTS), constraintsOf(pins))
  const all = [...requirements.requirements, ...pins]
  const lock = await resolve({ ...resolution, requirements: { ...requirements, requirements: all }, constraints: pins })
  checkPoetryLock(lock, pins, requirements.files[0] ?? '')
  return holdToHashes(lock, all)
}

const CONSTRAINTS = '.tidegate-constraints.txt'

interface Constrained extends Resolution {
  /** Versions that stand in `CONSTRAINTS`. */
  readonly constraints: readonly PoetryPin[]
}

function resolve(resolution: Constrained): Promise<string> {
  return resolution.installer.kind === 'uv' ? resolveWithUv(resolution) : resolveWithPip(resolution)
}

function constraintArgs({ constraints }: Constrained): string[] {
  return constraints.length === 0 ? [] : ['-c', CONSTRAINTS]
}

async function resolveWithUv(resolution: Constrained): Promise<string> {
  const { requirements, python, installer, workspace, signal, log, allowBuilds } = resolution
  const target = join(workspace, '.tidegate-lock.txt')
  const args = requirements.uvLock ? await exportArgs(resolution) : await compileArgs(resolution)
  const { ok, stderr } = await runTool({
    program: installer.program,
    args: [
      ...args,
      '-o',
      target,
      '--python',
      python.executable,
      '--no-python-downloads',
      ...(allowBuilds ? [] : ['--no-build']),
    ],
    cwd: workspace,
    env: { ...installer.env, NO_COLOR: '1' },
    signal,
    log,
  })
  if (!ok) throw cannotResolve(stderr, resolution)
  return await readFile(target, 'utf8')
}

/** A uv.lock is taken as it is (`--frozen`), unless the project has outgrown it. */
async function exportArgs({ requirements, workspace, python, installer, signal }: Resolution): Promise<string[]> {
  const { path, extras } = splitExtras(requirements.files[0] ?? '')
  const place = { cwd: workspace, env: installer.env, signal }
  await checkUvLock(python, path, join(dirname(path), 'uv.lock'), place)
  const text = await readFile(join(workspace, path), 'utf8')
  const chosen = extras.flatMap((name) => [isGroup(text, name) ? '--group' : '--extra', name])
  const quiet = ['--quiet', '--no-header', '--no-annotate', '--no-emit-project', '--no-dev']
  return ['export', '--frozen', ...quiet, '--project', dirname(path), ...chosen]
}

function isGroup(pyproject: string, name: string): boolean {
  const [, section = ''] = /^\[dependency-groups\]\s*$((?:\n(?!\[).*)*)/m.exec(pyproject) ?? []
  return section
    .split('\n')
    .some((line) => normalise(line.split('=')[0]?.trim().replaceAll('"', '') ?? '') === normalise(name))
}

async function compileArgs(resolution: Constrained): Promise<string[]> {
  const { files, computed = {} } = resolution.requirements
  const needsReading = files.some(
    (file) => splitExtras(file).extras.length > 0 || isEnvironmentYml(file) || computed[file] !== undefined,
  )
  // Of a pyproject.toml uv reads its own tables as well; what the lines of the project mean is looked at before.
  const read = await asRequirementFiles(resolution)
  const plain = needsReading ? read : files
  return [
    'pip',
    'compile',
    ...plain,
    ...constraintArgs(resolution),
    '--generate-hashes',
    '--no-header',
    '--no-annotate',
    '--quiet',
  ]
}

/** What `pip install --dry-run --report` says of each package it would install. */
interface PipReport {
  readonly install: readonly {
    readonly metadata: { readonly name: string; readonly version: string }
    readonly download_info: {
      readonly url: string
      readonly archive_info?: { readonly hash?: string; readonly hashes?: Readonly<Record<string, string>> }
    }
  }[]
}

const NO_UV =
  'The commit has a uv.lock, and this machine has no uv that could read it. Install it (pip install uv, or https://docs.astral.sh/uv), or name another list in `build.dependencies`.'

/** pip knows the one file it would install, and so the lock has its hash only: it is for this platform anyway. */
async function resolveWithPip(resolution: Constrained): Promise<string> {
  const { requirements, installer, workspace, signal, log, allowBuilds } = resolution
  if (requirements.uvLock) throw new AppError('INVALID_INPUT', NO_UV)
  const report = join(workspace, '.tidegate-report.json')
  const args = ['-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--no-input', '--report', report]
  for (const file of await asRequirementFiles(resolution)) args.push('-r', file)
  args.push(...constraintArgs(resolution))
  if (!allowBuilds) args.push('--only-binary', ':all:')
  const { ok, stdout, stderr } = await runTool({
    program: installer.program,
    args,
    cwd: workspace,
    env: installer.env,
    signal,
    log,
  })
  // pip prints what the conflict is caused by to stdout, and the verdict to stderr.
  if (!ok) throw cannotResolve(`${stdout.slice(stdout.search(/The conflict is caused by|$/))}\n${stderr}`, resolution)
  return formatPipReport(JSON.parse(await readFile(report, 'utf8')) as PipReport)
}

/** pip takes dependencies of a pyproject.toml only by installing the project, which may not be here. */
async function asRequirementFiles({
  requirements,
  python,
  installer,
  workspace,
  signal,
}: Resolution): Promise<string[]> {
  const files: string[] = []
  for (const [index, file] of requirements.files.entries()) {
    const { path, extras } = splitExtras(file)
    // Beside the file: what a line includes is looked for from there.
    const target = join(workspace, dirname(path), `.tidegate-requirements-${index}.txt`)
    if (isEnvironmentYml(path)) {
      const { requirements: lines } = readEnvironmentYml(path, await readFile(join(workspace, path), 'utf8'))
      await writeFile(target, lines.map((line) => `${line}\n`).join(''))
      files.push(target)
      continue
    }
    const list = requirements.computed?.[file]
    if (!path.endsWith('.toml') && list === undefined) {
      files.push(file)
      continue
    }
    const { ok, stdout, stderr } = await runTool({
      program: python.executable,
      args: ['-I', '-c', READ_PROJECT, path, ...extras],
      cwd: workspace,
      env: installer.env,
      signal,
      ...(list === undefined ? {} : { input: JSON.stringify(list) }),
    })
    if (!ok) throw new AppError('INVALID_INPUT', `${file} cannot be read: ${stderr.trim().split('\n').at(-1) ?? ''}`)
    refuseLines(path, readRequirementFile(path, stdout), await readFile(join(workspace, path), 'utf8'))
    await writeFile(target, stdout)
    files.push(target)
  }
  return files
}

/** PEP 621 dependencies, or on stdin those that a build has told, extras, and dependency groups (PEP 735) with those they include. */
const READ_PROJECT = `
import json, re, sys
try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib
data = {}
if sys.argv[1].endswith(".toml"):
    with open(sys.argv[1], "rb") as file:
        data = tomllib.load(file)
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
project = data.get("project", {})
told = sys.stdin.read()
if told:
    told = json.loads(told)
    project = {"name": told["name"], "dependencies": told["dependencies"], "optional-dependencies": told["extras"]}
extras = {plain(name): lines for name, lines in project.get("optional-dependencies", {}).items()}
groups = {plain(name): lines for name, lines in data.get("dependency-groups", {}).items()}
if told:
    groups = {**told["groups"], **groups}
def of_group(name, seen=()):
    if name in seen:
        sys.exit(f"dependency group {name} includes itself")
    if name not in groups:
        sys.exit(f"there is no dependency group {name}")
    for line in groups[name]:
        if isinstance(line, dict):
            yield from of_group(plain(line.get("include-group", "")), (*seen, name))
        else:
            yield line
own = plain(project.get("name", ""))
def of_extra(name, seen=()):
    for line in extras.get(name, []):
        match = re.match(r"\\s*([A-Za-z0-9._-]+)\\s*\\[([^\\]]*)\\]", line)
        if match is None or not own or plain(match[1]) != own:
            yield line
            continue
        for other in (plain(one.strip()) for one in match[2].split(",")):
            if other not in (*seen, name):
                yield from of_extra(other, (*seen, name))
lines = list(project.get("dependencies", []))
for name in map(plain, sys.argv[2:]):
    if name not in extras and name not in groups:
        known = ", ".join([*extras, *groups]) or "none"
        sys.exit(f"it has no extra or dependency group {name}; it has {known}")
    lines += of_extra(name) if name in extras else of_group(name)
print("\\n".join(line for line in lines if plain(re.split(r"[^A-Za-z0-9._-]", line)[0]) != own or not own))
`

function formatPipReport(report: PipReport): string {
  const lines = report.install
    .filter(({ download_info: info }) => info.archive_info !== undefined)
    .map(({ metadata, download_info: info }) => {
      const hashes = info.archive_info?.hashes ?? {}
      const all = Object.entries(hashes).map(([kind, hash]) => `--hash=${kind}:${hash}`)
      if (all.length === 0 && info.archive_info?.hash !== undefined)
        all.push(`--hash=${info.archive_info.hash.replace('=', ':')}`)
      return `${[`${normalise(metadata.name)}==${metadata.version}`, ...all.toSorted()].join(' \\\n    ')}\n`
    })
  return lines.toSorted().join('')
}

function cannotResolve(output: string, { requirements, allowBuilds, constraints }: Constrained): AppError {
  const why = explainResolution(output, requirements.requirements)
  const built = !allowBuilds && /no-build|only-binary|no usable wheels|source distribution/i.test(output)
  const hint = built
    ? '\nA server that runs as root installs built packages (wheels) only: building one runs its code. Choose a version that has a wheel, or run the server as a user of its own.'
    : ''
  const lock = constraints[0]?.file
  const among = lock === undefined ? '' : ` among the versions that ${lock} holds`
  const outgrown =
    lock === undefined ? '' : `\nWhere the project has changed since ${lock} was made: \`poetry lock\`, and commit it.`
  return new AppError(
    'INVALID_INPUT',
    `The dependencies in ${requirements.files.join(', ')} cannot be resolved${among}.\n${why}${hint}${outgrown}`,
  )
}
