import { join } from 'node:path'
import { ATTEMPT_FILES } from '../core/attempt-files.ts'
import type { AttemptOrder } from '../core/ports/executor.ts'
import { isDiskFull } from '../core/storage-error.ts'
import { sha256 } from '../lib/sha256.ts'
import { failed, type AttemptEnd } from './attempt-end.ts'
import { openLogFile, type LogFile } from './log-file.ts'
import type { Masker } from './mask.ts'
import type { OutputPipe } from './output-pipe.ts'

/** Where what an attempt prints goes: through the pipe into the log. `refused`: there is no such way, and nothing may run. */
export type Output =
  | { readonly kind: 'open'; readonly log: LogFile; readonly pipe: OutputPipe }
  | { readonly kind: 'refused'; readonly log: LogFile; readonly end: AttemptEnd }

/** Never throws: the attempt is claimed by now, and without a record it would count as lost. */
export function openOutput(order: AttemptOrder, masker: Masker, takePipe: () => OutputPipe): Output {
  let log = NO_LOG
  try {
    log = openLogFile(join(order.attemptFolder, ATTEMPT_FILES.log), order.logLimitBytes, masker)
    return { kind: 'open', log, pipe: takePipe() }
  } catch (error) {
    const reason = isDiskFull(error) ? 'disk-full' : 'setup-error'
    return { kind: 'refused', log, end: failed(reason, `What it prints could not be written down: ${String(error)}`) }
  }
}

/** The record says everything that it would. */
const NO_LOG: LogFile = {
  write: () => undefined,
  note: () => undefined,
  close: () => ({ logBytes: 0, logLostBytes: 0, logDigest: sha256('') }),
}
