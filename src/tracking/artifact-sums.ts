/** What is known of a file that was uploaded. */
export interface ArtifactSum {
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal; '' of a file that did not come through this program. */
  readonly sha256: string;
  /** Of the file as it was stored: with another one it is another file. */
  readonly etag: string;
}

/** Port: sizes and digests of uploaded files, by their path below the artifact root: `0/RUN/artifacts/model.bin`. */
export interface ArtifactSums {
  putSum(path: string, sum: ArtifactSum): Promise<void>;
  getSum(path: string): Promise<ArtifactSum | undefined>;
  /** Of a file, or of all below a directory. */
  removeSums(path: string): Promise<void>;
  /** Bytes of all files below a directory. */
  usage(directory: string): Promise<number>;
}
