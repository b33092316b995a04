import { Socket } from 'node:net'
import { isAppError } from '../../core/errors.ts'
import type { LoadedModel, LoadOrder } from '../../core/ports/runtime.ts'
import { RUNTIMES } from '../../drivers/runtime/runtimes.ts'
import { createFrameReader, decodeTensors, encodeFrame, encodeTensors, FRAME, type Frame } from './frames.ts'

/** The descriptor of the socket pair to the parent, beside stdin, stdout and stderr. */
const PARENT_FD = 3

/**
 * The program of one model host: loads the bundle its parent names, answers its predictions, and ends when
 * the parent is gone. Bounds of time and memory are the parent's to keep: a process stuck inside native
 * code cannot keep them for itself.
 */
export async function runModelHost(_args: readonly string[] = []): Promise<void> {
  const parent = new Socket({ fd: PARENT_FD, readable: true, writable: true })
  const closed = new Promise<void>((resolve) => parent.once('close', () => resolve()))
  parent.on('error', () => parent.destroy())
  // The parent's terminal is not ours: Ctrl-C there reaches us too, and the parent decides when we end.
  process.on('SIGINT', () => undefined)

  let model: Promise<LoadedModel | undefined> = Promise.resolve(undefined)
  const read = createFrameReader((frame) => {
    if (frame.kind === FRAME.load) model = load(parent, frame)
    else void predict(parent, model, frame)
  })
  parent.on('data', read)
  await closed
  await (await model)?.unload()
  process.exit(0)
}

async function load(parent: Socket, frame: Frame): Promise<LoadedModel | undefined> {
  const order = frame.header as Omit<LoadOrder, 'log'>
  try {
    const runtime = await RUNTIMES[order.manifest.runtime.kind]()
    const model = await runtime.load({ ...order, log: (line) => console.log(line) })
    const { inputs, outputs, concurrency } = model
    void model.died.then((reason) => endBecause(reason))
    parent.write(encodeFrame(frame.id, FRAME.loaded, { inputs, outputs, concurrency }))
    return model
  } catch (error) {
    parent.write(encodeFrame(frame.id, FRAME.refused, { message: messageOf(error) }))
    return undefined
  }
}

async function predict(parent: Socket, model: Promise<LoadedModel | undefined>, frame: Frame): Promise<void> {
  const loaded = await model
  try {
    if (loaded === undefined) throw new Error('no model is loaded')
    const answer = await loaded.predict(decodeTensors(frame))
    parent.write(encodeTensors(frame.id, FRAME.answer, answer))
  } catch (error) {
    parent.write(encodeFrame(frame.id, FRAME.failed, { message: messageOf(error) }))
  }
}

/** The parent shows the last line of a host that ended by itself. */
function endBecause(reason: string): void {
  process.stderr.write(`${reason}\n`, () => process.exit(1))
}

function messageOf(error: unknown): string {
  if (isAppError(error)) return error.message
  return error instanceof Error ? error.message : String(error)
}

if (import.meta.main) await runModelHost(process.argv.slice(2))
