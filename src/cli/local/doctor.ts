import type { Command } from 'commander'
import type { GlobalOptions } from '../context.ts'
import { print, table } from '../print.ts'

interface DoctorOptions {
  readonly config?: string
  readonly data?: string
}

/** `tidegate doctor`: what this machine has and lacks. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what this machine has and lacks, and what to do about it')
    .option('--config <file>', 'server.yaml: its folder, ports, database and package index are tried')
    .option('--data <folder>', 'the data folder to try; default: TIDEGATE_DATA, else where `tidegate up` keeps it')
    .addHelpText(
      'after',
      '\nStates: ok; lacking: something works less well without it; missing: Tidegate cannot work without it.\nExits 1 when something is missing.',
    )
    .action(async (options: DoctorOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const { checkMachine } = await import('./doctor/check-machine.ts')
      const checks = await checkMachine({ file: options.config, data: options.data })
      const isFit = checks.every(({ state }) => state !== 'missing')
      print(globals, { ok: isFit, checks }, () =>
        table([
          ['check', 'state', 'what was found, and what to do'],
          ...checks.map(({ check, state, found, todo }) => [check, state, todo === '' ? found : `${found}. ${todo}`]),
        ]),
      )
      if (!isFit) process.exitCode = 1
    })
}
