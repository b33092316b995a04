import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { parseServerFile } from '../../src/cli/local/server-config.ts'
import { AcceptanceCase } from '../../src/delivery/acceptance/acceptance-cases.ts'
import { lintPipeline } from '../../src/pipeline/lint.ts'
import { blocksOf, readPages } from './pages.ts'

const pages = await readPages()
const blocks = pages.flatMap((page) =>
  blocksOf(page).map((block) => ({ ...block, place: `${page.path}:${block.line}` })),
)

/** Also inside `cat > tidegate.yaml <<'EOF'`. */
const pipelines = blocks.flatMap(({ language, text, place }) => {
  if (language === 'yaml') return text.startsWith('# tidegate.yaml\n') ? [{ place, text }] : []
  return [...text.matchAll(/<<'EOF'\n(# tidegate\.yaml\n[\s\S]*?)^EOF$/gm)].map((match) => ({
    place,
    text: match[1] ?? '',
  }))
})
const serverFiles = blocks.filter(({ language, text }) => language === 'yaml' && text.startsWith('# server.yaml\n'))
const cases = blocks.filter(({ language }) => language === 'json')
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text, place }) => commandsOf(text).map((words) => ({ place, line: words.join(' '), words })))

test('the pages show pipeline files and commands', () => {
  expect(pipelines.length).toBeGreaterThan(8)
  expect(commands.length).toBeGreaterThan(40)
})

test.each(pipelines)('the pipeline file at $place has no problems', ({ text }) => {
  expect(lintPipeline(text)).toEqual([])
})

test.each(serverFiles)('the server file at $place has no problems', ({ text }) => {
  expect(parseServerFile(text, 'server.yaml').problems).toEqual([])
})

test.each(commands)('"$line" at $place is a command with these options', async ({ words }) => {
  const ran: string[] = []

  await rehearse(createProgram(''), (name) => void ran.push(name)).parseAsync(words, { from: 'user' })

  expect(ran).toHaveLength(1)
})

test.each(cases)('the acceptance case at $place is one', ({ text }) => {
  expect(AcceptanceCase.safeParse(JSON.parse(text)).error).toBeUndefined()
})

/** Each command only tells its name, and what it would print on the way to an exit is thrown. */
function rehearse(command: Command, ran: (name: string) => void): Command {
  command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  if (command.commands.length === 0) command.action(() => ran(command.name()))
  for (const inner of command.commands) rehearse(inner, ran)
  return command
}

/** The words after `tidegate` in each command of a shell script, as a shell would split them. */
function commandsOf(script: string): string[][] {
  const text = script.replaceAll(/<<'EOF'\n[\s\S]*?^EOF$/gm, '').replaceAll('\\\n', ' ')
  return text.split('\n').flatMap((line) => {
    const match = /(?:^|[($|;&]\s*|\b[A-Z]+=\S+ )tidegate ((?:'[^']*'|"[^"]*"|[^'"|)&;<>#]|(?<=\S)#)*)/.exec(line)
    return match === null ? [] : [split(match[1] ?? '')]
  })
}

function split(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  )
}
