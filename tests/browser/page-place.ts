import { openTestServer, type TestServer } from '../harness/server.ts'
import { buildPage, openBrowser, type TestBrowser } from './browser.ts'

/** A server that serves the page as it is in this repository, and a browser to look at it. */
export interface PagePlace extends AsyncDisposable {
  readonly place: TestServer
  readonly browser: TestBrowser
}

export async function openPagePlace(): Promise<PagePlace> {
  await using opening = new AsyncDisposableStack()
  await buildPage()
  const place = opening.use(await openTestServer('sqlite'))
  const browser = opening.use(await openBrowser())
  const opened = opening.move()
  return { place, browser, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
