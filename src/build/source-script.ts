/**
 * Reads Python sources without running or importing any of them, under the interpreter that will run them
 * (started with `-I -S`: code that packages hook into start-up does not run either). Standard input:
 * `{ root, files, site }`; standard output: `SourceFacts`.
 */
export const SOURCE_SCRIPT = String.raw`
import ast, json, os, sys, warnings

warnings.simplefilter("ignore")
MISSING = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def names(node):
    if node is None:
        return {"BaseException"}
    if isinstance(node, ast.Tuple):
        return {name for item in node.elts for name in names(item)}
    return {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")}


def depends_on_place(test):
    words = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(test)}
    return bool(words & {"TYPE_CHECKING", "platform", "version_info", "name", "find_spec", "system"})


def imports(body, kind, found):
    for node in body:
        if isinstance(node, ast.Import):
            found.extend([alias.name, 0, node.lineno, node.col_offset + 1, kind, []] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            members = [alias.name for alias in node.names]
            found.append([node.module or "", node.level, node.lineno, node.col_offset + 1, kind, members])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            imports(node.body, "optional" if kind == "optional" else "later", found)
        elif isinstance(node, (ast.Try, getattr(ast, "TryStar", ast.Try))):
            forgiven = any(names(handler.type) & MISSING for handler in node.handlers)
            imports(node.body, "optional" if forgiven else kind, found)
            for handler in node.handlers:
                imports(handler.body, "optional" if forgiven else kind, found)
            imports(node.orelse, "optional" if forgiven else kind, found)
            imports(node.finalbody, kind, found)
        elif isinstance(node, ast.If):
            inner = "optional" if depends_on_place(node.test) else kind
            imports(node.body, inner, found)
            imports(node.orelse, inner, found)
        elif hasattr(node, "body"):
            imports(node.body, kind, found)
            imports(getattr(node, "orelse", []), kind, found)
    return found


def read(path):
    try:
        with open(path, "rb") as file:
            return {"imports": imports(ast.parse(file.read(), path).body, "now", [])}
    except SyntaxError as error:
        return {"syntax": [error.lineno or 1, error.offset or 1, error.msg]}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"syntax": [1, 1, str(error) or "nested too deeply"]}
    except OSError as error:
        return {"syntax": [1, 1, error.strerror]}


def top_level(folder):
    try:
        entries = os.listdir(folder)
    except OSError:
        return set()
    return {entry.split(".")[0] for entry in entries if not entry.endswith((".dist-info", ".egg-info"))}


def distributions(folder):
    # What each installed package brings, by its own record; no package is imported.
    found = {}
    try:
        entries = [entry for entry in os.listdir(folder) if entry.endswith(".dist-info")]
    except OSError:
        return found
    for entry in entries:
        name = entry[: -len(".dist-info")].rsplit("-", 1)[0].replace("_", "-").replace(".", "-").lower()
        modules, scripts = set(), False
        try:
            with open(os.path.join(folder, entry, "RECORD"), encoding="utf-8") as record:
                for line in record:
                    path = line.rsplit(",", 2)[0].strip('"')
                    if path.startswith("../"):
                        scripts = scripts or "/bin/" in path
                    elif not path.split("/")[0].endswith((".dist-info", ".data", "__pycache__")):
                        modules.add(path.split("/")[0].split(".")[0])
            with open(os.path.join(folder, entry, "entry_points.txt"), encoding="utf-8") as points:
                scripts = scripts or bool(points.read().strip())
        except OSError:
            pass
        found[name] = {"modules": sorted(modules), "scripts": scripts}
    return found


order = json.load(sys.stdin)
os.chdir(order["root"])
standard = set(getattr(sys, "stdlib_module_names", ())) | set(sys.builtin_module_names) | top_level(os.path.dirname(os.__file__))
provided = standard.union(*(top_level(folder) for folder in order["site"])) if order["site"] else standard
packages = {}
for folder in order["site"]:
    packages.update(distributions(folder))
json.dump({"files": {path: read(path) for path in order["files"]}, "provided": sorted(provided), "packages": packages}, sys.stdout)
`

/** What the script says of the sources under one environment. */
export interface SourceFacts {
  readonly files: Readonly<Record<string, FileFacts>>
  /** Top-level modules of the standard library and of the environment's packages. */
  readonly provided: readonly string[]
  /** Installed packages by their normalised name, with the modules they bring; `scripts`: commands or plug-ins too. */
  readonly packages: Readonly<Record<string, { readonly modules: readonly string[]; readonly scripts: boolean }>>
}

export interface FileFacts {
  /** Line, column, message. */
  readonly syntax?: readonly [number, number, string]
  readonly imports?: readonly ImportFact[]
}

/**
 * Module, dots in front of it, line, column, when it runs, and the names taken from it. `now`: when the file
 * is loaded; `later`: in a function; `optional`: its absence is provided for.
 */
export type ImportFact = readonly [string, number, number, number, 'now' | 'later' | 'optional', readonly string[]]
