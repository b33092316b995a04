import { fileURLToPath } from 'node:url'

/**
 * The files that are started as programs of their own, by their places below `src/` and, with their imports gathered into
 * few files, below `dist/` of the package (`tools/build-server.ts`).
 */
export const OWN_PROGRAMS = [
  'main',
  'supervisor/program',
  'serving/gateway/program',
  'serving/model-host/program',
  'engine/grep-program',
] as const

/** Where such a program is, whatever file its starter was built into. */
export function programFile(name: (typeof OWN_PROGRAMS)[number]): string {
  return fileURLToPath(new URL(`${name}.${EXTENSION}`, CODE))
}

/** A file or folder of the package, beside `src/` and `dist/`: `web/dist` for instance. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, CODE))
}

/** This file lies one folder below it, in the repository as in the package. */
const CODE = new URL('../', import.meta.url)
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
