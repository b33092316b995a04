import type { Command } from 'commander'
import type { GlobalOptions } from '../context.ts'
import { print } from '../print.ts'
import { dataFolderOf } from './data-folder.ts'

interface BackupOptions {
  readonly config?: string
  readonly data?: string
}

/** `tidegate backup` and `tidegate restore`. */
export function registerBackup(program: Command): void {
  program
    .command('backup <file>')
    .description('save an installation, running or not, into one tar')
    .option('--config <file>', 'its server.yaml')
    .option('--data <folder>', 'its data folder; default: TIDEGATE_DATA, else where `tidegate up` keeps it')
    .addHelpText(
      'after',
      '\nIn it: state, content, repositories, logs, predictions and keys (keep it as safe as these). Build\nenvironments and restored models are made again after a restore.',
    )
    .action(async (file: string, options: BackupOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const { readServerConfig } = await import('./server-config.ts')
      const { backUp } = await import('../../flow/back-up.ts')
      const { dataFolder, databaseUrl } = await readServerConfig({ file: options.config, data: options.data })
      const { bytes } = await backUp({ dataFolder, databaseUrl, file })
      print(
        globals,
        { file, bytes, dataFolder },
        () => `Saved ${dataFolder} to ${file}: ${(bytes / 1e6).toFixed(1)} MB.`,
      )
    })
  program
    .command('restore <file>')
    .description('make an empty folder the data folder that a backup holds')
    .option('--data <folder>', 'the folder; default: TIDEGATE_DATA, else where `tidegate up` keeps it')
    .action(async (file: string, options: { data?: string }, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const { restore } = await import('../../flow/restore.ts')
      const dataFolder = dataFolderOf(options.data)
      const note = await restore({ file, dataFolder })
      print(globals, { ...note, restoredTo: dataFolder }, () =>
        [
          `Restored what ${note.dataFolder} was at ${new Date(note.createdAt).toISOString()} to ${dataFolder}.`,
          `Next: tidegate up --data ${dataFolder}`,
        ].join('\n'),
      )
    })
}
