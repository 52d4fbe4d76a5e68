export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

const ranks: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 };

export interface Logger {
  readonly level: LogLevel;
  error(message: string): void;
  warn(message: string): void;
  info(message: string): void;
  debug(message: string): void;
  trace(message: string): void;
}

/** A logger that hands lines of the level and above it to `write`. Rooms never write to a stream themselves. */
export function createLogger(level: LogLevel, write: (level: LogLevel, message: string) => void): Logger {
  const at = (own: LogLevel) => (message: string) => {
    if (ranks[own] <= ranks[level]) write(own, message);
  };
  return { level, error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), trace: at('trace') };
}

export const silentLogger: Logger = createLogger('error', () => undefined);
