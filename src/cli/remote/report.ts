import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { getReport } from '../../api/runs.ts'
import { getLineage } from '../../api/versions.ts'
import type { Client } from '../../client/client.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { parseRun, parseVersion } from '../references.ts'

/** `tidegate report`: what was proved of a candidate. */
export function registerReport(program: Command): void {
  program
    .command('report <run-or-version>')
    .description('what was proved of a candidate: gates, metrics, slices, changed answers, and where it comes from')
    .option('--html <file>', 'write the page with its plots to a file; without it the text is printed')
    .action(async (what: string, options: { html?: string }, command: Command) => {
      const client = await openClient(command.optsWithGlobals<GlobalOptions>())
      const params = await runOf(client, what)
      const format = options.html === undefined ? 'markdown' : 'html'
      const response = await client.fetch(getReport, { params, query: { format } })
      const text = await response.text()
      if (options.html === undefined) return void process.stdout.write(text)
      await writeFile(options.html, text)
      process.stdout.write(`${options.html}\n`)
    })
}

/** `digits#12`, `digits/12`, or the version that came of it, `digits@3`. */
async function runOf(client: Client, what: string): Promise<{ project: string; number: number }> {
  if (!what.includes('@')) return parseRun(what)
  const { run } = await client.call(getLineage, { params: parseVersion(what) })
  return parseRun(run)
}
