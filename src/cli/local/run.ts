import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { RunState } from '../../core/run-state.ts'
import type { GlobalOptions } from '../context.ts'
import { dataFolderOf } from './data-folder.ts'
import { readWorkingTree } from './working-tree.ts'

interface RunOptions {
  readonly step?: string[]
  readonly data?: string
  readonly refreshData?: boolean
  readonly outs?: string
  /** `false`: --no-champion. */
  readonly champion?: string | false
}

/** `tidegate run`: the pipeline of a working folder, here and now. */
export function registerRun(program: Command): void {
  program
    .command('run [folder]')
    .description('run the pipeline on the files as they are, here and now')
    .option('--step <name>', 'only these steps and what they read; may be repeated', collect)
    .option('--refresh-data', 'freeze datasets anew, instead of using those frozen last')
    .option('--outs <folder>', 'put there what the steps have made: outs, metrics and reports, wheel and image')
    .option(
      '--champion <project>',
      'compare with what serves this project, or with digits@3; default: the project a git remote leads to on the server one is logged in to',
    )
    .option('--no-champion', 'ask no server: gates against the champion are not applicable')
    .option('--data <folder>', 'where content and environments are kept; default: TIDEGATE_DATA, else ~/.tidegate')
    .addHelpText('after', EXPLAINED)
    .action(async (folder: string | undefined, options: RunOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const place = resolve(folder ?? '.')
      // git is asked while the rest is imported.
      const [tree, { runLocally }] = await Promise.all([readWorkingTree(place), import('../../local.ts')])
      const { jsonResult, showRun } = await import('./show-run.ts')
      const { askChampion } = await import('./ask-champion.ts')
      const { askDataset } = await import('./ask-dataset.ts')
      const shown = showRun(globals.json === true ? undefined : process.stdout)
      const signal = untilInterrupted(() => shown.cancelling())
      // commander says true where --no-champion is known and neither was given.
      const named: unknown = options.champion
      const wanted = typeof named === 'string' || named === false ? named : undefined
      const request = {
        tree,
        champion: askChampion(place, wanted, globals),
        dataset: askDataset(place, typeof named === 'string' ? named : undefined, globals),
        dataFolder: dataFolderOf(options.data),
        steps: options.step ?? [],
        refreshData: options.refreshData === true,
        ...(options.outs === undefined ? {} : { outsFolder: resolve(options.outs) }),
        environment: process.env,
        watch: shown,
      }
      const result = await runLocally(request, signal).catch((error: unknown) => {
        // Cancelled while it waited for its turn: nothing had begun.
        if (signal.aborted && error instanceof Error && error.name === 'AbortError') return undefined
        throw error
      })
      process.exitCode = exitCode(result?.state)
      if (result === undefined) return
      if (globals.json === true) process.stdout.write(`${JSON.stringify(jsonResult(result, shown.gates), null, 2)}\n`)
      else shown.ended(result)
    })
}

const EXPLAINED = `
The folder is this one where none is named. What runs is what a push of it would run: tracked and unignored
files, the same engine, the same cache; nothing is registered or deployed. For gates against the champion and for
datasets from the store, and only for these, the server one is logged in to is asked; model and rows are kept by digest
here. Secrets are taken from your environment by their names. Ctrl-C ends every process of the run; where only its
output is read no more (\`| head\`), it goes on to its end.
Exits 0 when the run succeeded, 1 when it did not, 2 when it could not be started, as with errors in tidegate.yaml.`

function exitCode(state: RunState | undefined): number {
  if (state === 'invalid') return 2
  return state === 'succeeded' ? 0 : 1
}

function collect(name: string, names: string[] = []): string[] {
  return [...names, name]
}

function untilInterrupted(tell: () => void): AbortSignal {
  const interrupted = new AbortController()
  const interrupt = () => {
    if (interrupted.signal.aborted) return
    tell()
    interrupted.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  return interrupted.signal
}
