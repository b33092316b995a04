import { z } from 'zod'
import { limit } from '../../core/limits.ts'
import { END_REASONS, type EndReason } from '../../core/run-state.ts'
import { SecretName } from '../../core/secret-name.ts'
import { serviceVariable } from '../../core/service-variable.ts'
import { STEP_STAGES } from '../../core/stages.ts'
import type { MatrixSpec, StepSpec } from '../pipeline.ts'
import {
  Count,
  defined,
  EnvironmentVariables,
  FilePath,
  Name,
  OneOrMoreFiles,
  OneOrMoreMade,
  OutPath,
  PositiveDuration,
  refuse,
  Size,
  Text,
} from './scalars.ts'

const Scalar = z.union([z.string().max(1_000), z.number(), z.boolean()], {
  error: 'write text, a number, true or false',
})
const Members = z.array(z.record(Name, Scalar)).default([])

const Matrix = z
  .object({
    include: Members.describe('values for the members that they fit, else members to add'),
    exclude: Members.describe('members to leave out'),
    'max-parallel': Count.describe('so many members run at a time').exactOptional(),
    'fail-fast': z
      .boolean()
      .default(true)
      .describe('when one member fails, those that wait are skipped and those that run are cancelled'),
  })
  .catchall(z.array(Scalar, { error: 'write a list of values' }).min(1, 'write one value or more'))
  .transform((raw, context): MatrixSpec => {
    const { include, exclude, 'max-parallel': maxParallel, 'fail-fast': failFast, ...axes } = raw
    for (const axis of Object.keys(axes)) {
      if (!Name.safeParse(axis).success) return refuse(context, 'write a name of letters, digits, - and _', [axis])
    }
    if (Object.keys(axes).length === 0 && include.length === 0) return refuse(context, 'write an axis: `seed: [0, 1]`')
    return { axes, include, exclude, ...defined({ maxParallel }), failFast }
  })

const NeedEntry = z.union(
  [
    Text.transform((step) => ({ step, optional: false })),
    z.strictObject({
      step: Text,
      optional: z.boolean().default(false).describe('that it was skipped does not block; that it failed does'),
    }),
  ],
  { error: 'write a step, or { step: name, optional: true }' },
)

const RETRIABLE = Object.keys(END_REASONS).filter((reason) => reason !== 'cancelled' && reason !== 'refused') as [
  EndReason,
  ...EndReason[],
]

const Retry = z.union(
  [
    z.literal('none').transform(() => ({ on: [] as EndReason[], limit: 0 })),
    z.strictObject({
      on: z.array(z.enum(RETRIABLE)).default(['executor-lost']).describe('why an attempt ended'),
      limit: z.int().min(0).max(20, 'write 20 or less').default(1).describe('further attempts'),
    }),
  ],
  { error: 'write `none`, or { on: [executor-lost], limit: 2 }' },
)

const StepReports = z
  .strictObject({
    junit: OneOrMoreMade.describe('JUnit XML; a pattern (`reports/*.xml`) names every file that fits').default([]),
    coverage: OneOrMoreMade.describe('Cobertura XML or LCOV; patterns too').default([]),
  })
  .default({ junit: [], coverage: [] })

const Split = z.strictObject({
  tests: OneOrMoreFiles.describe('files of tests, as globs: each goes to one member'),
  over: Name.describe('the axis whose values share the tests; default: the only axis').exactOptional(),
})

const StepResources = z
  .strictObject({
    cpus: z.number().positive().max(1_024).default(1),
    gpus: z.int().min(0).max(1_024).default(0),
    memory: Size.exactOptional(),
    disk: Size.describe('that it may write').exactOptional(),
  })
  .transform(({ memory, disk, ...rest }): StepSpec['resources'] =>
    defined({ ...rest, memoryBytes: memory, diskBytes: disk }),
  )

