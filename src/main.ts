import type { Command } from 'commander'
import { endWithOutput } from './cli/closed-output.ts'
import { AppError } from './core/errors.ts'
import { storageError } from './core/storage-error.ts'
import { version } from './lib/version.ts'

/** Programs that we start ourselves; they are not commands for people. */
const PROGRAMS: Record<string, (args: readonly string[]) => Promise<void>> = {
  async task(args) {
    const { runTaskProcess } = await import('./supervisor/run-task-process.ts')
    const { createTasks } = await import('./tasks.ts')
    await runTaskProcess(createTasks(process.env), args[0])
  },
}

/** The command. Everything heavy is imported by the command that needs it: `--version` must be quick. */
export async function main(args: readonly string[]): Promise<void> {
  const [first = ''] = args
  if (first === '--version' || first === '-V') {
    console.log(version())
    return
  }
  try {
    const program = PROGRAMS[first]
    if (program !== undefined) return await program(args.slice(1))
    endWithOutput(args)
    const commands = await programFor(first)
    await commands.parseAsync(args, { from: 'user' })
  } catch (error) {
    explain(error)
  }
}

/** A command of this machine does without the contracts of the whole API, which are 40 ms of imports. */
async function programFor(first: string): Promise<Command> {
  const { createLocalProgram } = await import('./cli/local-program.ts')
  const local = createLocalProgram(version())
  if (local.commands.some((command) => command.name() === first)) return local
  const { createProgram } = await import('./cli/program.ts')
  return createProgram(version())
}

/** 2: you asked wrong. 3: it could not be done. 1 is left to commands whose answer is "no". */
function explain(failure: unknown): void {
  const error = failure instanceof AppError ? failure : (storageError(failure) ?? failure)
  if (error instanceof AppError) {
    console.error(error.message)
    process.exitCode = error.status < 500 ? 2 : 3
    return
  }
  console.error(error)
  process.exitCode = 3
}

// Supervisors start tasks with this file itself, without the command in `bin/`.
if (import.meta.main) await main(process.argv.slice(2))
