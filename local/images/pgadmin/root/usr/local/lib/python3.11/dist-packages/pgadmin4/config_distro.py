"""What is particular to the image, and what the pod says: a variable PGADMIN_CONFIG_X sets X to a value of Python's."""

import ast
import os

CA_FILE = ""
LOG_FILE = "/dev/null"
UPGRADE_CHECK_ENABLED = False

for name, value in os.environ.items():
    if name.startswith("PGADMIN_CONFIG_"):
        globals()[name.removeprefix("PGADMIN_CONFIG_")] = ast.literal_eval(value)
