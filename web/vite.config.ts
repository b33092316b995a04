import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** `npm run dev --workspace web` shows the page of a server that runs on the standard port. */
export default defineConfig({
  plugins: [react()],
  build: { outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 1_000 },
  server: { proxy: { '/api': 'http://127.0.0.1:7070' } },
})
