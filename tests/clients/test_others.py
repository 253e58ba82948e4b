"""More of the clients people use, unmodified: the Go and Java SDKs, PynamoDB, ElectroDB, and dynamodb-admin in a browser."""
import os
import pathlib
import subprocess
import time
import urllib.request

import pytest

from integration import KEY, REGION, SECRET

HERE = pathlib.Path(__file__).parent
WORK = pathlib.Path(os.environ["TERCET_CLIENTS"])  # packages and screenshots; made by run.sh


def environment(**more):
    return dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, **more)


def passes(command, timeout=120, **options):
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=timeout, **options)
    assert done.returncode == 0 and "all good" in done.stdout, done.stdout + done.stderr


def script(name):
    """A copy beside the packages, for Node looks for them there."""
    (WORK / name).write_text((HERE / name).read_text())
    return WORK / name


def test_go_sdk(cluster):
    if not (WORK / "go-client").exists():
        pytest.skip("no Go as new as tests/clients/go/go.mod asks for (Debian 12 has 1.19)")
    passes([WORK / "go-client", cluster.endpoints[0]])


def test_java_sdk(cluster):
    passes(["java", "-cp", f"{WORK}/java/classes:{WORK}/java/lib/*", "Main", cluster.endpoints[0]])


def test_electrodb(cluster):
    passes(["node", script("electro.mjs"), cluster.endpoints[1]])


def test_pynamodb(cluster):
    from pynamodb.attributes import JSONAttribute, ListAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute, VersionAttribute
    from pynamodb.exceptions import PutError, UpdateError
    from pynamodb.models import Model

    class Score(Model):
        class Meta:
            table_name, host, region, billing_mode = "pynamo-scores", cluster.endpoints[0], REGION, "PAY_PER_REQUEST"
            aws_access_key_id, aws_secret_access_key = KEY, SECRET
        player = UnicodeAttribute(hash_key=True)
        game = NumberAttribute(range_key=True)
        points = NumberAttribute(default=0)
        tags = UnicodeSetAttribute(null=True)
        moves = ListAttribute(default=list)
        extra = JSONAttribute(null=True)
        version = VersionAttribute()

    Score.create_table(wait=True)
    first = Score("ann", 1, tags={"x", "y"}, moves=["e4", 5], extra={"deep": [1, None]})
    first.save()
    with pytest.raises(PutError):
        Score("ann", 1).save(Score.player.does_not_exist())
    first.update(actions=[Score.points.add(7), Score.moves.set(Score.moves.append(["Nf3"])), Score.tags.delete({"y"})])
    with pytest.raises(UpdateError):
        first.update(actions=[Score.points.set(0)], condition=Score.points > 100)
    got = Score.get("ann", 1, consistent_read=True)
    assert (got.points, got.tags, list(got.moves), got.extra, got.version) == (7, {"x"}, ["e4", 5, "Nf3"], {"deep": [1, None]}, 2)
    with Score.batch_write() as batch:
        for game in range(2, 60):
            batch.save(Score("ann", game, points=game))
    found = Score.query("ann", Score.game.between(10, 30), Score.points > 20, consistent_read=True, page_size=4)
    assert [s.game for s in found] == list(range(21, 31))
    assert sum(1 for _ in Score.scan(consistent_read=True)) == 59
    assert sum(1 for _ in Score.batch_get([("ann", g) for g in range(1, 60)], consistent_read=True)) == 59
    Score.delete_table()


def test_dynamodb_admin_in_a_browser(cluster):
    port = cluster.port + 90
    screens = WORK / "screens"
    screens.mkdir(exist_ok=True)
    admin = subprocess.Popen(["node", WORK / "node_modules/dynamodb-admin/dist/dynamodb-admin.js", "--port", str(port), "--dynamo-endpoint", cluster.endpoints[0]],
                             env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.time() + 20
        while not answers(f"http://127.0.0.1:{port}/"):
            assert time.time() < until and admin.poll() is None, "dynamodb-admin does not start"
            time.sleep(0.2)
        passes(["node", script("admin.mjs"), f"http://127.0.0.1:{port}", screens], timeout=180)
    finally:
        admin.terminate()
        admin.wait(10)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
