import { createWriteStream, existsSync } from 'node:fs'
import { access, constants, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import type { Command } from 'commander'
import { getArtifact, listArtifacts, type Artifact } from '../../api/artifacts.ts'
import { AppError } from '../../core/errors.ts'
import { hasCode } from '../../lib/error-code.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print, size, table } from '../print.ts'
import { parseRun } from '../references.ts'

interface GetOptions {
  readonly output?: string
  readonly step?: string
}

/** `tidegate artifact`: what a run wrote. */
export function registerArtifacts(program: Command): void {
  const artifact = program.command('artifact').description('what the steps of a run wrote')
  artifact
    .command('list <run>')
    .description('wheel, image and every `outs` of a run, with size and digest')
    .action(async (run: string, _options: object, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      print(globals, await client.call(listArtifacts, { params: parseRun(run) }), ({ artifacts }) =>
        artifacts.length === 0 ? 'It wrote nothing, or it was cleaned up.' : artifactTable(artifacts),
      )
    })
  artifact
    .command('get <run> <path>')
    .description('fetch one artifact, or a file in it; a folder comes as a tar archive')
    .option('-o, --output <file>', 'where to put it, `-` for standard output; default: its own name, here')
    .option('--step <step>', 'of this step, where several write the same path')
    .action(async (run: string, path: string, options: GetOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const query = { path, ...(options.step === undefined ? {} : { step: options.step }) }
      const response = await client.fetch(getArtifact, { params: parseRun(run), query })
      const content = Readable.fromWeb(response.body as ReadableStream<Uint8Array>)
      if (options.output === '-') return pipeline(whole(content, path), process.stdout)
      const file = options.output ?? ownName(response, path)
      await requirePlace(file)
      await keep(whole(content, path), file, response.headers.get('tidegate-executable') === '1' ? 0o777 : 0o666)
      print(globals, { file }, () => file)
    })
}

export function artifactTable(artifacts: readonly Artifact[]): string {
  return table([
    ['artifact', 'step', 'files', 'size', 'digest'],
    ...artifacts.map((one) => [one.path, one.step, String(one.files), size(one.size), one.digest]),
  ])
}

function ownName(response: Response, path: string): string {
  const [, name] = /filename\*=UTF-8''(\S+)/.exec(response.headers.get('content-disposition') ?? '') ?? []
  const file = basename(name === undefined ? path : decodeURIComponent(name))
  if (!existsSync(file)) return file
  throw new AppError('INVALID_INPUT', `${file} is here already. Name another with --output.`)
}

async function requirePlace(file: string): Promise<void> {
  if (await isFolder(file)) throw noPlace(`${file} is a folder. Name the file in it, too, with --output.`)
  const folder = file.endsWith(sep) ? file : dirname(file)
  if (!(await isFolder(folder)))
    throw noPlace(`${file} cannot be written: there is no folder ${folder}. Make it, or name another with --output.`)
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    if (!hasCode(cause, 'EACCES')) throw cause
    throw noPlace(`${file} cannot be written: you may not write to ${folder}. Name another with --output.`, cause)
  })
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

function noPlace(message: string, cause?: unknown): AppError {
  return new AppError('INVALID_INPUT', message, {}, { cause })
}

/** An answer that has begun cannot say any more why it ends. */
async function* whole(content: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* content
  } catch (error) {
    const why = `The server broke off in the midst of ${path}: its own log says why. Ask again.`
    throw new AppError('UPSTREAM', why, {}, { cause: error })
  }
}

/** Whole or not at all. `mode` is what the umask takes from. */
async function keep(content: AsyncIterable<Buffer>, file: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.part`
  try {
    await pipeline(content, createWriteStream(temporary, { mode }))
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
