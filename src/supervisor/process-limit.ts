import type { ControlGroup } from '../lib/control-group.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import type { AttemptEnd } from './attempt-end.ts'

/**
 * A failure with its likely cause: a program that gets no more processes ends, or hangs, in words of its own (`Errno 11`).
 * How it ended comes first, because a program may also have got over it.
 */
export function withProcessLimit(
  { processes }: AttemptOrder,
  group: ControlGroup | undefined,
  end: AttemptEnd,
): AttemptEnd {
  if (end.outcome !== 'failed' || processes === undefined || group?.metProcessLimit() !== true) return end
  const limit = `${processes.toLocaleString('en')} processes and threads at a time`
  const advice = 'start fewer workers, or fewer threads in each (`OMP_NUM_THREADS`).'
  return { ...end, message: `${end.message ?? ''} It met its limit of ${limit}: ${advice}`.trimStart() }
}
