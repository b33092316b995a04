import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { limit } from '../../core/limits.ts'
import type { Tensor } from '../../core/ports/runtime.ts'
import type { PredictionRecord } from '../../core/route-table.ts'
import { toPlainValues } from '../../drivers/runtime/tensors/json.ts'

/** A prediction to log: its tensors become JSON when it is written, not while its client waits. */
export interface LoggedPrediction {
  readonly facts: Omit<PredictionRecord, 'inputs' | 'outputs'>
  readonly inputs?: readonly Tensor[]
  readonly outputs?: readonly Tensor[]
  readonly droppedColumns: ReadonlyMap<string, readonly number[]>
}

interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
  readonly openedAt: number
  rows: number
}

const FLUSH_MS = 100
const BUFFERED_RECORDS = 20_000
const BUFFERED_ELEMENTS = 4_000_000
/** Records turned into text before other work of the process gets its turn. */
const RECORDS_PER_TURN = 50

const OPEN_SUFFIX = '.ndjson.open'
export const CLOSED_SUFFIX = '.ndjson'

/**
 * Writes predictions to `<folder>/<project>/<environment>/<uuid>.ndjson`, one JSON line each; the name ends
 * in `.open` while lines may still come. Never waits for the disk while a client does: what does not fit
 * into the bounded buffer is dropped, and counted.
 */
export class PredictionSpool {
  readonly #folder: string
  readonly #log: (line: Readonly<Record<string, unknown>>) => void
  readonly #files = new Map<string, OpenFile>()
  readonly #timer: NodeJS.Timeout
  #buffer: LoggedPrediction[] = []
  #bufferedElements = 0
  #writing: Promise<void> | undefined
  dropped = 0

  constructor(folder: string, log: (line: Readonly<Record<string, unknown>>) => void) {
    this.#folder = folder
    this.#log = log
    this.#timer = setInterval(() => void this.#write(), FLUSH_MS)
  }

  append(prediction: LoggedPrediction): void {
    const elements = sizeOf(prediction)
    const isFull =
      this.#buffer.length >= BUFFERED_RECORDS ||
      (this.#buffer.length > 0 && this.#bufferedElements + elements > BUFFERED_ELEMENTS)
    if (isFull) {
      this.dropped++
      return
    }
    this.#buffer.push(prediction)
    this.#bufferedElements += elements
  }

  /** Closes what a gateway that was killed left open; a torn last line is the reader's to skip. */
  async adoptLeftovers(): Promise<void> {
    for (const path of await listSpools(this.#folder, OPEN_SUFFIX)) await rename(path, closedName(path))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await this.#write()
    for (const key of this.#files.keys()) await this.#closeFile(key)
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeNow()
      .catch((error: unknown) =>
        this.#log({ level: 'error', event: 'predictions could not be logged', error: String(error) }),
      )
      .finally(() => (this.#writing = undefined))
    return this.#writing
  }

  async #writeNow(): Promise<void> {
    const batch = this.#buffer
    this.#buffer = []
    this.#bufferedElements = 0
    const groups = Map.groupBy(batch, ({ facts }) => `${facts.project}/${facts.environment}`)
    for (const [key, predictions] of groups) await this.#appendTo(key, predictions)
    for (const [key, file] of this.#files) if (isDue(file)) await this.#closeFile(key)
  }

  async #appendTo(key: string, predictions: readonly LoggedPrediction[]): Promise<void> {
    try {
      for (let at = 0; at < predictions.length; at += RECORDS_PER_TURN) {
        const some = predictions.slice(at, at + RECORDS_PER_TURN)
        const file = this.#files.get(key) ?? (await this.#openFile(key))
        await file.handle.appendFile(some.map(toLine).join(''))
        file.rows += some.length
        if (isDue(file)) await this.#closeFile(key)
        await nextTurn()
      }
    } catch (error) {
      this.dropped += predictions.length
      throw error
    }
  }

  async #openFile(key: string): Promise<OpenFile> {
    const path = join(this.#folder, key, `${randomUUID()}${OPEN_SUFFIX}`)
    await mkdir(dirname(path), { recursive: true })
    const file = { path, handle: await open(path, 'a'), openedAt: performance.now(), rows: 0 }
    this.#files.set(key, file)
    return file
  }

  async #closeFile(key: string): Promise<void> {
    const file = this.#files.get(key)
    this.#files.delete(key)
    if (file === undefined) return
    await file.handle.close()
    await rename(file.path, closedName(file.path))
  }
}

/** Spool files below `<folder>/<project>/<environment>/` whose names end so, in order. */
export async function listSpools(folder: string, suffix: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
  return files.map((entry) => join(entry.parentPath, entry.name)).sort()
}

function isDue(file: OpenFile): boolean {
  return file.rows >= limit('gatewaySpoolRows') || performance.now() - file.openedAt >= limit('gatewaySpoolMs')
}

function closedName(path: string): string {
  return path.slice(0, -OPEN_SUFFIX.length) + CLOSED_SUFFIX
}

function sizeOf({ inputs, outputs }: LoggedPrediction): number {
  let size = 0
  for (const tensor of inputs ?? []) size += tensor.data.length
  for (const tensor of outputs ?? []) size += tensor.data.length
  return size
}

function toLine({ facts, inputs, outputs, droppedColumns }: LoggedPrediction): string {
  const record: PredictionRecord = {
    ...facts,
    ...(inputs === undefined ? {} : { inputs: valuesOf(inputs, droppedColumns) }),
    ...(outputs === undefined ? {} : { outputs: valuesOf(outputs, new Map()) }),
  }
  return `${JSON.stringify(record)}\n`
}

function valuesOf(
  tensors: readonly Tensor[],
  dropped: ReadonlyMap<string, readonly number[]>,
): Record<string, unknown[]> {
  return Object.fromEntries(
    tensors.map((tensor) => {
      const values = toPlainValues(tensor)
      const width = tensor.shape.length > 1 ? (tensor.shape.at(-1) ?? 1) : 1
      for (const column of dropped.get(tensor.name) ?? []) {
        for (let at = column; at < values.length; at += width) values[at] = null
      }
      return [tensor.name, values]
    }),
  )
}
