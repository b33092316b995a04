import { RUN_EVENTS } from '../../src/pipeline/plan-context.ts'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UNAVAILABLE } from '../../src/pipeline/availability.ts'
import { FOREIGN_NAMES } from '../../src/pipeline/foreign-names.ts'
import { LATENCIES, METRIC_TABLE } from '../../src/pipeline/keys/metrics.ts'
import { alternatives, pipelineSchema, type JsonSchema } from '../../src/pipeline/schema.ts'
import { TASK_KEYS } from '../../src/pipeline/task-keys.ts'

/** The reference of tidegate.yaml and its JSON Schema, from the definitions that read the file. */
export function printPipelineDocs(): Record<string, string> {
  return {
    'docs/reference/pipeline.md': printPage(),
    'docs/reference/tidegate.schema.json': `${JSON.stringify(pipelineSchema(), undefined, 2)}\n`,
  }
}

function printPage(): string {
  const keys = Object.entries(pipelineSchema().properties ?? {})
  const sections = keys.map(([key, schema]) => printKey(key, schema))
  return `${[INTRODUCTION, ...sections, EXPRESSIONS, printMetrics(), printTasks(), printUnavailable(), printForeign()].join('\n\n')}\n`
}

const INTRODUCTION = `# tidegate.yaml

Printed from the code that reads the file; do not edit. \`tidegate lint\` checks a file against it, and
[tidegate.schema.json](tidegate.schema.json) lets editors complete one. Unknown keys are errors.
Times are written \`30s\`, \`10m\`, \`2h\`, \`7d\`; sizes \`512MiB\`; shares \`5%\`. \`<name>\` stands for a name of yours, \`[]\` for
each entry of a list.`

function printKey(key: string, schema: JsonSchema): string {
  const required = pipelineSchema().required?.includes(key) === true
  const rows = rowsOf(key, schema, required)
  return [`## \`${key}\``, '', '| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function rowsOf(path: string, schema: JsonSchema, required: boolean): string[] {
  const row = `| \`${path}\` | ${cell(valueText(schema))} | ${defaultText(schema, required)} | ${cell(schema.description ?? '')} |`
  return [row, ...alternatives(schema).flatMap((each) => insideRows(path, each))]
}

function insideRows(path: string, schema: JsonSchema): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    rowsOf(`${path}.${key}`, inner, schema.required?.includes(key) === true),
  )
  const named = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  if (named !== undefined && alternatives(named).some(hasKeys)) own.push(...insideAll(`${path}.<name>`, named))
  if (schema.items !== undefined && alternatives(schema.items).some(hasKeys))
    own.push(...insideAll(`${path}[]`, schema.items))
  return own
}

function insideAll(path: string, schema: JsonSchema): string[] {
  return alternatives(schema).flatMap((each) => insideRows(path, each))
}

function hasKeys(schema: JsonSchema): boolean {
  return schema.properties !== undefined
}

function valueText(schema: JsonSchema): string {
  return [...new Set(alternatives(schema).map(oneValueText))].join(', or ')
}

function oneValueText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.pattern?.includes('(ms|s|m|h|d|w)') === true) return 'a time'
  if (schema.pattern?.includes('iB|') === true) return 'a size'
  if (schema.pattern?.endsWith('%$') === true) return 'a percentage'
  if (schema.type === 'array')
    return `a list${schema.items === undefined ? '' : ` of ${plural(valueText(schema.items))}`}`
  if (schema.type === 'object') return 'a mapping'
  return (
    { string: 'text', number: 'a number', integer: 'a whole number', boolean: '`true`, `false`', null: 'nothing' }[
      schema.type ?? ''
    ] ?? 'any value'
  )
}

function plural(text: string): string {
  return text
    .replace(/^a (time|size|percentage|mapping|number|whole number)\b/, '$1s')
    .replace('a list', 'lists')
    .replace('a mapping', 'mappings')
}

