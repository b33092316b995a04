import { expect, test } from 'vitest'
import { readCommand } from './command-files.ts'

test.each([
  ['python train.py --epochs 3', { scripts: ['train.py'] }],
  ['OMP_NUM_THREADS=1 python -u -W ignore src/train.py > log.txt 2>&1', { scripts: ['src/train.py'] }],
  ['cd jobs && python3.11 ./prepare.py; sh ../make.sh', { scripts: ['jobs/prepare.py', 'make.sh'] }],
  ['python -m digits.train', { modules: [{ name: 'digits.train', folder: '.', isPerhapsMade: false }] }],
  ['make && cd jobs && python -m a', { modules: [{ name: 'a', folder: 'jobs', isPerhapsMade: true }] }],
  [
    'python -m zipfile -e dist/x.whl to && cd to && python -m x.cli',
    {
      modules: [
        { name: 'zipfile', folder: '.', isPerhapsMade: false },
        { name: 'x.cli', folder: 'to', isPerhapsMade: true },
      ],
    },
  ],
  ['pip install dist/*.whl; python -m a.b', { modules: [{ name: 'a.b', folder: '.', isPerhapsMade: true }] }],
  ['python -m pytest tests/unit -k slow', { tests: ['tests/unit'] }],
  ['pytest tests/a.py::test_x --junitxml reports/unit.xml -q', { tests: ['tests/a.py'] }],
  ['pytest', { tests: ['.'] }],
  ['pytest --cov scale --deselect tests/a.py::test_x --strict-markers tests', { tests: ['tests'] }],
  ['pytest --cov scale', { tests: ['.'] }],
  ['pytest --option-of-a-plug-in tests', {}],
  ['python "$SCRIPT"; python *.py; python -c "import x"; cd "$D"; python gone.py', {}],
  ['echo "python no.py" # python no.py\n./run me', { scripts: ['run'] }],
  ['bash -c "python x.py"', { scripts: ['x.py'] }],
])('%s', (run, expected) => {
  expect(readCommand(run)).toMatchObject({ scripts: [], modules: [], tests: [], ...expected })
})

test.each([
  ['mkdir -p out && python train.py > log.txt', []],
  ['cp tool.txt tool.py; python tool.py', ['tool.py']],
  ['python before.py; git clone https://example.com/x; sh x/make.sh', ['x/make.sh']],
  ["printf 'print(1)' > gen.py && python gen.py", ['gen.py']],
])('of %s the command itself may have made %j', (run, perhapsMade) => {
  expect(readCommand(run).perhapsMade).toEqual(perhapsMade)
})

test.each([
  `/bin/sh -euo pipefail -c 'if [ -f a ]; then python x.py; fi'`,
  `cd /opt && python tool.py`,
  `cd - && python train.py`,
  `cd; python train.py`,
  `cd ../other && python x.py`,
  `python ../x.py`,
  `cd data || true; python x.py`,
  `test -d jobs && cd jobs; python x.py`,
  `test -f extra.py && python extra.py || echo none`,
  `[ -f x.py ] && python x.py`,
  `[[ -f x.py && -n "$A" ]] && python x.py`,
  `false || python x.py`,
  `python x.py || true`,
  `! python x.py`,
  `command -v nvidia-smi && python x.py`,
  `python -c 'import torch' && python x.py`,
  `if [ -n "$CI" ]\nthen\n  python x.py\nelse python y.py\nfi`,
  `while read line; do python x.py "$line"; done < list.txt`,
  `until python x.py; do sleep 1; done`,
  `case "$X" in a|b) python x.py ;; (c) python y.py;; esac`,
  `for f in $(ls); do python x.py; done`,
  `for ((i = 0; i < n; i++)); do python x.py; done`,
  `run() { python x.py; }\necho done`,
  `function run { python x.py; }`,
  `go() { cd jobs; }; go; python x.py`,
  `[ -z "$TOKEN" ] && exit 0; python x.py`,
  `if [ -z "$TOKEN" ]; then exit; fi; python x.py`,
  `exec make; python x.py`,
  `pytest --pyargs numpy.tests`,
  `pytest @tests.txt`,
  `pytest "tests/test_a.py" "$MORE"`,
  `pytest --ignore tests/slow`,
  `cat > r.sh <<'E'\npython other.py\nE`,
  `cat <<-E >> r.sh\n\tpython other.py\n\tE`,
  `bash <<E\npython other.py $X\nE`,
  `bash < run.sh`,
  `bash -s < run.sh`,
  `bash <(curl https://example.com/x.sh)`,
  `python -um $MODULE`,
  `python -uc 'print(1)' train.py`,
  `python - <<E\nimport x\nE`,
  `python <<E\nimport x\nE`,
  `python --version`,
  `find . -name '*.py' -exec python x.py {} \\;`,
  `ls | xargs -n 1 python x.py`,
  `X=$(python x.py)`,
  'echo `python x.py`',
  `python jobs/$NAME.py; python \${NAME:-a b}.py; python "$(ls | head -1)"`,
  `pushd "$D"; python x.py; popd`,
  `env -C jobs python x.py`,
  `sudo -i python x.py`,
  `torchrun --nproc-per-node 2 x.py; accelerate launch x.py; make x.py`,
  `echo 'not closed; python x.py`,
  `if true; then python x.py`,
])('nothing certain is started by %s', (run) => {
  const { scripts, modules, tests } = readCommand(run.replaceAll('\\n', '\n'))

  expect({ scripts, modules, tests }).toEqual({ scripts: [], modules: [], tests: [] })
})

