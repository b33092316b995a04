import type { DatasetSource } from '../../core/ports/dataset-source.ts'
import { openFolderSource } from './folder/folder-source.ts'
import { openHttpsSource } from './https/https-source.ts'
import { openS3Source } from './s3/s3-source.ts'

/** Where datasets come from: one line each, named as its folder. */
export const DATASET_SOURCES = {
  folder: openFolderSource,
  https: openHttpsSource,
  s3: openS3Source,
} as const satisfies Record<string, (place: never) => DatasetSource | Promise<DatasetSource>>
