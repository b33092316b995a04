import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { EVENTS } from '../../../src/core/events.ts'
import { API_ROOT } from '../../../src/api/operations.ts'
import { projectKey } from '../queries/queries.ts'
import { useEventSource } from './use-event-source.ts'

/** A step that starts makes three events at once; one look covers them all. */
const GATHER_MS = 200
const KINDS = Object.keys(EVENTS)

/** Keeps everything shown of a project fresh: each event makes what is on the page be asked for again. */
export function useProjectEvents(project: string): void {
  const queries = useQueryClient()
  const timer = useRef<number | undefined>(undefined)
  const refresh = () => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined
      void queries.invalidateQueries({ queryKey: projectKey(project) })
    }, GATHER_MS)
  }
  useEffect(() => () => window.clearTimeout(timer.current), [])
  useEventSource({
    key: project,
    url: (lastId) => `${API_ROOT}/events/stream?project=${encodeURIComponent(project)}&after=${lastId ?? 'newest'}`,
    events: KINDS,
    onMessage: refresh,
    // What happened between the page's first look and the stream's beginning would be missed otherwise.
    onOpen: refresh,
  })
}
