# SPDX-License-Identifier: Apache-2.0
"""The Runtime API of Lambda, version 2018-06-01, on a free port, as it is documented.

A runtime asks for the next invocation and waits, posts a response or an error for its id,
once, or posts that its start failed. The emulator hands out events in order, refuses what
the protocol does not have, and can be told to fail: `faults` are statuses for the next
requests of a kind (next, response, error, init), 0 for a connection that is cut.
"""
import http.server
import json
import queue
import re
import sys
import threading
import time

BASE = '/2018-06-01/runtime/'
RESPONSE = re.compile(BASE + r'invocation/([^/]+)/(response|error)')


class Invocation:
    """An event on its way: what the runtime said to it."""

    def __init__(self, number, event, deadline, trace):
        self.id = '%08x-0000-4000-8000-%012x' % (number, number)
        self.body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.deadline = int(1000 * (time.time() + deadline))
        self.trace = trace
        self.sent, self.done = threading.Event(), threading.Event()
        self.kind = self.answer = self.fields = None


class Handler(http.server.BaseHTTPRequestHandler):
    """One request of the runtime."""
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *unused):  # pylint: disable=arguments-differ
        """Quiet."""

    def reply(self, status, body=b'', fields=()):
        """A whole answer."""
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fails(self, kind):
        """Whether this request is one of those that shall fail; answers it then."""
        faults = self.server.owner.faults.get(kind)
        if not faults:
            return False
        status = faults.pop(0)
        self.server.owner.failed.append((kind, status))
        if status:
            self.reply(status, b'{"errorMessage": "on purpose", "errorType": "Fault"}')
        else:
            self.close_connection = True
        return True

    def do_GET(self):  # pylint: disable=invalid-name
        """The next invocation, when there is one."""
        owner = self.server.owner
        if self.path != BASE + 'invocation/next':
            self.reply(404)
            return
        if self.fails('next'):
            return
        owner.waiting.set()
        invocation = owner.events.get()
        owner.waiting.clear()
        if invocation is None:
            self.close_connection = True
            return
        owner.running[invocation.id] = invocation
        self.reply(200, invocation.body, [
            ('Content-Type', 'application/json'),
            ('Lambda-Runtime-Aws-Request-Id', invocation.id),
            ('Lambda-Runtime-Deadline-Ms', str(invocation.deadline)),
            ('Lambda-Runtime-Invoked-Function-Arn',
             'arn:aws:lambda:eu-central-1:123456789012:function:sentiment'),
            ('Lambda-Runtime-Trace-Id', invocation.trace)])
        invocation.sent.set()

    def do_POST(self):  # pylint: disable=invalid-name
        """What came of an invocation, or of the start."""
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if self.path == BASE + 'init/error':
            if not self.fails('init'):
                owner.start_errors.put((json.loads(body), dict(self.headers)))
                self.reply(202, b'{"status": "OK"}')
            return
        found = RESPONSE.fullmatch(self.path)
        if not found:
            self.reply(404)
        elif not self.fails(found[2]):
            invocation = owner.running.pop(found[1], None)
            if invocation is None:
                self.reply(400, b'{"errorMessage": "no such id", "errorType": "InvalidRequestID"}')
                return
            invocation.kind, invocation.fields = found[2], dict(self.headers)
            invocation.answer = json.loads(body)
            self.reply(202, b'{"status": "OK"}')
            invocation.done.set()


class Server(http.server.ThreadingHTTPServer):
    """Listens; a runtime that was killed is no error of its own."""
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Emulator:
    """Runs the server; a context manager."""

    def __init__(self):
        self.events, self.start_errors = queue.Queue(), queue.Queue()
        self.running, self.faults, self.failed = {}, {}, []
        self.waiting = threading.Event()
        self.count = 0
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.owner = self
        self.host = '127.0.0.1:%d' % self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *unused):
        for _ in range(8):
            self.events.put(None)
        self.server.shutdown()
        self.server.server_close()

    def invoke(self, event, deadline=60, trace='Root=1-5759e988-bd862e3fe1be46a994272793'):
        """Hands out an event; what comes of it is in the invocation, when it is done."""
        self.count += 1
        invocation = Invocation(self.count, event, deadline, trace)
        self.events.put(invocation)
        return invocation
