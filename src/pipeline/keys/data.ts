import { z } from 'zod'
import type { DatasetSpec } from '../pipeline.ts'
import { defined, Duration, refuse, Text } from './scalars.ts'

type Source = DatasetSpec extends infer S ? (S extends unknown ? Omit<S, 'path'> : never) : never

/** One entry of `data:`, still without its path, which is the key. */
export const Dataset = z
  .strictObject({
    from: Text.describe('`production`, or `file:` and an absolute path on the server'),
    window: Duration.describe('how far back production data goes').exactOptional(),
    labelled: z.boolean().describe('only production rows whose label has arrived').exactOptional(),
  })
  .transform((raw, context): Source => {
    if (raw.from === 'production') {
      return { kind: 'production', ...defined({ windowMs: raw.window }), labelled: raw.labelled ?? false }
    }
    const source = /^file:(?:\/\/)?(\/.*)$/.exec(raw.from)?.[1]
    if (source === undefined) return refuse(context, 'write `production`, or `file:/absolute/path`', ['from'])
    if (raw.window !== undefined) return refuse(context, 'only `from: production` has a window', ['window'])
    if (raw.labelled !== undefined) return refuse(context, 'only `from: production` can be labelled', ['labelled'])
    return { kind: 'file', source }
  })

export function namedDataset(path: string, source: Source): DatasetSpec {
  return { ...source, path }
}
