import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { OWN_PROGRAMS } from '../src/lib/own-files.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/**
 * What is left where npm installs it: packages with native code or files of their own, and those that only some
 * installations have. All others are gathered with our sources, and stay dependencies for their licences and for `npm audit`.
 */
const INSTALLED = ['@aws-sdk/client-s3', '@duckdb/node-api', '@hono/node-server', 'onnxruntime-node', 'pg', 'pino']

/**
 * Makes `dist/` of the package, or the same elsewhere: our programs, each where it lies below `src/`, and beside them in
 * `lib/` the pieces that they share or import when they need them. To find and read seven hundred small files was half of
 * a `tidegate run` in which nothing had changed.
 */
async function buildServer(folder: string): Promise<void> {
  const input = Object.fromEntries(OWN_PROGRAMS.map((name) => [name, `src/${name}.ts`]))
  await rm(folder, { recursive: true, force: true })
  const sources = await rolldown({
    input,
    cwd: ROOT,
    platform: 'node',
    external: [...INSTALLED, /^node:/],
    // Programs keep what they export, and others may import from them.
    preserveEntrySignatures: 'allow-extension',
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message)
    },
  })
  await sources.write({
    dir: folder,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'lib/[name].js',
    // It finds the programs from where it lies itself, one folder below them.
    codeSplitting: { groups: [{ name: 'own-files', test: /src\/lib\/own-files\.ts$/ }] },
  })
}

await buildServer(process.argv[2] ?? join(ROOT, 'dist'))
