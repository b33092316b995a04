import type { ColumnDataType, CreateTableBuilder } from 'kysely'
import type { Writer } from '../open-database.ts'

export type ColumnType = 'text' | 'text?' | 'integer' | 'integer?' | 'double' | 'double?'

/**
 * One table, the same on both databases: every integer has 64 bits. A `key` given as one string is a
 * number that the database counts up; an array is a primary key of these columns.
 */
export async function createTable(
  writer: Writer,
  kind: 'sqlite' | 'postgres',
  name: string,
  columns: Record<string, ColumnType>,
  key: string | readonly string[],
): Promise<void> {
  let table: CreateTableBuilder<string, string> = writer.schema.createTable(name)
  if (typeof key === 'string') {
    table =
      kind === 'sqlite'
        ? table.addColumn(key, 'integer', (column) => column.primaryKey().autoIncrement())
        : table.addColumn(key, 'bigserial', (column) => column.primaryKey())
  }
  for (const [column, type] of Object.entries(columns)) {
    table = table.addColumn(column, dataType(type), (c) => (type.endsWith('?') ? c : c.notNull()))
  }
  await (typeof key === 'string' ? table : table.addPrimaryKeyConstraint(`${name}_key`, [...key])).execute()
}

function dataType(type: ColumnType): ColumnDataType {
  if (type.startsWith('text')) return 'text'
  return type.startsWith('double') ? 'double precision' : 'bigint'
}
