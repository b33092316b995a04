import { readFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { listAlerts, sendLabels } from '../../api/monitoring.ts'
import {
  addProject,
  getProject,
  listProjects,
  removeProject,
  setProject,
  type Project,
  type ProjectDetail,
} from '../../api/projects.ts'
import { collectGarbage } from '../../api/system.ts'
import { PRIORITIES, type Priority } from '../../core/priority.ts'
import { AppError } from '../../core/errors.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print, size, table, time } from '../print.ts'

/** Projects, their labels and alerts, and the installation's garbage. */
export function registerProjects(program: Command): void {
  const project = program.command('project').description('projects: git repositories that models are delivered from')
  project
    .command('add <name>')
    .description('create a project and its repository, or one in the repository of others')
    .option('--path <folder>', 'where tidegate.yaml stands, for monorepos', '')
    .option('--repository <name>', 'the repository of another project, to be a folder of it: one push serves both')
    .option('--default-branch <branch>', 'the branch that delivers (default: "main", or that of the repository)')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(addProject, { body: { name, ...options } }), describeAdded)
    })
  project
    .command('set <name>')
    .description('what the installation grants a project; for administrators')
    .addOption(
      new Option('--priority <priority>', 'its share of what is scarce: high gets twice what normal gets, low half')
        .choices(Object.keys(PRIORITIES))
        .makeOptionMandatory(),
    )
    .action(async (name: string, { priority }: { priority: Priority }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(setProject, { params: { project: name }, body: { priority } })
      print(globals, answer, (set) => `The priority of ${set.name} is ${set.priority}.`)
    })
  project
    .command('remove <name>')
    .description('take a project out, for administrators; its runs, versions and events stay to be looked at')
    .requiredOption('--confirm <name>', 'the name once more')
    .option('--stop-serving', 'also where versions of it serve: nobody gets an answer there any more')
    .action(async (name: string, options: { confirm: string; stopServing?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const stopServing = options.stopServing === true ? 'yes' : 'no'
      const query = { confirm: options.confirm, stopServing } as const
      print(globals, await client.call(removeProject, { params: { project: name }, query }), () =>
        describeRemoved(name),
      )
    })
  project
    .command('list')
    .description('projects you may see')
    .action(async (_options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listProjects, {}), ({ projects }) =>
        table([
          ['project', 'repository', 'folder', 'branch', 'priority', 'git'],
          ...projects.map((one) => [one.name, one.repository, one.path, one.defaultBranch, one.priority, one.gitUrl]),
        ]),
      )
    })
  project
    .command('show <name>')
    .description('a project, where to push to, and when its schedules come due')
    .action(async (name: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(getProject, { params: { project: name } }), describeProject)
    })
  registerFeedback(program)
  program
    .command('gc')
    .description(
      'remove what nothing needs: content, workspaces, logs, environments, old test results, each with the reason',
    )
    .option('--dry-run', 'only tell what would go, and why')
    .action(async (options: { dryRun?: boolean }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(collectGarbage, { body: { dryRun: options.dryRun === true } })
      print(
        globals,
        answer,
        ({ rows, freedBytes }) =>
          `${table([['what', 'size', 'why'], ...rows.map((row) => [row.what, size(row.bytes), row.why])])}\n${options.dryRun === true ? 'Would free' : 'Freed'} ${size(freedBytes)}.`,
      )
    })
}

interface AddOptions {
  readonly path: string
  readonly repository?: string
  readonly defaultBranch?: string
}

function describeAdded({ name, repository, gitUrl, defaultBranch }: Project): string {
  const isShared = repository !== name
  return [
    isShared ? `${name} is there, in the repository ${repository}. To push to it:` : `${name} is there. To push to it:`,
    `  git remote add tidegate ${gitUrl}`,
    `  git push tidegate ${defaultBranch}`,
    '(git asks for a user, any name, and a password: your token)',
    ...(isShared
      ? [
          'Who fetches must be viewer in each project of the repository; who pushes, developer in those whose folders',
          'the push changes: `tidegate person grant` grants it.',
        ]
      : []),
  ].join('\n')
}

