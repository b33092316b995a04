"""A program of an author's own: doubles x, with nothing but the standard library."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self):
        tensor = {"datatype": "FP64", "shape": [-1]}
        self.answer(200, {"name": "doubler", "inputs": [{"name": "x", **tensor}], "outputs": [{"name": "y", **tensor}]})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        (x,) = request["inputs"]
        if any(value < 0 for value in x["data"]):
            return self.answer(400, {"error": "x is negative"})
        if any(value == 0 for value in x["data"]):
            return self.send_error(500, "no such number")
        y = {"name": "y", "datatype": "FP64", "shape": x["shape"], "data": [2 * value for value in x["data"]]}
        self.answer(200, {"model_name": "doubler", "outputs": [y]})


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
