import { registerHooks } from 'node:module'

/**
 * A neighbouring file that is imported with its whole name is where that says: no search for it, and none for where
 * links lead, of which there are none within a package. Hundreds of files are imported before a run begins, and the search
 * took longer than all the rest of their import. Packages by name are found as ever.
 */
export function importNeighboursQuickly() {
  registerHooks({
    resolve(specifier, context, next) {
      const { parentURL } = context
      if (parentURL === undefined || !NEIGHBOUR.test(specifier)) return next(specifier, context)
      return { url: new URL(specifier, parentURL).href, shortCircuit: true }
    },
  })
}

const NEIGHBOUR = /^\.\.?\/.*\.[jt]s$/
