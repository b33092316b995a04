import { setTimeout as sleep } from 'node:timers/promises'
import { BLANK, drifted, fieldImages, seededRandom, type Drift, type Image, type Random } from './images.ts'

export interface TrafficOptions {
  /** The URL of the model: `http://127.0.0.1:7071/<project>/<environment>/v2/models/<model>`. */
  readonly endpoint: string
  readonly token?: string
  /** Absent: until `signal` says stop. */
  readonly count?: number
  /** Absent: as fast as `concurrency` allows. */
  readonly perSecond?: number
  /** Requests on the way at once; 8 where nothing is said. */
  readonly concurrency?: number
  readonly drift?: Drift
  /** Share of requests whose image is blank, 0..1. Nobody wrote a digit there, so they have no label. */
  readonly blanks?: number
  /** The same seed sends the same images in the same order. */
  readonly seed?: number
  readonly onAnswer?: (answer: Answer) => void
  /** Ends the traffic; answers on the way are awaited, and no error is thrown. */
  readonly signal?: AbortSignal
}

export interface Answer {
  /** HTTP status, or 0 where no answer came. */
  readonly status: number
  /** The version that answered, where the answer says so. */
  readonly version?: string
  /** What a label refers to. */
  readonly predictionId?: string
  readonly prediction?: number
  /** The truth; absent for a blank image. */
  readonly label?: number
  /** What went wrong, in the endpoint's words. */
  readonly error?: string
  readonly ms: number
}

export interface TrafficCounts {
  readonly sent: number
  readonly ok: number
  readonly failed: number
  /** Of those that have a label. */
  readonly right: number
  readonly byStatus: Readonly<Record<string, number>>
  readonly byVersion: Readonly<Record<string, { readonly ok: number; readonly failed: number }>>
}

export interface Traffic {
  readonly counts: TrafficCounts
  readonly answers: readonly Answer[]
}

const CONCURRENCY = 8
const UNKNOWN = 'unknown'

/** Sends images as users would, until `count` are answered or `signal` ends it. A failed request is counted, never thrown. */
export async function sendTraffic(options: TrafficOptions): Promise<Traffic> {
  const requests = paced(imagesToSend(options), options)
  const answers: Answer[] = []
  async function user(): Promise<void> {
    for await (const image of requests) {
      const answer = await ask(image, options)
      answers.push(answer)
      options.onAnswer?.(answer)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency ?? CONCURRENCY }, user))
  return { counts: count(answers), answers }
}

export function count(answers: readonly Answer[]): TrafficCounts {
  const byStatus: Record<string, number> = {}
  const byVersion: Record<string, { ok: number; failed: number }> = {}
  for (const answer of answers) {
    byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1
    const arm = (byVersion[answer.version ?? UNKNOWN] ??= { ok: 0, failed: 0 })
    arm[isOk(answer) ? 'ok' : 'failed']++
  }
  const ok = answers.filter(isOk).length
  const right = answers.filter((answer) => answer.label !== undefined && answer.prediction === answer.label).length
  return { sent: answers.length, ok, failed: answers.length - ok, right, byStatus, byVersion }
}

function isOk(answer: Answer): boolean {
  return answer.status === 200
}

type Request = Pick<Image, 'pixels'> & { readonly label?: number }

/** Every image once, in a seeded order, then again in another. */
function* imagesToSend(options: TrafficOptions): Generator<Request> {
  const random = seededRandom(options.seed ?? 1)
  const images = fieldImages()
  for (let sent = 0; sent < (options.count ?? Number.POSITIVE_INFINITY); ) {
    for (const image of shuffled(images, random)) {
      if (sent++ >= (options.count ?? Number.POSITIVE_INFINITY)) return
      yield random() < (options.blanks ?? 0) ? { pixels: BLANK } : seen(image, options.drift, random)
    }
  }
}

function seen(image: Image, drift: Drift | undefined, random: Random): Request {
  return drift ? { pixels: drifted(image.pixels, drift, random), label: image.label } : image
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}

/** One generator that all users draw from: the n-th request starts no earlier than n / perSecond. */
function paced(requests: Generator<Request>, { perSecond, signal }: TrafficOptions): AsyncIterable<Request> {
  const begin = performance.now()
  let drawn = 0
  async function next(): Promise<IteratorResult<Request>> {
    const wait = perSecond ? begin + (drawn++ * 1000) / perSecond - performance.now() : 0
    if (wait > 0) await pause(wait, signal)
    return signal?.aborted ? { done: true, value: undefined } : requests.next()
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal?.aborted) throw error
  }
}

async function ask(request: Request, { endpoint, token }: TrafficOptions): Promise<Answer> {
  const begin = performance.now()
  const label = request.label === undefined ? {} : { label: request.label }
  try {
    const response = await fetch(`${endpoint}/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization(token) },
      body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, request.pixels.length], datatype: 'FP32', data: request.pixels }] }),
    })
    const text = await response.text()
    return { status: response.status, ...headers(response), ...read(response, text), ...label, ms: performance.now() - begin }
  } catch (error) {
    return { status: 0, error: String(error), ...label, ms: performance.now() - begin }
  }
}

function headers(response: Response): Pick<Answer, 'version' | 'predictionId'> {
  const version = response.headers.get('tidegate-version')
  const predictionId = response.headers.get('tidegate-prediction-id')
  return { ...(version && { version }), ...(predictionId && { predictionId }) }
}

function read(response: Response, text: string): Pick<Answer, 'prediction' | 'error'> {
  if (!response.ok) return { error: text.slice(0, 500) }
  const { outputs } = JSON.parse(text) as { outputs: { name: string; data: unknown[] }[] }
  return { prediction: Number(outputs.find((output) => output.name === 'label')?.data[0]) }
}

export function authorization(token: string | undefined): Record<string, string> {
  return token ? { authorization: `Bearer ${token}` } : {}
}
