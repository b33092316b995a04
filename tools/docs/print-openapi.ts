import { openApiDocument } from '../../src/http/openapi.ts'
import type { Pages } from './write-pages.ts'

/** What a server answers under `/api/v1/openapi.json`. */
export function printOpenApi(): Pages {
  return { 'docs/reference/openapi.json': `${JSON.stringify(openApiDocument(), undefined, 2)}\n` }
}
