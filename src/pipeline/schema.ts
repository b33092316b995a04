import { z } from 'zod'
import { PipelineFile } from './keys/file.ts'
import type { Path } from './path.ts'

/** The part of JSON Schema that our definitions come out as. */
export interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

let cached: JsonSchema | undefined

/** The JSON Schema of tidegate.yaml, for editors; printed to docs/reference/tidegate.schema.json. */
export function pipelineSchema(): JsonSchema {
  cached ??= { title: 'tidegate.yaml', ...z.toJSONSchema(PipelineFile, { io: 'input' }) } as JsonSchema
  return cached
}

/** The keys a mapping at this path of a tidegate.yaml may have. */
export function knownKeys(path: Path): string[] {
  return keysAt(pipelineSchema(), path)
}

export function keysAt(schema: JsonSchema, path: Path): string[] {
  let found: JsonSchema[] = [schema]
  for (const part of path) found = found.flatMap(alternatives).flatMap((schema) => inside(schema, part))
  return [...new Set(found.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {})))]
}

/** The members of a union, or the schema itself. */
export function alternatives(schema: JsonSchema): JsonSchema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(alternatives)
}

function inside(schema: JsonSchema, part: string | number): JsonSchema[] {
  if (typeof part === 'number') return schema.items === undefined ? [] : [schema.items]
  const own =
    schema.properties !== undefined && Object.hasOwn(schema.properties, part) ? schema.properties[part] : undefined
  if (own !== undefined) return [own]
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []
}
