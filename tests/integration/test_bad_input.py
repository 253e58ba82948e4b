"""Hostile and broken requests over raw sockets: each gets the API's typed error, no daemon dies."""
import json
import socket
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import KEY, REGION, SECRET, make_table


def signed(cluster, target, body, secret=SECRET, key=KEY, tamper=None):
    request = AWSRequest("POST", cluster.endpoints[0] + "/", data=body, headers={
        "Host": f"127.0.0.1:{cluster.port}", "X-Amz-Target": f"DynamoDB_20120810.{target}",
        "Content-Type": "application/x-amz-json-1.0"})
    SigV4Auth(Credentials(key, secret), "dynamodb", REGION).add_auth(request)
    headers = dict(request.headers.items())
    if tamper:
        tamper(headers)
    return raw(cluster, "POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
               + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n", body)


def raw(cluster, head, body=b"", timeout=15):
    with socket.create_connection(("127.0.0.1", cluster.port), timeout=timeout) as s:
        s.sendall(head.encode() + body)
        answer = b""
        try:
            while chunk := s.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
    status = int(answer.split(b" ", 2)[1]) if answer else 0
    body = answer.split(b"\r\n\r\n", 1)[1] if b"\r\n\r\n" in answer else b""
    return status, body


def error_type(body):
    return json.loads(body)["__type"].split("#")[1]


def test_malformed_json(cluster):
    for body in (b"", b"{", b"[]", b"nul", b'{"TableName":}', b'{"TableName":"x"', b"\xff\xfe", b'{"a":1}garbage',
                 b'{"TableName": 5}', b'{"TableName": {"a": 1}}', b'"' * 1000):
        status, answer = signed(cluster, "GetItem", body)
        assert status == 400, (body, status, answer)
        assert error_type(answer) in ("SerializationException", "ValidationException"), (body, answer)


def test_deep_nesting_is_refused(cluster):
    make_table(cluster.client(), "deep")
    deep = b'{"M":{"a":' * 5000 + b'{"N":"1"}' + b"}}" * 5000
    status, answer = signed(cluster, "PutItem", b'{"TableName":"deep","Item":{"pk":{"S":"x"},"d":' + deep + b"}}")
    assert status == 400 and error_type(answer) in ("ValidationException", "SerializationException")
    status, answer = signed(cluster, "PutItem", b'{"x":' + b"[" * 100000)
    assert status == 400


def test_oversized_body(cluster):
    head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17825793\r\n\r\n"
    status, _ = raw(cluster, head)
    assert status == 413


def test_signatures(cluster):
    status, answer = signed(cluster, "ListTables", b"{}")
    assert status == 200
    status, answer = signed(cluster, "ListTables", b"{}", secret="wrong")
    assert (status, error_type(answer)) == (400, "InvalidSignatureException")
    status, answer = signed(cluster, "ListTables", b"{}", tamper=lambda h: h.pop("Authorization"))
    assert (status, error_type(answer)) == (400, "MissingAuthenticationTokenException")
    status, answer = signed(cluster, "ListTables", b"{}", tamper=lambda h: h.update({"Authorization": "AWS4-HMAC-SHA256 nonsense"}))
    assert status == 400 and "Exception" in error_type(answer)


def test_unknown_operation(cluster):
    status, answer = signed(cluster, "MakeCoffee", b"{}")
    assert (status, error_type(answer)) == (400, "UnknownOperationException")


def test_strange_http(cluster):
    for head in ("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
                 "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "BREW / HTTP/1.1\r\n\r\n", "\x00\x01\x02\r\n\r\n",
                 "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "POST / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\n" + "A: b\r\n" * 9000 + "\r\n"):
        status, _ = raw(cluster, head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
        assert status in (0, 400, 404, 405, 411, 413, 431, 501, 505), (head[:60], status)
    status, body = raw(cluster, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status == 200 and body.startswith(b"healthy: dynamodb.")


def test_slow_client_is_cut_off_and_others_go_on(cluster):
    slow = [socket.create_connection(("127.0.0.1", cluster.port)) for _ in range(50)]
    for s in slow:
        s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
    started = time.time()
    cluster.client().list_tables()
    assert time.time() - started < 5
    slow[0].settimeout(30)
    while slow[0].recv(1000):
        pass  # perhaps an error body; then the end
    for s in slow:
        s.close()


def test_every_daemon_still_runs(cluster):
    assert all(d["running"] for d in cluster.ps())
