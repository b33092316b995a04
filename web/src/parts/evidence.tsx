import styles from './evidence.module.css'

/** The figures behind a decision, for whoever wants them. */
export function Evidence({ of }: { readonly of: unknown }) {
  if (of === null || of === undefined || JSON.stringify(of) === '{}') return null
  return (
    <details className={styles['evidence']}>
      <summary>Evidence</summary>
      <pre tabIndex={0}>{JSON.stringify(of, null, 2)}</pre>
    </details>
  )
}
