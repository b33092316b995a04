import { authorization, type Answer } from './traffic.ts'

export interface LabelOptions {
  /** The server's address, not the gateway's. */
  readonly server: string
  readonly token: string
  readonly project: string
  readonly environment: string
}

const AT_ONCE = 1000

/** Tells the server what was really written, as people who check answers later would. Says how many labels it sent. */
export async function sendLabels(answers: readonly Answer[], options: LabelOptions): Promise<number> {
  const labels = answers.flatMap(({ predictionId, label }) =>
    predictionId === undefined || label === undefined ? [] : [{ id: predictionId, row: 0, label }],
  )
  for (let start = 0; start < labels.length; start += AT_ONCE) await post(labels.slice(start, start + AT_ONCE), options)
  return labels.length
}

async function post(labels: readonly object[], { server, token, project, environment }: LabelOptions): Promise<void> {
  const response = await fetch(new URL('/api/v1/labels', server), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization(token) },
    body: JSON.stringify({ project, environment, labels }),
  })
  if (!response.ok) throw new Error(`The server refused ${labels.length} labels with ${response.status}: ${await response.text()}`)
}