test.each([
  [`bash -lc 'python train.py'; zsh -ec "cd jobs && python a.py"`, ['train.py', 'jobs/a.py']],
  [`bash -o pipefail run.sh`, ['run.sh']],
  [`bash --rcfile x -O extglob -eu run.sh`, ['run.sh']],
  [`bash -euo pipefail -c 'python a.py\ncd jobs\npython b.py'; python c.py`, ['a.py', 'jobs/b.py', 'c.py']],
  [`(cd jobs && python a.py); python b.py`, ['jobs/a.py', 'b.py']],
  [`{ cd jobs; python a.py; }; python b.py`, ['jobs/a.py', 'jobs/b.py']],
  [`pushd jobs && python a.py && popd && python b.py`, ['jobs/a.py', 'b.py']],
  [`cd jobs || exit 1\npython a.py || { echo failed; exit 1; }`, ['jobs/a.py']],
  [`set -euo pipefail; python \\\n  a.py \\\n  --x 1 | tee log.txt`, ['a.py']],
  [`for i in 1 2 3; do python a.py $i; done`, ['a.py']],
  [
    `env A=1 python a.py; sudo -E python b.py; nice -n 5 python c.py; time python d.py`,
    ['a.py', 'b.py', 'c.py', 'd.py'],
  ],
  [`timeout -k 5 2h python a.py; nohup python b.py & poetry run python c.py`, ['a.py', 'b.py', 'c.py']],
  [`uv run train.py; uv run --frozen python a.py; conda run -n x python b.py`, ['train.py', 'a.py', 'b.py']],
  [`python - <<'E' && python a.py\nprint("it's")\nE\npython b.py`, ['b.py']],
  [`python 'my script.py' # not 'closed`, ['my script.py']],
  [`exec python a.py`, ['a.py']],
  [`python "tra"in.py`, ['train.py']],
])('of %s these are certain: %j', (run, scripts) => {
  expect(readCommand(run.replaceAll('\\n', '\n')).scripts).toEqual(scripts)
})

test.each([
  ['git clone u x && cd x && pytest tests', ['x/tests']],
  ['pip install -t lib pkg && python lib/main.py', ['lib/main.py']],
  ['X=$(make all); python gen.py', ['gen.py']],
  ['echo 1 > "$F"; python gen.py', ['gen.py']],
  ['sh configure.sh && python gen.py', ['gen.py']],
  ['env make && python gen.py; uv run gen; python more.py', ['gen.py', 'more.py']],
  ['X=$(date +%F); python train.py > "$LOG"', []],
])('of %s these may have been made before: %j', (run, perhapsMade) => {
  expect(readCommand(run).perhapsMade).toEqual(perhapsMade)
})

test('the longest and deepest texts are read in no time, and never throw', () => {
  for (const piece of [
    '(',
    '$(',
    '{ ',
    'if ',
    '"',
    "'",
    '`',
    'f() ',
    '((',
    '[[ ',
    '<<E\n',
    'case x in (',
    '! ',
    'a && ',
    'bash -c ',
    '\\',
  ]) {
    expect(() => readCommand(piece.repeat(2_000))).not.toThrow()
  }
})
