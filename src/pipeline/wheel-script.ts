import { BUILD_BACKEND_SCRIPT } from './build-backend-script.ts'

/**
 * Builds a wheel as `python -m build --wheel --no-isolation` would (PEP 517), with nothing installed but what
 * `[build-system] requires` names. Arguments: the project's folder, and where the wheel goes. Started with
 * `-I`, so that a module of the project does not stand in for one of the backend's.
 */
export const WHEEL_SCRIPT = String.raw`
import hashlib, importlib, os, re, shutil, sys, zipfile
from importlib import metadata

folder, target = sys.argv[1], os.path.abspath(sys.argv[2])
MOST_ENTRIES = 100000


def end(message):
    sys.stdout.flush()
    sys.exit("The wheel cannot be built: " + message)

${BUILD_BACKEND_SCRIPT}

def check_more(backend):
    missing = missing_wishes(backend)
    if missing:
        end(wanted_besides(missing))


def describe(path):
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist()[:MOST_ENTRIES] if not name.endswith("/")]
    content = [name for name in names if ".dist-info/" not in name]
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(f"{os.path.basename(path)}: {len(content)} files, {os.path.getsize(path)} bytes, sha256:{digest}")
    if not content:
        print("warning: it holds no file but its own description: no package was found. Name them in [tool.setuptools], or as your backend says.")


HINTS = [
    (r"setuptools.scm|hatch.vcs|versioningit|dunamai|no git or mercurial|unable to detect version|from VCS", "A build sees the files of the commit and no repository: let the version have a fallback (fallback_version in [tool.setuptools_scm], fallback-version in [tool.hatch.version]), or write it down."),
    (r"Multiple top-level packages discovered", "Say which folder is the package: [tool.setuptools] packages, or keep it below src/."),
    (r"command '[^']*(gcc|cc|g\+\+|clang)' failed|unable to execute|No such file or directory: '[^']*(gcc|cc)'", "It compiles C: the machine needs a compiler and Python's headers (apt-get install build-essential python3-dev)."),
]


def failed(error):
    said = f"{type(error).__name__}: {error}".strip()
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, said, re.I)), "")
    end(said + ("\n" + hint if hint else ""))


os.chdir(folder)
shutil.rmtree(target, ignore_errors=True)
os.makedirs(target)
backend = backend_of(project_file().get("build-system", {}))
# Backends print a lot: what matters of it comes last.
try:
    check_more(backend)
    name = backend.build_wheel(target, {})
except Exception as error:
    failed(error)
except SystemExit as error:
    end(f"its backend ended: {error}")
describe(os.path.join(target, name))
`
