import type { Writer } from '../open-database.ts'
import { init } from './001-init.ts'

export interface Migration {
  readonly name: string
  up(writer: Writer, kind: 'sqlite' | 'postgres'): Promise<void>
}

/** In order; a migration that has been released is never changed. */
export const MIGRATIONS: readonly Migration[] = [init]
