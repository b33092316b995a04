import { openFolderStore } from './folder/folder-store.ts'
import type { Store } from '../../core/ports/store.ts'

/** Where content can be kept: one line each, named as its folder. `place` is what the setting says after the colon. */
export const STORES = {
  folder: openFolderStore,
} as const satisfies Record<string, (place: string) => Promise<Store>>
