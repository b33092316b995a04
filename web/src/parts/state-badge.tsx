import type { ReactNode } from 'react'
import type { Tone } from '../words/tones.ts'
import styles from './state-badge.module.css'

/** A state in a word, coloured by what it asks of the reader. */
export function StateBadge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return (
    <span className={styles['badge']} data-tone={tone}>
      {children}
    </span>
  )
}
