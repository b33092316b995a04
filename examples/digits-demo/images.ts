import { readFileSync } from 'node:fs'

/** Pixels of 0 (paper) to 16 (ink), row by row; `label` is the digit that was written. */
export interface Image {
  readonly pixels: readonly number[]
  readonly label: number
}

export interface Drift {
  /** How far images are turned, on average; each by a few degrees more or less. */
  readonly degrees: number
  /** Standard deviation of what is added to every pixel. */
  readonly noise: number
}

/** Numbers of 0 to 1; the same seed gives the same ones. */
export type Random = () => number

const SIDE = 8
const DARKEST = 16
const DEGREES_APART = 4

export const BLANK: readonly number[] = Array.from({ length: SIDE * SIDE }, () => 0)

/** The 500 images that the repository sets aside: neither training nor evaluation has seen them. A character is a pixel. */
export function fieldImages(): Image[] {
  const file = readFileSync(new URL('images.json', import.meta.url), 'utf8')
  const { images } = JSON.parse(file) as { images: [string, number][] }
  return images.map(([pixels, label]) => ({ pixels: Array.from(pixels, (pixel) => Number.parseInt(pixel, 17)), label }))
}

/** What a scanner that was knocked out of place makes of an image. */
export function drifted(pixels: readonly number[], drift: Drift, random: Random): number[] {
  const angle = ((drift.degrees + DEGREES_APART * normal(random)) * Math.PI) / 180
  return rotated(pixels, angle).map((ink) => clipped(Math.round(ink + drift.noise * normal(random))))
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return function next() {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function rotated(pixels: readonly number[], angle: number): number[] {
  const [sin, cos, middle] = [Math.sin(angle), Math.cos(angle), (SIDE - 1) / 2]
  return pixels.map((_, index) => {
    const x = (index % SIDE) - middle
    const y = Math.floor(index / SIDE) - middle
    return between(pixels, middle + cos * x + sin * y, middle - sin * x + cos * y)
  })
}

/** Bilinear; outside the image there is paper. */
function between(pixels: readonly number[], x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [right, low] = [x - left, y - top]
  const upper = (1 - right) * at(pixels, left, top) + right * at(pixels, left + 1, top)
  const lower = (1 - right) * at(pixels, left, top + 1) + right * at(pixels, left + 1, top + 1)
  return (1 - low) * upper + low * lower
}

function at(pixels: readonly number[], x: number, y: number): number {
  const inside = x >= 0 && x < SIDE && y >= 0 && y < SIDE
  return inside ? (pixels[y * SIDE + x] ?? 0) : 0
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function clipped(ink: number): number {
  return Math.min(DARKEST, Math.max(0, ink))
}
