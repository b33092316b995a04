import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listEnvironments } from '../../../api/projects.ts'
import { AppError } from '../../../core/errors.ts'
import type { DemoPlace } from './demo-place.ts'

/** The example's own traffic program, as far as the story uses it. */
interface TrafficProgram {
  sendTraffic(options: {
    endpoint: string
    count?: number
    perSecond?: number
    concurrency?: number
    drift?: { degrees: number; noise: number }
    blanks?: number
    seed?: number
    signal?: AbortSignal
  }): Promise<Traffic>
}

export interface Answer {
  readonly status: number
  readonly version?: string
  readonly predictionId?: string
  readonly label?: number
}

export interface Traffic {
  readonly counts: {
    readonly sent: number
    readonly ok: number
    readonly failed: number
    readonly right: number
    readonly byVersion: Readonly<Record<string, { ok: number; failed: number }>>
  }
  readonly answers: readonly Answer[]
}

interface LabelProgram {
  sendLabels(
    answers: readonly Answer[],
    options: { server: string; token: string; project: string; environment: string },
  ): Promise<number>
}

/** Requests of users to production, as the example's program sends them. */
export async function traffic(
  place: DemoPlace,
  options: Omit<Parameters<TrafficProgram['sendTraffic']>[0], 'endpoint'>,
): Promise<Traffic> {
  const program = (await import(pathToFileURL(join(place.demoFolder, 'traffic.ts')).href)) as TrafficProgram
  return program.sendTraffic({ endpoint: await productionEndpoint(place), ...options })
}

/** What was really written, told by the people who checked. */
export async function label(place: DemoPlace, answers: readonly Answer[]): Promise<number> {
  const program = (await import(pathToFileURL(join(place.demoFolder, 'labels.ts')).href)) as LabelProgram
  return program.sendLabels(answers, {
    server: place.server,
    token: place.token('dana'),
    project: place.project,
    environment: 'production',
  })
}

async function productionEndpoint(place: DemoPlace): Promise<string> {
  const { environments } = await place.client('dana').call(listEnvironments, { params: { project: place.project } })
  const endpoint = environments.find(({ environment }) => environment === 'production')?.endpoint
  if (endpoint === undefined || endpoint === null)
    throw new AppError('NOT_READY', `${place.project} has nothing in production.`)
  return endpoint
}
