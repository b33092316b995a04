import { posix } from 'node:path'

const MOST_FILES = 100

/** `pyproject.toml[train, dev]`, `setup.py[train]`: the project's own dependencies with these extras and dependency groups. */
export function splitExtras(file: string): { readonly path: string; readonly extras: readonly string[] } {
  const [, path, names] = /^(.*\.toml|(?:.*\/)?setup\.py)\[([^\]]*)\]$/.exec(file) ?? []
  if (path === undefined || names === undefined) return { path: file, extras: [] }
  return {
    path,
    extras: names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }
}

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
