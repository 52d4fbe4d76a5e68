/**
 * The catalogue of error codes: the one place that maps a code to the exit status of a command of ours,
 * the HTTP status of a response, and the `error_code` an MLflow client reads. Commands whose verb is
 * DVC's translate the exit status by `src/cli/parse/exit-status.ts`. `docs/errors.md` is generated from here.
 */
export interface ErrorCodeEntry {
  /** Exit status of our own verbs: 1 failed, 2 usage, 130 interrupted. */
  readonly exit: number;
  readonly http: number;
  /** MLflow's `error_code`. */
  readonly mlflow: string;
  /** One line for `docs/errors.md`. */
  readonly summary: string;
}

function entry(exit: number, http: number, mlflow: string, summary: string): ErrorCodeEntry {
  return { exit, http, mlflow, summary };
}

export const errorCodes = {
  // base
  usage: entry(2, 400, 'INVALID_PARAMETER_VALUE', 'The command line is wrong: unknown command, flag or value.'),
  interrupted: entry(130, 499, 'CANCELLED', 'Stopped by Ctrl-C or a signal; the state left behind is resumable.'),
  disk_full: entry(
    1,
    507,
    'INTERNAL_ERROR',
    'No space left where a file had to be written; nothing half-written remains.',
  ),
  permission_denied: entry(1, 500, 'PERMISSION_DENIED', 'The operating system refused access to a path.'),
  too_many_open_files: entry(1, 500, 'INTERNAL_ERROR', 'The limit of open files is reached.'),
  bad_path: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A path that cannot be used: too long, special, or outside the project.',
  ),
  lock_held: entry(1, 503, 'TEMPORARILY_UNAVAILABLE', 'Another process holds the lock.'),
  path_busy: entry(1, 503, 'TEMPORARILY_UNAVAILABLE', 'A running stage of another process reads or writes this file.'),
  program_missing: entry(1, 500, 'INTERNAL_ERROR', 'A program that the command needs is not on the PATH.'),
  bad_yaml: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A YAML file that cannot be read; the message names line and column.',
  ),
  unprocessable: entry(
    1,
    422,
    'INVALID_PARAMETER_VALUE',
    'A request in the right form that stands for nothing: a span without ids.',
  ),
  bad_json: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'A JSON text that cannot be read.'),
  store_version: entry(1, 503, 'TEMPORARILY_UNAVAILABLE', 'The store was written by a newer version of mlops.'),
  store_busy: entry(
    1,
    503,
    'TEMPORARILY_UNAVAILABLE',
    'The store is locked, away or too busy; the request can be sent again.',
  ),
  store_replaced: entry(
    1,
    503,
    'TEMPORARILY_UNAVAILABLE',
    'The SQLite store was deleted or replaced while a server had it open.',
  ),
  store_refused: entry(1, 500, 'INTERNAL_ERROR', 'The database of the store does not let this user in.'),
  store_broken: entry(1, 500, 'INTERNAL_ERROR', 'The SQLite store is not a usable database.'),

  // cli
  port_in_use: entry(1, 500, 'INTERNAL_ERROR', 'The port of a server is taken.'),
  confirmation_needed: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A destructive act without a terminal to ask on and without --yes.',
  ),

  // git
  not_a_git_repo: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'The folder is not inside a Git repository.'),
  git_failed: entry(1, 500, 'INTERNAL_ERROR', 'A git command failed; its message is shown.'),
  bad_git_tree: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A Git tree has entries that no Git makes (`..`, `.git`, slashes): it wants to write elsewhere.',
  ),
  unknown_revision: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'Git knows no such revision.'),

  // project
  not_a_project: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No DVC/mlops project here or above.'),
  untrusted_state: entry(
    1,
    500,
    'PERMISSION_DENIED',
    'Private state (`.mlops`, `.dvc/tmp`) came by Git, is a link, or belongs to another user.',
  ),
  forbidden_place: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'An output where none may lie: in `.git`, `.dvc` or `.mlops`, or behind a link that Git tracks.',
  ),
  untrusted_config: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'An option that names programs or credential files came with the repository.',
  ),
  bad_config: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'A configuration file or value is invalid.'),
  bad_settings: entry(
    2,
    400,
    'INVALID_PARAMETER_VALUE',
    'A settings file of ours (monitor.yaml, gates.yaml, data.schema.yaml...) is wrong; the message names file and line.',
  ),
  bad_project_file: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A dvc.yaml, dvc.lock or .dvc file breaks its schema; the message shows where.',
  ),
  bad_template: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'An interpolation in dvc.yaml cannot be resolved.'),
  bad_params: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'A parameter file or key is missing or unreadable.'),

  // execute
  command_failed: entry(
    1,
    500,
    'INTERNAL_ERROR',
    'A command that was run exited with an error; its last lines are shown.',
  ),

  // storage
  blob_not_found: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'The remote or folder holds no such object.'),
  bucket_not_found: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'The S3 bucket of a remote does not exist.'),
  remote_unreachable: entry(
    1,
    503,
    'TEMPORARILY_UNAVAILABLE',
    'A remote does not answer, or answers with a passing failure; it was tried several times.',
  ),
  remote_denied: entry(1, 403, 'PERMISSION_DENIED', 'A remote refused the credentials or the operation.'),
  remote_unsupported: entry(
    1,
    501,
    'NOT_IMPLEMENTED',
    'This kind of remote, or this operation on it, is not supported (yet).',
  ),
  remote_misconfigured: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'An option of a remote is missing or wrong.'),

  // data
  special_file: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A FIFO, socket, device, broken link or link loop stands where data is tracked.',
  ),
  file_changed: entry(1, 409, 'RESOURCE_CONFLICT', 'A file kept changing while it was being read.'),
  corrupt_object: entry(
    1,
    500,
    'DATA_LOSS',
    'An object of the cache or a remote does not have the content that its name promises.',
  ),
  object_missing: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'Content is neither in the workspace nor in the cache.'),
  unsaved_files: entry(
    1,
    409,
    'RESOURCE_CONFLICT',
    'Files would be lost that are in no cache; nothing was touched. Commit them, or use --force.',
  ),
  transfer_failed: entry(1, 500, 'INTERNAL_ERROR', 'Some objects could not be moved to or from a remote.'),
  link_unsupported: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'No configured link type works between cache and workspace.',
  ),

  // repo
  merge_conflict: entry(
    1,
    409,
    'RESOURCE_CONFLICT',
    'Two versions of a .dvc file that cannot be merged by themselves.',
  ),
  target_overlaps: entry(
    1,
    409,
    'RESOURCE_CONFLICT',
    'What was to be tracked overlaps with something that another stage tracks.',
  ),
  git_tracked: entry(1, 409, 'RESOURCE_CONFLICT', 'An output is tracked by Git; it has to be removed from Git first.'),
  no_remote: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'No remote is set, or there is none of that name.'),
  not_committed: entry(1, 409, 'RESOURCE_CONFLICT', 'Changed data was not committed without being asked to.'),
  checkout_failed: entry(1, 500, 'INTERNAL_ERROR', 'Some outputs could not be checked out; the rest was.'),
  unknown_stage: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No stage, output or target of that name.'),
  bad_pipeline: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'The stages do not form a valid graph: a cycle, the same output twice, outputs inside each other.',
  ),
  stage_failed: entry(1, 500, 'INTERNAL_ERROR', 'A stage could not be reproduced; the message names stage and reason.'),
  missing_dependency: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'A dependency of a stage does not exist.'),
  missing_output: entry(1, 500, 'INTERNAL_ERROR', 'A stage ran but did not make an output it declares.'),

  // plots
  bad_plot: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'A plot whose data, axes or template do not fit together.'),
  unknown_plot_template: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No plot template of that name.'),

  // scaffold
  unknown_project_template: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No project template of that name.'),
  bad_project_template: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A project template that cannot be read or filled in.',
  ),
  files_in_the_way: entry(1, 409, 'RESOURCE_CONFLICT', 'Files that would be overwritten exist already.'),

  // tracking
  resource_missing: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No experiment, run, model, version or tag of that name.'),
  resource_exists: entry(1, 400, 'RESOURCE_ALREADY_EXISTS', 'An experiment or model of that name exists already.'),
  invalid_value: entry(1, 400, 'INVALID_PARAMETER_VALUE', 'A value that the tracking store cannot take.'),
  invalid_state: entry(1, 500, 'INVALID_STATE', 'The experiment, run or model is not in the state that the act needs.'),
  not_implemented: entry(1, 501, 'NOT_IMPLEMENTED', 'A part of the protocol that this server does not offer.'),
  tracking_unreachable: entry(1, 503, 'TEMPORARILY_UNAVAILABLE', 'The tracking server does not answer.'),
  tracking_refused: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'The tracking server refused a request; its text is shown.',
  ),
  gate_failed: entry(1, 400, 'INVALID_STATE', 'A promotion did not meet its thresholds.'),

  // model
  model_not_found: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No model, version, stage or alias of that name.'),
  model_broken: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A model file or folder that cannot be read: garbage, truncated, or with parts missing.',
  ),
  conversion_failed: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A model could not be converted, or the result answers otherwise than the model does.',
  ),
  untrusted_model: entry(
    1,
    400,
    'PERMISSION_DENIED',
    'A model whose loading runs code (a pickle) did not come from the configured store; `--trust` allows it.',
  ),
  model_not_servable: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A sound model that onnxruntime cannot serve; the hint says how to convert it.',
  ),

  // lineage
  not_reproducible: entry(
    2,
    400,
    'INVALID_STATE',
    'A run that did not record what is needed to run it again: its pipeline or its commit.',
  ),

  // http, api
  bad_request: entry(1, 400, 'BAD_REQUEST', 'An HTTP request that cannot be understood.'),
  body_too_large: entry(1, 413, 'INVALID_PARAMETER_VALUE', 'A request body larger than the limit of the server.'),
  unsupported_media: entry(1, 415, 'BAD_REQUEST', 'A content type or encoding that the route does not take.'),
  no_such_route: entry(1, 404, 'ENDPOINT_NOT_FOUND', 'The server has no such path.'),
  method_not_allowed: entry(1, 405, 'ENDPOINT_NOT_FOUND', 'The path exists, but not for this HTTP method.'),
  forbidden_host: entry(1, 403, 'PERMISSION_DENIED', 'A request with a foreign Host or Origin header was refused.'),
  unauthorized: entry(1, 401, 'UNAUTHENTICATED', 'The request carries no valid key or token.'),
  key_not_found: entry(1, 404, 'RESOURCE_DOES_NOT_EXIST', 'No API key of that id or name.'),
  forbidden: entry(1, 403, 'PERMISSION_DENIED', 'The key or token does not allow this.'),

  // serve
  invalid_input: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'An input that does not fit the signature; path, expected, got.',
  ),
  bad_picture: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A picture that cannot be decoded, is cut off, or is beyond the limits; or a file that is none.',
  ),
  inference_failed: entry(1, 400, 'BAD_REQUEST', 'The model failed on an input that fits its signature.'),
  inference_thread_lost: entry(
    1,
    503,
    'TEMPORARILY_UNAVAILABLE',
    'The thread that ran the model ended; it is restarted.',
  ),
  overloaded: entry(
    1,
    503,
    'TEMPORARILY_UNAVAILABLE',
    'More requests wait than the queue of a model, or more bodies are under way than the server, may hold.',
  ),
  too_many_requests: entry(
    1,
    429,
    'REQUEST_LIMIT_EXCEEDED',
    'A caller sends more requests than it may; it can wait and go on.',
  ),
  deadline_exceeded: entry(1, 504, 'TEMPORARILY_UNAVAILABLE', 'A request was not answered within its time.'),
  client_gone: entry(1, 499, 'CANCELLED', 'The client closed the connection before it was answered.'),
  model_not_ready: entry(1, 503, 'TEMPORARILY_UNAVAILABLE', 'A served model is not loaded at the moment.'),

  // tables
  table_missing: entry(2, 404, 'RESOURCE_DOES_NOT_EXIST', 'There is no table at the path.'),
  bad_table: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A table that cannot be read as what it is: ragged, cut short, in another encoding; the message names the line.',
  ),

  // monitor
  delivery_failed: entry(
    1,
    502,
    'INTERNAL_ERROR',
    'A notice did not reach its channel: refused, no answer, a secret that is not set.',
  ),

  // tune
  tune_space: entry(
    2,
    400,
    'INVALID_PARAMETER_VALUE',
    'A search that cannot be: its space, directions, sampler or pruner do not fit together.',
  ),
  tune_trial: entry(
    1,
    400,
    'INVALID_PARAMETER_VALUE',
    'A trial that the study does not take: unknown, ended, or its values do not fit.',
  ),
  tune_request: entry(1, 400, 'BAD_REQUEST', 'A request to `tune drive` that is none.'),
  tune_exhausted: entry(1, 409, 'INVALID_STATE', 'Every setting of a finite space was tried.'),
  tune_busy: entry(1, 409, 'INVALID_STATE', 'Others work on the study at the moment.'),
  tune_changed: entry(2, 409, 'INVALID_STATE', 'A study of that name searches another space, or for other metrics.'),
  tune_metric: entry(
    2,
    400,
    'INVALID_PARAMETER_VALUE',
    'A study has no metric to search for, or one that is not there.',
  ),

  // app
} as const satisfies Readonly<Record<string, ErrorCodeEntry>>;

export type ErrorCode = keyof typeof errorCodes;
