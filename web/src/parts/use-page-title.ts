import { useEffect } from 'react'

/** What tabs, bookmarks and the history of the browser call the page. */
export function usePageTitle(shown: string): void {
  useEffect(() => {
    document.title = `${shown} · Tidegate`
  }, [shown])
}