function defaultText(schema: JsonSchema, required: boolean): string {
  if (required) return 'required'
  return schema.default === undefined ? '' : cell(`\`${JSON.stringify(schema.default)}\``)
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

const EXPRESSIONS = `## Expressions

In \`if\`, and as \`\${{ … }}\` in \`run\`, \`env\`, \`deps\`, \`outs\`, \`params\`, \`metrics\`, \`reports\` and \`concurrency.group\`; in \`run\` and \`env\` of a query under \`data\`.

| expression | value |
| --- | --- |
| \`branch\`, \`event\`, \`tag\` | of the run; events are ${RUN_EVENTS.map((event) => `\`${event}\``).join(', ')} |
| \`matrix.x\` | of this member of the matrix |
| \`params.x\` | from the \`params\` files of the step itself; what these do not have, from \`params.yaml\` and the files that other steps name, where all of them that have it say the same |
| \`steps.x.outcome\` | \`'succeeded'\`, \`'failed'\`, \`'skipped'\`, \`'cancelled'\`; only in \`if\`, which waits for the end of that step, of all members of a matrix |
| \`success()\`, \`failure()\`, \`always()\` | of what the step needs; only in \`if\` |
| \`==\`, \`!=\`, \`<\`, \`<=\`, \`>\`, \`>=\`, \`and\`, \`or\`, \`not\`, \`( )\` | numbers and text are never equal; what is not known is \`null\` |

In \`run\` an expression becomes a shell variable, so that its value is never read as shell text: \`\${{ branch }}\` is written
\`"$TIDEGATE_EXPR_1"\` outside quotes, \`\${TIDEGATE_EXPR_1}\` inside double quotes and here-documents, and \`'"$TIDEGATE_EXPR_1"'\`
inside single quotes. It is refused inside \`$(( ))\`, in a here-document whose word is quoted, and after a backslash. A value
inside the text of \`sh -c "…"\` or \`eval\` is read by a second shell: pass it as an argument instead.`

function printMetrics(): string {
  const rows = METRIC_TABLE.map(
    ({ name, task, better, needs, meaning }) =>
      `| \`${name}\` | ${task} | ${better} | ${needs ?? ''} | ${cell(meaning)} |`,
  )
  const quantile =
    '| `quantile-loss-p1` … `p99` | regression | lower |  | mean loss whose least value has the model that answers this quantile |'
  const latencies = `Gates and guard rails also know ${LATENCIES.map((name) => `\`${name}\``).join(', ')}; guard rails \`error-rate\`.`
  const head = ['## Metrics', '', '| metric | task | better | needs | meaning |', '| --- | --- | --- | --- | --- |']
  return [...head, ...rows, quantile, '', latencies].join('\n')
}

function printTasks(): string {
  const rows = Object.entries(TASK_KEYS).map(([key, meaning]) => `| \`${key}\` | ${meaning} |`)
  const more = [
    '| `environment:<name>` | builds a further build environment |',
    '| `data:<path>` | freezes a dataset |',
  ]
  const text = 'Beside the steps of the file, a run has these. No step of the file can have one of these names.'
  return [
    '## Steps that Tidegate adds',
    '',
    text,
    '',
    '| step | what it does |',
    '| --- | --- |',
    ...rows,
    ...more,
  ].join('\n')
}

function printUnavailable(): string {
  const rows = UNAVAILABLE.map(({ path, what, instead }) => `| \`${path}\` | ${what ?? 'any value'} | ${instead} |`)
  const text = 'Known, and refused by name until a version can do it.'
  return ['## Not available yet', '', text, '', '| key | what | until then |', '| --- | --- | --- |', ...rows].join(
    '\n',
  )
}

function printForeign(): string {
  const rows = Object.entries(FOREIGN_NAMES).flatMap(([place, names]) =>
    Object.entries(names).map(
      ([theirs, ours]) => `| ${place === '' ? 'top level' : place} | \`${theirs}\` | ${cell(ours)} |`,
    ),
  )
  return ['## Names of other tools', '', '| where | there | here |', '| --- | --- | --- |', ...rows].join('\n')
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..')
  for (const [path, text] of Object.entries(printPipelineDocs())) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}
