"""A short run of the differential fuzzer (tests/differential), and proof that it would notice a difference."""
import pathlib
import subprocess
import sys

MAIN = pathlib.Path(__file__).parents[1] / "differential" / "main.py"


def differential(cluster, *args):
    return subprocess.run([sys.executable, MAIN, "--endpoint", ",".join(cluster.endpoints), *args], capture_output=True, text=True, timeout=300)


def test_random_operations_answer_as_the_model_says(cluster):
    done = differential(cluster, "--ops", "4000", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 differences" in done.stdout


def test_a_wrong_model_is_noticed_and_the_run_shrunk(cluster):
    done = differential(cluster, "--ops", "2000", "--seed", "1", "--workers", "1", "--distort", "between")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIFFERENCE: seed 1" in done.stdout and "expected" in done.stdout
