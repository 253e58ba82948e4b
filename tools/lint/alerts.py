#!/usr/bin/env python3
"""Each alarm names metrics that exist and a runbook that exists; each metric of a disk has an alarm.

Usage: tools/lint/alerts.py    exit 1 and one line per finding
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "docs/alerts/tercet.rules.yml"
ROW = re.compile(r"X\((COUNTER|GAUGE|HISTOGRAM),\s*(\w+),")
MODULE = re.compile(r'DAEMON_METRICS\(\w+,\s*"(\w+)",')


def metrics():
    """Names as /metrics has them, from every table of the sources."""
    names = set()
    for path in [*ROOT.glob("services/*/metrics.h"), *ROOT.glob("lib/daemon/**/*.h")]:
        text = path.read_text()
        module = MODULE.search(text)
        for kind, name in ROW.findall(text) if module else []:
            full = f"tercet_{module.group(1)}_{name}"
            names |= {full} if kind != "HISTOGRAM" else {f"{full}_{end}" for end in ("bucket", "sum", "count")}
    return names


def main():
    text = RULES.read_text()
    known = metrics()
    used = set(re.findall(r"\btercet_\w+", text))
    findings = [f"{m}: no such metric" for m in sorted(used - known)]
    findings += [f"{m}: no alarm uses it" for m in sorted(known - used)
                 if m.startswith("tercet_storage_disk_") and not m.endswith(("_total", "_permille"))]
    alarms = re.findall(r"- alert: (\w+)\n(.*?)(?=- alert:|- name:|\Z)", text, re.S)
    for name, body in alarms:
        runbook = re.search(r"runbook: (\S+)", body)
        if not runbook or not (ROOT / runbook.group(1)).is_file():
            findings.append(f"{name}: its runbook is missing")
        if "severity:" not in body or "summary:" not in body:
            findings.append(f"{name}: severity and summary are needed")
    for f in findings:
        print(f"docs/alerts/tercet.rules.yml: {f}")
    print(f"{len(alarms)} alarms on {len(used)} metrics, {len(findings)} findings")
    return 1 if findings or not alarms else 0


if __name__ == "__main__":
    sys.exit(main())
