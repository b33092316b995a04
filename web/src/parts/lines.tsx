import styles from './lines.module.css'

/** What a test printed where it failed. The keyboard can scroll it. */
export function Lines({ of }: { readonly of: string }) {
  if (of === '') return null
  return (
    <pre className={styles['lines']} tabIndex={0}>
      {of}
    </pre>
  )
}
