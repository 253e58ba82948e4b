#!/usr/bin/env python3
"""A front to an S3 server that fails as networks and servers do, by turns that a seed decides.

Usage: flaky.py LISTEN_PORT SERVER_PORT [SEED]
A request is passed on; or answered 503 unseen; or passed on and its answer dropped (the outcome is then unknown to
the client); or the connection is closed before it is read.
"""
import random
import socket
import socketserver
import sys

PORT, SERVER, SEED = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
dice = random.Random(SEED)


def read_message(f, head_only=False):
    """One HTTP message as bytes, or b'' at the end of the stream."""
    head, length = b"", 0
    while not head.endswith(b"\r\n\r\n"):
        line = f.readline()
        if not line:
            return b""
        head += line
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head if head_only else head + f.read(length)


class Front(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            turn = dice.random()
            if turn < 0.1:
                return
            request = read_message(self.rfile)
            if not request:
                return
            if turn < 0.3:
                self.wfile.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
                continue
            with socket.create_connection(("127.0.0.1", SERVER)) as s, s.makefile("rb") as answers:
                s.sendall(request)
                answer = read_message(answers, head_only=request.startswith(b"HEAD "))
            if turn < 0.5:
                return
            self.wfile.write(answer)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", PORT), Front).serve_forever()
