/**
 * The thread that decodes pictures and makes them what a model takes, one at a time: neither a large photo nor a file
 * that is made to be slow stops anything else. Speaks the messages of `messages.ts`.
 */
import { parentPort } from 'node:worker_threads';

import { isMlopsError, messageOf } from '../base/index.ts';
import { decodePicture, encodePicture } from './codec.ts';
import { describePicture } from './describe.ts';
import { draw } from './draw.ts';
import { formatOf } from './formats.ts';
import type { DrawJob, DrawnPicture, FromPictures, PictureJob, PreparedPicture, ToPictures } from './messages.ts';
import { preparePicture } from './prepare.ts';

parentPort?.on('message', ({ id, job }: ToPictures) => {
  void answer(id, job);
});

async function answer(id: number, job: ToPictures['job']): Promise<void> {
  try {
    if ('objects' in job) {
      const done = await drawn(job);
      send({ id, done }, []);
      return;
    }
    const done = await prepare(job);
    send({ id, done }, [done.data.buffer as ArrayBuffer]);
  } catch (error) {
    const known = isMlopsError(error, 'bad_picture') || isMlopsError(error, 'program_missing') ? error : undefined;
    const code = known?.code as 'bad_picture' | 'program_missing' | undefined;
    send({ id, refused: { code, message: messageOf(error), hint: known?.hint } }, []);
  }
}

function send(message: FromPictures, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

async function prepare({ bytes, options, full, describe, limits }: PictureJob): Promise<PreparedPicture> {
  const picture = await decodePicture(bytes, { orient: options.exif, limits });
  const prepared = preparePicture(picture, options, { full, limits });
  return { ...prepared, facts: describe ? describePicture(picture) : undefined };
}

async function drawn({ bytes, exif, objects, limits }: DrawJob): Promise<DrawnPicture> {
  const picture = draw(await decodePicture(bytes, { orient: exif, limits }), objects);
  const jpeg = formatOf(bytes) === 'jpeg';
  return { file: await encodePicture(picture, jpeg ? 'jpeg' : 'png'), type: jpeg ? 'image/jpeg' : 'image/png' };
}
