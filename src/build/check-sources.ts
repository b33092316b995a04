import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { failureOf, type Provided, type Task, type TaskContext, type TaskOutput } from '../core/task.ts'
import type { TaskInputs } from '../pipeline/task-inputs.ts'
import { readCommand } from '../pipeline/command-files.ts'
import { findFindings, type Finding } from './find-findings.ts'
import { mapBounded } from '../lib/map-bounded.ts'
import { readRequirements } from './read-requirements.ts'
import type { Requirement } from './requirement-files.ts'
import { runTool } from './run-tool.ts'
import { SOURCE_SCRIPT, type SourceFacts } from './source-script.ts'
import { counted } from '../lib/counted.ts'

/** The whole source tree stands in the workspace. `provided`: what each of `environments` provides, by its key. */
export type CheckSourcesInput = TaskInputs['check-sources'] & { readonly provided: Readonly<Record<string, Provided>> }

export interface CheckSourcesOutput extends TaskOutput {
  readonly result?: { readonly findings: readonly Finding[] }
}

/** Beyond these a source is data in disguise, or somebody's experiment with our patience. */
const MOST_SOURCES = 10_000
const MOST_FINDINGS = 200
/** Where git hosts begin to warn is five times as much; a model of this size is an out already. */
const LARGE_BYTES = 10 << 20

/** Syntax errors under the environment's own Python, imports that nothing provides, scripts that do not exist. */
export function createCheckSourcesTask(): Task<CheckSourcesInput, CheckSourcesOutput> {
  return {
    name: 'check-sources',
    async run(input, context) {
      try {
        return report(await check(input, context), context)
      } catch (error) {
        return failureOf(error)
      }
    },
  }
}

async function check(input: CheckSourcesInput, context: TaskContext): Promise<Finding[]> {
  const paths = await listSources(context.workspace)
  const python = paths.filter((path) => path.endsWith('.py')).slice(0, MOST_SOURCES)
  const facts: Record<string, SourceFacts> = {}
  for (const key of input.environments) {
    const provided = input.provided[key]
    if (provided === undefined) throw new Error(`environment ${key} was not provided`)
    facts[key] = await readFacts(python, provided, context)
  }
  return findFindings({
    paths: new Set(paths),
    commands: input.commands.map((command) => ({ ...command, files: readCommand(command.run) })),
    facts,
    dataPaths: input.dataPaths,
    requirements: await readAllRequirements(input, context.workspace),
    large: await findLarge(paths, context.workspace),
    pipelineFile: {
      path: 'tidegate.yaml',
      text: await readFile(join(context.workspace, 'tidegate.yaml'), 'utf8').catch(() => ''),
    },
  })
}

/** What cannot be read is the build step's to say. */
async function readAllRequirements(
  { dependencies = {} }: CheckSourcesInput,
  workspace: string,
): Promise<Record<string, readonly Requirement[]>> {
  const read = await Promise.all(
    Object.entries(dependencies).map(async ([key, files]) => {
      const set = await readRequirements(workspace, files).catch(() => undefined)
      return [key, set?.requirements ?? []] as const
    }),
  )
  return Object.fromEntries(read)
}

async function findLarge(paths: readonly string[], workspace: string): Promise<{ path: string; sizeBytes: number }[]> {
  const sized = await mapBounded(paths, 64, async (path) => {
    return { path, sizeBytes: (await stat(join(workspace, path))).size }
  })
  return sized.filter(({ sizeBytes }) => sizeBytes > LARGE_BYTES)
}

async function readFacts(files: readonly string[], provided: Provided, context: TaskContext): Promise<SourceFacts> {
  const program = join(provided.path[0] ?? '/usr/bin', 'python')
  const answer = await runTool({
    program,
    args: ['-I', '-S', '-c', SOURCE_SCRIPT],
    cwd: context.workspace,
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    input: JSON.stringify({ root: context.workspace, files, site: await sitePackages(provided, program, context) }),
    signal: context.signal,
  })
  if (!answer.ok) throw new AppError('UPSTREAM', `${program} could not read the sources: ${answer.stderr.slice(-500)}`)
  return JSON.parse(answer.stdout) as SourceFacts
}

/** Of our own environments by their layout; of an interpreter that was brought along by asking it. */
async function sitePackages(
  provided: Provided,
  program: string,
  { workspace, signal }: TaskContext,
): Promise<string[]> {
  const folder = provided.env['VIRTUAL_ENV']
  if (folder !== undefined) {
    const versions = await readdir(join(folder, 'lib'))
    return versions
      .filter((name) => name.startsWith('python'))
      .map((name) => join(folder, 'lib', name, 'site-packages'))
  }
  const ask =
    'import json, site, sysconfig; print(json.dumps([sysconfig.get_path("purelib"), *site.getsitepackages()]))'
  const { ok, stdout } = await runTool({ program, args: ['-I', '-c', ask], cwd: workspace, env: {}, signal })
  return ok ? (JSON.parse(stdout) as string[]) : []
}

const NOT_SOURCES = new Set(['.git', '.venv', 'venv', 'node_modules', '__pycache__', '.tox', 'site-packages'])

async function listSources(root: string, below = ''): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory() && !NOT_SOURCES.has(entry.name)) found.push(...(await listSources(root, path)))
    else if (entry.isFile()) found.push(path)
  }
  return found
}

function report(all: readonly Finding[], context: TaskContext): CheckSourcesOutput {
  const findings = all.slice(0, MOST_FINDINGS)
  for (const finding of findings) context.log(formatFinding(finding))
  if (all.length > findings.length) context.log(`and ${all.length - findings.length} more`)
  const errors = all.filter((finding) => finding.severity === 'error')
  const [first] = errors
  if (first === undefined) {
    context.log(
      all.length === 0 ? 'nothing wrong was found in the sources' : `no errors, ${counted(all.length, 'warning')}`,
    )
    return { result: { findings } }
  }
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`
  return { result: { findings }, failure: { reason: 'refused', message: `${formatFinding(first)}${more}` } }
}

/** `train.py:3:1: message`, as compilers do, so that editors and terminals make a link of it. */
export function formatFinding({ file, line, column, message, severity }: Finding): string {
  return `${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${message}`
}