const Readiness = z
  .strictObject({
    tcp: z.literal(true).describe('something listens on $PORT; this is the default').exactOptional(),
    http: Text.startsWith('/', 'write a path: /health').describe('this path answers with 2xx').exactOptional(),
    command: Text.describe('this ends with 0').exactOptional(),
    timeout: PositiveDuration.describe('default: 30s').default(30_000),
  })
  .transform(({ tcp, http, command, timeout }, context) => {
    const kinds = [tcp, http, command].filter((kind) => kind !== undefined)
    if (kinds.length > 1) return refuse(context, 'write one of tcp, http and command')
    const timeoutMs = timeout
    if (http !== undefined) return { ready: { kind: 'http' as const, path: http }, timeoutMs }
    if (command !== undefined) return { ready: { kind: 'command' as const, run: command }, timeoutMs }
    return { ready: { kind: 'tcp' as const }, timeoutMs }
  })

const Service = z.strictObject({
  run: Text.describe('a program that listens on $PORT; the step reads TIDEGATE_SERVICE_<NAME>_PORT'),
  ready: Readiness.describe('when the step may start').default({ ready: { kind: 'tcp' }, timeoutMs: 30_000 }),
})

const Services = z.record(Name, Service).transform((services, context): StepSpec['services'] => {
  const variables = new Map<string, string>()
  for (const name of Object.keys(services)) {
    const variable = serviceVariable(name)
    const other = variables.get(variable)
    if (other !== undefined) return refuse(context, `"${other}" and "${name}" would both be ${variable}`, [name])
    variables.set(variable, name)
  }
  return Object.entries(services).map(([name, { run, ready }]) => ({ name, run, ...ready }))
})

/** One entry of `steps:`, still without its name, which is the key. */
export const Step = z
  .strictObject({
    stage: z.enum(STEP_STAGES).default('train').describe('stages run in this order'),
    build: Text.describe('a name of `build.environments`; default: the default build environment').exactOptional(),
    run: Text.describe('for `sh -e`; expressions become quoted shell variables'),
    if: Text.describe('an expression; default: `success()`').exactOptional(),
    needs: z.array(NeedEntry).describe('steps to wait for; `[]` drops the wait for earlier stages').exactOptional(),
    deps: z
      .array(FilePath)
      .describe('files, folders and globs: a step that declares them sees only these, and can be cached')
      .exactOptional(),
    params: z.array(FilePath).describe('`params.yaml:train`: the step sees only this subtree').default([]),
    outs: z.array(OutPath).describe('files and folders the step makes').default([]),
    metrics: z.array(OutPath).describe('JSON or YAML files with numbers').default([]),
    reports: StepReports.describe('test reports that become rows'),
    cache: z.boolean().default(true).describe('`false`: run it every time'),
    env: EnvironmentVariables.describe('environment variables of this step').default({}),
    secrets: z.array(SecretName).describe('names of secrets of the project that become variables').default([]),
    endpoint: z.literal('candidate').describe('the candidate is served while this step runs').exactOptional(),
    services: Services.describe('programs that run beside the step').default([]),
    checkpoint: z
      .array(OutPath)
      .describe('folders and files that an attempt which did not succeed hands to the next one')
      .default([]),
    matrix: Matrix.describe('one member of the step for each combination').exactOptional(),
    split: Split.describe('spread tests over the members by how long they took').exactOptional(),
    'runs-on': z.literal('local').default('local').describe('a pool of executors'),
    resources: StepResources.describe('what the step needs').default({ cpus: 1, gpus: 0 }),
    timeout: PositiveDuration.describe('default: 24h').default(limit('stepTimeoutMs')),
    'silence-timeout': PositiveDuration.describe('how long it may print nothing').exactOptional(),
    retry: Retry.describe('default: executor-lost, once').default({ on: ['executor-lost'], limit: 1 }),
  })
  .transform((raw): Omit<StepSpec, 'name'> => {
    const { 'runs-on': runsOn, timeout, 'silence-timeout': silence, ...rest } = raw
    return defined({ ...rest, runsOn, timeoutMs: timeout, silenceTimeoutMs: silence })
  })
