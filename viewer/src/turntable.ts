// A film of the head turning once, recorded by the browser itself.
import type { Stage } from "./stage";

const SECONDS = 4;
const RATE = 30; // frames a second
const PITCH = 5; // degrees from above
const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/mp4", "video/webm"]; // the first that the browser can write

/** Record one turn; the film and the ending of its name. */
export async function turntable(stage: Stage): Promise<{ film: Blob; ending: string }> {
  const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one)) ?? "";
  const recorder = new MediaRecorder(stage.canvas.captureStream(RATE), { mimeType: kind, videoBitsPerSecond: 6e6 });
  const parts: Blob[] = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  stage.paper(getComputedStyle(stage.canvas.parentElement!).backgroundColor); // films have no transparency
  recorder.start();
  const start = performance.now();
  for (let turned = 0; turned < 1; turned = (performance.now() - start) / (1000 * SECONDS)) {
    stage.look([360 * turned, PITCH]);
    await new Promise(requestAnimationFrame);
  }
  recorder.stop();
  await ended;
  stage.paper("");
  stage.look("Front");
  const type = kind.split(";")[0]!;
  return { film: new Blob(parts, { type }), ending: type.split("/")[1] ?? "webm" };
}
