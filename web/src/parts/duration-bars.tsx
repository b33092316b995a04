import { Link } from '@tanstack/react-router'
import { useState, type KeyboardEvent } from 'react'
import { niceSeconds } from '../words/nice-scale.ts'
import { asDuration } from '../words/numbers.ts'
import type { Tone } from '../words/tones.ts'
import styles from './duration-bars.module.css'

export interface DurationBar {
  readonly key: string
  /** `project#number`: where the bar leads. */
  readonly run: string
  readonly seconds: number
  readonly tone: Tone
  /** What it is, in words: shown while it is looked at. */
  readonly told: string
}

interface DurationBarsProps {
  readonly label: string
  /** Oldest first. */
  readonly bars: readonly DurationBar[]
  readonly legend: readonly (readonly [Tone, string])[]
  /** Said while no bar is looked at. */
  readonly note: string
}

/**
 * How long something took, run by run, coloured by how it ended. One bar is in the order of the Tab key, the newest;
 * the arrow keys go to the others, and Enter to the run.
 */
export function DurationBars({ label, bars, legend, note }: DurationBarsProps) {
  const [looked, setLooked] = useState<string | undefined>(undefined)
  const end = niceSeconds(Math.max(...bars.map(({ seconds }) => seconds)))
  const told = bars.find(({ key }) => key === looked)?.told
  return (
    <div className={styles['chart']}>
      <div className={styles['scale']} aria-hidden="true">
        {[end, end / 2, 0].map((seconds) => (
          <span key={seconds}>{seconds === 0 ? '0' : asTick(seconds)}</span>
        ))}
      </div>
      <div className={styles['plot']}>
        <ol className={styles['bars']} aria-label={label} onMouseLeave={() => setLooked(undefined)} onKeyDown={move}>
          {bars.map((bar, i) => (
            <Bar
              key={bar.key}
              bar={bar}
              share={bar.seconds / end}
              isInOrder={i === bars.length - 1}
              onLook={() => setLooked(bar.key)}
            />
          ))}
        </ol>
      </div>
      <div className={styles['foot']}>
        <span>{told ?? note}</span>
        <span className={styles['legend']}>
          {legend.map(([tone, word]) => (
            <span key={word} className={styles['key']} data-tone={tone}>
              {word}
            </span>
          ))}
        </span>
      </div>
    </div>
  )
}

interface BarProps {
  readonly bar: DurationBar
  readonly share: number
  readonly isInOrder: boolean
  readonly onLook: () => void
}

function Bar({ bar: { run, tone, told }, share, isInOrder, onLook }: BarProps) {
  const [project = '', number = ''] = run.split('#')
  return (
    <li className={styles['slot']}>
      <Link
        to="/$project/runs/$number"
        params={{ project, number }}
        className={styles['bar']}
        data-tone={tone}
        aria-label={told}
        tabIndex={isInOrder ? 0 : -1}
        onMouseEnter={onLook}
        onFocus={onLook}
      >
        <span style={{ height: `${share * 100}%` }} />
      </Link>
    </li>
  )
}

/** To the bar before or after the one that is looked at, or to either end. */
function move(event: KeyboardEvent<HTMLOListElement>): void {
  const links = [...event.currentTarget.querySelectorAll('a')]
  const here = links.findIndex((link) => link === document.activeElement)
  const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: links.length - 1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  links[to]?.focus()
}

/** Figures of an axis are round already: they need no digits of their own. */
function asTick(seconds: number): string {
  if (seconds < 1) return `${Number((seconds * 1_000).toPrecision(2))} ms`
  return seconds < 60 ? `${Number(seconds.toPrecision(2))} s` : asDuration(seconds)
}
