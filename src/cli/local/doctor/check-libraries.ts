import { lacking, missing, ok, type Check } from './check.ts'

/** Libraries with native code, which an installation may have without its binary. */
export async function checkLibraries(): Promise<Check[]> {
  return [await checkOnnxRuntime(), await checkDuckDb()]
}

async function checkOnnxRuntime(): Promise<Check> {
  try {
    const { listSupportedBackends } = await import('onnxruntime-node')
    const backends = listSupportedBackends().map(({ name }) => name)
    return ok('onnxruntime', `loads (${backends.join(', ')})`)
  } catch (error) {
    return lacking(
      'onnxruntime',
      `does not load: ${firstLine(error)}`,
      'Models in .onnx cannot be served. Install it: ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node.',
    )
  }
}

async function checkDuckDb(): Promise<Check> {
  try {
    const { openAnalytics } = await import('../../../lib/open-analytics.ts')
    await using analytics = await openAnalytics({ threads: 1 })
    const [row] = await analytics.use(async (connection) =>
      (await connection.runAndReadAll('select version()')).getRows(),
    )
    return ok('duckdb', `loads (${String(row?.[0])})`)
  } catch (error) {
    return missing(
      'duckdb',
      `does not load: ${firstLine(error)}`,
      'Evaluation and monitoring need it: install Tidegate again with npm, which chooses the binary for this platform.',
    )
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
}
