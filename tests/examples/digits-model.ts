import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { InferenceSession, Tensor } from 'onnxruntime-node'

export interface LabelledImage {
  readonly pixels: readonly number[]
  readonly label: number
  readonly source: string
  readonly ink: string
}

const PIXELS = Array.from({ length: 64 }, (_, i) => `p${i}`)

export async function readImages(file: string): Promise<LabelledImage[]> {
  const rows = await query(`select ${PIXELS.join(', ')}, label, source, ink from read_parquet('${file}')`)
  return rows.map((row) => ({
    pixels: PIXELS.map((pixel) => Number(row[pixel])),
    label: Number(row['label']),
    source: String(row['source']),
    ink: String(row['ink']),
  }))
}

/** As `from: production` gives it: pixels, the label as text, the request's id, row and time. */
export async function writeFeedback(
  file: string,
  images: readonly Pick<LabelledImage, 'pixels' | 'label'>[],
): Promise<void> {
  const columns = [...PIXELS, 'label', '_id', '_row', '_at'].join(', ')
  const values = images.map(({ pixels, label }, i) => `(${pixels.join(', ')}, '${label}', 'request-${i}', 0, now())`)
  await query(
    `copy (select * from (values ${values.join(', ')}) as feedback(${columns})) to '${file}' (format parquet)`,
  )
}

/** As it is before anything has been predicted and labelled. */
export async function writeEmptyFeedback(file: string): Promise<void> {
  await query(`copy (select '' as _id, '' as label where false) to '${file}' (format parquet)`)
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const database = await DuckDBInstance.create()
  const connection = await database.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects()
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

/** The model that training left in a folder. */
export class DigitsModel {
  readonly #session: InferenceSession

  private constructor(session: InferenceSession) {
    this.#session = session
  }

  static async load(folder: string): Promise<DigitsModel> {
    return new DigitsModel(await InferenceSession.create(join(folder, 'model.onnx'), { logSeverityLevel: 4 }))
  }

  async read(images: readonly Pick<LabelledImage, 'pixels'>[]): Promise<number[]> {
    const pixels = Float32Array.from(images.flatMap((image) => image.pixels))
    const { label } = await this.#session.run({ x: new Tensor('float32', pixels, [images.length, PIXELS.length]) })
    return Array.from(label!.data as BigInt64Array, Number)
  }

  /** 1 for each image that is read right, 0 for each that is not. */
  async hits(images: readonly LabelledImage[]): Promise<number[]> {
    const labels = await this.read(images)
    return images.map((image, i) => (image.label === labels[i] ? 1 : 0))
  }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
