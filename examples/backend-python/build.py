"""Makes the backend one file: python3 build.py [FILE]. The Python that runs this is the one that will run the backend."""

import pathlib
import re
import sys
import zipapp

here = pathlib.Path(__file__).resolve().parent
name = re.search(r'^    name = "([a-z0-9][a-z0-9-]*)"', (here / "src" / "__main__.py").read_text(encoding="utf-8"), re.MULTILINE).group(1)
target = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else here / f"atg-backend-{name}")
if sys.version_info < (3, 10):
    sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}; 3.10 or newer is needed.")
try:
    import google.protobuf  # noqa: F401
    import grpc  # noqa: F401
except ImportError as error:
    sys.exit(f"{sys.executable} lacks a module: {error}.\n"
             "On Debian and Ubuntu: apt-get install python3-grpcio python3-protobuf, then /usr/bin/python3 build.py.\n"
             "Elsewhere: python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python build.py.")
zipapp.create_archive(here / "src", target, interpreter=sys.executable, filter=lambda path: "__pycache__" not in path.parts)
print(target)
