import type { Command } from 'commander'
import { approveDataset, listDatasets, rejectDataset, showDataset, type DatasetVersion } from '../../api/datasets.ts'
import { shortDigest } from '../../core/digest.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print, table, time } from '../print.ts'
import { describePush } from './describe-push.ts'
import { pushData } from './push-data.ts'

/** Datasets: sending them, and saying yes or no to what they are now. */
export function registerData(program: Command): void {
  const data = program.command('data').description('datasets: what they are, sending them, and the yes of their owners')
  data
    .command('push <project> <path> <source>')
    .description(
      'send a file or folder as what a dataset with `from: store` is now; what is there already is not sent again',
    )
    .action(async (project: string, path: string, source: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const progress = globals.json === true ? () => undefined : (line: string) => console.error(line)
      const pushed = await pushData(client, { project, path, source }, progress)
      print(globals, pushed, (version) => describePush(project, version))
    })
  data
    .command('list <project>')
    .description('datasets of a project, as they were frozen last')
    .action(async (project: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listDatasets, { params: { project } }), ({ datasets }) =>
        table([
          ['path', 'from', 'digest', 'rows', 'bytes', 'frozen by', 'owners', 'wait for a yes'],
          ...datasets.map((one) => [
            one.path,
            one.from ?? '-',
            one.digest === null ? '-' : shortDigest(one.digest),
            one.rows === null ? '-' : String(one.rows),
            one.bytes === null ? '-' : String(one.bytes),
            one.run ?? one.pushedBy ?? '-',
            one.owners.join(', '),
            String(one.pending),
          ]),
        ]),
      )
    })
  data
    .command('show <project> <path>')
    .description('digests of one dataset, newest first, and what was said about each')
    .action(async (project: string, path: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const answer = await client.call(showDataset, { params: { project }, query: { path } })
      print(globals, answer, ({ versions }) => describeVersions(versions))
    })
  registerDecision(data, 'approve', 'say yes to a digest: runs use it from now on (owners only)')
  registerDecision(data, 'reject', 'say no to a digest: no run uses it (owners only)')
}

function registerDecision(data: Command, event: 'approve' | 'reject', description: string): void {
  data
    .command(`${event} <project> <path>`)
    .description(description)
    .option('--digest <digest>', 'as `tidegate data show --json` prints it; default: the one that waits')
    .option('--reason <text>', 'for the others', '')
    .action(async (project: string, path: string, options: { digest?: string; reason: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const operation = event === 'approve' ? approveDataset : rejectDataset
      const version = await client.call(operation, { params: { project }, body: { path, ...options } })
      const words = event === 'approve' ? 'approved: runs use it from now on' : 'rejected: no run uses it'
      print(globals, version, (one) => `${path} ${shortDigest(one.digest)} is ${words}.`)
    })
}

/** Each beside what runs use now: what a yes would change. */
function describeVersions(versions: readonly DatasetVersion[]): string {
  const used = versions.find(({ isUsed }) => isUsed)
  return table([
    ['digest', 'state', 'rows', 'bytes', 'from', 'asked', 'decided', 'reason'],
    ...versions.map((one) => [
      `${shortDigest(one.digest)}${one.isUsed ? ' (used)' : ''}`,
      one.state,
      compared(one.rows, used?.rows ?? null, one.isUsed),
      compared(one.bytes, used?.bytes ?? null, one.isUsed),
      one.pushedBy ?? one.run ?? '-',
      time(one.askedAt),
      one.decidedAt === null ? '-' : `${one.decidedBy ?? ''} ${time(one.decidedAt)}`,
      one.reason ?? '',
    ]),
  ])
}

function compared(value: number | null, used: number | null, isUsed: boolean): string {
  if (value === null) return '-'
  const change = value - (used ?? value)
  return isUsed || change === 0 ? String(value) : `${value} (${change > 0 ? '+' : ''}${change})`
}
