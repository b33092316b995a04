export interface StreamEvent {
  /** Becomes Last-Event-ID when the client connects again; empty: none. */
  readonly id: string
  readonly event: string
  readonly data: unknown
}

/** Comments keep proxies from closing a stream on which nothing happens. */
const KEEP_ALIVE_MS = 15_000

/** Server-sent events from a generator; ends with it, also where it fails, or when the client goes away. */
export function eventStream(signal: AbortSignal, events: () => AsyncGenerator<StreamEvent>): Response {
  const encoder = new TextEncoder()
  let timer: NodeJS.Timeout | undefined
  const source = events()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(': open\n\n'))
      timer = setInterval(() => controller.enqueue(encoder.encode(': still here\n\n')), KEEP_ALIVE_MS)
    },
    async pull(controller) {
      const next = await source.next().catch((error: unknown) => {
        // Whatever is said on a stream that has failed throws, and a timer has nobody to catch it: the server would end.
        clearInterval(timer)
        throw error
      })
      if (next.done === true || signal.aborted) {
        clearInterval(timer)
        controller.close()
        return
      }
      controller.enqueue(encoder.encode(format(next.value)))
    },
    async cancel() {
      clearInterval(timer)
      await source.return(undefined)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
}

function format({ id, event, data }: StreamEvent): string {
  return `${id === '' ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
