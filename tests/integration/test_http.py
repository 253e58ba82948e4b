"""HTTP and Signature Version 4 themselves, over raw bytes."""
import gzip
import json
import socket

import pytest

import wire
from conftest import make_table
from wire import SECRET

BIG = {"pk": {"S": "big"}, "v": {"S": "y" * 20000}}


@pytest.fixture(scope="module")
def big(cluster):
    make_table(cluster.client(), "packed")
    cluster.client().put_item(TableName="packed", Item=BIG)
    return cluster


def ask(cluster, op, body=b"{}", **how):
    return wire.exchange(cluster.port, wire.call(op, body, **how))


GET_BIG = {"TableName": "packed", "Key": {"pk": {"S": "big"}}, "ConsistentRead": True}


def test_answers_are_packed_for_who_asks(big):
    plain = ask(big, "GetItem", GET_BIG)
    assert "content-encoding" not in plain.headers and plain.json["Item"] == BIG
    for accept, packed in (("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("identity", False)):
        answer = ask(big, "GetItem", GET_BIG, unsigned=[("accept-encoding", accept)])
        assert ("content-encoding" in answer.headers) == packed, accept
        assert (gzip.decompress(answer.body) if packed else answer.body) == plain.body
        assert len(answer.body) < 1000 or not packed
    small = ask(big, "DescribeEndpoints", unsigned=[("accept-encoding", "gzip")])
    assert "content-encoding" not in small.headers


def test_packed_bodies(big):
    coded = [("content-encoding", "gzip")]
    body = gzip.compress(json.dumps(GET_BIG).encode())
    assert ask(big, "GetItem", body, unsigned=coded).json["Item"] == BIG
    assert ask(big, "GetItem", body, unsigned=coded, payload=wire.hashlib.sha256(body).hexdigest()).status == 200
    for damaged in (body[:-9], body + b"x", b"{}", body[:20] + bytes([body[20] ^ 1]) + body[21:]):
        answer = ask(big, "GetItem", damaged, unsigned=coded)
        assert (answer.status, answer.error[1]) == (400, "SerializationException"), damaged
    answer = ask(big, "GetItem", b"{}", unsigned=[("content-encoding", "br")])
    assert (answer.status, answer.error[1]) == (400, "SerializationException")


@pytest.mark.parametrize("size,status", [(16 * 1024 * 1024, 400), (16 * 1024 * 1024 + 1, 413)])
def test_a_bomb_stops_at_16_mib(big, size, status):
    """Just inside, the body is read and found wanting; just outside, it is not read."""
    body = gzip.compress(b"{" + b" " * (size - 2) + b"}")
    assert len(body) < 20000
    assert ask(big, "GetItem", body, unsigned=[("content-encoding", "gzip")]).status == status
    plain = b"{" + b" " * (size - 2) + b"}"
    if status == 400:
        assert ask(big, "GetItem", plain).error[1] == "ValidationException"


def test_a_chunked_body_stops_at_16_mib(big):
    body = b"{" + b" " * (16 * 1024 * 1024 - 1) + b"}"
    framing = b"transfer-encoding: chunked\r\n\r\n" + chunks(body, 1 << 20)
    assert wire.exchange(big.port, wire.call("GetItem", body, framing=framing)).status == 413


def chunks(body, size):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def test_chunked_bodies(big):
    body = json.dumps(GET_BIG).encode()
    for size in (1, 7, 1000):
        framing = b"transfer-encoding: chunked\r\n\r\n" + chunks(body, size)
        assert wire.exchange(big.port, wire.call("GetItem", body, framing=framing)).json["Item"] == BIG
    both = b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n" + chunks(body, 5)
    assert wire.exchange(big.port, wire.call("GetItem", body, framing=both)).status == 400


def test_expect_continue(big):
    body = json.dumps(GET_BIG).encode()
    request = wire.call("GetItem", body, unsigned=[("expect", "100-continue")])
    head, tail = request[:-len(body)], request[-len(body):]
    with socket.create_connection(("127.0.0.1", big.port), timeout=10) as s:
        s.sendall(head)
        assert wire.receive(s, 1)[0].status == 100
        s.sendall(tail)
        assert wire.receive(s, 1)[0].json["Item"] == BIG
    assert ask(big, "GetItem", GET_BIG, unsigned=[("expect", "miracles")]).status == 417
    # What would be refused is refused before it is sent.
    large = wire.call("GetItem", framing=b"content-length: 16777217\r\nexpect: 100-continue\r\n\r\n")
    assert wire.exchange(big.port, large).status == 413


def test_pipelined_calls_are_answered_in_order(big):
    calls = []
    for i in range(40):
        name = "packed" if i % 2 else "nowhere"
        calls.append(wire.call("DescribeTable", {"TableName": name}, close=i == 39))
    answers = wire.exchange(big.port, b"".join(calls), answers=40)
    assert [a.status for a in answers] == [400, 200] * 20
    assert len({a.headers["x-amzn-requestid"] for a in answers}) == 40


@pytest.mark.parametrize("kind", ["application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/json"])
def test_the_answer_has_the_type_of_the_request(big, kind):
    assert ask(big, "ListTables", content_type=kind).headers["content-type"] == kind
    assert ask(big, "ListTables", b"{", content_type=kind).headers["content-type"] == kind


def plain(cluster, text):
    return wire.exchange(cluster.port, text.encode().replace(b"\n", b"\r\n") + b"Host: a\r\nConnection: close\r\n\r\n")


def test_what_is_not_a_call(big):
    health = plain(big, "GET / HTTP/1.1\n")
    assert (health.status, health.body) == (200, b"healthy: dynamodb.us-east-1.amazonaws.com ")
    for line in ("GET /nothing", "PUT /", "POST /", "POST /path", "DELETE /"):
        answer = plain(big, f"{line} HTTP/1.1\n")
        assert (answer.status, answer.body) == (404, b"<UnknownOperationException/>\n"), line
    assert ask(big, "ListTables", content_type="text/plain").status == 404
    assert ask(big, "ListTables", drop=["content-type"]).status == 404
    missing = ask(big, "ListTables", drop=["x-amz-target"])
    assert missing.json == {"__type": "com.amazon.coral.service#UnknownOperationException"}
    assert ask(big, "ListTables", target="DynamoDB_20111205").error[1] == "UnknownOperationException"


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz"])
def test_head_is_get_without_its_body(big, path):
    body = plain(big, f"GET {path} HTTP/1.1\n").body
    with socket.create_connection(("127.0.0.1", big.port), timeout=10) as s, s.makefile("rb") as answer:
        s.sendall(f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        lines = answer.read().split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK" and f"Content-Length: {len(body)}".encode() in lines and lines[-2:] == [b"", b""], lines


@pytest.mark.parametrize("lines,status", [(100, 200), (101, 431)])
def test_headers_are_counted(big, lines, status):
    """Host and Connection are two of them."""
    assert plain(big, "GET / HTTP/1.1\n" + "".join(f"a{i}: b\n" for i in range(lines - 2))).status == status


@pytest.mark.parametrize("size,status", [(16 * 1024, 200), (16 * 1024 + 1, 431)])
def test_heads_are_measured(big, size, status):
    rest = len(b"GET / HTTP/1.1\r\na: \r\nHost: a\r\nConnection: close\r\n\r\n")
    assert plain(big, f"GET / HTTP/1.1\na: {'b' * (size - rest)}\n").status == status


@pytest.mark.parametrize("length,name", [(128, None), (129, "IncompleteSignatureException")])
def test_key_ids_are_measured(big, length, name):
    answer = ask(big, "ListTables", key="k" * length)
    assert answer.status == 200 if name is None else answer.error[1] == name


def test_browsers(big):
    asked = plain(big, "OPTIONS / HTTP/1.1\nOrigin: http://a\nAccess-Control-Request-Headers: x-amz-target, x-new\n"
                       "Access-Control-Request-Method: POST\n")
    assert asked.status == 200 and asked.headers["access-control-allow-origin"] == "*"
    assert asked.headers["access-control-allow-headers"] == "x-amz-target, x-new"
    assert asked.headers["access-control-allow-methods"] == "POST"
    answer = ask(big, "ListTables", unsigned=[("origin", "http://a")])
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "*"
    assert "x-amz-crc32" in answer.headers["access-control-expose-headers"]


def test_presigned_calls(big):
    assert ask(big, "GetItem", GET_BIG, presign=True).json["Item"] == BIG
    assert ask(big, "GetItem", GET_BIG, presign=True, token="session").json["Item"] == BIG
    assert ask(big, "GetItem", GET_BIG, presign=True, skew_s=-200, expires=300).status == 200
    assert ask(big, "GetItem", GET_BIG, presign=True, expires=604800).status == 200
    for wrong in (0, 604801):
        assert ask(big, "GetItem", GET_BIG, presign=True, expires=wrong).error[1] == "IncompleteSignatureException"
    old = ask(big, "GetItem", GET_BIG, presign=True, skew_s=-400, expires=300)
    assert old.error[1] == "InvalidSignatureException" and old.error[2].startswith("Signature expired: ")
    both = ask(big, "GetItem", GET_BIG, presign=True, unsigned=[("authorization", "AWS4-HMAC-SHA256 Credential=x")])
    assert both.error[2] == "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."


SIGNED = "The request signature we calculated does not match the signature you provided."
REFUSALS = [
    ({"skew_s": -301}, "InvalidSignatureException", "Signature expired: 2"),
    ({"skew_s": 310}, "InvalidSignatureException", "Signature not yet current: 2"),
    ({"service": "s3"}, "InvalidSignatureException", "Credential should be scoped to correct service: 'dynamodb'. "),
    ({"payload": "UNSIGNED-PAYLOAD"}, "InvalidSignatureException", "The body of the request must be signed"),
    ({"payload": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "InvalidSignatureException", "The body of the request must be signed"),
    ({"payload": "0" * 64}, "InvalidSignatureException", "The provided 'x-amz-content-sha256' header does not match"),
    ({"secret": SECRET + "x"}, "InvalidSignatureException", SIGNED),
    ({"key": "stranger", "secret": SECRET + "x"}, "UnrecognizedClientException", "The security token included in the request is invalid."),
    ({"key": "stranger", "service": "s3"}, "InvalidSignatureException", "Credential should be scoped to correct service: 'dynamodb'. "),
    ({"body": b"nonsense", "drop": ["authorization"]}, "SerializationException", ""),
    ({"body": b" " * 65537, "drop": ["authorization"]}, "MissingAuthenticationTokenException", "Request is missing"),
    ({"replace": [("x-amz-target", "DynamoDB_20120810.DeleteTable")]}, "InvalidSignatureException", SIGNED),
    ({"unsigned": [("x-amz-security-token", "x")]}, "InvalidSignatureException", "Every header that begins with 'X-Amz-'"),
    ({"drop": ["x-amz-date"]}, "IncompleteSignatureException",
     "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization="),
    ({"replace": [("x-amz-date", "now")]}, "IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. Got 'now'."),
    ({"replace": [("authorization", "Basic dDp0")]}, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
]


@pytest.mark.parametrize("how,name,text", REFUSALS)
def test_refused_signatures(big, how, name, text):
    answer = ask(big, "ListTables", **how)
    assert answer.status == 400 and answer.error[:2] == ("com.amazon.coral.service", name), answer
    assert answer.error[2].startswith(text), answer


def test_a_session_token_is_signed_like_any_header(big):
    assert ask(big, "ListTables", token="a-session").status == 200
    assert ask(big, "ListTables", skew_s=-290).status == 200 and ask(big, "ListTables", skew_s=290).status == 200
