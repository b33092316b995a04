import { basename } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Artifact } from '../../api/artifacts.ts'
import { verified } from '../../artifacts/read.ts'
import { AppError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store.ts'
import type { TreeFile } from '../../core/tree.ts'
import { getRun } from '../../engine/runs.sql.ts'
import type { Installation } from '../../flow/installation.ts'
import { runArtifacts, type RunArtifact } from '../../flow/run-artifacts.ts'
import { filesTrouble } from '../../flow/stored-trees.ts'
import { tarArchive, type TarMember } from '../../lib/tar-archive.ts'
import type { Handlers } from '../handlers.ts'
import { idOf } from './runs.ts'

export function artifactHandlers(installation: Installation): Pick<Handlers, 'listArtifacts' | 'getArtifact'> {
  const { database, store } = installation
  const artifactsOf = async (id: string): Promise<RunArtifact[]> => {
    const run = await getRun(database.read, id)
    if (run === undefined) throw new AppError('NOT_FOUND', `There is no run ${id}.`)
    return runArtifacts(installation, run)
  }
  return {
    async listArtifacts({ params }) {
      return { artifacts: (await artifactsOf(idOf(params))).filter(isStored).map(describe) }
    },
    async getArtifact({ params, query }) {
      const all = await artifactsOf(idOf(params))
      const asked = query.path.replace(/\/+$/, '')
      const ofStep = all.filter(({ step }) => query.step === undefined || step === query.step)
      const found = ofStep
        .filter(isStored)
        .flatMap((artifact) => find(artifact, asked) ?? [])
        .at(-1)
      if (found === undefined) throw new AppError('NOT_FOUND', notThere(idOf(params), asked, ofStep))
      // Before the answer begins: once it has, it can only break off.
      const trouble = await filesTrouble(store, found.files)
      if (trouble !== undefined) throw new AppError('NOT_FOUND', lost(idOf(params), asked, trouble))
      return answer(store, found)
    },
  }
}

function describe({ step, path, ref, files }: RunArtifact): Artifact {
  const [only] = files
  const size = files.reduce((total, file) => total + file.size, 0)
  if (ref.kind === 'tree' && files.length === 1 && only !== undefined)
    return { step, path: `${path}/${only.path}`, kind: 'file', files: 1, size, digest: only.digest }
  const kind = ref.kind === 'tree' ? 'folder' : 'file'
  return { step, path: kind === 'folder' ? `${path}/` : path, kind, files: files.length, size, digest: ref.digest }
}

/** Files below one name; a single one without a path is a file. */
interface Found {
  readonly name: string
  readonly files: readonly TreeFile[]
}

function find({ path, ref, files }: RunArtifact, asked: string): Found | undefined {
  if (asked === path) return { name: basename(path), files }
  if (ref.kind === 'file' || !asked.startsWith(`${path}/`)) return undefined
  const inside = asked.slice(path.length + 1)
  const name = basename(inside)
  const file = files.find((each) => each.path === inside)
  if (file !== undefined) return { name, files: [{ ...file, path: '' }] }
  const below = files.filter((each) => each.path.startsWith(`${inside}/`))
  return below.length === 0
    ? undefined
    : { name, files: below.map((each) => ({ ...each, path: each.path.slice(inside.length + 1) })) }
}

function answer(store: Store, { name, files }: Found): Response {
  const [only] = files
  if (files.length === 1 && only?.path === '')
    return download(name, contentOf(store, only), {
      'content-length': String(only.size),
      'tidegate-executable': only.executable ? '1' : '0',
    })
  return download(`${name}.tar`, tarArchive(files.map((file) => memberOf(store, file))), {
    'content-type': 'application/x-tar',
  })
}

function memberOf(store: Store, file: TreeFile): TarMember {
  const { path, executable, size } = file
  return {
    path,
    kind: file.symlink === true ? 'link' : 'file',
    executable,
    size,
    content: () => contentOf(store, file),
  }
}

async function* contentOf(store: Store, { digest }: TreeFile): AsyncGenerator<Buffer> {
  yield* verified(store, await store.get(digest), digest)
}

/** Never shown by a browser as a page of ours: what a step wrote is a stranger's. */
function download(name: string, content: AsyncIterable<Buffer>, more: Record<string, string>): Response {
  const quoted = encodeURIComponent(name)
  return new Response(Readable.toWeb(Readable.from(content)) as ReadableStream<Uint8Array>, {
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${quoted}`,
      'x-content-type-options': 'nosniff',
      ...more,
    },
  })
}

function isStored({ trouble }: RunArtifact): boolean {
  return trouble === undefined
}

function lost(run: string, path: string, trouble: string): string {
  return `${path} of ${run} cannot be fetched: ${trouble}. \`tidegate rerun ${run}\` makes it again.`
}

function notThere(run: string, path: string, all: readonly RunArtifact[]): string {
  const gone = all.find((one) => !isStored(one) && `${path}/`.startsWith(`${one.path}/`))
  if (gone?.trouble !== undefined) return lost(run, path, gone.trouble)
  const paths = all
    .filter(isStored)
    .map(describe)
    .map((one) => one.path)
  const has = paths.length === 0 ? 'It has none, or they were cleaned up.' : `It has ${paths.slice(0, 20).join(', ')}.`
  return `${run} has no artifact "${path}". ${has}`
}
