import { useEffect, useRef } from 'react'

export interface LiveMessage {
  readonly event: string
  readonly data: unknown
}

/** Between tries after a refusal. */
const AGAIN_MS = 2_000

/**
 * Server-sent events, while this tab is looked at: a browser gives all tabs together six connections, and
 * hidden ones must not hold them. On return the stream goes on from the last id seen. So it does after a refusal: a browser
 * connects again by itself where a connection breaks, and gives up for good where a proxy answers that nobody is there.
 */
export function useEventSource(options: {
  /** `lastId` is undefined the first time. A browser's own reconnection sends it as a header as well. */
  readonly url: (lastId: string | undefined) => string
  readonly events: readonly string[]
  readonly onMessage: (message: LiveMessage) => void
  /** Also after a reconnection. */
  readonly onOpen?: () => void
  /** After a refusal: whether to try again. Absent: yes. */
  readonly onRefused?: () => Promise<boolean>
  /** Changes when another stream is meant. */
  readonly key: string
}): void {
  const latest = useRef(options)
  latest.current = options
  useEffect(() => follow(() => latest.current), [options.key])
}

function follow(options: () => Parameters<typeof useEventSource>[0]): () => void {
  let source: EventSource | undefined
  let lastId: string | undefined
  let ended = false
  let again: number | undefined
  const receive = (message: MessageEvent<string>) => {
    if (message.lastEventId !== '') lastId = message.lastEventId
    if (message.type === 'end') {
      ended = true
      close()
    }
    options().onMessage({ event: message.type, data: JSON.parse(message.data) as unknown })
  }
  const open = () => {
    const { url, events } = options()
    close()
    if (ended || document.hidden) return
    const opened = new EventSource(url(lastId))
    source = opened
    opened.addEventListener('open', () => options().onOpen?.())
    opened.addEventListener('error', () => {
      if (opened.readyState === EventSource.CLOSED) void refused()
    })
    for (const event of events) opened.addEventListener(event, receive)
  }
  const close = () => {
    window.clearTimeout(again)
    source?.close()
    source = undefined
  }
  const refused = async () => {
    const goesOn = await (options().onRefused?.() ?? true)
    close()
    if (goesOn) again = window.setTimeout(open, AGAIN_MS)
    else ended = true
  }
  const onVisibility = () => {
    if (document.hidden) close()
    else if (source === undefined) open()
  }
  document.addEventListener('visibilitychange', onVisibility)
  open()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    ended = true
    close()
  }
}