function describeRemoved(name: string): string {
  return [
    `${name} is removed: nobody can push to it, and its secrets, roles and schedules are gone.`,
    `What it did stays: \`tidegate runs ${name}\`. Its commits stay for 30 days, unless other projects are in the repository;`,
    `\`tidegate project add ${name}\` takes all of it up again.`,
  ].join('\n')
}

function describeProject(project: ProjectDetail): string {
  const { name, repository, gitUrl, defaultBranch, path, priority, schedules } = project
  const facts = [
    `${name}  ${gitUrl}`,
    ...(repository === name ? [] : [`in the repository ${repository}`]),
    `delivers from ${defaultBranch}${path === '' ? '' : `, folder ${path}`}`,
    `priority ${priority}`,
  ]
  if (schedules.length === 0)
    return [...facts, 'no schedules: `on.schedule` in tidegate.yaml starts runs by the clock'].join('\n')
  const rows = schedules.map((one) => [
    one.cron,
    one.timezone,
    time(one.nextAt),
    one.lastAt === null ? 'never' : time(one.lastAt),
    one.lastRun ?? '',
  ])
  return [...facts, table([['schedule', 'timezone', 'next', 'last', 'run'], ...rows])].join('\n')
}

function registerFeedback(program: Command): void {
  program
    .command('label <project> <environment>')
    .description(
      'tell what was true, from a file of JSON lines { "id", "row"?, "label" } or CSV id,label; - for standard input',
    )
    .requiredOption('--file <file>', 'the labels; - reads standard input')
    .action(async (project: string, environment: string, options: { file: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const labels = parseLabels(await readText(options.file), options.file)
      const total = { accepted: 0, duplicate: 0, corrected: 0 }
      for (let start = 0; start < labels.length; start += 5_000) {
        const part = await client.call(sendLabels, {
          body: { project, environment, labels: labels.slice(start, start + 5_000) },
        })
        total.accepted += part.accepted
        total.duplicate += part.duplicate
        total.corrected += part.corrected
      }
      print(
        globals,
        total,
        (sum) => `${sum.accepted} labels accepted, ${sum.corrected} corrected, ${sum.duplicate} known already.`,
      )
    })
  program
    .command('alerts <project>')
    .description('what monitors saw and what was done about it')
    .action(async (project: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listAlerts, { params: { project } }), ({ alerts }) =>
        table([
          ['fired', 'monitor', 'state', 'what', 'done'],
          ...alerts.map((one) => [
            time(one.firedAt),
            `${one.environment}/${one.monitor}`,
            one.state,
            one.summary,
            one.actions.map((action) => `${action.kind}: ${action.detail}`).join('; '),
          ]),
        ]),
      )
    })
}

interface GivenLabel {
  readonly id: string
  readonly row: number
  readonly label: string | number | boolean
}

function parseLabels(text: string, file: string): GivenLabel[] {
  const lines = text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && line !== 'id,label')
  if (lines.length === 0) throw new AppError('INVALID_INPUT', `${file} holds no labels.`)
  return lines.map(({ line, number }) => parseLabel(line, `${file}:${number}:1`))
}

function parseLabel(line: string, where: string): GivenLabel {
  if (!line.startsWith('{')) {
    const comma = line.lastIndexOf(',')
    if (comma < 1) throw new AppError('INVALID_INPUT', `${where}: expected id,label`)
    return { id: line.slice(0, comma), row: 0, label: line.slice(comma + 1) }
  }
  try {
    const { id, row, label } = JSON.parse(line) as Omit<GivenLabel, 'row'> & { row?: number }
    return { id, row: row ?? 0, label }
  } catch (error) {
    throw new AppError('INVALID_INPUT', `${where}: not JSON: ${(error as Error).message}`, {}, { cause: error })
  }
}

async function readText(file: string): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8')
  let text = ''
  for await (const chunk of process.stdin) text += String(chunk)
  return text
}
