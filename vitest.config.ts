import { defineConfig } from 'vitest/config'

/** Unit tests share one context (they do no I/O); everything else gets a process of its own. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['{src,tools,web/src}/**/*.test.ts'],
          isolate: false,
          // A timeout is for what hangs; a busy machine may take its time.
          testTimeout: 60_000,
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
          // Real processes on a busy machine may be starved once; the report names what needed a second try.
          retry: process.env['CI'] === 'true' ? 1 : 0,
        },
      },
    ],
  },
})
