/** Where an installation's packages come from and how it gets out: what `server.yaml` says of it. */
export interface ToolSettings {
  readonly packages: {
    readonly indexUrl?: string | undefined
    readonly extraIndexUrls: readonly string[]
    readonly trustedHosts: readonly string[]
  }
  readonly network: {
    readonly proxy?: string | undefined
    readonly noProxy: readonly string[]
    /** A file of certificates. */
    readonly ca?: string | undefined
  }
}

/** The machine's own settings hold: pip.conf and the server's environment. */
export const MACHINE_SETTINGS: ToolSettings = {
  packages: { extraIndexUrls: [], trustedHosts: [] },
  network: { noProxy: [] },
}
