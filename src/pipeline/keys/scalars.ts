import { z } from 'zod'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const DURATION = /^(\d+(?:\.\d+)?)\s?(ms|s|m|h|d|w)$/
const DURATION_HINT = 'write a duration as 30s, 10m, 2h or 7d'

/** Milliseconds, or undefined where the text is no duration. */
export function durationMs(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const ms = Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
  // Past this, arithmetic on times is no longer exact.
  return ms <= 1_000 * 365 * UNIT_MS.d ? ms : undefined
}

export const Duration = z
  .string({ error: DURATION_HINT })
  .regex(DURATION, DURATION_HINT)
  .transform((text, context) => durationMs(text) ?? refuse(context, DURATION_HINT))

/** Of what ends at once when it has no time. */
export const PositiveDuration = Duration.refine((ms) => ms > 0, 'write a time above 0')

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}
const SIZE = /^(\d+(?:\.\d+)?)\s?([KMGT]iB|[kKMGT]B|B)$/
const SIZE_HINT = 'write a size as 512MiB or 4GiB'

export const Size = z
  .string({ error: SIZE_HINT })
  .regex(SIZE, SIZE_HINT)
  .transform((text, context) => {
    const [, amount, unit] = SIZE.exec(text) ?? []
    const bytes = Math.round(Number(amount) * (UNIT_BYTES[unit ?? ''] ?? Number.NaN))
    return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : refuse(context, SIZE_HINT)
  })

const SHARE_HINT = 'write a share as 5% or 0.05'

/** 0..1, written as a percentage or as a number. */
export const Share = z.union(
  [
    z.number({ error: SHARE_HINT }).min(0, SHARE_HINT).max(1, SHARE_HINT),
    z
      .string({ error: SHARE_HINT })
      .regex(/^\d+(\.\d+)?\s?%$/, SHARE_HINT)
      .transform((text, context) => {
        const share = Number(text.replace('%', '').trim()) / 100
        return share <= 1 ? share : refuse(context, SHARE_HINT)
      }),
  ],
  { error: SHARE_HINT },
)

export const Count = z
  .int({ error: 'write a whole number' })
  .min(1, 'write 1 or more')
  .max(1_000_000, 'that is too many')

export const Text = z.string().min(1, 'write something here').max(100_000, 'that is too long')

/** A name that people type: of a step, an environment, an axis. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/
const NAME_HINT = 'write a name of letters, digits, - and _'
export const Name = z.string().regex(NAME, NAME_HINT)

/** Relative to the repository, with `/`, and never out of it. A `./` in front is dropped. */
export const FilePath = Text.max(1_000, 'that path is too long').transform((text, context) => {
  const path = text.replace(/^(\.\/)+/, '')
  const reason = badPath(path === '' ? './' : path)
  if (reason !== undefined) return refuse(context, reason)
  return path === '' ? './' : path
})

function badPath(path: string): string | undefined {
  if (path.startsWith('/') || path.startsWith('~')) return 'write a path inside the repository, relative to its root'
  if (path.split('/').includes('..')) return 'a path cannot contain ..'
  if (path !== '.' && path !== './' && path.split('/').includes('.')) return 'write it without ./'
  if (path.includes('\\')) return 'write / between folders'
  if (path.includes('\0') || path.includes('\n')) return 'a path cannot hold this character'
  if (path.replace(/\/$/, '').split('/').includes('')) return 'a path cannot hold an empty part (//)'
  return undefined
}

/** What a step makes: not everything that lies in its workspace, where its deps lie too. */
export const MadePath = FilePath.transform((path, context) =>
  path === '.' || path === './'
    ? refuse(context, 'that would take in what the step reads: name the files and folders that it makes')
    : path,
)

/** As `MadePath`, and one path: steps that read it wait for it by its name, which must be known before it is made. */
export const OutPath = MadePath.transform((path, context) =>
  /[*?[{]/.test(path.replaceAll(/\$\{\{.*?\}\}/g, ''))
    ? refuse(context, 'no pattern may stand here: name the file, or a folder with a / at its end')
    : path,
)

/** Lists where one entry may stand alone. */
export const OneOrMoreFiles = z.union([FilePath.transform((path) => [path]), z.array(FilePath)], {
  error: 'write a path, or a list of paths',
})

export const OneOrMoreMade = z.union([MadePath.transform((path) => [path]), z.array(MadePath)], {
  error: 'write a path, or a list of paths',
})

/** Environment variables; whole numbers and booleans may stand without quotes. */
export const EnvironmentVariables = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'write a variable name of letters, digits and _'),
  z
    .union([z.string(), z.int(), z.boolean()], { error: ({ input }) => variableHint(input) })
    .transform(String)
    .refine((text) => !text.includes('\0'), 'a value cannot hold this character'),
)

function variableHint(input: unknown): string {
  if (typeof input === 'number') return `write text in quotes: "${input}"`
  return input === null ? 'write "" for an empty variable' : 'write one text'
}

interface RefinementContext {
  readonly issues: z.core.$ZodRawIssue[]
  readonly value: unknown
}

/** Ends a transform with a problem. */
export function refuse(context: RefinementContext, message: string, path: (string | number)[] = []): never {
  context.issues.push({ code: 'custom', message, input: context.value, path })
  return z.NEVER
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Leaves out members that are undefined, so that optional means absent. */
export function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}
