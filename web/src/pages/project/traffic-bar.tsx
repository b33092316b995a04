import { asPercent } from '../../words/numbers.ts'
import styles from './traffic-bar.module.css'

interface TrafficBarProps {
  readonly champion: number | null
  readonly challenger: number | null
  /** The challenger's share, 0 to 1. */
  readonly weight: number
}

/** Which version answers how much of the traffic. */
export function TrafficBar({ champion, challenger, weight }: TrafficBarProps) {
  if (champion === null && challenger === null) return null
  const share = champion === null ? 1 : challenger === null ? 0 : weight
  return (
    <div className={styles['bar']} role="img" aria-label={tell(champion, challenger, share)}>
      {share < 1 && (
        <span className={styles['champion']} style={{ flexGrow: 1 - share }}>
          {champion} · {asPercent(1 - share)}
        </span>
      )}
      {challenger !== null && (
        <span className={styles['challenger']} style={{ flexGrow: Math.max(share, 0.001) }}>
          {challenger} · {asPercent(share)}
        </span>
      )}
    </div>
  )
}

function tell(champion: number | null, challenger: number | null, share: number): string {
  const parts = [
    champion === null || share === 1 ? '' : `version ${champion} answers ${asPercent(1 - share)}`,
    challenger === null ? '' : `version ${challenger} answers ${asPercent(share)}`,
  ]
  return `Traffic: ${parts.filter((part) => part !== '').join(', ')}`
}
