import { posix } from 'node:path'

const MOST_FILES = 100

/**
 * Requirement files together with all they name by `-r` and `-c`, relative to the file that names them.
 * Files that cannot be read are listed, not followed.
 */
export function withIncludes(files: readonly string[], readText: (path: string) => string | undefined): string[] {
  const found = new Set(files)
  for (const file of found) {
    if (found.size >= MOST_FILES) break
    for (const included of includesOf(readText(file) ?? '')) {
      const path = posix.normalize(posix.join(posix.dirname(file), included))
      if (!path.startsWith('../') && !path.startsWith('/')) found.add(path)
    }
  }
  return [...found]
}

function includesOf(text: string): string[] {
  const pattern = /^[ \t]*(?:-r|--requirement|-c|--constraint)[ \t=]*(?<file>[^\s#]+)/gm
  return [...text.matchAll(pattern)]
    .map((match) => match.groups?.['file'] ?? '')
    .filter((file) => file !== '' && !/^[a-z+]+:\/\//i.test(file))
}
