import { requireRole } from '../../access/require-role.ts'
import type { AppEvent } from '../../core/events.ts'
import type { Identity } from '../../core/identity.ts'
import { followEvents, newestEventId, readEvents } from '../../db/outbox.ts'
import type { Reader } from '../../db/open-database.ts'
import type { Installation } from '../../flow/installation.ts'
import { lastMargins } from '../../evaluation/margin-evidence.ts'
import { lintPipeline } from '../../pipeline/lint.ts'
import { version } from '../../lib/version.ts'
import { eventStream } from '../event-stream.ts'
import type { Handlers } from '../handlers.ts'

export function systemHandlers(
  installation: Installation,
): Pick<Handlers, 'getHealth' | 'listEvents' | 'followEvents' | 'lintText' | 'collectGarbage'> {
  const { database, gateway } = installation
  return {
    async getHealth() {
      const isUp = await gateway.status().then(
        () => true,
        () => false,
      )
      return { ok: isUp, version: version(), gateway: isUp ? gateway.address : null }
    },
    async listEvents({ query, identity }) {
      await maySee(database.read, identity, query.project)
      const filter = query.project === undefined ? {} : { project: query.project }
      return { events: (await readEvents(database.read, query.after, query.limit, filter)).map(asItem) }
    },
    async followEvents({ query, identity, signal, lastEventId }) {
      await maySee(database.read, identity, query.project)
      const wanted = lastEventId ?? query.after
      const after = wanted === 'newest' ? await newestEventId(database.read) : wanted
      const filter = query.project === undefined ? {} : { project: query.project }
      return eventStream(signal, async function* () {
        for await (const event of followEvents(database, after, signal, filter)) {
          yield { id: String(event.id), event: event.kind, data: asItem(event) }
        }
      })
    },
    async lintText({ body, identity }) {
      const { text, files, project } = body
      if (project === undefined) return { problems: lintPipeline(text, { files }) }
      await maySee(database.read, identity, project)
      const evidence = await lastMargins(database.read, project)
      return { problems: lintPipeline(text, { files, project, ...(evidence === undefined ? {} : { evidence }) }) }
    },
    async collectGarbage({ body }) {
      const { collectGarbage } = await import('../../flow/collect-garbage.ts')
      return collectGarbage(installation, body.dryRun)
    },
  }
}

async function maySee(reader: Reader, identity: Identity, project: string | undefined): Promise<void> {
  if (project === undefined) return requireRole(reader, identity, '*', 'admin')
  if (identity.runId?.startsWith(`${project}#`) === true) return
  await requireRole(reader, identity, project, 'viewer')
}

function asItem({ id, at, kind, project, subject, data }: AppEvent) {
  return { id, at, kind, project, subject, data: { ...data } }
}
