"""A client of raw bytes for the wire tests: signs by itself, and checks what every answer must carry."""
import dataclasses
import datetime
import hashlib
import hmac
import json
import re
import socket
import urllib.parse
import zlib

from conftest import KEY, REGION, SECRET

JSON = "application/x-amz-json-1.0"
IDS = re.compile(r"[A-Z2-7]{52}")


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes  # as on the wire

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """(namespace, name, text, name of the text's member)."""
        members = self.json
        space, name = members["__type"].split("#")
        member = next((m for m in ("message", "Message") if m in members), None)
        return space, name, members.get(member, ""), member


def parse(data):
    """The first whole answer in data and what follows it; 100 Continue is an answer too."""
    head, rest = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
    length = int(headers.get("content-length", 0))
    return Answer(int(lines[0].split()[1]), headers, rest[:length]), rest[length:]


def check(answer):
    """True of every answer but 100 Continue."""
    assert IDS.fullmatch(answer.headers["x-amzn-requestid"]), answer
    assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.body), answer
    assert "date" in answer.headers and int(answer.headers["content-length"]) == len(answer.body)
    return answer


def exchange(port, data, answers=1, timeout=40):
    """Send bytes, return as many answers, or the single one."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(data)
        got = receive(s, answers)
    return got[0] if answers == 1 else got


def is_whole(data):
    if b"\r\n\r\n" not in data:
        return False
    answer, _ = parse(data)
    return len(answer.body) == int(answer.headers.get("content-length", 0))


def receive(s, answers):
    got, data = [], b""
    while len(got) < answers:
        while not is_whole(data):
            more = s.recv(65536)
            assert more, f"the connection ended after {got} and {data!r}"
            data += more
        answer, data = parse(data)
        got.append(answer if answer.status == 100 else check(answer))
    return got


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, stamp, region, service, canonical):
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = digest(key, part)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def stamp_at(skew_s=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=skew_s)).strftime("%Y%m%dT%H%M%SZ")


def call(op, body=b"{}", *, key=KEY, secret=SECRET, skew_s=0, service="dynamodb", target="DynamoDB_20120810", content_type=JSON,
         payload=None, token=None, presign=False, expires=300, signed=(), unsigned=(), close=True, framing=None, drop=(), replace=()):
    """Bytes of one signed call.

    signed, unsigned: more headers. payload: in place of the body's hash. framing: in place of Content-Length and body.
    drop: headers to leave out after signing. replace: (name, value) to put after signing."""
    body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    stamp = stamp_at(skew_s)
    headers = {"host": "localhost", "x-amz-target": f"{target}.{op}", **dict(signed)}
    query = ""
    hashed = hashlib.sha256(body).hexdigest()
    if payload is not None:
        hashed = headers["x-amz-content-sha256"] = payload
    if not presign:
        headers["x-amz-date"] = stamp
    if token and not presign:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    scope = f"{key}/{stamp[:8]}/{REGION}/{service}/aws4_request"
    if presign:
        members = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": scope, "X-Amz-Date": stamp, "X-Amz-Expires": str(expires),
                   "X-Amz-SignedHeaders": names, **({"X-Amz-Security-Token": token} if token else {})}
        query = "&".join(f"{k}={urllib.parse.quote(v, safe='')}" for k, v in sorted(members.items()))
    canonical = "\n".join(["POST", "/", query] + [f"{k}:{headers[k]}" for k in sorted(headers)] + ["", names, hashed])
    sig = signature(secret, stamp, REGION, service, canonical)
    if presign:
        query = f"?{query}&X-Amz-Signature={sig}"
    else:
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={sig}"
    headers.update({"content-type": content_type, **dict(unsigned), **({"connection": "close"} if close else {})})
    headers.update(dict(replace))
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items() if k not in drop)
    tail = framing if framing is not None else f"content-length: {len(body)}\r\n\r\n".encode() + body
    return f"POST /{query} HTTP/1.1\r\n{lines}".encode() + tail
