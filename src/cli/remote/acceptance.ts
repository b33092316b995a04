import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  getAcceptance,
  judgeCase,
  signAcceptance,
  VERDICTS,
  type AcceptanceCase,
  type AcceptanceSession,
} from '../../api/acceptance.ts'
import type { Client } from '../../client/client.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import { openClient, type GlobalOptions } from '../context.ts'
import { print } from '../print.ts'
import { parseVersion } from '../references.ts'
import { findDeployment } from './find-deployment.ts'

type Verdict = (typeof VERDICTS)[number]

interface AcceptOptions {
  readonly env?: string
  readonly judge?: string[]
  readonly sign?: 'accept' | 'reject'
  readonly digest?: string
  readonly comment: string
}

/** Acceptance without a browser: look at the cases, judge them, sign. */
export function registerAcceptance(program: Command): void {
  program
    .command('accept <model@version>')
    .description('judge acceptance cases and sign; without options, show the cases')
    .option('--env <environment>', 'where it waits, if it waits in several')
    .option(
      '--judge <case=verdict...>',
      `a verdict on a case (${VERDICTS.join(', ')}); *=verdict for all that are left`,
    )
    .option('--sign <decision>', 'accept or reject the version')
    .option('--digest <digest>', 'what you looked at; default: the session as it is now')
    .option('--comment <text>', 'kept for ever', '')
    .action(async (text: string, options: AcceptOptions, command: Command) => {
      const globals = command.optsWithGlobals<GlobalOptions>()
      const client = await openClient(globals)
      const deployment = await findDeployment(client, parseVersion(text), options.env, 'awaiting-acceptance')
      const params = { project: deployment.project, deployment: deployment.id }
      let session = await openSession(client, params)
      for (const said of verdictsOf(options.judge ?? [], session)) {
        session = await client.call(judgeCase, {
          params,
          body: { case: said.id, verdict: said.verdict, comment: options.comment },
        })
      }
      if (options.sign !== undefined) {
        const body = { decision: options.sign, digest: options.digest ?? session.digest, comment: options.comment }
        session = await client.call(signAcceptance, { params, body })
      }
      print(globals, session, describeSession)
    })
}

const PATIENCE_MS = 15_000

/** Testers are asked a moment after a version serves: answers to the cases are computed in between. */
async function openSession(
  client: Client,
  params: { project: string; deployment: string },
): Promise<AcceptanceSession> {
  for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(200)) {
    try {
      return await client.call(getAcceptance, { params })
    } catch (error) {
      if (!isAppError(error, 'NOT_READY') || Date.now() > deadline) throw error
    }
  }
}

function verdictsOf(judged: readonly string[], session: AcceptanceSession): { id: string; verdict: Verdict }[] {
  return judged.flatMap((text) => {
    const [id = '', verdict = ''] = text.split('=')
    if (!isVerdict(verdict))
      throw new AppError(
        'INVALID_INPUT',
        `"${text}" is no verdict. Write case=verdict with one of ${VERDICTS.join(', ')}.`,
      )
    if (id !== '*') return [{ id, verdict }]
    return session.cases.filter((one) => one.verdict === null).map((one) => ({ id: one.id, verdict }))
  })
}

function isVerdict(text: string): text is Verdict {
  return (VERDICTS as readonly string[]).includes(text)
}

function describeSession(session: AcceptanceSession): string {
  const signed = session.signatures.map((one) => `${one.person} ${one.decision}ed`).join(', ')
  const head = `Acceptance of version ${session.version}: ${session.state}. ${session.agreement}${signed === '' ? '' : ` ${signed}.`}`
  return [head, ...session.cases.map(describeCase)].join('\n\n')
}

function describeCase(one: AcceptanceCase): string {
  const sides =
    one.sides.b === undefined
      ? `answers ${one.sides.a.prediction}`
      : `a answers ${one.sides.a.prediction}, b answers ${one.sides.b.prediction}`
  const expected = one.expected === null ? '' : ` (expected ${one.expected})`
  return `${one.id}${one.critical ? ' (critical)' : ''}: ${one.question ?? ''} ${sides}${expected}${one.verdict === null ? '' : `; you said ${one.verdict}`}${picture(one)}`
}

const SHADES = ' .:-=+*#%@'

/** A grey image as characters, two wide for each pixel. */
function picture(one: AcceptanceCase): string {
  const image = (one.show as { image?: { input: string; shape: number[] } } | null)?.image
  if (image === undefined) return ''
  const input = (one.inputs as { name: string; data: readonly (number | readonly number[])[] }[]).find(
    ({ name }) => name === image.input,
  )
  const width = image.shape[1] ?? 0
  if (input === undefined || width === 0) return ''
  const values = input.data.flat()
  const most = Math.max(...values, 1e-9)
  const pixels = values.map((value) => SHADES[Math.round((Math.max(0, value) / most) * (SHADES.length - 1))] ?? ' ')
  const lines: string[] = []
  for (let start = 0; start < pixels.length; start += width)
    lines.push(
      `    ${pixels
        .slice(start, start + width)
        .map((shade) => shade + shade)
        .join('')}`,
    )
  return `\n${lines.join('\n')}`
}
