import type { AcceptanceCase, AcceptanceSession } from '../../api/acceptance.ts'
import { AppError } from '../../core/errors.ts'
import type { Reader } from '../../db/open-database.ts'
import type { DeploymentRow } from '../../db/tables.ts'
import { candidateIsA, saidBy } from '../../delivery/acceptance/session-sides.ts'
import { judgeCase } from '../../delivery/acceptance/judge-case.ts'
import { signedDigest, signSession } from '../../delivery/acceptance/sign-session.ts'
import {
  casesOf,
  sessionOf,
  signaturesOf,
  verdictsOf,
  type CaseRow,
  type SessionRow,
} from '../../delivery/acceptance/acceptance.sql.ts'
import { championBundle } from '../../flow/champion.ts'
import type { Installation } from '../../flow/installation.ts'
import type { Handlers } from '../handlers.ts'
import { findDeployment } from './deployments.ts'

export function acceptanceHandlers(
  installation: Installation,
): Pick<Handlers, 'getAcceptance' | 'judgeCase' | 'signAcceptance'> {
  const { database, routes } = installation
  const show = (deployment: DeploymentRow, person: string) => describeSession(database.read, deployment, person)
  return {
    getAcceptance: async ({ params, identity }) => show(await findDeployment(database.read, params), identity.person),
    async judgeCase({ params, body, identity }) {
      const deployment = await findDeployment(database.read, params)
      const said = { person: identity.person, caseId: body.case, verdict: body.verdict, comment: body.comment }
      await database.write((writer) => judgeCase(writer, database.kind, deployment, said))
      return show(deployment, identity.person)
    },
    async signAcceptance({ params, body, identity }) {
      const deployment = await findDeployment(database.read, params)
      await database.write(async (writer) => {
        const champion = await championBundle(writer, deployment)
        await signSession(writer, database.kind, deployment, { person: identity.person, champion, ...body })
      })
      await routes.apply()
      return show(deployment, identity.person)
    },
  }
}

async function describeSession(reader: Reader, deployment: DeploymentRow, person: string): Promise<AcceptanceSession> {
  const session = await sessionOf(reader, deployment.id)
  if (session === undefined)
    throw new AppError(
      'NOT_READY',
      `Testers have not been asked about version ${deployment.version} in ${deployment.environment} yet.`,
    )
  const cases = await casesOf(reader, session.id)
  const verdicts = await verdictsOf(reader, session.id)
  const own = new Map(
    verdicts
      .filter((verdict) => verdict.person === person)
      .map(({ case_id: id, verdict }) => [id, saidBy(session, id, person, verdict)]),
  )
  return {
    id: session.id,
    deployment: deployment.id,
    version: session.version,
    champion: session.champion === null ? null : deployment.champion,
    digest: signedDigest(session),
    state: session.state,
    testers: JSON.parse(session.testers) as string[],
    required: session.required,
    blind: session.blind === 1,
    cases: cases.map((row) => describeCase(session, row, person, own.get(row.case_id) ?? null)),
    signatures: (await signaturesOf(reader, session.id)).map(({ person: by, decision, comment, at }) => ({
      person: by,
      decision,
      comment,
      at,
    })),
    agreement: agreementOf(
      session,
      verdicts.map(({ verdict }) => verdict),
      cases.length,
    ),
  }
}

function describeCase(session: SessionRow, row: CaseRow, person: string, verdict: string | null): AcceptanceCase {
  const spec = JSON.parse(row.spec) as {
    question?: string
    critical?: boolean
    inputs: unknown
    show?: unknown
    expected?: string | number
  }
  const candidate = JSON.parse(row.candidate) as AcceptanceCase['sides']['a']
  const champion = row.champion === null ? undefined : (JSON.parse(row.champion) as AcceptanceCase['sides']['a'])
  const flipped = champion !== undefined && !candidateIsA(session, row.case_id, person)
  const sides =
    champion === undefined ? { a: candidate } : flipped ? { a: champion, b: candidate } : { a: candidate, b: champion }
  return {
    id: row.case_id,
    question: spec.question ?? null,
    critical: spec.critical === true,
    inputs: spec.inputs,
    show: spec.show ?? null,
    expected: spec.expected === undefined ? null : String(spec.expected),
    sides,
    verdict,
  }
}

/** Counts of what was said, in words; not who was which side. */
function agreementOf(session: SessionRow, verdicts: readonly string[], cases: number): string {
  if (verdicts.length === 0) return `No verdicts on ${cases} cases yet.`
  const counts = new Map<string, number>()
  for (const verdict of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  const said =
    session.state === 'open' && session.blind === 1 && session.champion !== null
      ? `${verdicts.length} verdicts`
      : [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')
  return `${said} on ${cases} cases.`
}
