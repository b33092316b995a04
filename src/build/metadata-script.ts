import { BUILD_BACKEND_SCRIPT } from '../pipeline/build-backend-script.ts'

/**
 * Prints what the project in the working folder requires, as JSON: its metadata as its backend makes it
 * (`prepare_metadata_for_build_wheel` of PEP 517, else those of a wheel). What code of the project prints goes to
 * stderr. An entry for an extra keeps its other conditions: the clause about the extra becomes one that is
 * always, or never, true. Of Poetry's groups those that are named are told.
 */
export const METADATA_SCRIPT = String.raw`
import importlib, json, os, re, sys, traceback, zipfile
from email.parser import HeaderParser
from importlib import metadata

target = sys.argv[1]
names = sys.argv[2:]
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
root = os.path.realpath(".")


def end(message):
    sys.stdout.flush()
    sys.exit(message)

${BUILD_BACKEND_SCRIPT}

def metadata_of(backend, poetry):
    if "poetry.core.factory" in sys.modules and poetry.get("package-mode", True) is False:
        # Of a project that is no package Poetry makes no metadata; it still knows them.
        from poetry.core.factory import Factory
        from pathlib import Path
        package = Factory().create_poetry(Path.cwd()).package
        requires = "".join(f"Requires-Dist: {one.to_pep_508()}\n" for one in package.requires)
        extras = "".join(f"Provides-Extra: {name}\n" for name in package.extras)
        return f"Name: {package.name}\nRequires-Python: {package.python_versions}\n{extras}{requires}"
    if hasattr(backend, "prepare_metadata_for_build_wheel"):
        folder = backend.prepare_metadata_for_build_wheel(target, {})
        with open(os.path.join(target, folder, "METADATA"), encoding="utf-8") as file:
            return file.read()
    name = backend.build_wheel(target, {})
    with zipfile.ZipFile(os.path.join(target, name)) as wheel:
        entry = next(entry for entry in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", entry))
        return wheel.read(entry).decode("utf-8")


def groups_of(poetry):
    if "poetry.core.factory" not in sys.modules or not poetry:
        return {}
    from poetry.core.factory import Factory
    from pathlib import Path
    package = Factory().create_poetry(Path.cwd()).package
    named = {plain(name): name for name in package.dependency_group_names(include_optional=True) if name != "main"}
    return {
        key: [one.to_pep_508() for one in package.dependency_group(name).dependencies] if key in wanted else []
        for key, name in sorted(named.items())
    }


def place_of(error):
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # setuptools reads a setup.py, and runs the text.
        path = os.path.realpath("setup.py" if frame.filename == "<string>" else frame.filename)
        if os.path.isfile(path) and path.startswith(root + os.sep):
            return f"{os.path.relpath(path, root)}:{frame.lineno}: "
    return ""


def hint_of(backend, error):
    if not isinstance(error, ImportError):
        return ""
    try:
        missing = missing_wishes(backend)
    except BaseException:
        missing = []
    if missing:
        return wanted_besides(missing)
    return "What a build imports stands in [build-system] requires of pyproject.toml."


def failed(backend, error):
    message = f"{type(error).__name__}: {error}".strip(": ")
    end(f"{place_of(error)}{message}\n{hint_of(backend, error)}".strip())


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


CLAUSE = r"""extra\s*==\s*["']([^"']+)["']|["']([^"']+)["']\s*==\s*extra\b"""


def for_extra(line, extra):
    def decided(match):
        return 'python_version >= "0"' if plain(match[1] or match[2]) == extra else 'python_version < "0"'
    return re.sub(CLAUSE, decided, line)


def extras_in(line):
    return {plain(match[1] or match[2]) for match in re.finditer(CLAUSE, line.partition(";")[2])}


wanted = {plain(name) for name in names}
os.makedirs(target, exist_ok=True)
project = project_file()
poetry = project.get("tool", {}).get("poetry", {})
if "dependencies" in poetry and "build-system" not in project:
    end('pyproject.toml has a [tool.poetry] and no [build-system]: add one with requires = ["poetry-core"] and build-backend = "poetry.core.masonry.api"')
backend = backend_of(project.get("build-system", {}))
try:
    text = metadata_of(backend, poetry)
    groups = groups_of(poetry)
except (Exception, SystemExit) as error:
    failed(backend, error)
headers = HeaderParser().parsestr(text)
lines = [" ".join(line.split()) for line in headers.get_all("Requires-Dist", [])]
extras = sorted({plain(name) for name in headers.get_all("Provides-Extra", [])})
json.dump({
    "name": headers.get("Name", ""),
    "python": headers.get("Requires-Python", ""),
    "dependencies": [line for line in lines if not extras_in(line)],
    "extras": {extra: [for_extra(line, extra) for line in lines if extra in extras_in(line)] for extra in extras},
    "groups": groups,
}, answer)
answer.close()
`
