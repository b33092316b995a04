import type { FoundPickle } from './scan-file.ts'

/** Why a name in a pickle is refused; undefined for one that is let through. */
export function refusedBecause(name: string, allow: readonly string[]): string | undefined {
  const full = renamed(name)
  // Only NumPy's own functions are below this name, though another module of it is what runs code.
  const parts = full.replace(/^numpy\.random\._pickle\./, 'numpy.random.').split('.')
  const last = parts.at(-1) ?? ''
  if (HARMLESS.has(full)) return undefined
  // Not one that only begins so: random generators and Cython's classes are made by `__…_ctor` and `__pyx_unpickle_…`.
  if (parts.some((part) => /^__.*__$/.test(part))) return 'a name between __ reaches into the interpreter'
  const hard = parts.find((part) => DANGEROUS_MODULES.has(part))
  if (hard !== undefined) return `${hard} runs other programs or code`
  if (DANGEROUS_NAMES.has(last)) return `${last} runs code, or reaches what does`
  const gadget = GADGETS.find((prefix) => full === prefix || full.startsWith(`${prefix}.`))
  if (gadget !== undefined) return `${gadget} is known to run code it is given`
  const isAllowed = allow.some((prefix) => full === prefix || full.startsWith(`${prefix}.`))
  return isAllowed ? undefined : `${parts[0] ?? full} is not allowed`
}

export interface Refusal {
  readonly place: string
  readonly name: string
  readonly opcode: string
  /** Of the opcode in its pickle. */
  readonly position: number
  readonly why: string
}

/** Everything about these pickles that could run code nobody allowed. */
export function refusals(pickles: readonly FoundPickle[], allow: readonly string[]): Refusal[] {
  return pickles.flatMap(({ place, names, oddities, trouble }) => [
    ...names.flatMap(({ name = '?', opcode, position }) => {
      const why = refusedBecause(name, allow)
      return why === undefined ? [] : [{ place, name, opcode, position, why }]
    }),
    ...oddities.map(({ name, opcode, position }) => ({
      place,
      name: name ?? 'a name put together while loading',
      opcode,
      position,
      why: 'what it calls cannot be told before it is loaded',
    })),
    ...(trouble === undefined
      ? []
      : [{ place, name: 'the rest of the file', opcode: '', position: 0, why: `it cannot be followed: ${trouble}` }]),
  ])
}

/** Python 2's names, which unpickling still maps. */
function renamed(name: string): string {
  return name.replace(/^__builtin__\./, 'builtins.').replace(/^copy_reg\./, 'copyreg.')
}

/** Types and constructors of the language itself, which pickles of any library hold. */
const HARMLESS = new Set([
  ...[
    'object',
    'list',
    'dict',
    'set',
    'frozenset',
    'tuple',
    'bytes',
    'bytearray',
    'str',
    'int',
    'float',
    'bool',
    'complex',
    'slice',
    'range',
    'unicode',
    'long',
    'NotImplemented',
    'Ellipsis',
  ].map((name) => `builtins.${name}`),
  'collections.OrderedDict',
  'collections.defaultdict',
  'collections.deque',
  'collections.Counter',
  'copyreg._reconstructor',
  'copyreg.__newobj__',
  '_codecs.encode',
  'datetime.date',
  'datetime.datetime',
  'datetime.time',
  'datetime.timedelta',
  'datetime.timezone',
  'decimal.Decimal',
  'fractions.Fraction',
  'uuid.UUID',
  // Holds an array's place in a file; what it reads is followed.
  'joblib.numpy_pickle.NumpyArrayWrapper',
])

/** Wherever they are reached, also as `numpy.core.os`: nobody can allow these. */
const DANGEROUS_MODULES = new Set([
  'os',
  'posix',
  'nt',
  'posixpath',
  'ntpath',
  'subprocess',
  'sys',
  'pty',
  'importlib',
  'runpy',
  'ctypes',
  'cffi',
  'marshal',
  'pickle',
  '_pickle',
  'cPickle',
  'operator',
  '_operator',
  'socket',
  'code',
  'codeop',
  'shutil',
  'webbrowser',
  'builtins',
  'pdb',
  'bdb',
  'timeit',
  'cProfile',
  'profile',
  'pydoc',
  'inspect',
  'multiprocessing',
  'asyncio',
  'pip',
  'zipimport',
  'imp',
  'pkgutil',
  'distutils',
  'doctest',
  'commands',
  'atexit',
  'signal',
  'gc',
  'urllib',
  'requests',
  'http',
  'ftplib',
  'smtplib',
])

const DANGEROUS_NAMES = new Set([
  'eval',
  'exec',
  'execfile',
  'compile',
  'getattr',
  'setattr',
  'delattr',
  'globals',
  'locals',
  'vars',
  'open',
  'input',
  'breakpoint',
  'system',
  'popen',
  'Popen',
  'run',
  'call',
  'check_output',
  'check_call',
  'import_module',
  'attrgetter',
  'methodcaller',
  'itemgetter',
  'load',
  'loads',
  'read_pickle',
  'runstring',
  'runcode',
  'load_module',
  'exec_module',
  'apply',
  'spawn',
  'fork',
])

/** Inside packages that many allow. */
const GADGETS = [
  'numpy.testing',
  'numpy.f2py',
  'numpy.distutils',
  'numpy.ctypeslib',
  'numpy.lib.npyio',
  'numpy.lib._npyio_impl',
  'pandas.io',
  'pandas.core.computation',
  'pandas.eval',
  'pandas.util._print_versions',
  'torch.hub',
  'torch.utils',
  'torch.distributed',
  'torch._dynamo',
  'torch._inductor',
  'torch.serialization',
  'torch.jit',
  'torch.fx',
  'sklearn.utils._testing',
  'sklearn.datasets',
  'joblib.externals',
  'joblib.memory',
  'joblib.parallel',
  'scipy.io',
  'scipy._lib._testutils',
  'functools.partial',
  'types.CodeType',
  'types.FunctionType',
]
