/** Line drawings on a 16 x 16 grid; the only pictures of the page. */
const PATHS = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  dot: 'M8 8h.01',
  person: 'M8 8a2.4 2.4 0 1 0 0-4.8A2.4 2.4 0 0 0 8 8zM3.5 13c.5-2.4 2.3-3.6 4.5-3.6s4 1.2 4.5 3.6',
  running: 'M8 3a5 5 0 1 1-4.6 3.1',
  skip: 'M4 12L12 4',
  waiting: 'M8 4.5V8l2.2 1.6',
  chevron: 'M6 4l4 4-4 4',
  bell: 'M4 11V7.5a4 4 0 0 1 8 0V11l1 1.2H3zM6.8 13.8h2.4',
  branch: 'M5 3v10M11 3.5v2A2.5 2.5 0 0 1 8.5 8H5',
  back: 'M6.5 4L3 7.5 6.5 11M3.5 7.5H10a3 3 0 0 1 0 6H8',
  copy: 'M6 6h7v7H6zM3 10V3h7',
} as const

export type IconName = keyof typeof PATHS

/** Decoration: what it means must stand beside it, or in the label of what holds it. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: 'none' }}
    >
      <path d={PATHS[name]} />
    </svg>
  )
}
