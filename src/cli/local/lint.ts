import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../../core/errors.ts'
import { formatProblem, type Problem } from '../../core/problem.ts'
import { hasCode } from '../../lib/error-code.ts'
import type { GlobalOptions } from '../context.ts'
import { print } from '../print.ts'
import { dataFolderOf } from './data-folder.ts'
import { counted } from '../../lib/counted.ts'

interface LintOptions {
  readonly explain?: boolean
  readonly data?: string
  readonly serverConfig?: boolean
}

/** `tidegate lint`: everything that is wrong with a file, at once. */
export function registerLint(program: Command): void {
  program
    .command('lint [file]')
    .description('check tidegate.yaml, or server.yaml: every problem with its line, column and fix')
    .option('--explain', 'also the plan: what each step waits for, what `tidegate run` would run now, and why')
    .option('--data <folder>', 'whose cache `--explain` asks; default: TIDEGATE_DATA, else ~/.tidegate')
    .option('--server-config', 'the file is an installation’s server.yaml, whatever its name')
    .addHelpText(
      'after',
      '\nThe file is tidegate.yaml where none is named, and that of a folder where one is. It is checked with the files of its\nfolder that git has or would have, as they are now, and with what the last `tidegate run` here has measured; with --server also\nwith what the server has. Exits 1 when there are errors; warnings alone are 0.',
    )
    .action(async (file: string | undefined, options: LintOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const path = fileOf(file ?? '.')
      const isServer = options.serverConfig === true || basename(path) === 'server.yaml'
      const problems = isServer ? await lintServerFile(path) : await lintPipelineFile(path, globals, options)
      const hasErrors = problems.some(({ severity }) => severity === 'error')
      const plan = options.explain === true && !hasErrors ? await explain(path, options) : undefined
      const answer = { file: path, problems, ...(plan === undefined ? {} : { plan: plan.json }) }
      print(globals, answer, () => [describe(path, problems), ...(plan === undefined ? [] : [plan.text])].join('\n'))
      if (hasErrors) process.exitCode = 1
    })
}

function fileOf(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? join(path, 'tidegate.yaml') : path
}

async function explain(path: string, options: LintOptions) {
  if (options.serverConfig === true || basename(path) !== 'tidegate.yaml') {
    throw new AppError('INVALID_INPUT', `--explain is about a tidegate.yaml, and ${path} is none.`)
  }
  const { explainLocally } = await import('../../explain.ts')
  const { planJson, planText } = await import('./show-plan.ts')
  const request = { folder: dirname(resolve(path)), dataFolder: dataFolderOf(options.data) }
  const { steps = [] } = await explainLocally(request)
  return { text: planText(steps), json: planJson(steps) }
}

async function lintPipelineFile(path: string, globals: GlobalOptions, options: LintOptions): Promise<Problem[]> {
  const text = readText(path)
  if (text === undefined) throw nothingThere(path)
  const { lintPipeline } = await import('../../pipeline/lint.ts')
  const { projectNameOf, readWorkingTree } = await import('./working-tree.ts')
  const folder = dirname(resolve(path))
  const tree = await readWorkingTree(folder)
  const project = projectNameOf(folder)
  const evidence = text.includes('champion') ? await localEvidence(folder, dataFolderOf(options.data)) : undefined
  const problems = lintPipeline(text, {
    file: path,
    project,
    // Of a commit that is on no branch: what would be said on the one where it lands.
    branch: tree.branch || 'main',
    defaultBranch: tree.branch || 'main',
    files: tree.files,
    isLeftOut: (name) => existsSync(join(folder, name)),
    readText: (name) => readText(join(folder, name)),
    ...(evidence === undefined ? {} : { evidence }),
  })
  if (globals.server === undefined) return problems
  const { openClient } = await import('../context.ts')
  const { lintText } = await import('../../api/system.ts')
  const client = await openClient(globals)
  const found = await client.call(lintText, { body: { text, files: [...tree.files], project } })
  return [...problems, ...found.problems.filter((one) => isNews(one, problems)).map((one) => ({ ...one, file: path }))]
}

/** The server has evaluated more than this machine: it knows margins that are new here. */
function isNews({ path, severity }: Problem, known: readonly Problem[]): boolean {
  return severity === 'warning' && path.endsWith('.margin') && !known.some((one) => one.path === path)
}

/** What a run of this folder on this machine has measured. */
async function localEvidence(folder: string, dataFolder: string) {
  const { localMargins } = await import('../../local.ts')
  return await localMargins(folder, dataFolder)
}

async function lintServerFile(path: string): Promise<Problem[]> {
  const text = readText(path)
  if (text === undefined) throw nothingThere(path)
  const { parseServerFile } = await import('./server-config.ts')
  return parseServerFile(text, path).problems
}

/** Undefined where there is no such file. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return undefined
    throw error
  }
}

function nothingThere(path: string): AppError {
  return new AppError('INVALID_INPUT', `There is no file ${path} here.${hintFor(path)}`)
}

function hintFor(path: string): string {
  if (basename(path) !== 'tidegate.yaml') return ''
  const other = path.replace(/\.yaml$/, '.yml')
  if (existsSync(other)) return ` Give ${other} that name.`
  return ' `tidegate init` writes one that fits the repository.'
}

function describe(path: string, problems: readonly Problem[]): string {
  if (problems.length === 0) return `${path}: no problems.`
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.length - errors
  return [...problems.map(formatProblem), `${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`].join('\n')
}
