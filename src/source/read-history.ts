import { AppError } from '../core/errors.ts'
import { resolveRef } from './read-commit.ts'
import { runGit, tryGit } from './run-git.ts'

export interface Commit {
  readonly id: string
  /** The first line of its message. */
  readonly title: string
  readonly authorName: string
  readonly authorEmail: string
  readonly committerName: string
  readonly committerEmail: string
  /** Of everybody who stands in it: author, committer, and those of `Co-authored-by`. */
  readonly emails: readonly string[]
  readonly committedAt: number
}

/** Fails with NOT_FOUND. */
export async function readCommit(repository: string, commit: string): Promise<Commit> {
  const output = await tryGit(repository, ['log', '-1', '-z', FORMAT, '--end-of-options', commit, '--'])
  const [found] = parseCommits(output?.toString('utf8') ?? '')
  if (found === undefined) throw new AppError('NOT_FOUND', `There is no commit ${commit} in this repository.`)
  return found
}

export async function commitTitle(repository: string, commit: string): Promise<string> {
  return (await readCommit(repository, commit)).title
}

const MAX_COMMITS = 1_000

/**
 * What `to` has and `from` has not of a folder ('' for all), newest first: the newest 1,000, and `to` itself where
 * there is nothing else. Without `from`
 * (a new branch, or an old commit that is gone) it is what the default branch has not; the whole history
 * where `to` is the default branch's own head.
 */
export async function commitsBetween(
  repository: string,
  from: string | undefined,
  to: string,
  folder = '',
): Promise<Commit[]> {
  const base = await baseOf(repository, from, to)
  const range = base === undefined ? [to] : [to, `^${base}`]
  const args = ['log', `--max-count=${MAX_COMMITS}`, '-z', FORMAT, '--end-of-options', ...range, '--']
  if (folder !== '') args.push(folder)
  const commits = parseCommits((await runGit(repository, args)).toString('utf8'))
  return commits.length > 0 ? commits : [await readCommit(repository, to)]
}

/** Commits of a branch that changed a file, newest first. A merge counts as what it changed on this branch. */
export async function commitsOfFile(repository: string, to: string, path: string, most: number): Promise<string[]> {
  const args = ['rev-list', '--first-parent', `--max-count=${most}`, '--end-of-options', to, '--', path]
  return (await runGit(repository, args)).toString('utf8').split('\n').filter(Boolean)
}

async function baseOf(repository: string, from: string | undefined, to: string): Promise<string | undefined> {
  const given = from === undefined ? undefined : await resolveRef(repository, from)
  if (given !== undefined) return given
  const head = await resolveRef(repository, 'HEAD')
  return head === (await resolveRef(repository, to)) ? undefined : head
}

/** Fields are cut by unit separators, records by NUL; titles are one line. */
const FORMAT =
  '--format=tformat:%H%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%ct%x1f%s%x1f%(trailers:key=Co-authored-by,valueonly)'

function parseCommits(output: string): Commit[] {
  const commits: Commit[] = []
  for (const record of output.split('\0')) {
    const [id, authorName, authorEmail, committerName, committerEmail, seconds, title, trailers] = record.split('\x1f')
    if (id === undefined || trailers === undefined) continue
    const emails = [authorEmail!, committerEmail!, ...coAuthors(trailers)]
    commits.push({
      id,
      title: title!,
      authorName: authorName!,
      authorEmail: authorEmail!,
      committerName: committerName!,
      committerEmail: committerEmail!,
      emails: [...new Set(emails)],
      committedAt: Number(seconds) * 1_000,
    })
  }
  return commits
}

function coAuthors(trailers: string): string[] {
  return [...trailers.matchAll(/<([^<>\n]+)>/g)].map((match) => match[1]!)
}
