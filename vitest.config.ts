import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tests/harness/longest-first.ts'

/** Workers, and all programs of ours that they start on data folders of a moment, share what Node made of the sources. */
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/tidegate-compiled', import.meta.url))

/** Sources run as they do in the product: imported by Node itself. */
const experimental = { viteModuleRunner: false, nodeLoader: false }

/** Unit tests share one context (they do no I/O); everything else gets a process of its own. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['{src,tools,web/src}/**/*.test.ts'],
          isolate: false,
          // A timeout is for what hangs; a busy machine may take its time.
          testTimeout: 60_000,
          experimental,
        },
      },
      {
        test: {
          name: 'integration',
          sequence: { groupOrder: 1 },
          include: ['tests/**/*.test.ts'],
          globalSetup: ['tests/harness/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          pool: 'forks',
          experimental,
          // Real processes on a busy machine may be starved once; the report names what needed a second try.
          retry: process.env['CI'] === 'true' ? 1 : 0,
        },
      },
    ],
  },
})
