import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { page, PRINTED } from './markdown.ts'
import type { Pages } from './write-pages.ts'

const INTRODUCTION = `\`--json\` prints data as JSON and \`--server\` names another server; every command takes both. Tokens and server come from
\`tidegate login\`, or from \`TIDEGATE_TOKEN\` and \`TIDEGATE_SERVER\`. A run is written \`digits#12\` (quoted in most shells) or
\`digits/12\`, a version \`digits@3\`: the project's name stands before the sign, also where the model has another name.`

export function printCli(): Pages {
  const sections = leaves(createProgram('')).map(({ name, command }) => `## ${name}\n\n${fenced(helpOf(command))}`)
  return { 'docs/reference/cli.md': page('# Commands', PRINTED, INTRODUCTION, ...sections) }
}

export interface NamedCommand {
  /** With those above it: `tidegate token create`. */
  readonly name: string
  readonly command: Command
}

/** Commands that do something, in the order of `--help`. */
export function leaves(command: Command, above = ''): NamedCommand[] {
  const name = `${above} ${command.name()}`.trim()
  if (command.commands.length === 0) return [{ name, command }]
  return command.commands.flatMap((inner) => leaves(inner, name))
}

/** As wide as a page whatever terminal this runs in, and without colours. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => void (text += part),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text.trimEnd()
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``
}
