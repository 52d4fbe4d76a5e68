import { messageOf, MlopsError } from '../../base/index.ts';

/** The SQLSTATE or system code of an error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Two transactions got in each other's way: begun again, one of them goes through. */
export function collided(error: unknown): boolean {
  const code = codeOf(error);
  // serialization_failure, deadlock_detected, unique_violation, lock_not_available.
  if (['40001', '40P01', '23505', '55P03'].includes(code)) return true;
  return replanned(error);
}

/** A prepared statement whose tables another replica has migrated: it has to be prepared anew. */
export function replanned(error: unknown): boolean {
  return codeOf(error) === '0A000' && /cached plan must not change/.test(messageOf(error));
}

/** What a program is told that speaks of tables as they were: of names, of types, of what a row must have. */
export function outdated(error: unknown): boolean {
  return ['42P01', '42703', '42883', '42804', '42P10', '23502', '23514'].includes(codeOf(error));
}

const goneCodes = new Set([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOENT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EAI_AGAIN',
    'ENOTFOUND',
  ],
  // admin_shutdown, crash_shutdown, cannot_connect_now, database shut down; too_many_connections; a standby.
  ...['57P01', '57P02', '57P03', '57P05', '53300', '25006', '25P03'],
]);

/** The server is not there now, or not the one that takes writes: another attempt may find it. */
export function gone(error: unknown): boolean {
  const code = codeOf(error);
  if (goneCodes.has(code) || code.startsWith('08')) return true;
  if (error instanceof AggregateError) return error.errors.some(gone);
  return /Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout|server closed the connection|Connection ended/i.test(
    messageOf(error),
  );
}

/** What TLS found wrong: codes of OpenSSL and Node. */
const insecureCodes =
  /^(?:(?:ERR_(?:SSL|TLS|OSSL)|CERT|UNABLE_TO)_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH)$/;

/** Of an error of `pg`, ours: what, where, what to do. Others are given back as they are. */
export function explained(error: unknown, shown: string): unknown {
  if (error instanceof MlopsError) return error;
  const code = codeOf(error);
  const said = messageOf(error);
  if (/timeout exceeded when trying to connect/.test(said)) {
    return busy(`all connections to '${shown}' are in use`, 'try again, or let the server have more', error);
  }
  if (
    ['28P01', '28000', '3D000', '42501', '3F000'].includes(code) ||
    /password must be a string|no pg_hba/.test(said)
  ) {
    const why = /password must be a string/.test(said) ? 'it asks for a password' : said;
    return new MlopsError('store_refused', `the database '${shown}' cannot be used: ${why}`, {
      hint: 'give user and database in the address, the password by PGPASSWORD, MLOPS_POSTGRES_PASSWORD or ~/.pgpass',
      cause: error,
    });
  }
  if (/does not support SSL/.test(said) || insecureCodes.test(code)) {
    return new MlopsError('store_refused', `no safe connection to the database '${shown}': ${said}`, {
      hint: 'name its authority by sslrootcert=FILE, your own certificate by sslcert=FILE and sslkey=FILE, or another sslmode',
      cause: error,
    });
  }
  if (gone(error)) {
    return busy(
      `the database '${shown}' cannot be reached: ${said || code}`,
      'check that it runs, and its address',
      error,
    );
  }
  if (collided(error)) return busy(`'${shown}' was too busy for this request`, 'try again', error);
  if (code === '57014') return busy(`'${shown}' took too long for this request`, 'try again, or ask for less', error);
  if (code === '53100' || code === '58030') {
    return new MlopsError('disk_full', `no space left on the server of '${shown}'`, {
      hint: 'free some space there and try again; nothing half-written remains',
      cause: error,
    });
  }
  if (['22001', '22021', '22P05', '22003', '22P02', '54000'].includes(code)) {
    return new MlopsError('invalid_value', `Invalid value: PostgreSQL cannot keep it (${said})`, { cause: error });
  }
  return error;
}

function busy(message: string, hint: string, cause: unknown): MlopsError {
  return new MlopsError('store_busy', message, { hint, data: { retry_after: 1 }, cause });
}
