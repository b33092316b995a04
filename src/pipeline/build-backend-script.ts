/**
 * Finds the backend of the project in the working folder (PEP 517), for scripts that define `end(message)` and
 * import `importlib`, `os`, `re`, `sys` and `importlib.metadata`.
 */
export const BUILD_BACKEND_SCRIPT = String.raw`
def project_file():
    try:
        import tomllib
    except ImportError:
        import tomli as tomllib
    try:
        with open("pyproject.toml", "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}


def backend_of(system):
    paths = [os.path.abspath(path) for path in system.get("backend-path", [])]
    root = os.path.realpath(".")
    for path in paths:
        if os.path.commonpath([root, os.path.realpath(path)]) != root:
            end(f"pyproject.toml: backend-path leads out of the project: {path}")
    sys.path[:0] = paths
    module, _, attribute = system.get("build-backend", "setuptools.build_meta:__legacy__").partition(":")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        end(f"pyproject.toml: build-backend {module} cannot be imported ({error}): name its package in [build-system] requires")
    for name in filter(None, attribute.split(".")):
        found = getattr(found, name)
    return found


def is_missing(requirement):
    name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    try:
        metadata.distribution(name.group()) if name else None
        return False
    except metadata.PackageNotFoundError:
        return True


def missing_wishes(backend):
    ask = getattr(backend, "get_requires_for_build_wheel", None)
    return [wish for wish in (ask({}) if ask else []) if is_missing(wish)]


def wanted_besides(missing):
    return "its backend wants " + ", ".join(missing) + " besides: add it to [build-system] requires of pyproject.toml"
`
