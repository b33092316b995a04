import { runGit, tryGit } from './run-git.ts'

/** The lines of each file that `to` has and `from` has not, by path relative to `folder`. */
export async function changedLines(
  repository: string,
  from: string,
  to: string,
  folder = '',
): Promise<Map<string, Set<number>>> {
  const output = await runGit(repository, [
    '-c',
    'core.quotePath=false',
    'diff',
    '--unified=0',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--no-renames',
    '--diff-filter=AM',
    '--end-of-options',
    from,
    to,
    '--',
    ...(folder === '' ? [] : [folder]),
  ])
  return parseHunks(output.toString('utf8'), folder === '' ? '' : `${folder}/`)
}

/** Names with quotes or line ends come quoted by git, and are left out. */
function parseHunks(diff: string, prefix: string): Map<string, Set<number>> {
  const files = new Map<string, Set<number>>()
  let lines: Set<number> | undefined
  for (const line of diff.split('\n')) {
    if (line.startsWith('diff --git ')) lines = undefined
    else if (line.startsWith(`+++ b/${prefix}`) && lines === undefined) {
      lines = new Set()
      files.set(line.slice(6 + prefix.length).replace(/\t$/, ''), lines)
    } else if (line.startsWith('@@ ')) addHunk(line, lines)
  }
  return files
}

function addHunk(header: string, lines: Set<number> | undefined): void {
  const [, start, count] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(header) ?? []
  for (let line = Number(start); line < Number(start) + Number(count ?? 1); line++) lines?.add(line)
}

/** The commit itself and the newest 5,000 that it stands on. */
export async function ancestorsOf(repository: string, commit: string): Promise<Set<string>> {
  const output = await tryGit(repository, ['rev-list', '--max-count=5000', '--end-of-options', commit, '--'])
  return new Set((output?.toString('utf8') ?? '').split('\n').filter(Boolean))
}
