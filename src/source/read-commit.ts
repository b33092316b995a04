import { isUtf8 } from 'node:buffer'
import { AppError, isAppError } from '../core/errors.ts'
import { showBytes } from '../lib/show-bytes.ts'
import { readBlobs } from './read-blobs.ts'
import { runGit, tryGit, type GitCall } from './run-git.ts'

export interface CommittedFile {
  /** Relative to the folder that was asked for. */
  readonly path: string
  readonly mode: 'file' | 'executable' | 'symlink' | 'submodule'
  /** Git's id of the content. */
  readonly blob: string
  /** Undefined for submodules. */
  readonly sizeBytes: number | undefined
}

/** Names of half a million files; a repository beyond that is not meant for us. */
const MAX_LIST_BYTES = 128 << 20

/** The commit a branch, tag, `HEAD` or (short) id stands for; undefined when there is none. */
export async function resolveRef(repository: string, name: string, call: GitCall = {}): Promise<string | undefined> {
  if (name === '' || name.includes('\0')) return undefined
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]
  return (await tryGit(repository, args, call))?.toString('utf8').trim()
}

/** Whether this object is a commit, or a tag of one: a tag may also stand for a file or a folder. Fails where there is none. */
export async function standsForCommit(repository: string, object: string): Promise<boolean> {
  return (await runGit(repository, ['cat-file', '-t', `${object}^{}`])).toString('utf8').trim() === 'commit'
}

/** What a full ref (`refs/heads/main`) holds: for an annotated tag the tag's own id. */
export async function refCommit(repository: string, ref: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', ref]
  return (await tryGit(repository, args))?.toString('utf8').trim()
}

/** The newest commit of the default branch; undefined while nothing was pushed to it. */
export function defaultHead(repository: string, defaultBranch: string): Promise<string | undefined> {
  return resolveRef(repository, `refs/heads/${defaultBranch}`)
}

/** Whether a branch has a commit, or a tag's: as its newest or before it. */
export async function isOnBranch(repository: string, commit: string, branch: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', '--end-of-options', commit, `refs/heads/${branch}`]
  return (await tryGit(repository, args)) !== undefined
}

/** Every file at a commit under `folder` ('' for all), as git orders them. Fails with NOT_FOUND. */
export async function listCommitFiles(repository: string, commit: string, folder = ''): Promise<CommittedFile[]> {
  const args = ['ls-tree', '-r', '-z', '-l', '--full-tree', '--end-of-options', `${commit}:${folder}`]
  const output = await tryGit(repository, args, { maxBytes: MAX_LIST_BYTES })
  if (output === undefined) {
    const what = folder === '' ? `commit ${commit}` : `folder ${folder} at commit ${commit.slice(0, 12)}`
    throw new AppError('NOT_FOUND', `There is no ${what} in this repository.`, { commit, folder })
  }
  if (!isUtf8(output)) throw nameThatIsNoText(output)
  return parseListing(output.toString('utf8'))
}

/**
 * Paths that differ between two commits, relative to the whole repository; undefined when there is no
 * commit to compare with (a new branch, or a forced push whose old commit is gone).
 */
export async function changedFiles(
  repository: string,
  from: string | undefined,
  to: string,
  call: GitCall = {},
): Promise<string[] | undefined> {
  const before = from === undefined ? undefined : await resolveRef(repository, from, call)
  if (before === undefined) return undefined
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--end-of-options', before, to]
  const output = await runGit(repository, args, { ...call, maxBytes: MAX_LIST_BYTES })
  return output.toString('utf8').split('\0').filter(Boolean)
}

/** Of one text that is read as a whole. */
const MAX_TEXT_BYTES = 1 << 20

/**
 * The text of a file at a commit, undefined when there is none. Fails with TOO_LARGE above `maxBytes` and
 * with INVALID_INPUT when it is not UTF-8.
 */
export async function readCommitText(
  repository: string,
  commit: string,
  path: string,
  maxBytes = MAX_TEXT_BYTES,
): Promise<string | undefined> {
  const object = `${commit}:${path}`
  try {
    const content = await tryGit(repository, ['cat-file', 'blob', object], { maxBytes })
    return content === undefined ? undefined : decodeText(content, path)
  } catch (error) {
    if (!isAppError(error, 'TOO_LARGE')) throw error
    const size = Number(await runGit(repository, ['cat-file', '-s', object]))
    throw new AppError('TOO_LARGE', `${path} has ${size} bytes; at most ${maxBytes} are read.`, { path })
  }
}

/**
 * The texts of many files by one git process, by path. What is not text, a plain file or at most `maxBytes`
 * long is left out: ask for it alone to learn why.
 */
export async function readCommitTexts(
  repository: string,
  files: readonly CommittedFile[],
  maxBytes = MAX_TEXT_BYTES,
): Promise<Map<string, string>> {
  const wanted = files.filter((file) => (file.sizeBytes ?? Infinity) <= maxBytes && file.mode !== 'symlink')
  const contents = new Map<string, Buffer>()
  for await (const blob of readBlobs(repository, [...new Set(wanted.map((file) => file.blob))])) {
    contents.set(blob.id, Buffer.isBuffer(blob.content) ? blob.content : Buffer.concat(await blob.content.toArray()))
  }
  const texts = new Map<string, string>()
  for (const file of wanted) {
    const content = contents.get(file.blob)!
    if (isUtf8(content)) texts.set(file.path, content.toString('utf8'))
  }
  return texts
}

function nameThatIsNoText(listing: Buffer): AppError {
  // One byte is one character here, so the listing is parsed as any other.
  const paths = parseListing(listing.toString('latin1')).map(({ path }) => Buffer.from(path, 'latin1'))
  const shown = showBytes(paths.find((path) => !isUtf8(path)) ?? Buffer.of())
  return new AppError('INVALID_INPUT', `The name of ${shown} is not UTF-8. Give it another name.`, { path: shown })
}

/** Fails with INVALID_INPUT, naming `what`, instead of putting question marks into it. */
function decodeText(content: Buffer, what: string): string {
  if (isUtf8(content)) return content.toString('utf8')
  throw new AppError('INVALID_INPUT', `${what} is not UTF-8 text. Save it as UTF-8.`)
}

const ENTRY = /^(?<mode>\d{6}) \w+ (?<blob>[0-9a-f]+) +(?<size>\d+|-)\t(?<path>[^]+)$/

function parseListing(listing: string): CommittedFile[] {
  const files: CommittedFile[] = []
  for (const entry of listing.split('\0')) {
    const found = ENTRY.exec(entry)?.groups
    if (found === undefined) continue
    files.push({
      path: found['path']!,
      mode: modeOf(found['mode']!),
      blob: found['blob']!,
      sizeBytes: found['size'] === '-' ? undefined : Number(found['size']),
    })
  }
  return files
}

function modeOf(mode: string): CommittedFile['mode'] {
  if (mode === '120000') return 'symlink'
  if (mode === '160000') return 'submodule'
  return mode === '100755' ? 'executable' : 'file'
}
