"""Terraform's AWS provider, unmodified: tables of terraform/main.tf are made, changed twice, imported and destroyed; after each step a plan finds no difference.

Needs `terraform` or `tofu` on the machine, which no Debian package brings; skipped, with this reason told, where there is none. The provider comes from
TERCET_TERRAFORM_PLUGINS (a folder laid out as a provider mirror, default /opt/tf-plugins) or, without that, from Terraform's registry.
"""
import os
import pathlib
import shutil
import subprocess

import pytest

from integration import KEY, REGION, SECRET

HERE = pathlib.Path(__file__).parent
PROGRAM = shutil.which("terraform") or shutil.which("tofu")
PLUGINS = pathlib.Path(os.environ.get("TERCET_TERRAFORM_PLUGINS", "/opt/tf-plugins"))


class Terraform:
    def __init__(self, folder, endpoint):
        self.folder, self.endpoint = folder, endpoint
        shutil.copy(HERE / "terraform" / "main.tf", folder)
        settings = folder / "settings.tfrc"  # none of the person's own
        settings.write_text("")
        self.env = dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION, TF_IN_AUTOMATION="1",
                        TF_CLI_CONFIG_FILE=str(settings), CHECKPOINT_DISABLE="1")
        self.run("init", *([f"-plugin-dir={PLUGINS}"] if PLUGINS.is_dir() else []))

    def run(self, *args, codes=(0,)):
        done = subprocess.run([PROGRAM, *args, "-no-color"], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=240)
        assert done.returncode in codes, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    def variables(self, step):
        return ["-var", f"endpoint={self.endpoint}", "-var", f"step={step}"]

    def no_difference(self, step):
        out = self.run("plan", "-detailed-exitcode", *self.variables(step))  # exit status 2: there is something to change
        assert "No changes." in out, out

    def apply(self, step):
        self.run("apply", "-auto-approve", *self.variables(step))
        self.no_difference(step)


@pytest.fixture
def terraform(cluster, tmp_path):
    if PROGRAM is None:
        pytest.skip("no terraform or tofu on this machine")
    return Terraform(tmp_path, cluster.endpoints[0])


def test_made_changed_imported_destroyed(cluster, terraform):
    db = cluster.client()
    terraform.apply(1)
    orders = db.describe_table(TableName="tf-orders")["Table"]
    assert [i["IndexName"] for i in orders["LocalSecondaryIndexes"] + orders["GlobalSecondaryIndexes"]] == ["by-total", "by-state"]
    assert db.describe_time_to_live(TableName="tf-orders")["TimeToLiveDescription"]["AttributeName"] == "until"
    assert tags(db, orders) == {"team": "sales", "stage": "test"}
    terraform.apply(2)
    changed = db.describe_table(TableName="tf-orders")["Table"]
    assert changed["TableId"] == orders["TableId"], "the table was made anew"
    assert {i["IndexName"] for i in changed["GlobalSecondaryIndexes"]} == {"by-state", "by-total-of-all"} and changed["DeletionProtectionEnabled"]
    assert tags(db, orders) == {"team": "billing", "owner": "ann"}
    assert db.describe_table(TableName="tf-meters")["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    terraform.apply(3)
    capacity = db.describe_table(TableName="tf-meters")["Table"]["ProvisionedThroughput"]
    assert (capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"]) == (7, 5)
    item = db.get_item(TableName="tf-orders", Key={"customer": {"S": "ann"}, "placed": {"N": "1"}}, ConsistentRead=True)["Item"]
    assert item["total"] == {"N": "30"} and item["lines"] == {"L": [{"M": {"sku": {"S": "a-1"}, "gift": {"BOOL": True}}}]}
    terraform.run("state", "rm", "aws_dynamodb_table.orders")
    terraform.run("import", *terraform.variables(3), "aws_dynamodb_table.orders", "tf-orders")
    terraform.no_difference(3)
    terraform.run("destroy", "-auto-approve", *terraform.variables(3))
    assert not {"tf-orders", "tf-meters"} & set(db.list_tables()["TableNames"])


def tags(db, table):
    return {t["Key"]: t["Value"] for t in db.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]}
