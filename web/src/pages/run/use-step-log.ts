import { useEffect, useRef, useState } from 'react'
import { API_ROOT } from '../../../../src/api/operations.ts'
import { useEventSource } from '../../live/use-event-source.ts'
import { appendText, EMPTY_SCREEN, type Screen } from './terminal-text.ts'

/** Chunks of a fast log are gathered, so that drawing keeps up with it. */
const DRAW_MS = 50

export function logPath(run: { project: string; number: number }, step: string): string {
  return `${API_ROOT}/projects/${run.project}/runs/${run.number}/steps/${encodeURIComponent(step)}/log`
}

/** A step's log from its beginning, and on as it grows. */
export function useStepLog(
  run: { project: string; number: number },
  step: string,
  attempt: number,
): {
  readonly screen: Screen
  readonly isComplete: boolean
} {
  const [screen, setScreen] = useState(EMPTY_SCREEN)
  const [isComplete, setComplete] = useState(false)
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
      setComplete(false)
    },
    [key],
  )
  useEventSource({
    key,
    url: (lastId) => `${logPath(run, step)}/stream?attempt=${attempt}&offset=${lastId ?? 0}`,
    events: ['log', 'end'],
    onMessage: ({ event, data }) => {
      if (event === 'end') return setComplete(true)
      gathered.current += (data as { text: string }).text
      timer.current ??= window.setTimeout(draw, DRAW_MS)
    },
  })
  return { screen, isComplete }
}
