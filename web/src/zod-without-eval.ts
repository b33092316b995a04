import { config } from 'zod'

// The server's content security policy forbids code made from strings, which zod would otherwise try to compile
// checks into. Schemas decide when they are defined: this file is imported before any of them.
config({ jitless: true })
