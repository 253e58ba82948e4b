"""The cluster of tests/integration, for clients that need packages of their own."""
import importlib.util
import pathlib
import sys

INTEGRATION = pathlib.Path(__file__).parents[1] / "integration"
spec = importlib.util.spec_from_file_location("integration", INTEGRATION / "conftest.py")
integration = importlib.util.module_from_spec(spec)
sys.modules["integration"] = integration
spec.loader.exec_module(integration)
cluster = integration.cluster
