import { isAppError } from '../../../core/errors.ts'
import { readServerConfig, type ConfigSource, type ServerConfig } from '../server-config.ts'
import { missing, ok, type Check } from './check.ts'
import { checkDatabase } from './check-database.ts'
import { checkDataFolder } from './check-data-folder.ts'
import { checkLibraries } from './check-libraries.ts'
import { checkPackages } from './check-packages.ts'
import { checkPorts } from './check-ports.ts'
import { checkTools } from './check-tools.ts'

/** Tries everything a server needs; changes nothing. */
export async function checkMachine(source: ConfigSource): Promise<Check[]> {
  const machine = await Promise.all([checkTools(), checkLibraries()])
  const config = await readConfig(source)
  if ('check' in config) return [...machine.flat(), config]
  const place = await Promise.all([
    checkDataFolder(config),
    checkPorts(config),
    checkDatabase(config),
    checkPackages(config),
  ])
  const file = source.file === undefined ? [] : [ok('configuration', source.file)]
  return [...machine.flat(), ...file, ...place.flat()]
}

async function readConfig(source: ConfigSource): Promise<ServerConfig | Check> {
  try {
    return await readServerConfig(source)
  } catch (error) {
    if (!isAppError(error)) throw error
    return missing(
      'configuration',
      error.message,
      'Correct it; `tidegate lint --server-config <file>` checks it again.',
    )
  }
}
