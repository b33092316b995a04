import { setTimeout as sleep } from 'node:timers/promises'
import type { AppEvent } from '../core/events.ts'
import type { Notifier, NotifierMessage } from '../core/ports/notifier.ts'
import { liveDeployment } from '../delivery/deployments.sql.ts'
import { getRun } from '../engine/runs.sql.ts'
import type { NotifySpec } from '../pipeline/pipeline.ts'
import type { Installation } from './installation.ts'
import { rulesOfRun } from './run-rules.ts'

type Occasion = NotifySpec['on'][number]

const TRIES = 3
const PAUSE_MS = 1_000

/** Tells whoever the pipeline's `notify:` names. One that cannot be reached is logged after three tries, and holds nobody up. */
export async function notifyPeople(
  installation: Installation,
  open: (url: string) => Notifier,
  event: AppEvent,
): Promise<void> {
  const occasion = occasionOf(event)
  if (occasion === undefined || event.project === null) return
  const notify = await rulesFor(installation, event)
  if (notify === undefined || !notify.on.includes(occasion)) return
  const message = messageOf(installation, occasion, event)
  for (const url of notify.webhooks) await send(installation, open(url), message)
}

function occasionOf(event: AppEvent): Occasion | undefined {
  const { state } = event.data as { state?: string }
  if (event.kind === 'run.ended')
    return state === 'succeeded' ? 'success' : state === 'cancelled' ? undefined : 'failure'
  if (event.kind === 'acceptance.opened') return 'acceptance-needed'
  if (event.kind === 'alert.fired') return 'alert'
  if (event.kind !== 'deployment.moved') return undefined
  if (state === 'awaiting-approval') return 'approval-needed'
  if (state === 'rolling-back') return 'rollback'
  return state === 'live' ? 'deployed' : undefined
}

/** The rules of the run it is about; of what serves now for an alert. */
async function rulesFor({ database }: Installation, event: AppEvent): Promise<NotifySpec | undefined> {
  const { run, environment } = event.data as { run?: string; environment?: string }
  const live =
    event.kind === 'alert.fired'
      ? await liveDeployment(database.read, event.project ?? '', environment ?? '')
      : undefined
  const id = live?.run_id ?? run ?? event.subject
  const row = await getRun(database.read, id)
  return row === undefined ? undefined : rulesOfRun(row)?.notify
}

function messageOf({ publicUrl }: Installation, occasion: Occasion, event: AppEvent): NotifierMessage {
  const { reason, summary, version, environment, state } = event.data as Record<string, string | number | undefined>
  const what =
    version === undefined ? event.subject : `version ${version}${environment === undefined ? '' : ` in ${environment}`}`
  return {
    id: `event-${event.id}`,
    kind: occasion,
    project: event.project ?? '',
    title: `${event.project}: ${occasion}: ${what}`,
    text: String(summary ?? reason ?? state ?? ''),
    link: `${publicUrl}/${event.project}`,
    at: event.at,
  }
}

async function send({ log }: Installation, notifier: Notifier, message: NotifierMessage): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await notifier.send(message)
    } catch (error) {
      if (attempt === TRIES)
        return log.warn({ message: message.id, error: (error as Error).message }, 'a webhook could not be told')
      await sleep(PAUSE_MS)
    }
  }
}
