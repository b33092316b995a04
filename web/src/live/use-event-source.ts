import { useEffect, useRef } from 'react'

export interface LiveMessage {
  readonly event: string
  readonly data: unknown
}

/**
 * Server-sent events, while this tab is looked at: a browser gives all tabs together six connections, and
 * hidden ones must not hold them. On return the stream goes on from the last id seen.
 */
export function useEventSource(options: {
  /** `lastId` is undefined the first time. A browser's own reconnection sends it as a header as well. */
  readonly url: (lastId: string | undefined) => string
  readonly events: readonly string[]
  readonly onMessage: (message: LiveMessage) => void
  /** Also after a reconnection. */
  readonly onOpen?: () => void
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
    if (ended) return
    source = new EventSource(url(lastId))
    source.addEventListener('open', () => options().onOpen?.())
    for (const event of events) source.addEventListener(event, receive)
  }
  const close = () => {
    source?.close()
    source = undefined
  }
  const onVisibility = () => {
    if (document.hidden) close()
    else if (source === undefined) open()
  }
  document.addEventListener('visibilitychange', onVisibility)
  open()
  return () => {
    document.removeEventListener('visibilitychange', onVisibility)
    close()
  }
}
