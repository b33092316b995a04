import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../../core/errors.ts'
import { hasCode } from '../../lib/error-code.ts'
import type { GlobalOptions } from '../context.ts'
import { print } from '../print.ts'
import { readText } from './lint.ts'
import { readWorkingTree } from './working-tree.ts'

const FILE = 'tidegate.yaml'

interface InitOptions {
  readonly print?: boolean
}

/** `tidegate init`: a first pipeline file, made from what is there. */
export function registerInit(program: Command): void {
  program
    .command('init [folder]')
    .description('write a commented tidegate.yaml that fits the repository')
    .option('--print', 'print it instead of writing it')
    .addHelpText(
      'after',
      '\nThe folder is this one where none is named. A tidegate.yaml that is there is never replaced.',
    )
    .action(async (folder: string | undefined, options: InitOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const root = resolve(folder ?? '.')
      const { files } = await readWorkingTree(root)
      const { initPipeline } = await import('../../pipeline/init.ts')
      const { text, notes } = initPipeline(files, (path) => readText(join(root, path)))
      if (options.print === true) {
        if (globals.json !== true) process.stderr.write(notes.map((note) => `- ${note}\n`).join(''))
        return print(globals, { text, notes }, () => text.trimEnd())
      }
      const file = join(root, FILE)
      await writeNew(file, text)
      print(globals, { file, notes }, () => next(file, notes))
    })
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    throw new AppError(
      'ALREADY_EXISTS',
      `${file} is there already and was not touched. \`tidegate init --print\` shows what would be written.`,
      {},
      { cause: error },
    )
  }
}

function next(file: string, notes: readonly string[]): string {
  return [
    `Wrote ${file}.`,
    ...notes.map((note) => `- ${note}`),
    'Next:',
    '  tidegate lint    says what is wrong with it, line by line',
    '  tidegate run     runs it here, without a server',
    '  git add tidegate.yaml && git commit, then push it to a Tidegate server: `tidegate up` starts one,',
    '  `tidegate project add <name>` says where to push to',
  ].join('\n')
}
