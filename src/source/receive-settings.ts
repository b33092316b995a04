import { limit } from '../core/limits.ts'
import type { GitSettings } from './run-git.ts'

/**
 * How pushes are taken: objects checked, refs logged, no housekeeping while the pusher waits, nothing
 * bigger than its limit. The slips of old git versions, which every long history has, are let through.
 */
export function receiveSettings(hooksFolder: string): GitSettings {
  return {
    'core.hooksPath': hooksFolder,
    'core.logAllRefUpdates': 'always',
    'receive.advertisePushOptions': 'true',
    'receive.autogc': 'false',
    'receive.fsckObjects': 'true',
    'receive.fsck.badTimezone': 'ignore',
    'receive.fsck.missingSpaceBeforeDate': 'ignore',
    'receive.fsck.zeroPaddedFilemode': 'ignore',
    'receive.maxInputSize': String(limit('pushBytes')),
    'transfer.hideRefs': 'refs/tidegate',
  }
}
