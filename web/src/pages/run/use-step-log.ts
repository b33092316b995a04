import { useEffect, useRef, useState } from 'react'
import { API_ROOT } from '../../../../src/api/operations.ts'
import { getLogTimes } from '../../../../src/api/runs.ts'
import { useEventSource } from '../../live/use-event-source.ts'
import { mayPass } from '../../queries/query-client.ts'
import { call } from '../../session/server.ts'
import { appendText, EMPTY_SCREEN, type Screen } from './terminal-text.ts'

/** Chunks of a fast log are gathered, so that drawing keeps up with it. */
const DRAW_MS = 50

export function logPath(run: { project: string; number: number }, step: string): string {
  return `${API_ROOT}/projects/${run.project}/runs/${run.number}/steps/${encodeURIComponent(step)}/log`
}

/**
 * The page begins here before a log's end: what it can draw (`MOST_LINES`) is seldom more, and a log may have
 * gigabytes, which would be minutes on their way.
 */
const TAIL_BYTES = 2 << 20

/** The end of a step's log, and on as it grows. */
export function useStepLog(
  run: { project: string; number: number },
  step: string,
  attempt: number,
): {
  readonly screen: Screen
  /** Bytes before the first that was fetched. */
  readonly skippedBytes: number
  readonly isComplete: boolean
  /** Why there is no log any more. */
  readonly refusal: Error | undefined
} {
  const [screen, setScreen] = useState(EMPTY_SCREEN)
  const [skippedBytes, setSkippedBytes] = useState(0)
  const [isComplete, setComplete] = useState(false)
  const [refusal, setRefusal] = useState<Error>()
  const gathered = useRef('')
  const timer = useRef<number | undefined>(undefined)
  const key = `${run.project}#${run.number}/${step}/${attempt}`
  const draw = () => {
    timer.current = undefined
    const text = gathered.current
    gathered.current = ''
    setScreen((before) => appendText(before, text))
  }
  useEffect(
    () => () => {
      window.clearTimeout(timer.current)
      timer.current = undefined
      gathered.current = ''
      setScreen(EMPTY_SCREEN)
      setSkippedBytes(0)
      setComplete(false)
      setRefusal(undefined)
    },
    [key],
  )
  const isFirst = useRef(true)
  useEventSource({
    key,
    url: (lastId) => {
      isFirst.current = lastId === undefined
      const from = lastId === undefined ? `tail=${TAIL_BYTES}` : `offset=${lastId}`
      return `${logPath(run, step)}/stream?attempt=${attempt}&${from}`
    },
    events: ['log', 'end'],
    onRefused: async () => {
      const why = await whyRefused(run, step, attempt)
      setRefusal(why)
      return why === undefined
    },
    onMessage: ({ event, data }) => {
      if (event === 'end') return setComplete(true)
      const { offset, text } = data as { offset: number; text: string }
      if (isFirst.current) setSkippedBytes(offset)
      isFirst.current = false
      gathered.current += text
      timer.current ??= window.setTimeout(draw, DRAW_MS)
    },
  })
  return { screen, skippedBytes, isComplete, refusal }
}

/** A stream that is refused says nothing; a question about the same log is refused in words. */
async function whyRefused(
  { project, number }: { project: string; number: number },
  step: string,
  attempt: number,
): Promise<Error | undefined> {
  try {
    await call(getLogTimes, { params: { project, number, step }, query: { attempt, from: 0, to: 1 } })
    return undefined
  } catch (error) {
    return error instanceof Error && !mayPass(error) ? error : undefined
  }
}
