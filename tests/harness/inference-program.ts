/**
 * A program for `model.serve`, in Python: it answers on $PORT with what the methods `do_GET` and `do_POST` of its
 * handler, four spaces in, give to `self.answer`. `self.input()` is the first tensor that was sent.
 */
export function inferenceProgram(methods: string, before = ''): string {
  return `import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

${before}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def input(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"][0]

    def answer(self, body):
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

${methods}

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`
}
