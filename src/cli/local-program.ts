import { Command, Option } from 'commander'
import { registerLocal } from './local/register-local.ts'

/** What the whole command line has in common, and of its commands those that work on this machine. */
export function createLocalProgram(version: string): Command {
  const program = new Command('tidegate')
    .description('CI/CD for machine learning: a commit goes in, a monitored model comes out')
    .version(version)
    .addOption(
      new Option('--server <url>', 'the server to ask; default: the one you are logged in to').env('TIDEGATE_SERVER'),
    )
    .option('--json', 'print data as JSON')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(tidegate --help lists the commands)')
    // Of itself commander says 1, which is the "no" of a command: a search without a match, a run that failed.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  registerLocal(program)
  return program
}
