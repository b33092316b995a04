/**
 * Who may import whom under `src/`: the only list. `oxlint.config.ts` turns it into rules and
 * `tools/docs/print-architecture.ts` prints it into ARCHITECTURE.md.
 */
export interface Layer {
  readonly meaning: string
  readonly mayImport: readonly string[]
  /** One of the eight stages, where the folder is the home of one. */
  readonly stage?: string
  /** Folders at this depth below it are islands: they do not import one another. */
  readonly islands?: boolean
}

const ground = ['db', 'pipeline', 'statistics', 'core', 'lib'] as const

export const LAYERS = {
  lib: { meaning: 'helpers without a word of our domain', mayImport: [] },
  core: { meaning: 'our words and rules: stages, state tables, errors, events, ports; no I/O', mayImport: ['lib'] },
  db: {
    meaning: 'open, migrate, transition, outbox; SQLite and Postgres behind one Kysely',
    mayImport: ['core', 'lib'],
  },
  pipeline: {
    meaning: 'the language of tidegate.yaml: parse, check, expand to a plan; pure',
    mayImport: ['core', 'lib'],
  },
  statistics: {
    meaning: 'tests, intervals, drift distances; pure, checked against golden values',
    mayImport: ['core', 'lib'],
  },
  artifacts: { meaning: 'content-addressed files and trees, garbage collection', mayImport: ground },
  engine: { meaning: 'plan, queue, claim, attempt, settle; step cache, logs, recovery', mayImport: ground },
  supervisor: {
    meaning: 'the program beside a running command, which outlives the server',
    mayImport: ['core', 'lib', 'artifacts', 'drivers'],
  },
  source: { meaning: 'repositories, git over HTTP, pushes, progress for the pusher', mayImport: ground, stage: '1' },
  build: { meaning: 'build environments, findings before tests, frozen datasets', mayImport: ground, stage: '2' },
  reports: { meaning: 'test reports into rows', mayImport: ground, stage: '3' },
  evaluation: { meaning: 'metrics, slices, gates against the champion', mayImport: ground, stage: '4' },
  registry: { meaning: 'bundles, versions, lineage', mayImport: ground },
  tracking: { meaning: 'metrics and parameters of runs', mayImport: ground },
  delivery: {
    meaning: 'one state machine for deployments: staging, acceptance, approval, rollout, rollback',
    mayImport: ground,
    stage: '5 6 7',
  },
  serving: { meaning: 'gateway, route table, model hosts, prediction log', mayImport: [...ground, 'drivers'] },
  monitoring: { meaning: 'windows, drift, quality, performance, alerts', mayImport: ground, stage: '8' },
  access: { meaning: 'people, groups, tokens, roles, secrets', mayImport: ground },
  drivers: {
    meaning: 'implementations of the ports, one folder each, one line in their family',
    mayImport: ['core', 'lib'],
    islands: true,
  },
  flow: {
    meaning:
      'the only place that sees several parts: push-to-run, run-to-version, version-to-deployment, deployment-to-traffic, alert-to-run',
    mayImport: [
      ...ground,
      'artifacts',
      'engine',
      'source',
      'build',
      'reports',
      'evaluation',
      'registry',
      'tracking',
      'delivery',
      'serving',
      'monitoring',
      'access',
    ],
  },
  api: { meaning: 'the HTTP contract in zod, one file per resource', mayImport: ['core', 'lib'] },
  client: { meaning: 'the typed HTTP client', mayImport: ['api', 'core', 'lib'] },
  http: {
    meaning: 'routes: one call each, they decide nothing',
    mayImport: [
      ...ground,
      'api',
      'flow',
      'artifacts',
      'engine',
      'source',
      'build',
      'reports',
      'evaluation',
      'registry',
      'tracking',
      'delivery',
      'serving',
      'monitoring',
      'access',
    ],
  },
  cli: {
    meaning: 'commands; remote ones see the client only',
    mayImport: ['client', 'api', 'pipeline', 'core', 'lib'],
  },
} as const satisfies Record<string, Layer>

export type LayerName = keyof typeof LAYERS
