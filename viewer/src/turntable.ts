// A film of the head turning once: an MP4 where the browser can write one, else a GIF.
import { gif } from "./gif";
import type { Stage } from "./stage";

const SECONDS = 4;
const RATE = 30; // frames a second
const PITCH = 5; // degrees from above
const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/mp4"]; // of films
const [FRAMES, WIDTH, HEIGHT] = [40, 360, 400]; // of a GIF, in pixels

/** What a turntable is here: the ending of its name. */
export const ENDING = film() ? "mp4" : "gif";

/** Record one turn. */
export async function turntable(stage: Stage): Promise<Blob> {
  const paper = getComputedStyle(stage.canvas.parentElement!).backgroundColor; // neither has transparency in between
  const kind = film();
  const made = kind ? await recorded(stage, kind, paper) : await drawn(stage, paper);
  stage.look("Front");
  return made;
}

function film(): string | undefined {
  return "MediaRecorder" in window ? KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) : undefined;
}

async function recorded(stage: Stage, kind: string, paper: string): Promise<Blob> {
  const recorder = new MediaRecorder(stage.canvas.captureStream(RATE), { mimeType: kind, videoBitsPerSecond: 6e6 });
  const parts: Blob[] = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  stage.paper(paper);
  recorder.start();
  const start = performance.now();
  for (let turned = 0; turned < 1; turned = (performance.now() - start) / (1000 * SECONDS)) {
    stage.look([360 * turned, PITCH]);
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await ended;
  stage.paper("");
  return new Blob(parts, { type: kind.split(";")[0]! });
}

async function drawn(stage: Stage, paper: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT).getContext("2d", { willReadFrequently: true })!;
  const frames: ImageData[] = [];
  for (let k = 0; k < FRAMES; k++) {
    stage.look([(360 * k) / FRAMES, PITCH]);
    stage.drawn(WIDTH, HEIGHT, paper, (picture) => canvas.drawImage(picture, 0, 0));
    frames.push(canvas.getImageData(0, 0, WIDTH, HEIGHT));
    await new Promise(requestAnimationFrame);
  }
  return gif(frames, Math.round((100 * SECONDS) / FRAMES));
}
