"""What pgAdmin is to know, where it looks last of all: the start of its image writes nothing over it. PGADMIN_CONFIG_X sets X to a value of Python's."""

import ast as _ast
import glob as _glob
import os as _os

# Its own place for it can't be written to.
LOG_FILE = "/dev/null"
UPGRADE_CHECK_ENABLED = False
# A picture of its user would be asked for elsewhere.
SHOW_GRAVATAR_IMAGE = False

# What saves and restores databases, as far as the image has it.
_programs = {_folder.rpartition("-")[2]: _folder for _folder in _glob.glob("/usr/local/pgsql-[0-9]*")}
if _programs:
    DEFAULT_BINARY_PATHS = {f"pg-{_version}": _folder for _version, _folder in _programs.items()}
    DEFAULT_BINARY_PATHS["pg"] = _programs[max(_programs, key=int)]

for _name, _value in _os.environ.items():
    if _name.startswith("PGADMIN_CONFIG_"):
        globals()[_name.removeprefix("PGADMIN_CONFIG_")] = _ast.literal_eval(_value)
