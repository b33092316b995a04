/** Packages that others load by themselves when they are there: that nothing imports them says nothing. */
export const LOADED_BY_OTHERS = new Set(
  `pyarrow fastparquet openpyxl xlrd xlsxwriter lxml html5lib numexpr bottleneck tables psycopg2 psycopg2-binary pymysql
  s3fs gcsfs adlfs fsspec tabulate kaleido protobuf setuptools wheel pip certifi jinja2 numba zarr h5py pyopenssl
  hf-transfer sentencepiece tiktoken accelerate safetensors threadpoolctl cython intel-openmp nvidia-ml-py triton`.split(
    /\s+/,
  ),
)

/** Modules whose package has another name on the index. Others are called like their package. */
export const KNOWN_PACKAGES: Readonly<Record<string, string>> = {
  Crypto: 'pycryptodome',
  Levenshtein: 'levenshtein',
  MySQLdb: 'mysqlclient',
  OpenSSL: 'pyopenssl',
  PIL: 'pillow',
  attr: 'attrs',
  bs4: 'beautifulsoup4',
  cv2: 'opencv-python-headless',
  dateutil: 'python-dateutil',
  docx: 'python-docx',
  dotenv: 'python-dotenv',
  faiss: 'faiss-cpu',
  fitz: 'pymupdf',
  git: 'gitpython',
  grpc: 'grpcio',
  hydra: 'hydra-core',
  imblearn: 'imbalanced-learn',
  jwt: 'pyjwt',
  kafka: 'kafka-python',
  magic: 'python-magic',
  mpl_toolkits: 'matplotlib',
  pkg_resources: 'setuptools',
  psycopg2: 'psycopg2-binary',
  pptx: 'python-pptx',
  ruamel: 'ruamel.yaml',
  serial: 'pyserial',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  slugify: 'python-slugify',
  tritonclient: 'tritonclient[http]',
  umap: 'umap-learn',
  usb: 'pyusb',
  yaml: 'pyyaml',
  zmq: 'pyzmq',
}
