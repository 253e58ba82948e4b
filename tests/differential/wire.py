"""The API over one kept-alive connection: signs, sends, and checks what every answer must carry."""
import hashlib
import hmac
import json
import socket
import time
import zlib

CONTENT_TYPE = "application/x-amz-json-1.0"
RETRIED = {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "InternalServerError"}


class WireFault(Exception):
    """An answer that is no answer of the API: bad checksum, no request id, not JSON."""


class Connection:
    def __init__(self, host, port, key="tercet", secret="tercet-local-secret", region="us-east-1"):
        self.address, self.key, self.secret, self.region = (host, port), key, secret, region
        self.sock, self.day, self.signing_key = None, None, None
        self.retries = 0

    def call(self, operation, body):
        """(None, answer) or (error type, answer). Throttled and internal errors are asked again for 20 seconds."""
        payload = json.dumps(body).encode()
        until, pause = time.time() + 20, 0.02
        while True:
            status, answer = self.exchange(operation, payload)
            error = None if status == 200 else answer.get("__type", "?").split("#")[-1]
            if error not in RETRIED or time.time() > until:
                return error, answer
            self.retries += 1
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def exchange(self, operation, payload):
        request = self.head(operation, payload) + payload
        for attempt in (1, 2):  # a kept connection may have been closed by the server
            try:
                if self.sock is None:
                    self.sock = socket.create_connection(self.address, timeout=30)
                    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    attempt = 2
                self.sock.sendall(request)
                return self.read_answer()
            except (ConnectionError, BrokenPipeError):
                self.sock = None
                if attempt == 2:
                    raise

    def head(self, operation, payload):
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        target = f"DynamoDB_20120810.{operation}"
        host = f"{self.address[0]}:{self.address[1]}"
        signed = "content-type;host;x-amz-date;x-amz-target"
        canonical = (f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{now}\nx-amz-target:{target}\n\n{signed}\n"
                     f"{hashlib.sha256(payload).hexdigest()}")
        scope = f"{now[:8]}/{self.region}/dynamodb/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.key_of(now[:8]), to_sign.encode(), "sha256").hexdigest()
        return (f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Amz-Date: {now}\r\nX-Amz-Target: {target}\r\n"
                f"Authorization: AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n"
                f"Content-Length: {len(payload)}\r\n\r\n").encode()

    def key_of(self, day):
        if self.day != day:
            k = b"AWS4" + self.secret.encode()
            for part in (day, self.region, "dynamodb", "aws4_request"):
                k = hmac.new(k, part.encode(), "sha256").digest()
            self.day, self.signing_key = day, k
        return self.signing_key

    def read_answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.more()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers["content-length"])
        parts, have = [body], len(body)
        while have < length:
            parts.append(self.more())
            have += len(parts[-1])
        body = b"".join(parts)
        if headers.get("x-amz-crc32") != str(zlib.crc32(body)) or "x-amzn-requestid" not in headers:
            raise WireFault(f"headers {headers} do not fit the body {body[:200]}")
        try:
            return int(lines[0].split()[1]), json.loads(body)
        except ValueError as e:
            raise WireFault(f"{lines[0]}: {body[:200]}") from e

    def more(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise ConnectionError("closed by the server")
        return data
