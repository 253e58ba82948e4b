"""One signed request at a time over one kept-alive connection, and how certain its outcome is."""
import datetime
import hashlib
import hmac
import json
import socket

OK, CONDITION, FAILED, UNKNOWN = "ok", "cond", "fail", "unknown"
KEY, SECRET, REGION = "tercet", "tercet-local-secret", "us-east-1"
SIGNED = "content-type;host;x-amz-date;x-amz-target"


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """Not repeated by itself: the history must know what each attempt did. One thread at a time."""

    def __init__(self, host, port, timeout_s=15.0):
        self.host, self.port, self.timeout_s = host, port, timeout_s
        self.socket, self.day, self.signing_key = None, None, None

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def call(self, operation, body):
        """(outcome, answer or {"__type", "message"}).

        ok       status 200: it happened
        cond     its condition was false: nothing was changed, and the condition was false at some moment in between
        fail     it certainly did not happen: never sent, or refused with status 4xx
        unknown  anything else: it may have happened, or may yet
        """
        payload = json.dumps(body, separators=(",", ":")).encode()
        try:
            if self.socket is None:
                self.socket = socket.create_connection((self.host, self.port), timeout=2.0)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.socket.settimeout(self.timeout_s)
        except OSError as e:
            return FAILED, {"__type": f"connect:{type(e).__name__}", "message": str(e)}
        try:
            self.socket.sendall(self.head(operation, payload) + payload)
            status, answer = self.receive()
        except (OSError, ValueError) as e:
            self.close()
            return UNKNOWN, {"__type": f"connection:{type(e).__name__}", "message": str(e)}
        if status == 200:
            return OK, answer
        if status >= 500:
            return UNKNOWN, answer
        condition = str(answer.get("__type", "")).endswith("ConditionalCheckFailedException")
        return (CONDITION if condition else FAILED), answer

    def head(self, operation, payload):
        now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
        target, host, kind = f"DynamoDB_20120810.{operation}", f"{self.host}:{self.port}", "application/x-amz-json-1.0"
        canonical = (f"POST\n/\n\ncontent-type:{kind}\nhost:{host}\nx-amz-date:{now}\nx-amz-target:{target}\n\n{SIGNED}\n"
                     + hashlib.sha256(payload).hexdigest())
        scope = f"{now[:8]}/{REGION}/dynamodb/aws4_request"
        if self.day != now[:8]:
            key = f"AWS4{SECRET}".encode()
            for part in (now[:8], REGION, "dynamodb", "aws4_request"):
                key = hmac256(key, part)
            self.day, self.signing_key = now[:8], key
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac256(self.signing_key, to_sign).hex()
        return (f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nX-Amz-Date: {now}\r\nX-Amz-Target: {target}\r\n"
                f"Authorization: AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={SIGNED}, Signature={signature}\r\n"
                f"Content-Length: {len(payload)}\r\n\r\n").encode()

    def receive(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.more()
        lines = data[:end].decode("latin-1").split("\r\n")
        status, length, closes = int(lines[0].split()[1]), 0, False
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
            if name.lower() == "connection" and value.strip().lower() == "close":
                closes = True
        data = data[end + 4:]
        while len(data) < length:
            data += self.more()
        if closes:
            self.close()
        return status, json.loads(data or b"{}")

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("closed by the server")
        return part


def make_table(client, name):
    """One partition, so that one table is one replication group. Waits until it is ACTIVE."""
    import time
    body = {"TableName": name, "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 3000, "WriteCapacityUnits": 1000}}
    until, created = time.monotonic() + 60, False
    while time.monotonic() < until:
        if not created:
            outcome, answer = client.call("CreateTable", body)
            created = outcome == OK or "ResourceInUse" in str(answer)
        outcome, answer = client.call("DescribeTable", {"TableName": name})
        if outcome == OK and answer["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(0.1)
    raise RuntimeError(f"table {name} is not ACTIVE after 60 s: {answer}")
