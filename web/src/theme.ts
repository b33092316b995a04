import { createTheme, type MantineColorsTuple } from '@mantine/core'

/** The colour of deep, quiet water. */
const tide: MantineColorsTuple = [
  '#e6f7f9',
  '#d0ecf0',
  '#a3d9e0',
  '#72c5d0',
  '#4ab4c2',
  '#31aaba',
  '#1f9fb0',
  '#0b7d8e',
  '#066f7f',
  '#005f6e',
]

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: { light: 7, dark: 6 },
  colors: { tide },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: "Inter, 'Inter Variable', ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '650' },
})
