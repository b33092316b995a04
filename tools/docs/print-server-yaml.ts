import { z } from 'zod'
import { ServerFile } from '../../src/cli/local/server-config.ts'
import { markdownTable, page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `What an installation sets: \`tidegate up --config server.yaml\`. Every key has a default and so has the file itself; unknown
keys are errors. \`tidegate lint server.yaml\` checks it, \`tidegate doctor --config server.yaml\` tries its folder, ports,
database and package index. What the command line says (\`--data\`, \`--port\`, \`--gateway-port\`) wins over the file, and the file over
the environment (\`TIDEGATE_DATA\`, \`TIDEGATE_DATABASE_URL\`).`

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
}

export function printServerYaml(): Pages {
  const rows = rowsOf(z.toJSONSchema(ServerFile, { io: 'input' }) as Schema)
  return {
    'docs/reference/server-yaml.md': page(
      '# server.yaml',
      PRINTED,
      INTRODUCTION,
      markdownTable(['key', 'value', 'default', 'meaning'], rows),
    ),
  }
}

function rowsOf(schema: Schema, above = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const path = `${above}${key}`
    if (inner.properties !== undefined) return rowsOf(inner, `${path}.`)
    return [[`\`${path}\``, valueText(inner), defaultText(inner), inner.description ?? '']]
  })
}

function valueText({ type, enum: members }: Schema): string {
  if (members !== undefined) return members.map((member) => `\`${String(member)}\``).join(', ')
  return { string: 'text', integer: 'a whole number' }[type ?? ''] ?? 'any value'
}

function defaultText({ default: value }: Schema): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``
}
