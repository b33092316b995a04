import { Title } from '@mantine/core'
import { useId, type ReactNode } from 'react'
import styles from './section.module.css'

interface SectionProps {
  readonly title: string
  /** Where links of this page lead. */
  readonly anchor?: string
  /** Beside the title. */
  readonly aside?: ReactNode
  readonly children: ReactNode
}

/** A part of a page, with a heading that names its region. */
export function Section({ title, anchor, aside, children }: SectionProps) {
  const id = useId()
  return (
    <section aria-labelledby={id} id={anchor} className={styles['section']}>
      <div className={styles['head']}>
        <Title order={2} size="h4" id={id}>
          {title}
        </Title>
        {aside}
      </div>
      {children}
    </section>
  )
}

/** A sheet of paper that rows or text lie on. */
export function Sheet({ children, pad = true }: { readonly children: ReactNode; readonly pad?: boolean }) {
  return <div className={pad ? `${styles['sheet']} ${styles['pad']}` : styles['sheet']}>{children}</div>
}

/** Said where a list has nothing. */
export function Nothing({ children }: { readonly children: ReactNode }) {
  return <p className={styles['nothing']}>{children}</p>
}
