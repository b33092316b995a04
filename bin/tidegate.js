#!/usr/bin/env node
// The command. In the repository it runs the TypeScript source, in the package the JavaScript made of it.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12) || major === 25) {
  console.error(
    `tidegate needs Node 24.12 or newer, or 26; this is ${process.version}. In the repository, npm scripts use the right one: npm run demo.`,
  )
  process.exit(2)
}
// In a folder that nobody else can write: what is found there is run.
const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE || join(caches, 'tidegate', 'compiled'))
const { importNeighboursQuickly } = await import('./quick-imports.js')
importNeighboursQuickly()
const built = new URL('../dist/main.js', import.meta.url)
const source = new URL('../src/main.ts', import.meta.url)
const { main } = await import(existsSync(source) ? source.href : built.href)
await main(process.argv.slice(2))
