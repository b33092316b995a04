/** The variable in which a step finds the port of a service beside it. */
export function serviceVariable(name: string): string {
  return `TIDEGATE_SERVICE_${name.toUpperCase().replaceAll('-', '_')}_PORT`
}
